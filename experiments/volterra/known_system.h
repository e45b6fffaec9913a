#pragma once

#include <ATen/ops/zeros.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <string>
#include <vector>

#include "core/seed.h"
#include "core/tensor.h"

namespace diffverb {

/// A filter, a polynomial and a filter in series, of which the Volterra kernels are known in closed form.
///
///   s = before * x,   y = after * (s + square s^2 + cube s^3)
///   h_p(t_1, ..., t_p) = c_p sum_k after(k) prod_j before(t_j - k)
///
/// Wiener's system has no filter behind (after: 1), Hammerstein's none before.
struct KnownSystem {
  std::vector<double> before, after;
  double square = 0.3, cube = 0.1;

  /// Reads and returns [1, T] float64
  at::Tensor play(const at::Tensor& input) const {
    const double* data = input.const_data_ptr<double>();
    auto s = filtered(before, {data, data + input.numel()});
    for (double& value : s) value += square * value * value + cube * value * value * value;
    const auto y = filtered(after, s);
    auto out = at::zeros(input.sizes(), at::kDouble);
    std::copy(y.begin(), y.end(), out.mutable_data_ptr<double>());
    return out;
  }

  /// h_p as a tensor of p axes of `length`.
  at::Tensor kernel(int order, std::int64_t length) const {
    const double c[] = {1, square, cube};
    auto h = at::zeros(std::vector<std::int64_t>(static_cast<std::size_t>(order), length), at::kDouble);
    double* values = h.mutable_data_ptr<double>();
    for (std::int64_t i = 0; i < h.numel(); ++i) {
      for (std::size_t k = 0; k < after.size(); ++k) {
        double product = c[order - 1] * after[k];
        for (std::int64_t j = 0, rest = i; j < order; ++j, rest /= length) {
          const std::int64_t at = rest % length - static_cast<std::int64_t>(k);
          const bool is_there = at >= 0 && at < static_cast<std::int64_t>(before.size());
          product *= is_there ? before[static_cast<std::size_t>(at)] : 0;
        }
        values[i] += product;
      }
    }
    return h;
  }

 private:
  static std::vector<double> filtered(const std::vector<double>& h, const std::vector<double>& x) {
    std::vector<double> y(x.size());
    for (std::size_t n = 0; n < x.size(); ++n) {
      for (std::size_t k = 0; k < std::min(h.size(), n + 1); ++k) y[n] += h[k] * x[n - k];
    }
    return y;
  }
};

/// Gaussian noise of unit power, [1, T].
inline at::Tensor white_noise(std::int64_t samples, std::uint64_t seed) {
  Random random(seed, "white_noise");
  auto x = at::zeros({1, samples}, at::kDouble);
  for (std::int64_t n = 0; n < samples; ++n) x.mutable_data_ptr<double>()[n] = random.normal();
  return x;
}

/// Energy of a difference over the energy of what is expected, in dB.
inline double error_db(const at::Tensor& found, const at::Tensor& expected) {
  const double error = (found - expected).square().sum().item<double>();
  return 10 * std::log10(error / expected.square().sum().item<double>() + 1e-40);
}

}  // namespace diffverb
