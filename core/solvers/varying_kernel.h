#pragma once

#include <cstddef>
#include <vector>

#include "core/solvers/time_kernel.h"

namespace diffverb {

/// A delay network whose delays and feedback matrix move; plain pointers, row-major.
///
///   s_j(n) = sum_k l_k(t) f_j(i + k), k = -1 .. 2,  n - m_j(n) = i + t, 0 <= t < 1,  f_j = h_j * v_j
///   A(n)   = (1 - w) A_q + w A_(q+1),               n = (q + w) hop
///
/// l are Lagrange's cubic weights: a whole delay is read exactly, and |H| <= 1 at every frequency and every t.
template <typename Scalar>
struct VaryingProblem {
  TimeProblem<Scalar> base;        // a is [M, N, N]; delays are not read
  const double* delays = nullptr;  // [N, T] samples, >= 3; 0 throughout for the base's filter_lines
  int matrices = 1, hop = 0;       // M = 1: it stands still; else (M - 1) hop >= T - 1
};

template <typename Scalar>
struct VaryingGradient {
  std::vector<double> a, b, c, d, sos;  // a [M, N, N]
  double* delays = nullptr;             // [N, T]
  Scalar* input = nullptr;              // [I, T], null unless asked for
};

/// As time_tape_size and time_workspace_size.
template <typename Scalar>
std::size_t varying_tape_size(const VaryingProblem<Scalar>& problem);
template <typename Scalar>
std::size_t varying_workspace_size(const VaryingProblem<Scalar>& problem);

/// As time_forward and time_backward, by blocks no longer than the shortest delay less 2.
template <typename Scalar>
void varying_forward(const VaryingProblem<Scalar>& problem, Scalar* output, Scalar* tape);
template <typename Scalar>
void varying_backward(const VaryingProblem<Scalar>& problem, const Scalar* tape, const Scalar* grad_output,
                      Scalar* workspace, VaryingGradient<Scalar>& gradient);

}  // namespace diffverb
