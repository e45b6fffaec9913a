#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "datasets/simulate/image_source.h"

namespace diffverb {

/// At most this many bands: one for each lane of the crossovers.
inline constexpr std::size_t kMostBands = 8;

/// Puts the trains of all bands together: each heard in its own band alone.
///
///   y = x_K + sum_{b < K} |L_b|^2 (x_b - x_{b+1}) - |L_0|^2 x_1,   |L_b(f)|^2 = 1 / (1 + (f / f_b)^{2 n})
///
/// L_b is a Butterworth low-pass at the edge of bands b and b + 1, n = 6, run forwards and backwards: no phase, and the
/// bands' weights |L_b|^2 - |L_{b-1}|^2 add up to one. Where bands agree nothing is filtered: an impulse stays one. L_0
/// (n = 2, at high_pass_hz) takes away what no source radiates: the sum of images that all have the same sign.
///
/// Reads    trains of K = 1 .. 8 bands; edges_hz [K - 1], ascending, below half of rate_hz; high_pass_hz, 0 for none
/// Returns  [T], samples 0 .. T - 1 of the sum
/// Throws   ContractError: more bands, other edges
std::vector<float> sum_bands(const BandTrains& trains, std::span<const double> edges_hz, double high_pass_hz,
                             double rate_hz);

}  // namespace diffverb
