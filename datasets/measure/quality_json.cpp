#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include "core/acoustics/json_value.h"
#include "datasets/measure/quality.h"

namespace diffverb {
namespace {

using acoustics::json_value;
using nlohmann::json;

json hum_json(const Hum& hum) {
  if (hum.lines.empty()) return {};
  auto lines = json::array();
  for (const auto& line : hum.lines)
    lines.push_back({{"hz", line.hz}, {"dbfs", json_value(line.dbfs)}, {"above_db", json_value(line.above_db)}});
  return {{"base_hz", hum.base_hz}, {"above_db", hum.above_db}, {"dbfs", hum.dbfs}, {"lines", std::move(lines)}};
}

json channel_json(const MeasuredChannel& channel, const ChannelQuality& quality) {
  auto snr = json::array(), bands = json::array(), left_out = json::array(), thd = json::array();
  auto disturbances = json::array();
  for (const auto& band : channel.snr) snr.push_back({{"hz", band.hz}, {"db", json_value(band.db)}});
  for (const auto& band : quality.analysis.octaves)
    bands.push_back({{"hz", band.hz},
                     {"range_db", json_value(band.range_db)},
                     {"t20_s", json_value(band.t20_s)},
                     {"t30_s", json_value(band.t30_s)}});
  for (const auto& left : channel.repetitions.left_out)
    left_out.push_back({{"repetition", left.repetition + 1}, {"from_s", left.from_s}, {"to_s", left.to_s}});
  for (const auto& found : channel.disturbances.found)
    disturbances.push_back({{"from_s", found.from_s}, {"to_s", found.to_s}, {"above_db", json_value(found.above_db)}});
  if (channel.harmonics) {
    for (const auto& point : channel.harmonics->thd)
      thd.push_back({{"hz", point.hz}, {"pct", json_value(point.thd_pct)}});
  }
  return {{"channel", channel.channel + 1},
          {"inr_db", json_value(quality.inr_db)},
          {"snr", std::move(snr)},
          {"bands", std::move(bands)},
          {"peak_dbfs", 20 * std::log10(std::max(1e-15, channel.peak))},
          {"hum", hum_json(channel.hum)},
          {"repetitions",
           {{"count", channel.repetitions.gains_db.size()},
            {"variance_db", json_value(channel.repetitions.variance_db)},
            {"gains_db", channel.repetitions.gains_db}}},
          {"left_out", std::move(left_out)},
          {"disturbances", channel.disturbances.looked_for ? std::move(disturbances) : json()},
          {"thd", channel.harmonics ? std::move(thd) : json()}};
}

}  // namespace

json quality_json(const Measurement& measurement, const MeasurementQuality& quality) {
  auto channels = json::array();
  for (std::size_t c = 0; c < quality.channels.size(); ++c)
    channels.push_back(channel_json(measurement.channels[c], quality.channels[c]));
  const json flight_s = measurement.flight_samples
                            ? json(static_cast<double>(*measurement.flight_samples) / measurement.rate_hz)
                            : json();
  return {{"verdict", quality.reasons.empty() ? "good" : "measure again"},
          {"reasons", quality.reasons},
          {"notes", quality.notes},
          {"limits", quality.limits},
          {"drift", {{"ppm", json_value(measurement.drift.ppm)}, {"from", measurement.drift.from}}},
          {"delay_s", static_cast<double>(measurement.delay_samples) / measurement.rate_hz},
          {"flight_s", flight_s},
          {"channels", std::move(channels)}};
}

}  // namespace diffverb
