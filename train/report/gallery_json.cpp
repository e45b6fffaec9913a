#include <cmath>
#include <limits>
#include <nlohmann/json.hpp>
#include <optional>

#include "core/acoustics/json_value.h"
#include "core/acoustics/octave_mean.h"
#include "train/report/chart.h"
#include "train/report/gallery.h"
#include "train/report/html.h"

namespace diffverb::report {
namespace {

using acoustics::json_value;
using Json = nlohmann::ordered_json;

Json value(double number) { return json_value(number); }
Json value(const std::optional<double>& number) { return json_value(number); }

Json modes_json(const GalleryModes& modes) {
  if (!modes.why_not.empty()) return {{"rate_hz", modes.rate_hz}, {"not_measured", modes.why_not}};
  return {{"rate_hz", modes.rate_hz},
          {"poles", modes.poles},
          {"density_per_hz", value(modes.density_per_hz)},
          {"t60_s",
           {{"p10", value(modes.t60_p10_s)}, {"median", value(modes.t60_median_s)}, {"p90", value(modes.t60_p90_s)}}},
          {"heard", modes.heard},
          {"spread_db", value(modes.spread_db)},
          {"loudest_late_db", value(modes.loudest_late_db)},
          {"loudest_late_hz", value(modes.loudest_late_hz)}};
}

Json tail_json(const acoustics::Tail& tail) {
  Json out = {{"from_s", tail.from_s}, {"to_s", tail.to_s}, {"echo_density", value(tail.echo_density)}};
  if (tail.spectrum) {
    out["spread_db"] = value(tail.spectrum->spread_db);
    out["late_modes_pct"] = value(tail.spectrum->isolated_pct);
    out["loudest_db"] = value(tail.spectrum->loudest_db);
    out["loudest_hz"] = value(tail.spectrum->loudest_hz);
  } else {
    for (const char* key : {"spread_db", "late_modes_pct", "loudest_db", "loudest_hz"}) out[key] = nullptr;
  }
  return out;
}

Json stereo_json(const GalleryEntry& entry) {
  if (entry.outputs < 2) return nullptr;
  Json bands = Json::array();
  for (const auto& band : entry.coherence) bands.push_back({{"hz", band.hz}, {"squared_coherence", value(band.value)}});
  return {{"squared_coherence", value(mean_coherence(entry))},
          {"iacc_early_e3", value(entry.iacc ? entry.iacc->early_e3 : std::nullopt)},
          {"iacc_late_l3", value(entry.iacc ? entry.iacc->late_l3 : std::nullopt)},
          {"bands", bands}};
}

Json entry_json(const GalleryEntry& entry) {
  Json bands = Json::array();
  for (const acoustics::BandResult& band : entry.channel.octaves)
    bands.push_back({{"hz", band.hz}, {"t60_s", value(band.t_s())}, {"edt_s", value(band.edt_s)}});
  return {{"name", entry.name},
          {"config", entry.config},
          {"type", entry.type},
          {"rate_hz", entry.rate_hz},
          {"inputs", entry.inputs},
          {"outputs", entry.outputs},
          {"lines", entry.lines},
          {"taps", entry.taps},
          {"filters", entry.filters},
          {"fir_s", entry.fir_s},
          {"parameters", entry.parameters ? Json(*entry.parameters) : Json(nullptr)},
          {"verdict", verdict(entry)},
          {"metallic", entry.tail.metallic},
          {"grainy", entry.tail.grainy},
          {"t60_s", value(mid_t60_s(entry))},
          {"edt_s", value(mid_edt_s(entry))},
          {"bands", bands},
          {"reaches_density_s",
           {{"0.9", value(acoustics::time_of_density_s(entry.channel.density, 0.9))},
            {"1.0", value(acoustics::time_of_density_s(entry.channel.density, 1))}}},
          {"tail", tail_json(entry.tail)},
          {"modes", modes_json(entry.modes)},
          {"stereo", stereo_json(entry)},
          {"cost_s_per_s", value(entry.cost)},
          {"sounds", {"sounds/" + entry.name + "_ir.wav", "sounds/" + entry.name + "_dry.wav"}}};
}

std::string column(double number_, int decimals) { return number(number_, decimals) + " | "; }

}  // namespace

double mid_t60_s(const GalleryEntry& entry) {
  return acoustics::octave_mean(entry.channel.octaves, acoustics::decay_s).value_or(kNan);
}

double mid_edt_s(const GalleryEntry& entry) {
  return acoustics::octave_mean(entry.channel.octaves, acoustics::early_decay_s).value_or(kNan);
}

double mean_coherence(const GalleryEntry& entry) {
  double sum = 0;
  for (const auto& band : entry.coherence) sum += band.value;
  return entry.coherence.empty() ? kNan : sum / static_cast<double>(entry.coherence.size());
}

std::string verdict(const GalleryEntry& entry) {
  if (!entry.tail.spectrum) return "too short";
  if (entry.tail.metallic) return entry.tail.grainy ? "metallic, grainy" : "metallic";
  return entry.tail.grainy ? "grainy" : "smooth";
}

nlohmann::ordered_json gallery_json(const std::vector<GalleryEntry>& entries, const GalleryAbout& about) {
  Json reverbs = Json::array(), failed = Json::array();
  for (const GalleryEntry& entry : entries) {
    if (entry.error.empty()) {
      reverbs.push_back(entry_json(entry));
    } else {
      failed.push_back(
          {{"name", entry.name}, {"config", entry.config}, {"error", entry.error}, {"exit_code", entry.exit_code}});
    }
  }
  return {{"seconds", about.seconds},
          {"dry", about.dry},
          {"rule",
           {{"metallic_late_modes_pct", acoustics::kMetallicPct},
            {"metallic_spread_db", acoustics::kMetallicSpreadDb},
            {"diffuse_spread_db", acoustics::kDiffuseSpreadDb},
            {"grainy_echo_density", acoustics::kGrainyDensity}}},
          {"reverbs", reverbs},
          {"failed", failed}};
}

std::string gallery_table(const std::vector<GalleryEntry>& entries) {
  std::string out =
      "| reverberator | T60 s | EDT s | 0.9 dense at ms | late density | spread dB | late modes % | loudest dB | "
      "modes / Hz | their T60 s | coherence | IACC | cost ms/s | lines | numbers | sounds |\n"
      "|---|---|---|---|---|---|---|---|---|---|---|---|---|---|---|---|\n";
  for (const GalleryEntry& entry : entries) {
    if (!entry.error.empty()) continue;
    const auto& spectrum = entry.tail.spectrum;
    const GalleryModes& modes = entry.modes;
    const bool known = modes.why_not.empty();
    const auto mixed = acoustics::time_of_density_s(entry.channel.density, 0.9);
    out += "| " + entry.name + " | " + column(mid_t60_s(entry), 2) + column(mid_edt_s(entry), 2) +
           column(1000 * mixed.value_or(kNan), 0) + column(entry.tail.echo_density.value_or(kNan), 2) +
           column(spectrum ? spectrum->spread_db : kNan, 2) + column(spectrum ? spectrum->isolated_pct : kNan, 2) +
           column(spectrum ? spectrum->loudest_db : kNan, 1) + column(known ? modes.density_per_hz : kNan, 2) +
           (known ? number(modes.t60_p10_s, 2) + " - " + number(modes.t60_p90_s, 2) + " | " : "— | ") +
           column(mean_coherence(entry), 2) + column(entry.iacc ? entry.iacc->late_l3.value_or(kNan) : kNan, 2) +
           column(1000 * entry.cost, 1) + std::to_string(entry.lines) + " | " +
           (entry.parameters ? std::to_string(*entry.parameters) : "—") + " | " + verdict(entry) + " |\n";
  }
  return out;
}

}  // namespace diffverb::report
