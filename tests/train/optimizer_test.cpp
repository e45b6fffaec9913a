#include <ATen/Context.h>
#include <ATen/ops/equal.h>
#include <ATen/ops/full.h>
#include <ATen/ops/randn.h>
#include <ATen/ops/tensor.h>
#include <ATen/ops/zeros.h>
#include <gtest/gtest.h>
#include <torch/optim/adam.h>
#include <torch/optim/adamw.h>

#include <cmath>
#include <numbers>

#include "core/error.h"
#include "tests/scratch.h"
#include "train/optimizer/ema.h"
#include "train/optimizer/flat_adam.h"
#include "train/optimizer/schedule.h"

namespace diffverb {
namespace {

/// Parameters without a forward pass.
class Bag final : public Model {
 public:
  std::map<std::string, at::Tensor> parameters() const override { return tensors; }
  double rate_scale(const std::string& name) const override { return name == "slow" ? 0.25 : 1; }
  Response forward(const Response& target) override { return target; }
  std::map<std::string, at::Tensor> tensors;
};

Bag sample_bag() {
  at::manual_seed(3);
  Bag bag;
  bag.tensors = {{"a", at::randn({5, 7}).requires_grad_()},
                 {"b", at::randn({3}).requires_grad_()},
                 {"c", at::randn({4, 4, 2}, at::kDouble).requires_grad_()},
                 {"slow", at::randn({6, 2}).t().contiguous().requires_grad_()},
                 {"turned", at::randn({6, 2}).t().detach().requires_grad_()}};
  return bag;
}

at::Tensor loss_of(const std::map<std::string, at::Tensor>& tensors) {
  at::Tensor sum = at::zeros({}, at::kDouble);
  for (const auto& [name, t] : tensors) sum = sum + (t.square().square() + 0.3 * t.sin()).sum();
  return sum;
}

/// 40 steps of ours and of LibTorch's from the same start; rates by parameter.
template <class Optimizer, class Options>
void compare_with_libtorch(bool decoupled, double weight_decay) {
  Bag bag = sample_bag();
  std::map<std::string, at::Tensor> twins;
  std::vector<torch::optim::OptimizerParamGroup> groups;
  for (const auto& [name, t] : bag.tensors) {
    twins[name] = t.detach().clone().requires_grad_();
    auto options = std::make_unique<Options>(0.05 * bag.rate_scale(name));
    options->betas({0.8, 0.95}).eps(1e-7).weight_decay(t.dim() >= 2 ? weight_decay : 0);
    groups.emplace_back(std::vector<at::Tensor>{twins[name]}, std::move(options));
  }
  Optimizer reference(groups, Options(0.05));
  FlatParameters flat(bag);
  FlatAdam adam(flat,
                {.beta1 = 0.8, .beta2 = 0.95, .epsilon = 1e-7, .weight_decay = weight_decay, .decoupled = decoupled});
  for (int k = 0; k < 40; ++k) {
    flat.zero_gradients();
    loss_of(bag.tensors).backward();
    adam.step(0.05);
    reference.zero_grad();
    loss_of(twins).backward();
    reference.step();
  }
  for (const auto& [name, t] : bag.tensors)
    EXPECT_LT((t - twins[name]).abs().max().template item<double>(), 1e-6) << name;
}

TEST(FlatAdam, EqualsLibTorchsAdam) { compare_with_libtorch<torch::optim::Adam, torch::optim::AdamOptions>(false, 0); }
TEST(FlatAdam, EqualsLibTorchsAdamWithDecay) {
  compare_with_libtorch<torch::optim::Adam, torch::optim::AdamOptions>(false, 0.02);
}
TEST(FlatAdam, EqualsLibTorchsAdamW) {
  compare_with_libtorch<torch::optim::AdamW, torch::optim::AdamWOptions>(true, 0.02);
}

TEST(FlatAdam, ClipsTheNormOverAllParameters) {
  Bag bag;
  bag.tensors = {{"a", at::zeros({2}).requires_grad_()}, {"b", at::zeros({1}, at::kDouble).requires_grad_()}};
  FlatParameters flat(bag);
  FlatAdam adam(flat, {.beta1 = 0, .clip_norm = 2});
  const auto set = [&](double a0, double a1, double b) {
    flat.zero_gradients();
    bag.tensors["a"].mutable_grad().copy_(at::tensor({a0, a1}));
    bag.tensors["b"].mutable_grad().fill_(b);
  };
  set(3, 4, 12);
  EXPECT_NEAR(adam.step(0.1).item<double>(), 13, 1e-6);
  EXPECT_NEAR(adam.first()[0][0].item<double>(), 3 * 2 / 13.0, 1e-6);  // with beta1 = 0 the moment is the gradient
  EXPECT_NEAR(adam.first()[1][0].item<double>(), 12 * 2 / 13.0, 1e-6);
  set(0.3, 0.4, 1.2);
  EXPECT_NEAR(adam.step(0.1).item<double>(), 1.3, 1e-6);
  EXPECT_NEAR(adam.first()[0][1].item<double>(), 0.4, 1e-7);
}

TEST(FlatAdam, AGradientThatIsNotANumberChangesNothing) {
  Bag bag = sample_bag();
  FlatParameters flat(bag);
  FlatAdam adam(flat, {.clip_norm = 1});
  flat.zero_gradients();
  loss_of(bag.tensors).backward();
  bag.tensors["b"].mutable_grad()[2] = std::nan("");
  const at::Tensor before = bag.tensors["a"].detach().clone();
  EXPECT_FALSE(std::isfinite(adam.step(0.1).item<double>()));
  EXPECT_TRUE(at::equal(bag.tensors["a"], before));
  EXPECT_EQ(adam.first()[0].abs().max().item<double>(), 0);
  EXPECT_EQ(flat.first_bad_gradient(), "b is not a number at index 2");
}

TEST(FlatParameters, KeepValuesStridesAndTheModelsOwnTensors) {
  Bag bag = sample_bag();
  std::map<std::string, at::Tensor> before;
  for (const auto& [name, t] : bag.tensors) before[name] = t.detach().clone();
  FlatParameters flat(bag);
  EXPECT_EQ(flat.buffers().size(), 2u);  // float32, float64
  EXPECT_FALSE(bag.tensors["turned"].is_contiguous());
  for (const auto& [name, t] : bag.tensors) {
    EXPECT_TRUE(at::equal(t, before[name])) << name;
    EXPECT_TRUE(t.is_leaf() && t.requires_grad()) << name;
  }
  loss_of(bag.tensors).backward();
  double sum = 0;
  for (const auto& buffer : flat.buffers()) sum += buffer.gradients.sum().item<double>();
  double expected = 0;
  for (const auto& [name, t] : bag.tensors) expected += t.grad().sum().item<double>();
  EXPECT_NEAR(sum, expected, 1e-4 * std::abs(expected) + 1e-4);
  for (const auto& entry : flat.entries()) EXPECT_EQ(entry.begin % 16, 0);
}

TEST(FlatParameters, ComplexAndComputedOnesAreRefused) {
  Bag bag;
  bag.tensors = {{"z", at::zeros({2}, at::kComplexFloat).requires_grad_()}};
  EXPECT_EQ(message_of<ContractError>([&] { FlatParameters{bag}; }),
            "parameter 'z' is complex: give its real view, at::view_as_real");
  bag.tensors = {{"y", at::zeros({2}).requires_grad_() * 2}};
  EXPECT_NE(message_of<ContractError>([&] { FlatParameters{bag}; }).find("no leaf"), std::string::npos);
}

TEST(Ema, FollowsItsFormulaForWeightsAndStatisticsAlike) {
  Bag bag;
  bag.tensors = {{"a", at::full({1}, 1.0, at::kDouble).requires_grad_()}};
  FlatParameters flat(bag);
  const at::Tensor statistic = at::full({2}, 1.0, at::kDouble), count = at::zeros({1}, at::kLong);
  Ema ema(flat, {{"statistic", statistic}, {"count", count}}, 0.6);
  double expected = 1;
  for (int t = 1; t <= 30; ++t) {
    flat.buffers()[0].values[0] = std::sin(t);
    statistic.fill_(std::sin(t));
    count.fill_(t);
    ema.update(t);
    const double decay = std::min(0.6, (1.0 + t) / (10.0 + t));
    expected = decay * expected + (1 - decay) * std::sin(t);
    ASSERT_NEAR(ema.averages()[0][0].item<double>(), expected, 1e-12) << t;
  }
  ema.swap();
  EXPECT_NEAR(bag.tensors["a"].item<double>(), expected, 1e-12);
  EXPECT_NEAR(statistic[1].item<double>(), expected, 1e-12);
  EXPECT_EQ(count.item<std::int64_t>(), 30);
  ema.swap();
  EXPECT_EQ(bag.tensors["a"].item<double>(), std::sin(30));
  EXPECT_EQ(statistic[1].item<double>(), std::sin(30));
}

Schedule schedule(const std::string& yaml) {
  Fields fields = Fields::from_text(yaml);
  Schedule out(fields, true);
  fields.finish();
  return out;
}

TEST(Schedule, CosineWithWarmUp) {
  const Schedule s = schedule("{schedule: cosine, rate: 0.5, warmup_steps: 10, end_share: 0.1}");
  EXPECT_NEAR(s.rate_at(0, 100), 0.05, 1e-12);
  EXPECT_NEAR(s.rate_at(4, 100), 0.25 * (0.1 + 0.9 * 0.5 * (1 + std::cos(std::numbers::pi * 0.04))), 1e-12);
  EXPECT_NEAR(s.rate_at(50, 100), 0.5 * 0.55, 1e-12);
  EXPECT_NEAR(s.rate_at(100, 100), 0.05, 1e-12);
}

TEST(Schedule, StepAndConstant) {
  const Schedule s = schedule("{schedule: step, rate: 1, warmup_steps: 1, step_every: 20, schedule_factor: 0.1}");
  EXPECT_NEAR(s.rate_at(19, 100), 1, 1e-12);
  EXPECT_NEAR(s.rate_at(20, 100), 0.1, 1e-12);
  EXPECT_NEAR(s.rate_at(59, 100), 0.01, 1e-12);
  EXPECT_EQ(schedule("{schedule: constant, rate: 3, warmup_steps: 1}").rate_at(77, 100), 3);
}

TEST(Schedule, PlateauFallsOnceValidationsBringNothing) {
  Schedule s = schedule("{schedule: plateau, rate: 1, warmup_steps: 1, plateau_patience: 2, schedule_factor: 0.5}");
  for (const double loss : {5.0, 4.0, 4.5}) s.observe(loss);
  EXPECT_EQ(s.rate_at(10, 100), 1);
  s.observe(4.1);
  EXPECT_EQ(s.rate_at(10, 100), 0.5);
  s.observe(3.0);
  Schedule later = schedule("{schedule: plateau, rate: 1, warmup_steps: 1, plateau_patience: 2}");
  later.set_state(s.state());
  later.observe(3.1);
  later.observe(3.1);
  EXPECT_EQ(later.rate_at(10, 100), 0.25);
}

}  // namespace
}  // namespace diffverb
