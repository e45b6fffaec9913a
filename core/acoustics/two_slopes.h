#pragma once

#include "core/acoustics/decay.h"

namespace diffverb::acoustics {

/// A decay of two slopes, as coupled rooms have it:  EDC(t) = a e^{-13.8 t / early} + b e^{-13.8 t / late}.
struct TwoSlopes {
  bool found = false;
  double early_t60_s = 0;
  double late_t60_s = 0;
  double level_db = 0;  ///< 10 log10(b / a): the late decay's level at the onset, relative to the early one's; < 0
  double knee_s = 0;    ///< where both are equally strong
  double single_residual_db = 0;  ///< root mean square error of the best single exponential
  double double_residual_db = 0;  ///< and of the best sum of two
};

/// Fits one and two exponentials to a noise-compensated decay curve, over 100 points from 3 dB down (past the direct
/// sound) to 5 dB above the end of the range, 65 dB at most.
///
/// found is true where two explain the curve clearly better: the single residual is at least 0.7 dB and 2.5 times the
/// double one, the late time at least 1.6 times the early one, and each slope carries at least 8 dB of the curve.
///
/// Returns  found false where the decay has less than 30 dB of range
TwoSlopes find_two_slopes(const Decay& decay);

}  // namespace diffverb::acoustics
