#include <cmath>
#include <nlohmann/json.hpp>

#include "core/acoustics/analysis.h"
#include "core/acoustics/json_value.h"

namespace diffverb::acoustics {
namespace {

constexpr double kSilentDb = -2000;  // no energy at all

}  // namespace

nlohmann::json to_json(const BandResult& band) {
  return {{"hz", band.hz},
          {"t20_s", json_value(band.t20_s)},
          {"t30_s", json_value(band.t30_s)},
          {"edt_s", json_value(band.edt_s)},
          {"c50_db", json_value(band.c50_db)},
          {"c80_db", json_value(band.c80_db)},
          {"d50", json_value(band.d50)},
          {"ts_s", json_value(band.ts_s)},
          {"level_db", band.level_db > kSilentDb ? json_value(band.level_db) : nlohmann::json(nullptr)},
          {"noise_floor_db", json_value(band.noise_floor_db)},
          {"range_db", json_value(band.range_db)},
          {"truncation_s", json_value(band.truncation_s)}};
}

nlohmann::json to_json(const FileResult& result, const std::string& file) {
  nlohmann::json channels = nlohmann::json::array();
  for (const ChannelResult& channel : result.channels) {
    nlohmann::json bands = nlohmann::json::array(), thirds = nlohmann::json::array();
    for (const BandResult& band : channel.octaves) bands.push_back(to_json(band));
    for (const BandResult& band : channel.thirds) thirds.push_back(to_json(band));
    nlohmann::json entry = {
        {"onset_s", channel.onset_s},
        {"noise_floor_db", json_value(channel.broadband.noise_floor_db)},
        {"mixing_time_s", json_value(channel.mixing_time_s)},
        {"echo_density", json_value(channel.echo_density)},
        {"drr_db", json_value(channel.drr_db)},
        {"no_decay", channel.no_decay ? nlohmann::json(*channel.no_decay) : nlohmann::json(nullptr)},
        {"broadband", to_json(channel.broadband)},
        {"bands", bands}};
    if (!channel.thirds.empty()) entry["thirds"] = thirds;
    channels.push_back(entry);
  }
  nlohmann::json json = {{"file", file}, {"rate_hz", result.rate_hz}, {"channels", channels}};
  if (result.iacc) {
    json["iacc"] = {{"early_e3", json_value(result.iacc->early_e3)}, {"late_l3", json_value(result.iacc->late_l3)}};
  }
  return json;
}

}  // namespace diffverb::acoustics
