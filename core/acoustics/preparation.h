#pragma once

#include <cstddef>
#include <span>

namespace diffverb::acoustics {

/// The stretch of a file that is the response: what every measure looks at.
struct Extent {
  std::size_t onset = 0;  ///< first sample of the direct sound
  std::size_t end = 0;    ///< one past the last sample that is not padding or fade-out
  bool end_trimmed = false;
};

/// A response is taken to start where it first reaches this share of its peak (20 dB below it, ISO 3382-1).
inline constexpr double kOnsetShare = 0.1;

/// First sample whose magnitude reaches `share` of the largest magnitude; 0 for silence.
std::size_t find_onset(std::span<const double> response, double share = kOnsetShare);

/// One past the last sample before zero padding or a fade-out at the end of the file.
///
/// A faded or padded end reads as a noise floor of 0 and as a decay that has none; both spoil every decay time. Zeros
/// (below 1e-9 of the peak) go first. Then 20 ms frames go from the end for as long as the last one lies 6 dB below the
/// trend: the median level of the last fifth, continued with the slope from the fifth before. A plain exponential
/// follows its own trend and stays whole.
///
/// Returns  sample index in (0, response.size()]; response.size() where nothing is to be cut
std::size_t find_end(std::span<const double> response, double rate_hz);

/// Onset and end together. Throws ContractError on an empty response or rate_hz <= 0.
Extent find_extent(std::span<const double> response, double rate_hz, double onset_share = kOnsetShare);

}  // namespace diffverb::acoustics
