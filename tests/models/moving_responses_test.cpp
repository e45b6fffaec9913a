// fusion_ir and time_varying_ir: responses between which a sound moves.
#include <ATen/ops/zeros.h>
#include <ATen/ops/zeros_like.h>
#include <gtest/gtest.h>

#include <cmath>
#include <numbers>

#include "core/error.h"
#include "core/tensor.h"
#include "models/response_model.h"
#include "tests/core/solvers/network_fixture.h"
#include "tests/models/contract/minimal_config.h"
#include "tests/scratch.h"
#include "train/network_config.h"

namespace diffverb {
namespace {

/// Two short responses of independent noise, at 8 kHz.
std::string two_files(const Scratch& scratch, int samples = 60) {
  for (int k = 0; k < 2; ++k) {
    Audio audio = small_room(20 + static_cast<std::uint64_t>(k));
    audio.channels[0].resize(static_cast<std::size_t>(samples));
    write_audio(scratch / (std::to_string(k) + ".wav"), audio);
  }
  return "responses: [" + (scratch / "0.wav").string() + ", " + (scratch / "1.wav").string() + "]";
}

std::unique_ptr<MovingResponseModel> make(const std::string& type, const std::string& keys) {
  Fields fields = Fields::from_text("{" + keys + "}");
  auto model = family<Model>().make(type, fields);
  return std::unique_ptr<MovingResponseModel>(&dynamic_cast<MovingResponseModel&>(*model.release()));
}

constexpr const char* kTrajectories =
    ", sines: 2, before_mean: [0.8, 0.5], before_depth: [0.3, 0.1, 0.4, 0.2], before_rate_hz: [3, 7, 4, 9],"
    " before_phase_turns: [0, 0.2, 0.5, 0.7], after_mean: [1, 0.7], after_depth: [0.2, 0.3, 0.5, 0.1],"
    " after_rate_hz: [5, 2, 6, 3], after_phase_turns: [0.1, 0.3, 0.9, 0.4]";

TEST(TimeVaryingIr, PlaysTheSumOverItsKernel) {
  const Scratch scratch;
  const at::NoGradGuard no_grad;
  const auto model = make("time_varying_ir", two_files(scratch) + kTrajectories);
  const auto parts = model->parts();
  constexpr int kSamples = 700;
  // The gains from the numbers of the config, not from the model.
  const double mean[2][2] = {{0.8, 0.5}, {1, 0.7}}, depth[2][4] = {{0.3, 0.1, 0.4, 0.2}, {0.2, 0.3, 0.5, 0.1}};
  const double rate[2][4] = {{3, 7, 4, 9}, {5, 2, 6, 3}}, phase[2][4] = {{0, 0.2, 0.5, 0.7}, {0.1, 0.3, 0.9, 0.4}};
  const auto gain = [&](int side, int r, int n) {
    double value = mean[side][r];
    for (int m = 2 * r; m < 2 * r + 2; ++m)
      value += depth[side][m] * std::sin(2 * std::numbers::pi * (rate[side][m] * n / 8000.0 + phase[side][m]));
    return value;
  };
  const auto x = uniform({1, kSamples}, -1, 1, 4);
  auto expected = at::zeros({kSamples}, at::kDouble);
  for (int n = 0; n < kSamples; ++n) {
    double y = 0;
    for (int k = std::max(0, n - 59); k <= n; ++k) {
      double h = 0;
      for (int r = 0; r < 2; ++r) h += gain(1, r, n) * gain(0, r, k) * parts.taps[r][0][0][n - k].item<double>();
      y += x[0][k].item<double>() * h;
    }
    expected[n] = y;
  }
  EXPECT_LT(relative_error(model->play(x)[0], expected), 1e-10);
  // forward() is h(n, 0).
  for (int n = 0; n < 60; ++n) {
    double h = 0;
    for (int r = 0; r < 2; ++r) h += gain(1, r, n) * gain(0, r, 0) * parts.taps[r][0][0][n].item<double>();
    ASSERT_NEAR(model->responses()[0][0][n].item<double>(), h, 1e-12);
  }
}

TEST(TimeVaryingIr, ItsResponsesAreLearnedWhereTheConfigSaysSo) {
  const Scratch scratch;
  const auto model = make("time_varying_ir", two_files(scratch) + kTrajectories + ", learn_responses: true");
  const auto leaf = model->parameters().at("responses");
  const auto x = uniform({1, 300}, -1, 1, 4);
  const auto score = [&] { return model->play(x).square().sum(); };
  const auto gradient = torch::autograd::grad({score()}, {leaf})[0];
  const at::NoGradGuard no_grad;
  const auto way = uniform(leaf.sizes().vec(), -1, 1, 5), start = leaf.clone();
  const auto at_step = [&](double step) {
    leaf.copy_(start + step * way);
    return score().item<double>();
  };
  const double difference = (at_step(1e-5) - at_step(-1e-5)) / 2e-5;
  EXPECT_NEAR(difference, (gradient * way).sum().item<double>(), 1e-6 * std::abs(difference));
}

/// From what went in and what came out of a known system, with its responses and rates known.
TEST(TimeVaryingIr, TrajectoriesAreRecoveredFromASoundAndWhatItBecame) {
  const Scratch scratch;
  const std::string files = two_files(scratch);
  const auto known = make("time_varying_ir", files + kTrajectories);
  const auto fitted =
      make("time_varying_ir",
           files +
               ", sines: 2, before_rate_hz: [3, 7, 4, 9], after_rate_hz: [5, 2, 6, 3], before_mean: [0.8, 0.5],"
               " before_phase_turns: [0.05, 0.25, 0.45, 0.65], after_phase_turns: [0.05, 0.35, 0.85, 0.45],"
               " learn: [before_depth, before_phase_turns, after_mean, after_depth, after_phase_turns]");
  const auto x = uniform({1, 8000}, -1, 1, 8);
  at::Tensor target;
  {
    const at::NoGradGuard no_grad;
    target = known->play(x);
  }
  std::map<std::string, std::pair<at::Tensor, at::Tensor>> moments;
  const auto loss_now = [&] { return (fitted->play(x) - target).square().mean() / target.square().mean(); };
  const double first = loss_now().item<double>();
  for (int step = 1; step <= 400; ++step) {
    const auto loss = loss_now();
    loss.backward();
    const at::NoGradGuard no_grad;
    const double rate = step < 250 ? 0.02 : 0.004;
    for (const auto& [name, leaf] : fitted->parameters()) {
      auto& [mean, power] = moments[name];
      if (!mean.defined()) mean = at::zeros_like(leaf), power = at::zeros_like(leaf);
      mean.mul_(0.9).add_(0.1 * leaf.grad());
      power.mul_(0.99).add_(0.01 * leaf.grad().square());
      leaf.sub_(rate * (mean / (1 - std::pow(0.9, step))) / ((power / (1 - std::pow(0.99, step))).sqrt() + 1e-12));
      leaf.mutable_grad().zero_();
    }
  }
  const at::NoGradGuard no_grad;
  EXPECT_GT(first, 0.05);
  EXPECT_LT(loss_now().item<double>(), 1e-4);
  const auto there = known->parts(), here = fitted->parts();
  EXPECT_LT(relative_error(here.before_at(8000, 8000), there.before_at(8000, 8000)), 0.03);
  EXPECT_LT(relative_error(here.after_at(8000, 8000), there.after_at(8000, 8000)), 0.03);
}

TEST(FusionIr, KeepsTheSumOfItsSquaresAndMoves) {
  const at::NoGradGuard no_grad;
  Fields fields = Fields::from_text(minimal_config("fusion_ir", "depth: [0.9, 0.9, 0.9], rate_hz: [0.5, 0.7, 0.9]"));
  const auto made = family<Model>().make("fusion_ir", fields);
  const auto parts = dynamic_cast<const MovingResponseModel&>(*made).parts();
  const auto gains = parts.before_at(80000, 8000);
  EXPECT_LT(largest(gains.square().sum(0) - 1), 1e-9);
  for (int r = 0; r < 3; ++r) {
    EXPECT_GT(gains[r].max().item<double>() - gains[r].min().item<double>(), 0.4);
    EXPECT_LT(largest(gains[r].diff()), 0.01);  // no step
  }
}

TEST(FusionIr, OfOneResponseIsAConvolution) {
  const Scratch scratch;
  two_files(scratch);
  const at::NoGradGuard no_grad;
  const auto model = make("fusion_ir", "responses: [" + (scratch / "0.wav").string() + "]");
  const auto x = uniform({1, 500}, -1, 1, 3);
  EXPECT_LT(relative_error(model->play(x), convolve(model->parts().taps[0], x)), 1e-9);
}

TEST(FusionIr, RefusesWhatDoesNotBelongTogether) {
  const Scratch scratch;
  two_files(scratch);
  Audio stereo = small_room(3);
  stereo.channels.push_back(stereo.channels[0]);
  write_audio(scratch / "stereo.wav", stereo);
  const std::string mono = (scratch / "0.wav").string();
  const auto reason = [&](const std::string& keys) { return message_of<Error>([&] { make("fusion_ir", keys); }); };
  EXPECT_NE(reason("responses: [" + mono + ", " + (scratch / "stereo.wav").string() + "]").find("other channels"),
            std::string::npos);
  EXPECT_NE(reason("responses: []").find("at least one"), std::string::npos);
  EXPECT_NE(reason("responses: [" + mono + "], depth: [0.1, 0.2]").find("a list of 1"), std::string::npos);
  EXPECT_NE(reason("responses: [" + mono + "], stretch: [1, 2]").find("one number a response"), std::string::npos);
}

}  // namespace
}  // namespace diffverb
