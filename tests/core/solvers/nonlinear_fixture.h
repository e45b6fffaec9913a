#pragma once

#include <algorithm>
#include <cmath>
#include <vector>

#include "core/network/nonlinear_loop.h"
#include "core/tensor.h"
#include "tests/core/solvers/network_fixture.h"

namespace diffverb {

/// Squares, products and a drive that are heard at amplitudes of 1; filter lines take no part.
inline NonlinearLoop random_loop(const DelayNetwork& network, std::int64_t rank, std::int64_t samples,
                                 std::uint64_t seed) {
  const auto takes_part = network.delays.ne(0).to(network.a.scalar_type());
  const std::int64_t n = network.lines();
  const auto random = [&](std::vector<std::int64_t> shape, std::uint64_t part) {
    return uniform(shape, -0.5, 0.5, seed + part).to(network.a.scalar_type());
  };
  NonlinearLoop loop;
  loop.square = random({n}, 1) * takes_part;
  loop.out = random({n, rank}, 2) * takes_part.unsqueeze(1);
  loop.left = random({rank, n}, 3) * takes_part;
  loop.right = random({rank, n}, 4) * takes_part;
  loop.limit = uniform({1}, 0.8, 1.5, seed + 5)[0];
  loop.drive = uniform({samples}, -2, 2, seed + 6);
  loop.slope = uniform({1}, -0.8, 0.8, seed + 7)[0];
  loop.alpha_min = -0.1, loop.alpha_max = 0.6;
  loop.reference = 0.05;
  loop.time_s = 0.0005;
  return loop;
}

/// The definition, sample by sample, in double, with direct-form filters. input [I, T] -> [O, T]; `peak` takes the largest
/// |v| of a line that has a delay.
inline at::Tensor play_nonlinear_plainly(const DelayNetwork& network, const NonlinearLoop& loop,
                                         const at::Tensor& input, double* peak = nullptr) {
  const auto wide = [](const at::Tensor& tensor) { return tensor.detach().to(at::kDouble).contiguous(); };
  const auto entry = [](const at::Tensor& m, std::int64_t i, std::int64_t j) {
    return m.const_data_ptr<double>()[i * m.size(1) + j];
  };
  const auto a = wide(network.a), b = wide(network.b), c = wide(network.c), d = wide(network.d), u = wide(input);
  const auto out = wide(loop.out), left = wide(loop.left), right = wide(loop.right);
  const std::int64_t n = network.lines(), samples = u.size(1), sections = network.sections();
  const double limit = loop.limit.item<double>(), slope = loop.slope.item<double>();
  const double share = 1 - std::exp(-1 / (loop.time_s * network.sample_rate_hz));
  auto y = at::zeros({network.outputs(), samples}, at::kDouble);
  std::vector<std::vector<double>> filtered(n, std::vector<double>(samples));
  std::vector<double> state(n * sections * 2, 0.0), s(n);
  double level = 0;
  const auto through_filter = [&](std::int64_t j, double v) {
    for (std::int64_t p = 0; p < sections; ++p) {  // transposed direct form II
      const double* q = network.line_sos.detach().const_data_ptr<double>() + (j * sections + p) * 5;
      double* z = state.data() + (j * sections + p) * 2;
      const double x = v;
      v = q[0] * x + z[0];
      z[0] = q[1] * x - q[3] * v + z[1];
      z[1] = q[2] * x - q[4] * v;
    }
    return v;
  };
  const auto mixed = [&](std::int64_t j, std::int64_t t) {
    double w = 0;
    for (std::int64_t k = 0; k < n; ++k) w += entry(a, j, k) * s[k];
    for (std::int64_t i = 0; i < network.inputs(); ++i) w += entry(b, j, i) * entry(u, i, t);
    return w;
  };
  const auto delay = [&](std::int64_t j) { return static_cast<std::int64_t>(network.delays[j].item<double>()); };
  for (std::int64_t t = 0; t < samples; ++t) {
    std::int64_t delayed = 0;
    double power = 0;
    for (std::int64_t j = 0; j < n; ++j) {
      s[j] = delay(j) > 0 && t >= delay(j) ? filtered[j][t - delay(j)] : 0;
      delayed += delay(j) > 0;
      power += s[j] * s[j];
    }
    for (std::int64_t j = 0; j < n; ++j) {  // the fixtures' filter lines hear none but earlier ones
      if (delay(j) == 0) s[j] = filtered[j][t] = through_filter(j, mixed(j, t));
    }
    level += share * (power / std::max<double>(1, delayed) - level);
    const double z = loop.drive[t].item<double>() + slope * std::log(1 + level / loop.reference);
    const double alpha = loop.alpha_min + (loop.alpha_max - loop.alpha_min) / (1 + std::exp(-z));
    for (std::int64_t o = 0; o < network.outputs(); ++o) {
      double sum = 0;
      for (std::int64_t j = 0; j < n; ++j) sum += entry(c, o, j) * s[j];
      for (std::int64_t i = 0; i < network.inputs(); ++i) sum += entry(d, o, i) * entry(u, i, t);
      y.mutable_data_ptr<double>()[o * samples + t] = sum;
    }
    for (std::int64_t j = 0; j < n; ++j) {
      if (delay(j) == 0) continue;
      double w = mixed(j, t) + alpha * loop.square[j].item<double>() * s[j] * s[j];
      for (std::int64_t r = 0; r < loop.rank(); ++r) {
        double p = 0, q = 0;
        for (std::int64_t k = 0; k < n; ++k) p += entry(left, r, k) * s[k], q += entry(right, r, k) * s[k];
        w += entry(out, j, r) * p * q;
      }
      const double v = loop.saturates ? limit * std::tanh(w / limit) : w;
      if (peak) *peak = std::max(*peak, std::abs(v));
      filtered[j][t] = through_filter(j, v);
    }
  }
  return y;
}

}  // namespace diffverb
