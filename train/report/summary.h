#pragma once

#include <limits>
#include <nlohmann/json.hpp>
#include <string>

namespace diffverb::report {

/// The figures of one fit as metrics.json gives them; NaN where it does not.
struct Headline {
  std::string run;   // the run folder's name
  std::string file;  // the target's file name
  struct Pair {
    double median = std::numeric_limits<double>::quiet_NaN();
    double worst = std::numeric_limits<double>::quiet_NaN();
  };
  Pair t_pct, edt_pct, c80_db, level_db;  // over octaves
  Pair thirds_t_pct, thirds_edt_pct;
  double level_shape_db = 0, level_offset_db = 0;
  double late_modes_pct = 0, late_modes_target_pct = 0;
  double echo_density = 0, echo_density_target = 0;
  double coherence_error = 0, early_ms = 0, lsd_smoothed_db = 0;
  double seconds = 0, steps = 0, parameters = 0;
};

/// Reads    metrics.json's object, or null: then every figure is NaN
Headline headline(const std::string& run, const nlohmann::json& metrics);

/// Just-noticeable difference of level (ISO 3382-1 Table A.1, for G); the others stand in core/acoustics/comparison.h.
inline constexpr double kJustNoticeableLevel_db = 1;

}  // namespace diffverb::report
