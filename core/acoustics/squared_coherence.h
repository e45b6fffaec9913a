#pragma once

#include <span>
#include <vector>

namespace diffverb::acoustics {

/// Magnitude-squared coherence of two channels in one band: what share of one a linear filter could make of the other.
struct SquaredCoherence {
  double hz = 0;     ///< nominal centre
  double value = 0;  ///< 0 independent .. 1 one the filtered other
};

/// In third octaves, over frames of 85 ms, as a mean over the bins of each:
///
///   gamma^2(f) = |sum_t L_t R_t^*|^2 / (sum_t |L_t|^2 sum_t |R_t|^2),   Hann windows that overlap by half
///
/// Each frame's band is brought to equal energy first, or a decay would leave no more than its first frames to average
/// over. The mean of independent channels, 1 / (number of frames), is taken out.
///
/// Unlike measure_coherence (binaural.h) it does not fall where one channel only comes later or through a filter.
///
/// Reads    left, right [T]: the late part of one response
/// Returns  one a band; none where fewer than four frames fit in; a band that is silent in either channel is left out
/// Throws   ContractError on unequal lengths or unless rate_hz > 0
std::vector<SquaredCoherence> measure_squared_coherence(std::span<const double> left, std::span<const double> right,
                                                        double rate_hz, double from_hz = 125, double to_hz = 8000);

}  // namespace diffverb::acoustics
