#pragma once

#include <vector>

#include "core/tensor.h"

namespace diffverb {

/// Splits signals into bands that sum to them.
///
///   band_k(f) = rise_k(f) - rise_k+1(f),  rise_0 = 1, rise_K = 0
///   rise_k = (1 - cos(pi x)) / 2,  x = 1/2 + log2(f / edge_k) / width clamped to 0 .. 1
///
/// Without phase: what a band holds before a sound begins is undone by the others.
/// Reads    signals [..., T]; edges_hz ascending, K - 1 of them; width_octaves of each edge, > 0
/// Returns  [K, ..., T] float64; the first band takes all below its edge, the last all above; bands beyond half the rate
///          are silent
/// Throws   ContractError on a rate, a width or edges outside those ranges
at::Tensor split_bands(const at::Tensor& signals, const std::vector<double>& edges_hz, double width_octaves,
                       double rate_hz);

}  // namespace diffverb
