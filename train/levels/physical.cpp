#include <cmath>

#include "core/error.h"
#include "core/network/mode_summary.h"
#include "core/network/modes.h"
#include "train/levels/levels.h"
#include "train/network_config.h"

namespace diffverb {
namespace {

using acoustics::BandResult;

/// Mean of a figure over two octaves; nothing where one has none.
std::optional<double> mean_of(const acoustics::ChannelResult& channel, double one_hz, double other_hz,
                              std::optional<double> (*figure)(const BandResult&)) {
  double sum = 0;
  int found = 0;
  for (const BandResult& band : channel.octaves) {
    if (band.hz != one_hz && band.hz != other_hz) continue;
    if (const auto value = figure(band)) sum += *value, ++found;
  }
  return found == 2 ? std::optional(sum / 2) : std::nullopt;
}

Figure figure(const char* key, const ResponseLevels& response,
              const std::function<std::optional<double>(const acoustics::ChannelResult&)>& measure) {
  Figure out{key, measure(response.comparison.other.channels[0]), measure(response.comparison.target.channels[0])};
  if (!out.value) out.why_not = "too little decay above the noise in one of its octaves";
  return out;
}

std::optional<double> decay_s(const BandResult& band) { return band.t_s(); }
std::optional<double> early_s(const BandResult& band) { return band.edt_s; }

}  // namespace

Level physical_level(const ResponseLevels& response) {
  const auto mid = [](const auto& channel) { return mean_of(channel, 500, 1000, decay_s); };
  const auto over_mid = [&](double one_hz, double other_hz) {
    return [=](const acoustics::ChannelResult& channel) -> std::optional<double> {
      const auto above = mean_of(channel, one_hz, other_hz, decay_s), below = mid(channel);
      return above && below ? std::optional(*above / *below) : std::nullopt;
    };
  };
  return {"physical",
          {figure("t_mid_s", response, mid),
           figure("edt_mid_s", response, [](const auto& channel) { return mean_of(channel, 500, 1000, early_s); }),
           figure("bass_ratio", response, over_mid(125, 250)),
           figure("treble_ratio", response, over_mid(2000, 4000)),
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
