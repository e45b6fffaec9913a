#include <nlohmann/json.hpp>

#include "core/acoustics/comparison.h"
#include "core/acoustics/json_value.h"

namespace diffverb::acoustics {
namespace {

template <typename Errors>
nlohmann::json errors_json(const Errors& errors) {
  return {{"t_error_pct", json_value(errors.t_error_pct)},
          {"edt_error_pct", json_value(errors.edt_error_pct)},
          {"c80_error_db", json_value(errors.c80_error_db)},
          {"d50_error", json_value(errors.d50_error)},
          {"level_error_db", json_value(errors.level_error_db)}};
}

nlohmann::json bands_json(const std::vector<BandErrors>& bands) {
  nlohmann::json json = nlohmann::json::array();
  for (const BandErrors& band : bands) {
    nlohmann::json entry = errors_json(band);
    entry["hz"] = band.hz;
    json.push_back(entry);
  }
  return json;
}

nlohmann::json in_jnd(const std::optional<double>& error, double jnd) {
  return error ? json_value(*error / jnd) : nlohmann::json(nullptr);
}

nlohmann::json figures_json(const ComparisonFigures& figures) {
  return {{"bands", bands_json(figures.octaves)},
          {"median", errors_json(figures.median)},
          {"worst", errors_json(figures.worst)},
          {"thirds",
           {{"median", errors_json(figures.thirds_median)},
            {"worst", errors_json(figures.thirds_worst)},
            {"bands", bands_json(figures.thirds)}}},
          {"level_shape_db", json_value(figures.level_shape_db)},
          {"level_offset_db", json_value(figures.level_offset_db)},
          {"late_modes_pct", json_value(figures.late_modes_pct)},
          {"late_modes_target_pct", json_value(figures.late_modes_target_pct)},
          {"echo_density", json_value(figures.echo_density)},
          {"echo_density_target", json_value(figures.echo_density_target)},
          {"lsd_db", json_value(figures.lsd_db)},
          {"lsd_smoothed_db", json_value(figures.lsd_smoothed_db)},
          {"edc_mae_db", json_value(figures.edc_mae_db)},
          {"jnd",
           {{"t", in_jnd(figures.median.t_error_pct, kJndTPct)},
            {"edt", in_jnd(figures.median.edt_error_pct, kJndEdtPct)},
            {"c80", in_jnd(figures.median.c80_error_db, kJndC80Db)},
            {"d50", in_jnd(figures.median.d50_error, kJndD50)}}}};
}

}  // namespace

nlohmann::json to_json(const Comparison& comparison, const std::string& target, const std::string& other) {
  nlohmann::json json = figures_json(comparison.all);
  json["target"] = target;
  json["other"] = other;
  json["early_ms"] = comparison.early_ms;
  json["coherence_error"] = json_value(comparison.coherence_error);
  json["coherence_error_late"] = json_value(comparison.coherence_error_late);
  json["correlation_error"] = json_value(comparison.correlation_error);
  json["channels"] = nlohmann::json::array();
  for (const ComparisonFigures& channel : comparison.channels) json["channels"].push_back(figures_json(channel));
  return json;
}

}  // namespace diffverb::acoustics
