#include <ATen/Parallel.h>
#include <ATen/ops/arange.h>
#include <ATen/ops/block_diag.h>
#include <ATen/ops/complex.h>
#include <ATen/ops/equal.h>
#include <ATen/ops/full.h>
#include <ATen/ops/linspace.h>
#include <ATen/ops/real.h>
#include <ATen/ops/tensor.h>
#include <ATen/ops/view_as_real.h>
#include <gtest/gtest.h>

#include "core/error.h"
#include "core/filters/peaking.h"
#include "core/solvers/frequency_library.h"
#include "core/solvers/solvers.h"
#include "core/tensor.h"
#include "tests/core/solvers/filter_zeros.h"
#include "tests/core/solvers/network_fixture.h"

namespace diffverb {
namespace {

at::Tensor grid(std::int64_t bins) { return at::linspace(0.01, 3.1, bins, at::kDouble); }

/// A smooth scalar of the response that weighs its real and imaginary parts unequally.
at::Tensor score(const at::Tensor& h) {
  const auto weight =
      at::complex(at::linspace(0.3, 1, h.numel(), at::kDouble), at::linspace(-1, 0.7, h.numel(), at::kDouble));
  return at::real(h.to(at::kComplexDouble).reshape({-1}) * weight).sum() + h.abs().square().sum();
}

class FrequencySolverShapes : public testing::TestWithParam<NetworkShape> {};

TEST_P(FrequencySolverShapes, EqualsALinearSolveOnACircleOfRadiusOneAndBeyond) {
  for (const double radius : {1.0, 1.01}) {
    const auto network = random_network(GetParam(), 11, at::kDouble, 3, 40, false);
    const auto omega = grid(37);  // 37 is a multiple of no register's width
    EXPECT_LT(relative_error(frequency_response(network, omega, radius), response_by_linalg(network, omega, radius)),
              1e-11);
  }
}

TEST_P(FrequencySolverShapes, GivesTheGradientOfEveryTensorByFiniteDifferences) {
  for (const double radius : {1.0, 1.02}) {
    const auto network = random_network(GetParam(), 12, at::kDouble, 3, 12, false);
    const auto omega = grid(13);
    expect_gradient([&](const auto& x) { return score(frequency_response(with_tensors(network, x), omega, radius)); },
                    {network.a, network.b, network.c, network.d, network.line_sos, network.delays}, 1e-6);
  }
}

TEST_P(FrequencySolverShapes, IsAsExactInFloat32AsFloat32Is) {
  const auto network = random_network(GetParam(), 13, at::kFloat, 900, 4000, false);
  const auto wide = network.to(at::kDouble);
  const auto omega = grid(501);
  const auto h = frequency_response(network, omega);
  EXPECT_EQ(h.scalar_type(), at::kComplexFloat);
  EXPECT_LT(relative_error(h, frequency_response(wide, omega)), 2e-5);
}

TEST_P(FrequencySolverShapes, EqualsLibTorchsOperatorsAndTheirGradients) {
  const auto network = random_network(GetParam(), 15, at::kDouble, 3, 40, false);
  std::vector<at::Tensor> tensors{network.a, network.b, network.c, network.d, network.line_sos, network.delays};
  for (auto& tensor : tensors) tensor = tensor.detach().clone().set_requires_grad(true);
  const auto here = with_tensors(network, tensors);
  const auto omega = grid(23);
  const auto by_kernel = frequency_response(here, omega, 1.01);
  const auto by_library = frequency_response_by_library(here, omega, 1.01);
  EXPECT_LT(relative_error(by_library, by_kernel), 1e-11);
  if (GetParam().sections == 0) tensors.erase(tensors.begin() + 4);
  const auto one = torch::autograd::grad({score(by_kernel)}, tensors);
  const auto other = torch::autograd::grad({score(by_library)}, tensors);
  for (std::size_t i = 0; i < one.size(); ++i) EXPECT_LT(relative_error(other[i], one[i]), 1e-9) << i;
}

INSTANTIATE_TEST_SUITE_P(Sizes, FrequencySolverShapes,
                         testing::Values(NetworkShape{1, 1, 1, 0}, NetworkShape{2, 1, 1, 1}, NetworkShape{3, 2, 1, 2},
                                         NetworkShape{4, 1, 3, 3}, NetworkShape{5, 2, 2, 0}, NetworkShape{8, 3, 2, 2},
                                         NetworkShape{9, 1, 2, 1}, NetworkShape{16, 1, 1, 3},
                                         NetworkShape{17, 2, 1, 1}));

/// Response and gradients of the kernel beside those of LibTorch's operators.
void expect_library_values(const DelayNetwork& network, const at::Tensor& omega, double tolerance) {
  std::vector<at::Tensor> tensors{network.a, network.b, network.c, network.d, network.delays};
  if (network.sections() > 0) tensors.push_back(network.line_sos);
  for (auto& tensor : tensors) tensor = tensor.detach().clone().set_requires_grad(true);
  const auto sos = network.sections() > 0 ? tensors[5] : network.line_sos;
  const auto here = with_tensors(network, {tensors[0], tensors[1], tensors[2], tensors[3], sos, tensors[4]});
  const auto by_kernel = frequency_response(here, omega), by_library = frequency_response_by_library(here, omega, 1);
  EXPECT_LT(relative_error(by_kernel, by_library), tolerance);
  const auto one = torch::autograd::grad({score(by_kernel)}, tensors);
  const auto other = torch::autograd::grad({score(by_library)}, tensors);
  for (std::size_t i = 0; i < one.size(); ++i) EXPECT_LT(relative_error(one[i], other[i]), tolerance) << i;
}

TEST(FrequencySolver, HoldsForEveryNumberOfLinesUpTo64) {
  for (std::int64_t lines = 1; lines <= 64; ++lines) {
    SCOPED_TRACE(lines);
    expect_library_values(random_network({lines, 1 + lines % 3, 1 + lines % 2, 1}, 100 + lines), grid(37), 1e-9);
  }
}

TEST(FrequencySolver, HoldsWhereFiltersAreZeroOnTheGrid) {
  const auto omega = at::linspace(0, std::numbers::pi, 41, at::kDouble);
  auto network = random_network({4, 2, 2, 2}, 23);
  network.line_sos = sections_with_zeros();
  expect_library_values(network, omega, 1e-9);
  auto single = network.to(at::kFloat);
  single.line_sos = network.line_sos.clone().set_requires_grad(true);
  const auto h = frequency_response(single, omega);
  EXPECT_LT(relative_error(h, frequency_response(network, omega)), 2e-6);
  const auto gradient = torch::autograd::grad({score(h)}, {single.line_sos})[0];
  network.line_sos = single.line_sos;
  const auto expected = torch::autograd::grad({score(frequency_response(network, omega))}, {network.line_sos})[0];
  EXPECT_LT(relative_error(gradient, expected), 1e-5);
}

/// A network whose I - A G has a zero leading entry at every bin where G = 1, but is far from singular.
DelayNetwork needs_pivoting(at::ScalarType dtype) {
  auto network = random_network({3, 2, 2, 0}, 21, dtype);
  network.a = at::tensor({1.0, 0.9, -0.2, -0.8, -0.6, 0.3, 0.2, -0.1, 0.4}, at::kDouble).reshape({3, 3}).to(dtype);
  network.delays = at::full({3}, 8.0, at::kDouble);
  return network;
}

TEST(FrequencySolver, PivotsWhereEliminationInOrderBreaksDown) {
  const auto omega = at::arange(8, at::kDouble) * (std::numbers::pi / 4);  // z^-8 = 1
  const auto expected = response_by_linalg(needs_pivoting(at::kDouble), omega, 1.0);
  EXPECT_LT(relative_error(frequency_response(needs_pivoting(at::kDouble), omega), expected), 1e-11);
  EXPECT_LT(relative_error(frequency_response(needs_pivoting(at::kFloat), omega), expected), 1e-5);
}

TEST(FrequencySolver, PivotsWhereOneLoopOfSeveralBreaksDown) {
  const auto omega = at::arange(8, at::kDouble) * (std::numbers::pi / 4);
  const auto one = needs_pivoting(at::kDouble).a, other = 0.5 * haar_orthogonal(5, 22, false);
  for (const auto& a : {at::block_diag({one, other}), at::block_diag({other, one})}) {
    auto network = random_network({8, 2, 2, 0}, 23);
    network.a = a;
    network.delays = at::full({8}, 8.0, at::kDouble);
    const auto expected = response_by_linalg(network, omega, 1.0);
    EXPECT_LT(relative_error(frequency_response(network, omega), expected), 1e-11);
    EXPECT_LT(relative_error(frequency_response(network.to(at::kFloat), omega), expected), 1e-5);
  }
}

TEST(FrequencySolver, PivotsInTheGradientToo) {
  const auto network = needs_pivoting(at::kDouble);
  const auto omega = at::arange(8, at::kDouble) * (std::numbers::pi / 4);
  const std::vector<at::Tensor> at{network.a, network.b, network.c, network.d, network.delays};
  const auto rebuilt = [&](const std::vector<at::Tensor>& x) {
    return with_tensors(network, {x[0], x[1], x[2], x[3], network.line_sos, x[4]});
  };
  expect_gradient([&](const auto& x) { return score(frequency_response(rebuilt(x), omega)); }, at, 1e-6, 1e-4);
}

TEST(FrequencySolver, GivesTheSameBitsWithOneThreadAndWithMany) {
  const auto network = random_network({9, 2, 2, 3}, 31, at::kFloat, 200, 900);
  const auto omega = grid(3001);
  const int threads = at::get_num_threads();
  std::vector<std::vector<at::Tensor>> results;
  for (const int count : {1, 4}) {
    at::set_num_threads(count);
    std::vector<at::Tensor> x;
    for (const auto& t : {network.a, network.b, network.c, network.d, network.line_sos, network.delays}) {
      x.push_back(t.clone().set_requires_grad(true));
    }
    const auto h = frequency_response(with_tensors(network, x), omega);
    auto all = torch::autograd::grad({score(h)}, x);
    all.push_back(at::view_as_real(h.detach()));
    results.push_back(all);
  }
  at::set_num_threads(threads);
  for (std::size_t i = 0; i < results[0].size(); ++i)
    EXPECT_TRUE(at::equal(results[0][i], results[1][i])) << "result " << i;
}

TEST(FrequencySolver, HoldsADeepCutAtTheBottomOfAHighRateInFloat32) {
  auto network = random_network({4, 1, 1, 0}, 41, at::kFloat, 900, 4000);
  const auto db = at::full({4, 1}, -12.0, at::kDouble);
  network.line_sos = peaking_sos(db, {63.0}, 1.4, 96000);
  const auto wide = network.to(at::kDouble);
  const auto omega = at::linspace(20, 400, 381, at::kDouble) * (2 * std::numbers::pi / 96000);
  EXPECT_LT(relative_error(frequency_response(network, omega), frequency_response(wide, omega)), 1e-5);
}

TEST(FrequencySolver, MakesOnlyTheGradientsThatAreAskedFor) {
  const auto network = random_network({6, 2, 2, 2}, 51);
  const auto omega = grid(29);
  const std::vector<at::Tensor> at{network.a, network.b, network.c, network.d, network.line_sos, network.delays};
  std::vector<at::Tensor> all;
  for (const auto& t : at) all.push_back(t.clone().set_requires_grad(true));
  const auto expected = torch::autograd::grad({score(frequency_response(with_tensors(network, all), omega))}, all);
  for (std::size_t i = 0; i < at.size(); ++i) {
    auto one = at;
    one[i] = at[i].clone().set_requires_grad(true);
    const auto gradient =
        torch::autograd::grad({score(frequency_response(with_tensors(network, one), omega))}, {one[i]});
    EXPECT_LT(relative_error(gradient[0], expected[i]), 1e-12) << "argument " << i;
  }
}

TEST(FrequencySolver, TakesTensorsInAnyMemoryOrder) {
  const auto network = random_network({5, 2, 3, 2}, 61);
  auto turned = network;
  for (auto* tensor : {&turned.a, &turned.b, &turned.c, &turned.d}) *tensor = tensor->t().contiguous().t();
  turned.line_sos = network.line_sos.permute({2, 1, 0}).contiguous().permute({2, 1, 0});
  const auto omega = grid(20).repeat_interleave(2).slice(0, 0, 40, 2);
  EXPECT_TRUE(at::equal(frequency_response(turned, omega), frequency_response(network, omega.contiguous())));
}

TEST(FrequencySolver, RefusesWhatItsContractExcludes) {
  const auto network = random_network({3, 1, 1, 1}, 71);
  EXPECT_THROW(frequency_response(network, grid(4).to(at::kFloat)), ContractError);
  EXPECT_THROW(frequency_response(network, grid(4).reshape({2, 2})), ContractError);
  EXPECT_THROW(frequency_response(network, grid(4).slice(0, 0, 0)), ContractError);
  EXPECT_THROW(frequency_response(network, grid(4), 0.99), ContractError);
  auto mixed = network;
  mixed.b = mixed.b.to(at::kFloat);
  EXPECT_THROW(frequency_response(mixed, grid(4)), ContractError);
  auto unstable = network;
  unstable.line_sos = at::tensor({1., 0., 0., 0., 1.01}, at::kDouble).reshape({1, 1, 5}).repeat({3, 1, 1});
  EXPECT_THROW(frequency_response(unstable, grid(4)), ContractError);
  EXPECT_THROW(frequency_response(std::vector<DelayNetwork>{}, grid(4)), ContractError);
  EXPECT_THROW(frequency_response({network, random_network({4, 1, 1, 1}, 72)}, grid(4)), ContractError);
  EXPECT_THROW(impulse_response_by_fft(network, 1), ContractError);
  EXPECT_THROW(impulse_response_by_fft(network, 64, -1), ContractError);
  auto late = network;
  late.delays = network.delays + 64;
  EXPECT_THROW(impulse_response_by_fft(late, 64), ContractError);  // a delay longer than the grid
}

TEST(FrequencySolver, RefusesASecondDerivativeRatherThanGivingZero) {
  auto network = random_network({3, 1, 1, 0}, 81);
  network.a.set_requires_grad(true);
  const auto value = score(frequency_response(network, grid(8)));
  EXPECT_THROW(torch::autograd::grad({value}, {network.a}, {}, true, /*create_graph=*/true), ContractError);
}

}  // namespace
}  // namespace diffverb
