#pragma once

#include <cstdint>
#include <vector>

#include "core/tensor.h"

namespace diffverb {

/// What delays lose, in proportion to their length, so that all of a network decays as one.
///
///   G = g (1 - p) / (1 - p z^-1),   |G| = 10^(-3 m / (fs decay_s)) at 0 Hz and 10^(-3 m / (fs high_s)) at high_hz, exact
///
/// high_s above decay_s is as decay_s; high_hz at or above half the rate is half the rate.
/// Source   Jot and Chaigne 1991, "Digital delay networks for designing artificial reverberators"
struct LineDecay {
  at::Tensor decay_s, high_s, high_hz;  // numbers, float64

  /// [1, 5] of a delay of `samples`.
  at::Tensor sos(const at::Tensor& samples, double sample_rate_hz) const;
  /// E = (1 - q z^-1) / (1 - q), |E|^2 = decay_s / high_s at high_hz: what decays faster is as strong altogether, as
  /// far as decay times are long against the delays. [1, 5]
  at::Tensor tone_sos(double sample_rate_hz) const;
};

/// Gains +-1 / sqrt(lines) of channels and lines, from the seed: channels that have nothing in common, as the rows of a
/// Hadamard matrix, row after row.
std::vector<double> spread_signs(std::int64_t channels, std::int64_t lines, std::uint64_t seed);

}  // namespace diffverb
