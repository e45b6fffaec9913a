#pragma once

#include <cstdint>
#include <vector>

#include "core/network/delay_network.h"
#include "core/tensor.h"

namespace diffverb {

/// What is not linear in the loop of a delay network: squares, products and saturation of the lines that have a delay.
///
///   w(n)     = A s(n) + B u(n) + alpha(n) g s(n)^2 + U ((P s(n)) (Q s(n)))          squares and products entry by entry
///   v_j(n)   = limit tanh(w_j(n) / limit)                                           of filter lines v_j = w_j
///   alpha(n) = alpha_min + (alpha_max - alpha_min) sigmoid(drive(n) + slope ln(1 + e(n) / reference))
///   e(n)     = e(n - 1) + share (mean of s_j(n)^2 - e(n - 1)),  e(-1) = 0,  share = 1 - exp(-1 / (time_s fs))
///
/// s = h * v delayed as in DelayNetwork. The products are sum over j, k of B_ijk s_j s_k with B_ijk = sum_r U_ir P_rj Q_rk.
/// The square's strength alpha moves with time by its drive and with the state by how loud the loop is: e is a slow mean
/// square of the lines. Filter lines (no delay) take no part: their rows of U and g and columns of P and Q are 0.
///
/// Bounded by construction: whatever goes in, |v_j| <= limit on every line that has a delay, since |tanh| <= 1. What comes
/// out of it is at most limit |h_j|_1 with |h|_1 = sum |h(n)|, and a filter line z, taken after those that it hears, at
/// most S_z = |h_z|_1 (sum_k |A_zk| S_k + sum_i |B_zi| peak). So
///
///   |y_o(n)| <= sum_j |C_oj| S_j + sum_i |D_oi| peak,   S_j = limit |h_j|_1,  peak = max |u|
///
/// which output_bound() returns. It needs stable line filters and no condition on A, alpha, U, P or Q.
/// Source   Schetzen 1980, "The Volterra and Wiener theories of nonlinear systems" (products in low rank)
struct NonlinearLoop {
  at::Tensor square;            // [N] g, the network's type
  at::Tensor out, left, right;  // U [N, R], P [R, N], Q [R, N], the network's type; R may be 0
  at::Tensor limit;             // a number, float64, above 0
  at::Tensor drive;             // [T], float64
  at::Tensor slope;             // a number, float64
  double alpha_min = 0, alpha_max = 0.01;
  double reference = 1e-4;  // of a mean square: -40 dB
  double time_s = 0.05;
  bool saturates = true;  // false: v = w, which bounds nothing; for comparison

  std::int64_t rank() const { return out.size(1); }
  /// Throws   ContractError where shapes, types or ranges are not these, or filter lines take part
  void check(const DelayNetwork& network, std::int64_t samples) const;
};

/// |s_j|_max of each line and the bound of each output for an input within +-peak, by the formula above.
struct LoopBound {
  std::vector<double> lines, outputs;
};
LoopBound output_bound(const DelayNetwork& network, const NonlinearLoop& loop, double peak);

}  // namespace diffverb
