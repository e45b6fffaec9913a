#include <ATen/Context.h>
#include <ATen/ops/equal.h>
#include <ATen/ops/randn.h>
#include <ATen/ops/zeros.h>

#include <cmath>

#include "tests/cuda/cuda_fixture.h"
#include "train/optimizer/ema.h"
#include "train/optimizer/flat_adam.h"

namespace diffverb {
namespace {

/// Parameters without a forward pass; one of float64, which LibTorch's own pass steps.
class Bag final : public Model {
 public:
  explicit Bag(at::Device device) {
    at::manual_seed(3);
    const auto add = [&](const std::string& name, const at::Tensor& t) {
      tensors[name] = t.to(device).detach().set_requires_grad(true);
    };
    add("a", at::randn({5, 7}));
    add("b", at::randn({3}));
    add("c", at::randn({4, 4, 2}, at::kDouble));
    add("slow", at::randn({6, 2}).t().contiguous());
    add("turned", at::randn({6, 2}).t());
    add("large", at::randn({300, 1000}));
  }
  std::map<std::string, at::Tensor> parameters() const override { return tensors; }
  double rate_scale(const std::string& name) const override { return name == "slow" ? 0.25 : 1; }
  Response forward(const Response& target) override { return target; }
  std::map<std::string, at::Tensor> tensors;
};

struct Stepped {
  std::map<std::string, at::Tensor> values;
  std::vector<double> norms;
  std::vector<at::Tensor> averages;
};

Stepped steps_on(at::Device device, const AdamOptions& options, int steps, int bad_step = -1) {
  Bag bag(device);
  FlatParameters flat(bag);
  FlatAdam adam(flat, options);
  Ema ema(flat, {}, 0.9);
  Stepped out;
  for (int k = 0; k < steps; ++k) {
    flat.zero_gradients();
    auto sum = at::zeros({}, at::TensorOptions().dtype(at::kDouble).device(device));
    for (const auto& [name, t] : bag.tensors) sum = sum + (t.square().square() + 0.3 * t.sin()).sum();
    sum.backward();
    if (k == bad_step) bag.tensors.at("b").mutable_grad()[1] = std::nan("");
    out.norms.push_back(adam.step(0.05 / (1 + k)).item<double>());
    ema.update(k + 1);
  }
  for (const auto& [name, t] : bag.tensors) out.values[name] = t.detach().cpu();
  for (const auto& t : ema.averages()) out.averages.push_back(t.cpu());
  return out;
}

void expect_same(const Stepped& device, const Stepped& host) {
  for (const auto& [name, value] : host.values) EXPECT_LT(distance(device.values.at(name), value), 2e-5) << name;
  for (std::size_t k = 0; k < host.norms.size(); ++k) {
    if (std::isfinite(host.norms[k])) {
      EXPECT_NEAR(device.norms[k], host.norms[k], 1e-4 * host.norms[k]) << k;
    } else {
      EXPECT_FALSE(std::isfinite(device.norms[k])) << k;
    }
  }
  for (std::size_t i = 0; i < host.averages.size(); ++i)
    EXPECT_LT(distance(device.averages[i], host.averages[i]), 2e-5) << i;
}

TEST_F(CUDA, AdamWStepsAsOnTheCpu) {
  const AdamOptions options{.beta1 = 0.8, .beta2 = 0.95, .epsilon = 1e-7, .weight_decay = 0.1};
  expect_same(steps_on(at::kCUDA, options, 40), steps_on(at::kCPU, options, 40));
}

TEST_F(CUDA, AdamWithClippedGradientsStepsAsOnTheCpu) {
  const AdamOptions options{.weight_decay = 0.1, .decoupled = false, .clip_norm = 5};
  expect_same(steps_on(at::kCUDA, options, 40), steps_on(at::kCPU, options, 40));
}

TEST_F(CUDA, AGradientThatIsNoNumberMovesNothing) {
  const AdamOptions options;
  const Stepped before = steps_on(at::kCUDA, options, 4), after = steps_on(at::kCUDA, options, 5, 4);
  EXPECT_FALSE(std::isfinite(after.norms[4]));
  for (const auto& [name, value] : before.values) EXPECT_TRUE(at::equal(after.values.at(name), value)) << name;
}

}  // namespace
}  // namespace diffverb
