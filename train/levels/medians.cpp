#include "train/levels/medians.h"

#include <algorithm>

namespace diffverb {
namespace {

std::optional<double> median(std::vector<double> values) {
  if (values.empty()) return std::nullopt;
  std::sort(values.begin(), values.end());
  const std::size_t half = values.size() / 2;
  return values.size() % 2 == 1 ? values[half] : 0.5 * (values[half - 1] + values[half]);
}

/// Level `at` of all responses.
Level median_level(const std::vector<const ResponseLevels*>& responses, std::size_t at) {
  Level out = responses.front()->levels[at];
  for (std::size_t k = 0; k < out.figures.size(); ++k) {
    std::vector<double> values, targets;
    for (const ResponseLevels* response : responses) {
      const Figure& one = response->levels[at].figures[k];
      if (one.value) values.push_back(*one.value);
      if (one.target) targets.push_back(*one.target);
      if (!one.value && out.figures[k].why_not.empty()) out.figures[k].why_not = one.why_not;
    }
    out.figures[k].value = median(std::move(values));
    out.figures[k].target = median(std::move(targets));
  }
  return out;
}

}  // namespace

std::vector<Level> median_levels(const ModelLevels& model, const std::vector<const ResponseLevels*>& responses) {
  std::vector<Level> played;
  for (const char* name : {"physical", "statistical", "perceptual", "information"})
    played.push_back(nothing_at(name, "no response was given: --data"));
  if (!responses.empty()) {
    for (std::size_t k = 0; k < played.size(); ++k) played[k] = median_level(responses, k);
    played[0].figures.insert(played[0].figures.end(), model.modes.begin(), model.modes.end());
  }
  return {played[0], model.structural, played[1], played[2], model.learning, played[3]};
}

std::vector<SignCount> worst_signs(const std::vector<const ResponseLevels*>& responses) {
  std::vector<SignCount> out;
  for (const ResponseLevels* response : responses) {
    out.resize(response->signs.size());
    for (std::size_t k = 0; k < out.size(); ++k) {
      const acoustics::Sign& sign = response->signs[k];
      SignCount& count = out[k];
      if (count.worst.name.empty() || sign.badness() > count.worst.badness()) {
        count.worst = sign;
        count.target = response->target_signs[k].value;
      }
      if (!sign.found) continue;
      ++count.judged;
      count.found += *sign.found;
    }
  }
  for (SignCount& count : out) {
    if (count.judged > 0) count.worst.found = count.worst.is_good ? count.found == count.judged : count.found > 0;
  }
  return out;
}

}  // namespace diffverb
