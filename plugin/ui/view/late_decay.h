#pragma once

#include <span>

namespace diffverb::ui {

/// Where a decay ends and noise begins, in steps of equal length.
struct LateDecay {
  bool found = false;   ///< a decay of at least 10 dB stands above the noise
  double end = 0;       ///< steps, where decay and noise are equally strong, or all of them
  double noise = 0;     ///< energy in a step
  double tail = 0;      ///< energy of the decay beyond `end`, where its late line goes on
  double range_db = 0;  ///< from the loudest stretch down to `end`
};

/// Energies of steps, from an onset that may come later; what follows the last sound is left out before.
LateDecay find_late_decay(std::span<const double> energy);

}  // namespace diffverb::ui
