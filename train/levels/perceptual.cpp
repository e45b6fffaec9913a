#include <cmath>

#include "train/levels/levels.h"
#include "train/levels/loss_value.h"

namespace diffverb {
namespace {

constexpr double kJndLevelDb = 1;     // ISO 3382-1, G
constexpr double kJndIaccE3 = 0.075;  // ISO 3382-1
/// Of specific loudness, which grows with energy^0.3: what 1 dB more changes.
const double kJndLoudness = std::pow(10.0, 0.03) - 1;

Figure in_jnd(const char* key, const std::optional<double>& error, double jnd, const char* why_not) {
  if (!error) return {key, std::nullopt, std::nullopt, why_not};
  return {key, std::abs(*error) / jnd};
}

std::optional<double> iacc_error(const StereoFigures& stereo) {
  if (!stereo.iacc || !stereo.target_iacc || !stereo.iacc->early_e3 || !stereo.target_iacc->early_e3) return {};
  return *stereo.iacc->early_e3 - *stereo.target_iacc->early_e3;
}

}  // namespace

Level perceptual_level(const ResponseLevels& response, const Audio& target, const Audio& played,
                       const StereoFigures& stereo) {
  const acoustics::ComparisonFigures& all = response.comparison.all;
  const char* no_decay = "no octave in which both decay far enough above the noise";
  Figure loudness = loss_figure("loudness_jnd", "{type: erb}", target, played);
  if (loudness.value) loudness.value = *loudness.value / kJndLoudness;
  return {"perceptual",
          {in_jnd("t_jnd", all.median.t_error_pct, acoustics::kJndTPct, no_decay),
           in_jnd("edt_jnd", all.median.edt_error_pct, acoustics::kJndEdtPct, no_decay),
           in_jnd("c80_jnd", all.median.c80_error_db, acoustics::kJndC80Db, no_decay),
           in_jnd("d50_jnd", all.median.d50_error, acoustics::kJndD50, no_decay),
           in_jnd("t_worst_jnd", all.worst.t_error_pct, acoustics::kJndTPct, no_decay),
           in_jnd("level_jnd", all.level_shape_db, kJndLevelDb, no_decay),
           in_jnd("iacc_jnd", iacc_error(stereo), kJndIaccE3, stereo.why_not.c_str()), loudness,
           loss_figure("masked_db", "{type: masked}", target, played)},
          ""};
}

}  // namespace diffverb
