#pragma once

#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <vector>

#include "core/audio_file.h"

namespace diffverb {

/// How alike left and right are, and how alike they were meant to be.
struct StereoReport {
  std::optional<double> iacc_early, iacc_late;  // ISO 3382-1, 500 to 2000 Hz octaves, before and after 80 ms
  double level_difference_db = 0;               // energy, left over right
  struct Band {
    double hz = 0;
    /// Correlation of what follows 80 ms, mean over stretches long enough for the octave, each of which counts alike:
    /// over all of a decay at once, its loud beginning would be all that counts. Nothing where it is silent.
    std::optional<double> coherence;
    double diffuse_field = 0;  // runtime/stereo_width.h, mean over the octave
  };
  std::vector<Band> octaves;  // 63 Hz to 8 kHz
};

/// Reads    two channels that begin with their onset. Throws ContractError for another number of them
StereoReport measure_stereo(const Audio& pair, double width);

nlohmann::json to_json(const StereoReport& report);
std::string stereo_table(const StereoReport& report);

}  // namespace diffverb
