#pragma once

#include <filesystem>
#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <vector>

#include "core/audio_file.h"

namespace diffverb {

struct ResponseLevels;

/// How near a reconstruction comes to a measured response, of one channel.
struct Reconstruction {
  std::string file, room;
  int channel = 0;
  Audio target, played;         // one channel each
  std::optional<double> t20_s;  // of the target, 1 kHz octave
  std::optional<double> lsd_db, lsd_smoothed_db, t20_1k_error_pct, edt_1k_error_pct, c80_1k_error_db;
  std::shared_ptr<const ResponseLevels> levels;  // train/levels/levels.h; null where nobody asked
};

/// Fills in the figures, from target and played.
///
/// The spectral distances are of the whole target, noise and all: both at 16 kHz, from one millisecond before the
/// onset, of equal energy, 1024-point transforms every 256 samples, the first 128 frames, floor 80 dB below the
/// target's largest power; frames in which the target is silent are left out. Decay figures are those of `diffverb
/// analyze`.
void measure_reconstruction(Reconstruction& reconstruction);

/// {"model", "responses": [...], "channels", "median": {...}, "worst": {...}, "undefined": {...}, "small_rooms": {...},
/// "rooms": [...]}: each response with the keys of `diffverb compare` besides; magnitudes over responses, null where
/// nothing is defined, and of how many nothing is. Small rooms (T20 below 0.4 s) and each room have the same apart. A response whose levels are known has
/// "levels" and "signs" too.
nlohmann::json evaluation_json(const std::string& model, const std::vector<Reconstruction>& responses);

/// The same as a table.
std::string evaluation_table(const std::vector<Reconstruction>& responses);

}  // namespace diffverb
