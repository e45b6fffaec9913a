#pragma once

#include <functional>
#include <vector>

#include "train/bench/bench.h"

namespace diffverb {

/// What this machine can do: float32 multiply-adds in registers, and bytes through memory (out = a + s b over arrays far
/// larger than the caches; the least of several runs on all threads), and then the share of the first that the frequency
/// solver reaches, forward and gradient, N lines, one input and one output, 48,001 bins.
///
/// Only what the algorithm cannot do without is counted, in real operations, a multiply-add being two. With complex
/// multiply-adds of 8, a complex multiplication of 6 and a real factor of a complex number of 2, a bin costs
///
///   I - A G                   N^2 real by complex                                  2 N^2
///   LU, once                  N (N - 1)(2 N - 1) / 6 complex multiply-adds,        8 N (N - 1)(2 N - 1) / 6
///                             N (N - 1) / 2 multiplications by reciprocal pivots   + 6 N (N - 1) / 2
///   X = P^-1 B                N (N - 1) complex multiply-adds, N multiplications   8 N (N - 1) + 6 N
///   q = C G P^-1              the same, and a row C G                              8 N (N - 1) + 6 N + 2 N
///   s = G X, H = C s + D      N multiplications, N real by complex multiply-adds   6 N + 4 N
///   dA += Re q s^T            2 N^2 real multiply-adds                             4 N^2
///   dB += Re q, dC += Re s    N additions, N pairs of multiply-adds                N + 4 N
///
/// The gains G (sines, cosines), reciprocals, a second factorisation for the gradient and what fills up the registers
/// of the last bins are work that is not counted.
std::vector<std::function<BenchResult()>> roofline_benches();

/// The sum of that table.
double solver_operations(double lines);

}  // namespace diffverb
