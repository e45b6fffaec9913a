#pragma once

#include <cstdint>

#include "core/tensor.h"

namespace diffverb {

/// Mutual information of two scalar variables from pairs of samples, by a neural critic.
///
///   I = max_w  mean_i T(x_i, y_i) - ln mean_i mean_k exp T(x_i, y_k(i)) - ridge / 2 |w|^2     (Donsker and Varadhan)
///   T(x, y) = sum_r w_r tanh(a_r x' + b_r y' + c_r),   x', y' the variables at mean 0 and variance 1
///
/// k(i) are permutations. a, b, c and the permutations are drawn from the seed; train() moves a, b, c uphill, as MINE
/// does. In w the bound is concave, so its maximum is found to the last digit by Newton's method: the value depends on
/// nothing but the pairs, and its gradient is that of the bound at the maximum, w held (the envelope theorem).
///
/// As every such bound it lies below the truth, the more so the more there is to know; with too few pairs for the
/// critic's numbers it lies above. Of Gaussian pairs of correlation 0, 0.5 and 0.9 tests/losses/mine_test.cpp says how
/// far.
///
/// Reads    x [R, n], y [R, n] float64: n pairs of each of R pairs of variables, n >= 8
/// Returns  [R], nats, of the type of y; 0 where x or y is constant
/// Gradient to y; finite, 0 where y is constant
/// Throws   ContractError on other shapes
/// Source   Belghazi et al. 2018 (MINE); Donsker and Varadhan 1983
class Mine {
 public:
  struct Options {
    std::int64_t units = 24, permutations = 8;
    double ridge = 1e-4;
    std::uint64_t seed = 1;
  };
  /// Draws for `rows` = R pairs of variables of `samples` = n pairs each.
  Mine(const Options& options, std::int64_t rows, std::int64_t samples, at::Device device);

  at::Tensor information(const at::Tensor& x, const at::Tensor& y) const;

  /// Tries steps of gradient ascent on the hidden layer, on these pairs; each pair of variables keeps those that raise its
  /// bound, and goes on faster or slower.
  void train(const at::Tensor& x, const at::Tensor& y, std::int64_t steps);

 private:
  struct Features {
    at::Tensor joint, product;  // [R, n, units], [R, permutations * n, units]
  };
  void check(const at::Tensor& x, const at::Tensor& y) const;
  Features features(const at::Tensor& x, const at::Tensor& y, const at::Tensor& hidden) const;
  at::Tensor best_output(const Features& features, const at::Tensor& start, int steps) const;  // [R, units]
  at::Tensor no_output() const;
  at::Tensor bound(const Features& features, const at::Tensor& output) const;  // [R]

  Options options_;
  at::Tensor hidden_;        // [3, R, 1, units]: a, b, c
  at::Tensor permutations_;  // [permutations * n]
};

}  // namespace diffverb
