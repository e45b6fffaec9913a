#pragma once

#include <cstdint>
#include <functional>

#include "core/tensor.h"

namespace diffverb {

/// A product of reflections, one a column of the vectors.
///
///   R_1 R_2 .. R_K,  R_k = I - 2 v_k v_k^T / (v_k^T v_k)
///   = I - W U^-1 W^T,  W = the v_k at length sqrt 2,  U = I + the part of W^T W above the diagonal
///
/// Reads    vectors [N, K] float64, K <= N; v_k = 0 stands for the axis k, so that K reflections remain K reflections
/// Returns  [N, N], orthogonal, with determinant (-1)^K
/// Gradient to the vectors
/// Source   Joffrain et al. 2006, "Accumulating Householder transformations, revisited"
at::Tensor reflection_product(const at::Tensor& vectors);

/// The vectors of a product of N - 1 reflections that is an even draw from the orthogonal matrices of its determinant,
/// up to signs of rows: v_n = x + sign(x_n) |x| e_n, where x is normal in the entries n .. N - 1 and 0 before them.
///
/// Returns  [N, N - 1] float64
/// Source   Stewart 1980; Mezzadri 2007
at::Tensor reflection_vectors(std::int64_t lines, std::uint64_t seed);

/// The orthogonal matrix of the C++ listing that circulates for scipy.stats.ortho_group, from its normal draws in its
/// order. Its reflections all begin at line 0 where scipy's begin at line n: it is orthogonal, but not an even draw, and
/// of 8 lines the last keeps 0.8 of its energy to itself.
///
/// Reads    draw(): N (N + 1) / 2 numbers, one a call
/// Returns  [N, N] float64
at::Tensor listed_orthogonal(std::int64_t lines, const std::function<double()>& draw);

}  // namespace diffverb
