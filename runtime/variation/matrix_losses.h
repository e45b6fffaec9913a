#pragma once

#include <vector>

namespace diffverb::runtime {

/// What each column of a matrix loses, where all the loss of a loop can be said to be of its columns: A = U diag(loss) with
/// U lossless, which is to say that it keeps an energy sum_i p_i x_i^2 with positive p. Orthogonal matrices are that, and
/// lattices of allpasses, nested or in a ring. Row-major [n, n]; empty where there is no such energy.
///
/// A^T diag(p) A must be diagonal: p lies in the null space of ((A A^T)_il)^2 - sum_j A_ij^2 A_lj^2.
/// Source: Schlecht & Habets, "On lossless feedback delay networks", IEEE TSP 65(6), 2017.
std::vector<double> matrix_losses(const std::vector<double>& matrix, int n);

}  // namespace diffverb::runtime
