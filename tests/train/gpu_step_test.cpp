// A step of a fit on the way that it takes on a GPU, the host in the GPU's place: the same numbers, nothing that waits.
#include <ATen/ops/equal.h>
#include <ATen/ops/fft_rfft.h>
#include <ATen/ops/linspace.h>
#include <gtest/gtest.h>
#include <torch/csrc/autograd/autograd.h>

#include <optional>

#include "core/device/device.h"
#include "core/device/operator_watch.h"
#include "tests/host_module.h"
#include "tests/losses/loss_fixture.h"
#include "tests/train/fit_steps.h"

namespace diffverb {
namespace {

class GpuStep : public testing::TestWithParam<std::vector<std::string>> {};

TEST_P(GpuStep, GivesWhatTheCpusGives) {
  FitSteps here(GetParam());
  std::vector<double> losses;
  losses.push_back(here.step());
  const auto gradients = here.gradients();
  for (int k = 0; k < 4; ++k) losses.push_back(here.step());

  HostModule module;
  const StandInForGpu gpu(module);
  auto overlays = GetParam();
  overlays.emplace_back("train.graph=false");
  FitSteps there(overlays);
  module.time_solves = module.frequency_solves = module.adams = 0;  // of its first guess
  EXPECT_NEAR(there.step(), losses[0], 1e-4 * losses[0]);
  for (const auto& [name, gradient] : there.gradients()) {
    const double largest = gradients.at(name).abs().max().item<double>();
    EXPECT_LT((gradient - gradients.at(name)).abs().max().item<double>(), 2e-3 * largest) << name;
  }
  for (std::size_t k = 1; k < losses.size(); ++k) EXPECT_NEAR(there.step(), losses[k], 5e-3 * losses[k]) << k;
  EXPECT_EQ(module.time_solves, 5);
  EXPECT_GE(module.frequency_solves, 5);
  EXPECT_GE(module.adams, 10) << "float32 and float64 parameters";
}

TEST_P(GpuStep, AsksTheDeviceForNothing) {
  HostModule module;
  const StandInForGpu gpu(module);
  auto overlays = GetParam();
  overlays.emplace_back("train.graph=false");
  FitSteps fit(overlays);
  fit.loop().step();
  const OperatorWatch watch;
  const at::Tensor values = fit.loop().step();
  EXPECT_GT(watch.count(), 100u) << "a watch that sees nothing proves nothing";
  EXPECT_TRUE(watch.waiting().empty()) << joined(watch.waiting());
  EXPECT_TRUE(values.isfinite().all().item<bool>());
}

TEST_P(GpuStep, AsAGraphIsTheSameToTheBit) {
  HostModule module;
  const StandInForGpu gpu(module);
  auto overlays = GetParam();
  FitSteps graph(overlays);
  overlays.emplace_back("train.graph=false");
  FitSteps launches(overlays);
  module.state = graph.state();
  for (int k = 0; k < 8; ++k) EXPECT_EQ(graph.step(), launches.step()) << k;
  for (const auto& [name, parameter] : launches.model().parameters())
    EXPECT_TRUE(at::equal(graph.model().parameters().at(name), parameter)) << name;
  EXPECT_EQ(module.captures, 1);
  EXPECT_EQ(module.replays, 5);
}

INSTANTIATE_TEST_SUITE_P(Fits, GpuStep,
                         testing::Values(std::vector<std::string>{},
                                         std::vector<std::string>{"model.groups=2", "model.cuts_per_octave=2"},
                                         std::vector<std::string>{"model.learn_delays=true"},
                                         std::vector<std::string>{"model.matrix.type=householder"},
                                         std::vector<std::string>{"model.matrix.type=random_orthogonal"}));

/// Values and gradients of every registered loss on that way, and what they ask the device for.
class GpuLoss : public testing::TestWithParam<std::string> {
 protected:
  void compare(at::ScalarType dtype);
};

/// Gradients in double alone: in single precision the slope of a logarithm at a bin that is nearly silent is rounding.
void GpuLoss::compare(at::ScalarType dtype) {
  constexpr double kRateHz = 16000;
  const auto response_of = [&](const at::Tensor& ir, const at::Tensor& matrix) {
    Response response(ir, kRateHz);
    response.set("feedback_matrix", matrix);
    response.set_transfer_function(at::fft_rfft(ir).unsqueeze(2));
    return response;
  };
  const std::int64_t channels = GetParam() == "wave_residual" ? 3 : 2;  // a line of microphones has three
  const auto target = decaying_noise(1, channels, 8000, kRateHz, 0.25).to(dtype);
  const auto matrix = at::linspace(-1, 1, 16, dtype).reshape({4, 4});
  const auto result = [&](std::vector<std::string>* waiting) {
    const auto loss = make_loss(GetParam());
    loss->prepare(response_of(target, matrix.t()));
    const auto ir = (decaying_noise(2, channels, 8000, kRateHz, 0.2) * 0.7).to(dtype).set_requires_grad(true);
    const auto a = matrix.clone().set_requires_grad(true);
    std::optional<OperatorWatch> watch;
    const Response response = response_of(ir, a);
    if (waiting) watch.emplace();
    const auto value = loss->evaluate(response);
    const auto gradients = torch::autograd::grad({value}, {ir, a}, {}, std::nullopt, false, /*allow_unused=*/true);
    if (waiting) *waiting = watch->waiting();
    watch.reset();
    return std::vector<at::Tensor>{value.detach(), gradients[0], gradients[1]};
  };
  const auto here = result(nullptr);
  HostModule module;
  const StandInForGpu gpu(module);
  std::vector<std::string> waiting;
  const auto there = result(&waiting);
  EXPECT_TRUE(waiting.empty()) << joined(waiting);
  for (std::size_t i = 0; i < here.size(); ++i) {
    ASSERT_EQ(here[i].defined(), there[i].defined());
    if (!here[i].defined() || (dtype == at::kFloat && i > 0)) continue;
    const double most = dtype == at::kFloat ? 1e-3 : 1e-6;
    EXPECT_LT((there[i] - here[i]).abs().max().item<double>(), most * here[i].abs().max().item<double>() + 1e-12) << i;
  }
}

TEST_P(GpuLoss, GivesWhatTheCpusGivesAndAsksForNothing) { compare(at::kFloat); }
TEST_P(GpuLoss, GivesWhatTheCpusGivesInDoublePrecisionWithItsGradient) { compare(at::kDouble); }

INSTANTIATE_TEST_SUITE_P(Each, GpuLoss, testing::ValuesIn(family<Loss>().names()),
                         [](const auto& info) { return info.param; });

}  // namespace
}  // namespace diffverb
