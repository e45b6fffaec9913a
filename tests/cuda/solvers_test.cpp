#include "core/solvers/solvers.h"

#include <torch/csrc/autograd/autograd.h>

#include "tests/core/solvers/network_fixture.h"
#include "tests/cuda/cuda_fixture.h"

namespace diffverb {
namespace {

std::vector<torch::Tensor> tensors_of(const DelayNetwork& n) { return {n.a, n.b, n.c, n.d, n.line_sos}; }

DelayNetwork network_on(torch::Device device) {
  auto network = random_network({8, 2, 2, 2}, 11, torch::kFloat64, 3, 60, true);
  for (auto* t : {&network.a, &network.b, &network.c, &network.d, &network.delays, &network.line_sos})
    *t = t->to(device).detach();
  for (auto* t : {&network.a, &network.b, &network.c, &network.d, &network.line_sos}) t->set_requires_grad(true);
  return network;
}

template <class Solve>
void expect_same(const Solve& solve) {
  const auto here = network_on(torch::kCPU), there = network_on(torch::kCUDA);
  const auto y = solve(here), z = solve(there);
  EXPECT_TRUE(z.is_cuda());
  EXPECT_LT(distance(z, y), 1e-9);
  const auto weights = at::linspace(-1, 1, y.numel(), torch::kFloat64).reshape(y.sizes());
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
    for (const auto dtype : {torch::kFloat32, torch::kFloat64}) {
      std::vector<DelayNetwork> here, there;
      for (std::uint64_t r = 0; r < 2; ++r) {
        here.push_back(random_network({lines, 1, 2, 1}, 20 + r, dtype, 3, 40, false));
        there.push_back(here.back());
        for (auto* t : {&there[r].a, &there[r].b, &there[r].c, &there[r].d, &there[r].delays, &there[r].line_sos})
          *t = t->cuda();
      }
      const auto omega = at::linspace(0.01, 3.1, 53, torch::kFloat64);
      EXPECT_LT(distance(at::view_as_real(frequency_response(there, omega.cuda(), 1.01)),
                         at::view_as_real(frequency_response(here, omega, 1.01))),
                dtype == torch::kFloat32 ? 1e-4 : 1e-9)
          << lines;
    }
  }
}

TEST_F(CUDA, TimeResponseIsWhatItIsOnTheCpu) {
  expect_same([](const DelayNetwork& n) {
    const auto input = at::linspace(-1, 1, 400, torch::kFloat64).sin().reshape({2, 200}).to(n.a.device());
    return time_response(n, input);
  });
}

}  // namespace
}  // namespace diffverb
