#pragma once

#include <vector>

namespace diffverb::runtime {

/// The largest singular value of a row-major [n, n] matrix, from its Gram matrix made tridiagonal; exact to about 1e-12,
/// some n^3 multiplications.
double spectral_norm(const std::vector<double>& matrix, int n);

/// That value lies below the limit, by a Cholesky factorisation, which costs half as much; within 1e-11 of the limit it
/// may say no.
bool norm_is_below(const std::vector<double>& matrix, int n, double limit);

/// T M T^-1 with a positive diagonal T that makes the spectral norm small: Osborne's balancing, then descent along the
/// leading singular vectors (the norm is convex in log T).
/// Source: Osborne, "On pre-conditioning of matrices", JACM 7(4), 1960.
std::vector<double> balance(std::vector<double> matrix, int n);

/// An upper bound of the spectral radius of |M|: max_i (|M| x)_i / x_i for a positive x near the Perron vector
/// (Collatz-Wielandt), a bound for every positive x.
double perron_bound(const std::vector<double>& matrix, int n);

}  // namespace diffverb::runtime
