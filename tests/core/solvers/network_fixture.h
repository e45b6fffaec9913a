#pragma once

#include <ATen/ops/complex.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/exp.h>
#include <ATen/ops/eye.h>
#include <ATen/ops/full_like.h>
#include <ATen/ops/linalg_solve.h>
#include <ATen/ops/ones_like.h>
#include <ATen/ops/zeros.h>
#include <ATen/ops/zeros_like.h>
#include <gtest/gtest.h>
#include <torch/csrc/autograd/autograd.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <numbers>
#include <vector>

#include "core/error.h"
#include "core/matrices/haar.h"
#include "core/network/delay_network.h"
#include "core/seed.h"
#include "core/tensor.h"

namespace diffverb {

/// Numbers in [low, high), float64.
inline at::Tensor uniform(std::vector<std::int64_t> shape, double low, double high, std::uint64_t seed) {
  Random random(seed, "uniform");
  auto tensor = at::empty(shape, at::kDouble);
  for (std::int64_t i = 0; i < tensor.numel(); ++i) tensor.mutable_data_ptr<double>()[i] = random.uniform(low, high);
  return tensor;
}

/// Stable sections whose gain does not pass 1 by much: poles within 0.9, small numerator changes.
inline at::Tensor random_sections(std::int64_t lines, std::int64_t sections, std::uint64_t seed) {
  auto sos = at::empty({lines, sections, 5}, at::kDouble);
  Random random(seed, "sections");
  double* q = sos.mutable_data_ptr<double>();
  for (std::int64_t i = 0; i < lines * sections; ++i, q += 5) {
    const double r = random.uniform(0.2, 0.9), angle = random.uniform(0.1, 3.0), zero = r * random.uniform(0.8, 0.98);
    q[0] = 1;
    q[1] = -2 * zero * std::cos(angle);
    q[2] = zero * zero;
    q[3] = -2 * r * std::cos(angle);
    q[4] = r * r;
    const double peak = std::max((1 + zero) * (1 + zero), 1.0) / ((1 - r) * (1 - r));
    const double scale = std::max(1.0, std::sqrt(std::sqrt(peak)) / 2);
    for (int k = 0; k < 3; ++k) q[k] /= scale;
  }
  return sos;
}

struct NetworkShape {
  std::int64_t lines, inputs, outputs, sections;
};

/// A network that decays: an orthogonal matrix times 0.8, delays of `shortest` to `longest` samples.
inline DelayNetwork random_network(const NetworkShape& shape, std::uint64_t seed, at::ScalarType dtype = at::kDouble,
                                   double shortest = 3, double longest = 40, bool whole = true) {
  DelayNetwork network;
  network.a = (0.8 * haar_orthogonal(shape.lines, seed, false)).to(dtype);
  network.b = uniform({shape.lines, shape.inputs}, -1, 1, seed + 1).to(dtype);
  network.c = uniform({shape.outputs, shape.lines}, -1, 1, seed + 2).to(dtype);
  network.d = uniform({shape.outputs, shape.inputs}, -1, 1, seed + 3).to(dtype);
  network.delays = uniform({shape.lines}, shortest, longest, seed + 4);
  if (whole) network.delays = network.delays.floor();
  network.line_sos = random_sections(shape.lines, shape.sections, seed + 5);
  network.sample_rate_hz = 48000;
  return network;
}

/// A drawn filter may lift its loop beyond what decays; such a case says nothing of the solvers.
inline bool decays(const DelayNetwork& network) {
  try {
    network.check();
    return true;
  } catch (const ContractError&) {
    return false;
  }
}

/// The definition, sample by sample, in double, with direct-form filters: what every solver must play. input [I, T] ->
/// [O, T]
inline at::Tensor play_plainly(const DelayNetwork& network, const at::Tensor& input) {
  const auto a = network.a.detach().to(at::kDouble).contiguous(), b = network.b.detach().to(at::kDouble).contiguous();
  const auto c = network.c.detach().to(at::kDouble).contiguous(), d = network.d.detach().to(at::kDouble).contiguous();
  const auto u = input.detach().to(at::kDouble).contiguous(), sos = network.line_sos.detach().contiguous();
  const std::int64_t n = network.lines(), inputs = network.inputs(), outputs = network.outputs(), samples = u.size(1),
                     k = network.sections();
  auto y = at::zeros({outputs, samples}, at::kDouble);
  std::vector<std::vector<double>> filtered(n, std::vector<double>(samples));
  std::vector<double> state(n * k * 2, 0.0), s(n);
  const auto at2 = [](const at::Tensor& m, std::int64_t i, std::int64_t j) {
    return m.const_data_ptr<double>()[i * m.size(1) + j];
  };
  const auto drive = [&](std::int64_t j, std::int64_t t) {
    double v = 0;
    for (std::int64_t m = 0; m < n; ++m) v += at2(a, j, m) * s[m];
    for (std::int64_t i = 0; i < inputs; ++i) v += at2(b, j, i) * at2(u, i, t);
    for (std::int64_t p = 0; p < k; ++p) {  // transposed direct form II
      const double* q = sos.const_data_ptr<double>() + (j * k + p) * 5;
      double* z = state.data() + (j * k + p) * 2;
      const double out = q[0] * v + z[0];
      z[0] = q[1] * v - q[3] * out + z[1];
      z[1] = q[2] * v - q[4] * out;
      v = out;
    }
    filtered[j][t] = v;
  };
  std::vector<std::int64_t> delays(n), filters;  // filters: none hears a later one
  for (std::int64_t j = 0; j < n; ++j) delays[j] = static_cast<std::int64_t>(network.delays.detach()[j].item<double>());
  for (std::int64_t pass = 0; pass < n; ++pass) {
    for (std::int64_t j = 0; j < n; ++j) {
      bool ready = delays[j] == 0 && std::count(filters.begin(), filters.end(), j) == 0;
      for (std::int64_t m = 0; m < n; ++m)
        ready &= delays[m] > 0 || at2(a, j, m) == 0 || std::count(filters.begin(), filters.end(), m) > 0;
      if (ready) filters.push_back(j);
    }
  }
  for (std::int64_t t = 0; t < samples; ++t) {
    for (std::int64_t j = 0; j < n; ++j) s[j] = delays[j] > 0 && t >= delays[j] ? filtered[j][t - delays[j]] : 0.0;
    for (const std::int64_t j : filters) {
      drive(j, t);
      s[j] = filtered[j][t];
    }
    for (std::int64_t o = 0; o < outputs; ++o) {
      double sum = 0;
      for (std::int64_t j = 0; j < n; ++j) sum += at2(c, o, j) * s[j];
      for (std::int64_t i = 0; i < inputs; ++i) sum += at2(d, o, i) * at2(u, i, t);
      y.mutable_data_ptr<double>()[o * samples + t] = sum;
    }
    for (std::int64_t j = 0; j < n; ++j) {
      if (delays[j] > 0) drive(j, t);
    }
  }
  return y;
}

inline double largest(const at::Tensor& tensor) { return tensor.detach().abs().max().item<double>(); }

/// Largest difference over the largest value of what is expected.
inline double relative_error(const at::Tensor& value, const at::Tensor& expected) {
  const auto wide = expected.is_complex() ? at::kComplexDouble : at::kDouble;
  return largest(value.to(wide) - expected.to(wide)) / (largest(expected) + 1e-300);
}

/// The slope of f at 0, by central differences of fourth order with steps of h.
template <typename Function>
double central_difference(const Function& f, double h) {
  return (8 * (f(h) - f(-h)) - f(2 * h) + f(-2 * h)) / (12 * h);
}

/// Compares the gradient of f at x with central differences, entry by entry, relative to the largest entry.
inline void expect_gradient(const std::function<at::Tensor(const std::vector<at::Tensor>&)>& f,
                            const std::vector<at::Tensor>& at, double tolerance, double step = 1e-4) {
  std::vector<at::Tensor> x;
  for (const auto& tensor : at)
    x.push_back(tensor.detach().clone(at::MemoryFormat::Contiguous).set_requires_grad(true));
  const auto gradients = torch::autograd::grad({f(x)}, x);
  at::NoGradGuard no_grad;
  for (std::size_t i = 0; i < x.size(); ++i) {
    if (x[i].numel() == 0) continue;
    auto differences = at::zeros_like(x[i]).contiguous();
    auto moved = x;
    const auto value_at = [&](std::int64_t entry, double by) {
      moved[i] = x[i].detach().clone();
      moved[i].mutable_data_ptr<double>()[entry] += by;
      return f(moved).item<double>();
    };
    for (std::int64_t entry = 0; entry < x[i].numel(); ++entry) {
      differences.mutable_data_ptr<double>()[entry] =
          central_difference([&](double by) { return value_at(entry, by); }, step);
    }
    EXPECT_LT(relative_error(gradients[i], differences), tolerance) << "argument " << i << " of shape " << x[i].sizes();
    EXPECT_GT(largest(differences), 0) << "argument " << i << ": the test would not see its gradient";
  }
}

/// The network with A, B, C, D, line_sos (and delays, if given) replaced.
inline DelayNetwork with_tensors(DelayNetwork network, const std::vector<at::Tensor>& x) {
  network.a = x[0];
  network.b = x[1];
  network.c = x[2];
  network.d = x[3];
  network.line_sos = x[4];
  if (x.size() > 5) network.delays = x[5];
  return network;
}

/// H by at::linalg_solve, from the formula.
inline at::Tensor response_by_linalg(const DelayNetwork& network, const at::Tensor& omega, double radius) {
  const auto wide = at::kComplexDouble;
  const auto log_z = at::complex(at::full_like(omega, std::log(radius)), omega);    // [K]
  const auto inverse_z = at::exp(-log_z).unsqueeze(1);                              // [K, 1]
  auto gain = at::exp(-log_z.unsqueeze(1) * network.delays.to(wide).unsqueeze(0));  // [K, N]
  for (std::int64_t s = 0; s < network.sections(); ++s) {
    const auto q = network.line_sos.select(1, s).to(wide);
    const auto quadratic = [&](const at::Tensor& c0, std::int64_t c1, std::int64_t c2) {
      return c0.unsqueeze(0) + q.select(1, c1).unsqueeze(0) * inverse_z +
             q.select(1, c2).unsqueeze(0) * inverse_z * inverse_z;
    };
    gain = gain * quadratic(q.select(1, 0), 1, 2) / quadratic(at::ones_like(q.select(1, 0)), 3, 4);
  }
  const auto a = network.a.to(wide), b = network.b.to(wide), c = network.c.to(wide), d = network.d.to(wide);
  const auto system = at::eye(network.lines(), a.options()).unsqueeze(0) - a.unsqueeze(0) * gain.unsqueeze(1);
  const auto x = at::linalg_solve(system, b.unsqueeze(0).expand({omega.size(0), -1, -1}));
  return (c.unsqueeze(0).matmul(gain.unsqueeze(2) * x) + d.unsqueeze(0)).permute({1, 2, 0});  // [O, I, K]
}

}  // namespace diffverb
