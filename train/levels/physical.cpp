#include <cmath>

#include "core/acoustics/octave_mean.h"
#include "core/error.h"
#include "core/network/mode_summary.h"
#include "core/network/modes.h"
#include "train/levels/levels.h"
#include "train/network_config.h"

namespace diffverb {
namespace {

Figure figure(const char* key, const std::optional<double>& played, const std::optional<double>& target) {
  return {key, played, target, played ? "" : "too little decay above the noise in one of its octaves"};
}

}  // namespace

Level physical_level(const ResponseLevels& response, const acoustics::Character& played,
                     const acoustics::Character& target) {
  const auto &p = response.comparison.other.channels[0].octaves, &t = response.comparison.target.channels[0].octaves;
  return {"physical",
          {figure("t_mid_s", octave_mean(p, acoustics::decay_s), octave_mean(t, acoustics::decay_s)),
           figure("edt_mid_s", octave_mean(p, acoustics::early_decay_s), octave_mean(t, acoustics::early_decay_s)),
           figure("bass_ratio", played.balance.bass_ratio, target.balance.bass_ratio),
           figure("treble_ratio", played.balance.treble_ratio, target.balance.treble_ratio),
           {"edc_mae_db", response.comparison.all.edc_mae_db, std::nullopt, "the target has no decay"}},
          ""};
}

std::vector<Figure> mode_figures(const runtime::DelayNetworkWeights* network,
                                 const std::function<void(double)>& on_modes) {
  std::vector<Figure> out{{"modes_per_hz", {}},    {"modes_t60_p10_s", {}}, {"modes_t60_median_s", {}},
                          {"modes_t60_p90_s", {}}, {"modes_spread_db", {}}, {"modes_loudest_late_db", {}},
                          {"modes_loudest_hz", {}}};
  const auto without = [&](const std::string& why) {
    for (Figure& one : out) one.why_not = why;
    return out;
  };
  if (!network || network->lines == 0) return without("no delay network");
  if (!on_modes) return without("modes take time: give --modes");
  try {
    ModeOptions search;
    search.on_progress = on_modes;
    const DelayNetwork one = to_network(*network).from_one_input();
    const ModeSummary s = summarize(modes_of(one, search), network->sample_rate_hz);
    const double values[] = {s.density_per_hz, s.t60_p10_s,       s.t60_median_s,   s.t60_p90_s,
                             s.spread_db,      s.loudest_late_db, s.loudest_late_hz};
    for (std::size_t k = 0; k < out.size(); ++k) out[k].value = values[k];
  } catch (const Error& error) {  // the other levels stay worth telling
    return without(error.what());
  }
  return out;
}

}  // namespace diffverb
