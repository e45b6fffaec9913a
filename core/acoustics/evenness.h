#pragma once

#include <optional>
#include <span>

namespace diffverb::acoustics {

/// How evenly the energy of a response lies within windows of 25 ms: its entropy against that of Gaussian noise.
///
///   h(t) = -sum_n p_n log2 p_n - (log2 N - kNoiseBits),   p_n = x_n^2 / sum x^2 over the N samples from t on
///
/// 0 bits for noise, -7 for a single echo at 48 kHz: each bit less is half as many samples that carry the energy.
/// Source   Gaussian noise: E[z log2 z] for z a squared normal variable is (psi(3/2) + ln 2) / ln 2
struct Evenness {
  double first_bits = 0;  ///< of the window that begins at the onset
  double late_bits = 0;   ///< mean over the late part
  double rise_bits() const { return late_bits - first_bits; }
};

inline constexpr double kEvennessWindowSeconds = 0.025;
inline constexpr double kNoiseBits = 1.05264;

/// Reads    response [T], onset at index 0; late: a part of it
/// Returns  nothing where no window fits into either, or all is silent
std::optional<Evenness> measure_evenness(std::span<const double> response, std::span<const double> late,
                                         double rate_hz);

}  // namespace diffverb::acoustics
