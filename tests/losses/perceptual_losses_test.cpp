// Losses of spectrum and hearing against closed forms.
#include <ATen/ops/arange.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/zeros_like.h>
#include <gtest/gtest.h>
#include <torch/csrc/autograd/autograd.h>

#include <cmath>
#include <numbers>

#include "core/error.h"
#include "tests/losses/loss_fixture.h"

namespace diffverb {
namespace {

constexpr double kRateHz = 16000;
constexpr std::int64_t kLength = 16000;

at::Tensor noise(std::uint64_t seed, double t60_s = 0.25) { return decaying_noise(seed, 1, kLength, kRateHz, t60_s); }

at::Tensor tone(double hz, double amplitude) {
  return (at::arange(kLength, at::kDouble) * (2 * std::numbers::pi * hz / kRateHz)).sin().reshape({1, 1, kLength}) *
         amplitude;
}
/// The same from one time to another, in seconds.
at::Tensor burst(double hz, double amplitude, double from_s, double to_s) {
  auto out = tone(hz, amplitude);
  const auto first = static_cast<std::int64_t>(from_s * kRateHz), last = static_cast<std::int64_t>(to_s * kRateHz);
  out.slice(2, 0, first).zero_();
  out.slice(2, last).zero_();
  return out;
}

double of(const std::string& name, const at::Tensor& ir, const at::Tensor& target, const std::string& yaml = "{}") {
  return value(*make_loss(name, yaml), ir, target, kRateHz);
}

TEST(StftLoss, OfHalfTheAmplitudeIsHalfAndTheLogarithmOfTwo) {
  EXPECT_NEAR(of("stft", noise(1) * 0.5, noise(1), "floor_db: -200"), 0.5 + std::log(2.0), 1e-9);
}

TEST(StftLoss, IsOneResolutionOfMrStft) {
  for (const auto type : {at::kDouble, at::kFloat}) {
    EXPECT_EQ(
        of("stft", noise(2).to(type), noise(1).to(type), "{fft_size: 512, hop_size: 50, win_length: 240}"),
        of("mr_stft", noise(2).to(type), noise(1).to(type), "{fft_sizes: [512], hop_sizes: [50], win_lengths: [240]}"));
  }
}

TEST(StftLoss, TakesARatioForEachChannelOrOneForAll) {
  for (const auto type : {at::kDouble, at::kFloat}) {
    const auto both = at::cat({noise(1), noise(1) * 0.01}, 1).to(type);
    const auto soft_halved = at::cat({noise(1), noise(1) * 0.005}, 1).to(type);
    const std::string rest = "log_weight: 0, floor_db: -200}";
    EXPECT_NEAR(of("stft", soft_halved, both, "{" + rest), 0.25, 1e-6);
    EXPECT_NEAR(of("stft", soft_halved, both, "{convergence_over: all, " + rest), 0.005 / std::sqrt(1.0001), 1e-8);
  }
}

TEST(StftLoss, RefusesOddTransformsAndLongHops) {
  EXPECT_THROW(make_loss("stft", "fft_size: 511"), ConfigError);
  EXPECT_THROW(make_loss("stft", "hop_size: 2000"), ConfigError);
  EXPECT_THROW(make_loss("stft", "win_length: 2000"), ConfigError);
}

/// mel and erb: specific loudness.
class LoudnessLosses : public testing::TestWithParam<std::string> {};

TEST_P(LoudnessLosses, FollowThePowerLaw) {
  const double twice = std::sqrt(2.0);  // the amplitude of twice the energy
  EXPECT_NEAR(of(GetParam(), noise(1) * twice, noise(1), "floor_db: -200"), std::pow(2, 0.3) - 1, 1e-4);
  EXPECT_NEAR(of(GetParam(), noise(1) * 0.5, noise(1), "floor_db: -200"), 1 - std::pow(0.5, 0.6), 1e-4);
  EXPECT_NEAR(of(GetParam(), noise(1) * 0, noise(1)), 1, 1e-9);
}

TEST_P(LoudnessLosses, TellAToneInTheNextBandButNotItsPhase) {
  const auto target = tone(1000, 1), turned = target.roll(4, 2);  // a quarter of a period
  const double phase = of(GetParam(), turned, target), pitch = of(GetParam(), tone(1300, 1), target);
  EXPECT_LT(phase, 0.1);
  EXPECT_GT(pitch, 5 * phase);
  EXPECT_GT(of("esr", turned, target), 1) << "the waveform differs all the same";
}

TEST_P(LoudnessLosses, RefuseARangeAboveHalfTheRate) {
  EXPECT_THROW(of(GetParam(), noise(1), noise(1), "from_hz: 9000"), ContractError);
}

INSTANTIATE_TEST_SUITE_P(Each, LoudnessLosses, testing::Values("mel", "erb"),
                         [](const auto& info) { return info.param; });

TEST(MaskedLoss, AToneMaskedByItsNeighbourCostsNothingAndOneTwoOctavesAwayDoes) {
  const auto masker = tone(1000, 1);
  EXPECT_EQ(of("masked", masker + tone(1050, 0.01), masker), 0);
  const double away = of("masked", masker + tone(4000, 0.01), masker);
  EXPECT_GT(away, 0.5);
  EXPECT_GT(of("masked", masker + tone(4000, 0.1), masker), away) << "louder is heard more";
}

TEST(MaskedLoss, LowTonesMaskHighOnesMoreThanHighOnesLow) {
  const double above = of("masked", tone(1000, 1) + tone(1600, 0.01), tone(1000, 1));
  const double below = of("masked", tone(1600, 1) + tone(1000, 0.01), tone(1600, 1));
  EXPECT_LT(above, below);
}

TEST(MaskedLoss, WhatFollowsASoundIsMaskedForAWhile) {
  const auto target = burst(1000, 1, 0.1, 0.2);
  const double soon = of("masked", target + burst(1000, 0.001, 0.22, 0.23), target),
               late = of("masked", target + burst(1000, 0.001, 0.6, 0.61), target);
  EXPECT_EQ(soon, 0);
  EXPECT_GT(late, 0);
  EXPECT_GT(of("masked", target + burst(1000, 0.001, 0.05, 0.06), target), 0) << "what comes before is not";
}

TEST(MaskedLoss, TheGradientOfWhatIsMaskedIsZero) {
  auto loss = make_loss("masked");
  const auto target = burst(1000, 1, 0.1, 0.2);
  loss->prepare(Response(target, kRateHz));
  const auto x = (target + burst(1000, 0.001, 0.6, 0.61)).set_requires_grad(true);
  const auto gradient = torch::autograd::grad({loss->evaluate(Response(x, kRateHz))}, {x})[0];
  EXPECT_EQ(gradient.slice(2, 0, 8000).abs().max().item<double>(), 0) << "frames around the burst at 0.6 s alone";
  EXPECT_GT(gradient.slice(2, 9600, 9760).abs().max().item<double>(), 0);
}

TEST(FlatnessLoss, OfNoiseIsNearlyZeroOfAnEchoItsBoundAndOfModesMuch) {
  const auto diffuse = noise(1, 0.6);
  EXPECT_LT(of("flatness", diffuse, diffuse), 0.02);
  auto echo = at::zeros_like(diffuse);
  echo.select(2, 4000).fill_(1);
  EXPECT_NEAR(of("flatness", echo, diffuse), 1 - 0.5615, 1e-4);
  auto modes = at::zeros_like(diffuse);
  for (double hz = 210; hz < 7500; hz *= 1.07) modes += tone(hz, 1);
  EXPECT_GT(of("flatness", modes, diffuse), 0.3);
}

TEST(FlatnessLoss, DoesNotSeeLevelOrColour) {
  const auto diffuse = noise(1, 0.6);
  const auto coloured = diffuse + diffuse.roll(1, 2);  // a low-pass: 2 cos(w / 2)
  EXPECT_NEAR(of("flatness", diffuse * 0.01, diffuse), of("flatness", diffuse, diffuse), 1e-6);
  EXPECT_LT(of("flatness", coloured, diffuse), 0.03);
}

TEST(FlatnessLoss, RefusesATargetThatEndsBeforeItsLatePart) {
  EXPECT_THROW(of("flatness", noise(1).slice(2, 0, 1000), noise(1).slice(2, 0, 1000)), ContractError);
}

}  // namespace
}  // namespace diffverb
