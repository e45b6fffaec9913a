#pragma once

#include <cstddef>
#include <vector>

#include "core/network/modes.h"

namespace diffverb {

/// What is said of all modes of a network: how many, how long, how evenly strong.
///
/// Levels are of 200 Hz to 4 kHz and below 0.45 of the rate, of the modes within 60 dB of the upper quartile: less has no
/// way to this output, as the right side's combs have none to the left; more are halves of a pair of equal poles, which
/// cancel.
struct ModeSummary {
  std::size_t poles = 0;
  double density_per_hz = 0;
  double t60_shortest_s = 0, t60_median_s = 0, t60_longest_s = 0;
  double t60_p10_s = 0, t60_p90_s = 0;  // a tenth of the modes is shorter, a tenth longer
  std::size_t heard = 0;                // modes whose levels count
  double spread_db = 0;                 // standard deviation of their levels
  /// Of one mode over the median of those within a sixth of an octave, once the median mode has fallen by 60 dB: what
  /// rings on alone.
  double loudest_late_db = 0, loudest_late_hz = 0;
};

/// Reads    modes in order of frequency, as modes_of gives them
ModeSummary summarize(const std::vector<Mode>& modes, double rate_hz);

}  // namespace diffverb
