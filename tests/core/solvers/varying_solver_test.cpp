#include <ATen/ops/arange.h>
#include <ATen/ops/fft_rfft.h>
#include <ATen/ops/full.h>
#include <ATen/ops/stack.h>
#include <ATen/ops/zeros.h>
#include <gtest/gtest.h>

#include "core/error.h"
#include "core/solvers/solvers.h"
#include "core/tensor.h"
#include "tests/core/solvers/network_fixture.h"

namespace diffverb {
namespace {

/// The definition, sample by sample: delays [N, T], matrices [M, N, N] hop apart. Without filters.
at::Tensor play_varying_plainly(const DelayNetwork& network, const at::Tensor& input, const at::Tensor& delays,
                                const at::Tensor& matrices, std::int64_t hop) {
  const std::int64_t n = network.lines(), samples = input.size(1);
  const auto a = matrices.accessor<double, 3>();
  const auto b = network.b.accessor<double, 2>(), c = network.c.accessor<double, 2>(),
             d = network.d.accessor<double, 2>();
  const auto u = input.accessor<double, 2>(), m = delays.accessor<double, 2>();
  auto y = at::zeros({network.outputs(), samples}, at::kDouble);
  auto out = y.accessor<double, 2>();
  std::vector<std::vector<double>> f(n, std::vector<double>(samples, 0.0));
  for (std::int64_t t = 0; t < samples; ++t) {
    std::vector<double> s(n, 0.0);
    for (std::int64_t j = 0; j < n; ++j) {
      const double position = static_cast<double>(t) - m[j][t], whole = std::floor(position), x = position - whole;
      for (int k = -1; k <= 2; ++k) {
        double weight = 1;  // Lagrange, from its definition
        for (int l = -1; l <= 2; ++l) {
          if (l != k) weight *= (x - l) / (k - l);
        }
        const auto at = static_cast<std::int64_t>(whole) + k;
        if (at >= 0) s[j] += weight * f[j][at];
      }
    }
    const std::int64_t q = matrices.size(0) > 1 ? t / hop : 0;
    const double w = matrices.size(0) > 1 ? static_cast<double>(t % hop) / static_cast<double>(hop) : 0;
    for (std::int64_t i = 0; i < n; ++i) {
      for (std::int64_t j = 0; j < n; ++j)
        f[i][t] += (matrices.size(0) > 1 ? (1 - w) * a[q][i][j] + w * a[q + 1][i][j] : a[0][i][j]) * s[j];
      for (std::int64_t k = 0; k < network.inputs(); ++k) f[i][t] += b[i][k] * u[k][t];
    }
    for (std::int64_t o = 0; o < network.outputs(); ++o) {
      for (std::int64_t j = 0; j < n; ++j) out[o][t] += c[o][j] * s[j];
      for (std::int64_t k = 0; k < network.inputs(); ++k) out[o][t] += d[o][k] * u[k][t];
    }
  }
  return y;
}

at::Tensor trajectory(std::int64_t lines, std::int64_t samples) {
  const auto n = at::arange(samples, at::kDouble).unsqueeze(0), j = at::arange(lines, at::kDouble).unsqueeze(1);
  return 9.3 + 2 * j + (2.7 + 0.3 * j) * (0.21 * n + j).sin();  // down to 3 and more samples below a whole one
}

at::Tensor moving_matrices(std::int64_t count, std::int64_t lines) {
  std::vector<at::Tensor> all;
  for (std::int64_t k = 0; k < count; ++k) all.push_back(0.8 * haar_orthogonal(lines, 40 + k, false));
  return at::stack(all);
}

TEST(VaryingSolver, PlaysItsDefinition) {
  const auto network = random_network({5, 2, 2, 0}, 5);
  const auto input = uniform({2, 700}, -1, 1, 6);
  Varying varying;
  varying.delays = trajectory(5, 700);
  const auto still = network.a.unsqueeze(0);
  EXPECT_LT(relative_error(varying_time_response(network, input, varying),
                           play_varying_plainly(network, input, varying.delays, still, 0)),
            1e-12);
  varying.matrices = moving_matrices(9, 5);
  varying.hop_samples = 90;
  EXPECT_LT(relative_error(varying_time_response(network, input, varying),
                           play_varying_plainly(network, input, varying.delays, varying.matrices, 90)),
            1e-12);
}

TEST(VaryingSolver, IsTheOtherSolverWhereNothingMoves) {
  const auto network = random_network({6, 1, 2, 3}, 7, at::kDouble, 5, 300);
  const auto input = uniform({1, 1500}, -1, 1, 8);
  const auto plain = time_response(network, input);
  EXPECT_LT(relative_error(varying_time_response(network, input, {}), plain), 1e-12);
  Varying same;
  same.matrices = network.a.unsqueeze(0).repeat({4, 1, 1});
  same.hop_samples = 500;
  EXPECT_LT(relative_error(varying_time_response(network, input, same), plain), 1e-12);
}

TEST(VaryingSolver, GivesTheGradientOfEverythingThatMoves) {
  const auto network = random_network({3, 2, 1, 2}, 9);
  const auto delays = trajectory(3, 60), matrices = moving_matrices(4, 3), input = uniform({2, 60}, -1, 1, 10);
  const auto weight = uniform({1, 60}, -1, 1, 11);
  expect_gradient(
      [&](const std::vector<at::Tensor>& x) {
        auto here = network;
        here.b = x[2], here.c = x[3], here.d = x[4], here.line_sos = x[5];
        const auto y = varying_time_response(here, x[6], {x[0], x[1], 20});
        return (y * weight).sum() + y.square().sum();
      },
      {delays, matrices, network.b, network.c, network.d, network.line_sos, input}, 1e-6);
}

TEST(VaryingSolver, PlaysFiltersAmongLinesThatMove) {
  auto network = random_network({5, 2, 1, 2}, 17);
  network.delays[1] = 0, network.delays[4] = 0;
  auto matrices = moving_matrices(4, 5);
  for (auto* a : {&network.a, &matrices}) {  // line 4 hears line 1
    for (const auto& [i, j] : {std::pair{1, 1}, {1, 4}, {4, 4}}) a->select(-2, i).select(-1, j).zero_();
  }
  const auto input = uniform({2, 60}, -1, 1, 18), weight = uniform({1, 60}, -1, 1, 19);
  EXPECT_LT(relative_error(varying_time_response(network, input, {}), play_plainly(network, input)), 1e-12);
  auto delays = trajectory(5, 60);
  delays[1].zero_(), delays[4].zero_();
  auto moving = trajectory(5, 60);
  expect_gradient(
      [&](const std::vector<at::Tensor>& x) {
        auto here = network;
        here.b = x[2], here.c = x[3], here.d = x[4], here.line_sos = x[5];
        const auto still = network.delays.eq(0);
        const auto y = varying_time_response(
            here, x[6], {x[0].masked_fill(still.unsqueeze(1), 0), x[1].masked_fill(matrices.eq(0), 0), 20});
        return (y * weight).sum() + y.square().sum();
      },
      {moving, matrices, network.b, network.c, network.d, network.line_sos, input}, 1e-6);
  network.a[1][4] = 0.5;
  EXPECT_THROW(varying_time_response(network, input, {}), ContractError);
  network.a[1][4] = 0;
  matrices.select(0, 2).select(0, 1).select(0, 4).fill_(0.1);
  EXPECT_THROW(varying_time_response(network, input, {{}, matrices, 20}), ContractError);
}

TEST(VaryingSolver, HoldsAFractionalDelayAtUnityOrBelow) {
  auto network = random_network({1, 1, 1, 0}, 3);
  network.a.zero_(), network.b.fill_(1), network.c.fill_(1), network.d.zero_();
  for (const double delay : {7.0, 7.25, 7.5, 7.9}) {
    network.delays.fill_(delay);
    auto impulse = at::zeros({1, 64}, at::kDouble);
    impulse[0][0] = 1;
    const auto size = at::fft_rfft(varying_time_response(network, impulse, {})).abs();
    EXPECT_LE(largest(size), 1 + 1e-12) << delay;
    EXPECT_NEAR(size[0][0].item<double>(), 1, 1e-12) << delay;
  }
}

TEST(VaryingSolver, RefusesWhatItsContractExcludes) {
  const auto network = random_network({3, 1, 1, 0}, 4, at::kDouble, 5, 20);
  const auto input = uniform({1, 40}, -1, 1, 5);
  EXPECT_THROW(varying_time_response(network, input, {trajectory(3, 39), {}, 0}), ContractError);
  EXPECT_THROW(varying_time_response(network, input, {at::full({3, 40}, 2.5, at::kDouble), {}, 0}), ContractError);
  EXPECT_THROW(varying_time_response(network, input, {{}, moving_matrices(2, 3), 30}), ContractError);
  EXPECT_THROW(varying_time_response(network, input, {{}, moving_matrices(2, 4), 40}), ContractError);
}

}  // namespace
}  // namespace diffverb
