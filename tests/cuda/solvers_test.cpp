#include "core/solvers/solvers.h"

#include <ATen/ops/linspace.h>
#include <ATen/ops/view_as_real.h>
#include <torch/csrc/autograd/autograd.h>

#include "tests/core/solvers/network_fixture.h"
#include "tests/cuda/cuda_fixture.h"
#include "train/optimizer/step_graph.h"

namespace diffverb {
namespace {

std::vector<at::Tensor> tensors_of(const DelayNetwork& n) { return {n.a, n.b, n.c, n.d, n.line_sos}; }

DelayNetwork network_on(at::Device device) {
  auto network = random_network({8, 2, 2, 2}, 11, at::kDouble, 3, 60, true);
  for (auto* t : {&network.a, &network.b, &network.c, &network.d, &network.delays, &network.line_sos})
    *t = t->to(device).detach();
  for (auto* t : {&network.a, &network.b, &network.c, &network.d, &network.line_sos}) t->set_requires_grad(true);
  return network;
}

template <class Solve>
void expect_same(const Solve& solve) {
  const auto here = network_on(at::kCPU), there = network_on(at::kCUDA);
  const auto y = solve(here), z = solve(there);
  EXPECT_TRUE(z.is_cuda());
  EXPECT_LT(distance(z, y), 1e-9);
  const auto weights = at::linspace(-1, 1, y.numel(), at::kDouble).reshape(y.sizes());
  const auto gradients = torch::autograd::grad({(y * weights).sum()}, tensors_of(here));
  const auto others = torch::autograd::grad({(z * weights.cuda()).sum()}, tensors_of(there));
  for (std::size_t i = 0; i < gradients.size(); ++i) EXPECT_LT(distance(others[i], gradients[i]), 1e-7) << i;
}

TEST_F(CUDA, FrequencyResponseIsWhatItIsOnTheCpu) {
  expect_same([](const DelayNetwork& n) {
    const auto omega = at::linspace(0.01, 3.1, 37, n.delays.options().requires_grad(false));
    return at::view_as_real(frequency_response(n, omega, 1.001));
  });
}

TEST_F(CUDA, FrequencyKernelTakesEveryNumberOfLinesAndBatches) {
  for (const std::int64_t lines : {1, 5, 8, 13, 16, 17, 32, 33, 64}) {
    for (const auto dtype : {at::kFloat, at::kDouble}) {
      std::vector<DelayNetwork> here, there;
      for (std::uint64_t r = 0; r < 2; ++r) {
        here.push_back(random_network({lines, 1, 2, 1}, 20 + r, dtype, 3, 40, false));
        there.push_back(here.back());
        for (auto* t : {&there[r].a, &there[r].b, &there[r].c, &there[r].d, &there[r].delays, &there[r].line_sos})
          *t = t->cuda();
      }
      const auto omega = at::linspace(0.01, 3.1, 53, at::kDouble);
      EXPECT_LT(distance(at::view_as_real(frequency_response(there, omega.cuda(), 1.01)),
                         at::view_as_real(frequency_response(here, omega, 1.01))),
                dtype == at::kFloat ? 1e-4 : 1e-9)
          << lines;
    }
  }
}

TEST_F(CUDA, TimeResponseIsWhatItIsOnTheCpu) {
  expect_same([](const DelayNetwork& n) {
    const auto input = at::linspace(-1, 1, 400, at::kDouble).sin().reshape({2, 200}).to(n.a.device());
    return time_response(n, input);
  });
}

TEST_F(CUDA, TimeKernelTakesEveryNumberOfLinesDelayAndLength) {
  for (const NetworkShape& shape : {NetworkShape{1, 1, 1, 0}, NetworkShape{5, 2, 3, 2}, NetworkShape{16, 1, 2, 11},
                                    NetworkShape{33, 1, 1, 1}, NetworkShape{64, 1, 1, 2}}) {
    for (const double shortest : {1.0, 9.0, 40.0, 600.0}) {
      for (const auto dtype : {at::kFloat, at::kDouble}) {
        const auto network = random_network(shape, 40, dtype, shortest, shortest + 200);
        const auto input = uniform({shape.inputs, 1500}, -1, 1, 41).to(dtype);
        std::vector<at::Tensor> results[2];
        for (const bool gpu : {false, true}) {
          const at::Device device = gpu ? at::kCUDA : at::kCPU;
          DelayNetwork n = network;
          std::vector<at::Tensor> leaves;
          for (auto* t : {&n.a, &n.b, &n.c, &n.d, &n.line_sos})
            leaves.push_back(*t = t->to(device).detach().clone().set_requires_grad(true));
          n.delays = n.delays.to(device);
          leaves.push_back(input.to(device).detach().clone().set_requires_grad(true));
          const auto y = time_response(n, leaves.back());
          results[gpu] = torch::autograd::grad({y.square().sum()}, leaves);
          results[gpu].push_back(y);
        }
        for (std::size_t i = 0; i < results[0].size(); ++i) {
          if (results[0][i].numel() == 0) continue;
          EXPECT_LT(distance(results[1][i], results[0][i]), dtype == at::kFloat ? 2e-3 : 1e-9)
              << shape.lines << " lines, from " << shortest << " samples on, result " << i;
        }
      }
    }
  }
}

TEST_F(CUDA, TheSolversCanBeRecorded) {
  auto network = network_on(at::kCUDA);
  network.is_sound = true;
  const auto input = at::linspace(-1, 1, 400, at::kDouble).sin().reshape({2, 200}).cuda();
  const auto omega = at::linspace(0.01, 3.1, 37, at::kDouble).cuda();
  StepGraph graph([&](const Response&) {
    const auto value = time_response(network, input).square().sum() +
                       at::view_as_real(frequency_response(network, omega)).square().sum();
    const auto gradients = torch::autograd::grad({value}, tensors_of(network));
    at::Tensor sum = value.detach();
    for (const auto& gradient : gradients) sum = sum + gradient.to(at::kDouble).abs().sum();
    return sum;
  });
  const double first = graph.run({}).item<double>();
  for (int k = 0; k < 6; ++k) EXPECT_NEAR(graph.run({}).item<double>(), first, 1e-9 * first);
  EXPECT_TRUE(graph.is_recorded());
}

}  // namespace
}  // namespace diffverb
