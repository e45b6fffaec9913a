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
};

/// Which gradients somebody asked for; the others stay zero and cost nothing.
struct FrequencyNeeds {
  bool a = true, b = true, c = true, d = true, delays = true, sos = true;
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
template <typename Scalar>
void frequency_forward(const FrequencyProblem<Scalar>& problem, int begin, int end, Scalar* h);

/// Adds the gradient contribution of the bins [begin, end) to `gradient` (already sized).
///
/// `grad_h` is interleaved complex [O, I, K] in PyTorch's convention, dL = Re(conj(grad_h) dH). The factorisation is
/// made again rather than stored: 2 N^2 numbers a bin of memory traffic cost more than N^3/3 multiplications in cache.
/// With X = P^-1 B, s = G X and q^T = (sum_o conj(grad_h_o) C_o) G P^-1:
///   dA_nm = Re q_n s_m,  dB_n = Re q_n,  dC_oj = Re conj(grad_h_o) s_j,  d log G_j = q_j X_j.
template <typename Scalar>
void frequency_backward(const FrequencyProblem<Scalar>& problem, int begin, int end, const Scalar* grad_h,
                        const FrequencyNeeds& needs, FrequencyGradient& gradient);

/// Bins that one SIMD register holds on this machine: chunks that are multiples of it waste nothing.
template <typename Scalar>
int frequency_lanes();

}  // namespace diffverb
