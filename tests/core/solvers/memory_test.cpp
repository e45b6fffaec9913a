// What the solvers take at their peak above what the process held before, output and gradient included.
#include <ATen/ops/linspace.h>
#include <gtest/gtest.h>

#include "core/solvers/solvers.h"
#include "core/tensor.h"
#include "tests/core/solvers/network_fixture.h"
#include "tests/peak_memory.h"

namespace diffverb {
namespace {

constexpr std::int64_t kTenSeconds = 480000;  // at 48 kHz

std::vector<at::Tensor> make_leaves(DelayNetwork& network) {
  std::vector<at::Tensor> leaves;
  for (auto* tensor : {&network.a, &network.b, &network.c, &network.d, &network.line_sos}) {
    *tensor = tensor->detach().clone().set_requires_grad(true);
    if (tensor->numel() > 0) leaves.push_back(*tensor);
  }
  return leaves;
}

TEST(SolverMemory, OfTheTimeSolverIsBelow500MegabytesForTenSecondsOfSixteenLines) {
  const auto expect = [](at::ScalarType dtype, std::int64_t sections, double least_mb) {
    auto network = random_network({16, 1, 1, sections}, 401, dtype, 500, 2500);
    const auto leaves = make_leaves(network);
    const auto input = uniform({1, kTenSeconds}, -1, 1, 402).to(dtype).set_requires_grad(true);
    expect_peak(std::string(toString(dtype)) + "_" + std::to_string(sections) + "_sections", least_mb, 500, [&] {
      auto all = leaves;
      all.push_back(input);
      torch::autograd::grad({time_response(network, input).square().sum()}, all);
    });
  };
  const double signals_mb = 16.0 * kTenSeconds * 4 / 1e6;  // of every line, once
  expect(at::kFloat, 0, 2 * signals_mb);
  expect(at::kFloat, 10, 4 * signals_mb);
  expect(at::kDouble, 10, 8 * signals_mb);
}

TEST(SolverMemory, OfModulatedDelaysIsBelow500MegabytesForTenSecondsOfSixteenLines) {
  auto network = random_network({16, 1, 1, 2}, 411, at::kFloat, 500, 2500);
  auto leaves = make_leaves(network);
  const auto input = uniform({1, kTenSeconds}, -1, 1, 412).to(at::kFloat);
  Varying varying;
  varying.delays = (network.delays.unsqueeze(1) + 0.5).expand({16, kTenSeconds}).contiguous().set_requires_grad(true);
  leaves.push_back(varying.delays);
  expect_peak("modulated", 16.0 * kTenSeconds * 8 / 1e6, 500,
              [&] { torch::autograd::grad({varying_time_response(network, input, varying).square().sum()}, leaves); });
}

TEST(SolverMemory, OfTheFrequencySolverIsThatOfTheStatesThatItKeeps) {
  auto network = random_network({16, 1, 1, 0}, 421, at::kFloat, 500, 2500, false);
  auto leaves = make_leaves(network);
  const auto omega = at::linspace(0, 3.1, 48001, at::kDouble);
  const auto step = [&] { torch::autograd::grad({frequency_response(network, omega).abs().square().sum()}, leaves); };
  const double states_mb = 48001 * 16 * 8 / 1e6;      // a complex number a line and bin
  expect_peak("frequency", 2 * states_mb, 30, step);  // G X and C G P^-1; the peer's autograd keeps some N of them
  network.delays.set_requires_grad(true);
  leaves.push_back(network.delays);
  expect_peak("frequency_with_delays", 3 * states_mb, 40, step);
}

TEST(SolverMemory, OfTheFrequencySolverHasABoundWhereStatesWouldBeManyTimesLarger) {
  auto network = random_network({64, 8, 8, 0}, 431, at::kFloat, 500, 2500);
  const auto leaves = make_leaves(network);
  const auto omega = at::linspace(0, 3.1, 48001, at::kDouble);
  const double h_mb = 64 * 48001 * 8 / 1e6, states_mb = 48001 * 64 * 16 * 8 / 1e6;
  // H, its cotangent and what square() keeps; states are not kept.
  expect_peak("frequency_64", h_mb, 0.5 * states_mb,
              [&] { torch::autograd::grad({frequency_response(network, omega).abs().square().sum()}, leaves); });
}

}  // namespace
}  // namespace diffverb
