#pragma once

#include <cstddef>
#include <vector>

#include "core/solvers/time_kernel.h"

namespace diffverb {

/// A delay network with squares, products and saturation in its loop (core/network/nonlinear_loop.h has the formulas);
/// plain pointers, row-major.
template <typename Scalar>
struct NonlinearProblem {
  TimeProblem<Scalar> base;
  int rank = 0;
  const Scalar* square = nullptr;  // [N]
  const Scalar* out = nullptr;     // [N, R]
  const Scalar* left = nullptr;    // [R, N]
  const Scalar* right = nullptr;   // [R, N]
  const double* drive = nullptr;   // [T]
  double limit = 1, slope = 0, alpha_min = 0, alpha_max = 0, reference = 1, share = 1;
  bool saturates = true;
};

template <typename Scalar>
struct NonlinearGradient {
  std::vector<double> a, b, c, d, sos, square, out, left, right;
  double limit = 0, slope = 0;
  double* drive = nullptr;  // [T]
  Scalar* input = nullptr;  // [I, T], null unless asked for
};

/// As time_tape_size and time_workspace_size: the tape also holds alpha and e, [T] each, the workspace w_bar.
template <typename Scalar>
std::size_t nonlinear_tape_size(const NonlinearProblem<Scalar>& problem);
template <typename Scalar>
std::size_t nonlinear_workspace_size(const NonlinearProblem<Scalar>& problem);

/// As time_forward and time_backward, by blocks no longer than the shortest delay: inside a block all lines that have one
/// are known, and so are their squares, products, e and alpha before anything is written.
template <typename Scalar>
void nonlinear_forward(const NonlinearProblem<Scalar>& problem, Scalar* output, Scalar* tape);
template <typename Scalar>
void nonlinear_backward(const NonlinearProblem<Scalar>& problem, const Scalar* tape, const Scalar* grad_output,
                        Scalar* workspace, NonlinearGradient<Scalar>& gradient);

}  // namespace diffverb
