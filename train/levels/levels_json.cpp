#include <algorithm>
#include <nlohmann/json.hpp>

#include "core/acoustics/json_value.h"
#include "train/levels/levels.h"
#include "train/levels/medians.h"

namespace diffverb {
namespace {

using acoustics::json_value;
using nlohmann::json;

json figures_json(const Level& level, json& why_null) {
  if (level.figures.empty()) {
    why_null[level.name] = level.why_not;
    return nullptr;
  }
  json out = json::object();
  for (const Figure& one : level.figures) {
    out[one.key] = json_value(one.value);
    if (one.target) out["target"][one.key] = json_value(one.target);
    if (!one.value) why_null[level.name + "." + one.key] = one.why_not;
  }
  return out;
}

json all_json(const std::vector<Level>& levels) {
  json out = json::object(), why_null = json::object();
  for (const Level& level : levels) out[level.name] = figures_json(level, why_null);
  out["why_null"] = why_null;
  return out;
}

}  // namespace

json levels_json(const ResponseLevels& response) {
  json out{{"levels", all_json(response.levels)}, {"signs", to_json(response.signs)}};
  for (std::size_t k = 0; k < response.signs.size(); ++k)
    out["signs"][k]["target"] = json_value(response.target_signs[k].value);
  return out;
}

json levels_json(const ModelLevels& model, const std::vector<const ResponseLevels*>& responses) {
  std::vector<acoustics::Sign> worst;
  const std::vector<SignCount> counts = worst_signs(responses);
  for (const SignCount& one : counts) worst.push_back(one.worst);
  json out{{"levels", all_json(median_levels(model, responses))}, {"signs", to_json(worst)}};
  for (std::size_t k = 0; k < counts.size(); ++k) {
    out["signs"][k]["responses"] = counts[k].found;
    out["signs"][k]["of"] = counts[k].judged;
    out["signs"][k]["target"] = json_value(counts[k].target);
  }
  return out;
}

}  // namespace diffverb
