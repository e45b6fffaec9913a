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
///   G^-1 - A                  N complex additions                                  2 N
///   first pivot, whose row    N - 1 reals by a complex, (N - 1)^2 complex by       2 (N - 1) + 3 (N - 1)^2
///   is real                   real, taken from a real
///   the others                (N - 1)(N - 2)(2 N - 3) / 6 complex multiply-adds,   8 (N - 1)(N - 2)(2 N - 3) / 6
///                             (N - 1)(N - 2) / 2 multiplications by reciprocals    + 6 (N - 1)(N - 2) / 2
///   s = (G^-1 - A)^-1 B       N (N - 1) complex multiply-adds, of which 2 (N - 1)  8 N (N - 1) + 6 N
///                             have a real factor; N multiplications                - 9 (N - 1)
///   w = C (G^-1 - A)^-1       the same, N - 1 with a real factor, one              8 N (N - 1) + 6 N
///                             multiplication of a real                             - 5 (N - 1) - 4
///   H = C s + D               N real by complex multiply-adds                      4 N
///   q = conj(g) w             N multiplications                                    6 N
///   dA += Re q s^T            2 N^2 real multiply-adds                             4 N^2
///   dB += Re q, dC += Re s    N additions, N pairs of multiply-adds                N + 4 N
///
/// The gains G (sines, cosines), reciprocals, a second factorisation for the gradient and what fills up the registers
/// of the last bins are work that is not counted.
std::vector<std::function<BenchResult()>> roofline_benches();

/// The sum of that table.
double solver_operations(double lines);

}  // namespace diffverb
