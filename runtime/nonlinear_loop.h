#pragma once

#include <string>
#include <vector>

namespace diffverb::runtime {

/// What is not linear in the loop of a delay network: squares, products and saturation of the lines that have a delay.
///
///     w(n)     = A s(n) + B u(n) + alpha(n) square s(n)^2 + out ((left s(n)) (right s(n)))     entry by entry
///     v_j(n)   = limit tanh(w_j(n) / limit)                                       of filter lines v_j = w_j
///     alpha(n) = alpha_min + (alpha_max - alpha_min) sigmoid(z(n))
///     z(n)     = bias + depth sin 2 pi (rate_hz t + phase_turns) + slope ln(1 + e(n) / reference)
///     e(n)     = e(n - 1) + (1 - exp(-1 / (time_s fs))) (mean of s_j(n)^2 - e(n - 1))
///
/// t = n / fs from reset() on, the mean is over all lines that have a delay, e(-1) = 0. Filter lines take no part.
/// |v_j| <= limit whatever goes in, so the output is bounded for a bounded input as the line filters are stable.
struct NonlinearLoop {
  double limit = 1;
  double alpha_min = 0, alpha_max = 0;
  double bias = 0, depth = 0, rate_hz = 0, phase_turns = 0;
  double slope = 0, reference = 1e-4, time_s = 0.05;
  int rank = 0;                    // R
  std::vector<float> square;       // [N], or empty: the loop is linear
  std::vector<float> out;          // [N, R]
  std::vector<float> left, right;  // [R, N]

  bool is_there() const { return !square.empty(); }
  /// The most that squares and products add: |q| <= strength() |s|^2 in the 2-norm.
  double strength() const;
};

/// The largest of |v| / |s| over all states of a loop of `lines` lines with a linear gain |w| <= gain |s|, for |q| <=
/// strength |s|^2: what saturation takes away against what squares and products add.
///
///     |v| <= min(F, limit sqrt(lines) / x) x,   F = gain / sqrt(1 + 2 gain^2 x^2 / (3 lines limit^2)) + strength x,   x = |s|
///
/// since tanh(w)^2 <= w^2 / (1 + 2 w^2 / 3), which is concave in w^2: spread evenly over the lines it takes the least.
/// Below 1 the loop falls silent from any state, whatever alpha does.
double largest_gain(double gain, double strength, double limit, int lines);

}  // namespace diffverb::runtime
