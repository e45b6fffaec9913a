#pragma once

#include <cstddef>
#include <vector>

namespace diffverb {

/// One delay network on a grid of K bins z_k = radius * exp(j omega_k); plain pointers, row-major.
///
///   H(z) = C G (I - A G)^-1 B + D,   G_j(z) = z^-m_j prod_s (b0 + b1 z^-1 + b2 z^-2) / (1 + a1 z^-1 + a2 z^-2)
///
/// The kernels work on structures of arrays: a SIMD register holds one matrix entry of as many bins as it has lanes, so
/// that nothing is ever shuffled inside a matrix and any number of lines is as fast as its operation count.
template <typename Scalar>
struct FrequencyProblem {
  int bins = 0, lines = 0, inputs = 0, outputs = 0, sections = 0;
  const Scalar* a = nullptr;       // [N, N]
  const Scalar* b = nullptr;       // [N, I]
  const Scalar* c = nullptr;       // [O, N]
  const Scalar* d = nullptr;       // [O, I]
  const double* delays = nullptr;  // [N] samples, real
  const double* sos = nullptr;     // [N, S, 5] b0 b1 b2 a1 a2; double: 1 + a1 + a2 is 1e-5 at 63 Hz
  const double* omega = nullptr;   // [K] rad/sample
  double radius = 1.0;             // >= 1 suppresses time aliasing
  // The lines stand in an order in which A is block lower triangular; line j's block is [block_begin[j],
  // block_end[j]). Both null: one block.
  const int* block_begin = nullptr;
  const int* block_end = nullptr;
  // A = diag(diagonal) + left right^T, where that holds to rounding; null otherwise.
  const double *diagonal = nullptr, *left = nullptr, *right = nullptr;  // [N]
};

/// Which gradients somebody asked for; the others stay zero and cost nothing.
struct FrequencyNeeds {
  bool a = true, b = true, c = true, d = true, delays = true, sos = true;
  bool line_gains() const { return delays || sos; }
};

/// Gradients of a scalar loss, summed over bins; shapes as in FrequencyProblem. In double: tens of thousands of bins
/// add up.
struct FrequencyGradient {
  std::vector<double> a, b, c, d, delays, sos;
  template <typename Scalar>
  void resize(const FrequencyProblem<Scalar>& problem);
  void add(const FrequencyGradient& other);
};

/// Writes H for the bins [begin, end): `h` is interleaved complex [O, I, K].
///
/// Elimination runs without pivoting (safe where ||A G||_2 < 1: the Hermitian part of I - A G is positive definite); a
/// group of bins in which a multiplier grows beyond 8 is solved again with row pivoting in double precision.
///
/// `states` may be null. It is filled for frequency_backward, so that the gradient solves nothing: for each pack of
/// frequency_lanes() bins, of which `begin` is a multiple, the real and imaginary parts of the line outputs [N, I], of
/// C G P^-1 [O, N] and, where needs.line_gains(), of P^-1 B [N, I], with P = I - A G.
template <typename Scalar>
void frequency_forward(const FrequencyProblem<Scalar>& problem, int begin, int end, Scalar* h,
                       const FrequencyNeeds& needs, Scalar* states);

/// Adds the gradient contribution of the bins [begin, end) to `gradient` (already sized).
///
/// `grad_h` is interleaved complex [O, I, K] in PyTorch's convention, dL = Re(conj(grad_h) dH). `states` are those of
/// frequency_forward for the same needs; where they are null, the bins are solved again.
/// With P = I - A G, X = P^-1 B, s = G X, W = C G P^-1 and q^T = sum_o conj(grad_h_o) W_o:
///   dA_nm = Re q_n s_m,  dB_n = Re q_n,  dC_oj = Re conj(grad_h_o) s_j,  d log G_j = q_j X_j.
template <typename Scalar>
void frequency_backward(const FrequencyProblem<Scalar>& problem, int begin, int end, const Scalar* grad_h,
                        const FrequencyNeeds& needs, const Scalar* states, FrequencyGradient& gradient);

/// Bins that one SIMD register holds on this machine: chunks that are multiples of it waste nothing.
template <typename Scalar>
int frequency_lanes();

}  // namespace diffverb
