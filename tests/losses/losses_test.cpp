// Answers that are known beforehand. What all losses have in common is in contract_test.cpp.
#include <ATen/ops/arange.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/eye.h>
#include <ATen/ops/full.h>
#include <ATen/ops/kron.h>
#include <ATen/ops/linspace.h>
#include <ATen/ops/ones.h>
#include <ATen/ops/polar.h>
#include <ATen/ops/tensor.h>
#include <ATen/ops/zeros.h>
#include <gtest/gtest.h>

#include <cmath>
#include <numbers>

#include "core/acoustics/binaural.h"
#include "core/error.h"
#include "core/seed.h"
#include "tests/losses/loss_fixture.h"

namespace diffverb {
namespace {

constexpr double kRateHz = 16000;
constexpr std::int64_t kLength = 8000;
const double kHalfDb = 20 * std::log10(2.0);  // 6.02

at::Tensor noise(std::uint64_t seed, std::int64_t channels = 1) {
  return decaying_noise(seed, channels, kLength, kRateHz, 0.25);
}

double of(const std::string& name, const at::Tensor& ir, const at::Tensor& target, const std::string& yaml = "{}") {
  return value(*make_loss(name, yaml), ir, target, kRateHz);
}

at::Tensor tone(double hz, double amplitude) {
  return (at::arange(kLength, at::kDouble) * (2 * std::numbers::pi * hz / kRateHz)).sin().reshape({1, 1, kLength}) *
         amplitude;
}

TEST(Mse, OfAConstantOffsetIsItsSquare) { EXPECT_NEAR(of("mse", noise(1) + 0.5, noise(1)), 0.25, 1e-12); }

TEST(Esr, OfHalfTheAmplitudeIsAQuarterAndOfSilenceOne) {
  EXPECT_NEAR(of("esr", noise(1, 2) * 0.5, noise(1, 2)), 0.25, 1e-12);
  EXPECT_NEAR(of("esr", noise(1) * 0, noise(1)), 1, 1e-12);
}

TEST(Esr, WeighsALoudAndASoftChannelEqually) {
  const auto gains = at::tensor({1.0, 0.01}, at::kDouble).reshape({1, 2, 1});
  const auto errors = at::tensor({1.0, 0.5}, at::kDouble).reshape({1, 2, 1});
  const auto target = noise(1, 2) * gains;
  EXPECT_NEAR(of("esr", target * errors, target), 0.125, 1e-12);
}

TEST(Esr, RefusesATargetWithASilentChannel) {
  auto target = noise(1, 2);
  target.select(1, 1).zero_();
  EXPECT_THROW(of("esr", noise(1, 2), target), ContractError);
}

TEST(Level, OfHalfTheAmplitudeIsSixDecibels) {
  EXPECT_NEAR(of("level", noise(1) * 0.5, noise(1)), kHalfDb, 1e-6);
  EXPECT_NEAR(of("level", noise(1) * 2, noise(1)), kHalfDb, 1e-6);
  EXPECT_NEAR(of("level", noise(1) * 0.5, noise(1), "distance: squared"), kHalfDb * kHalfDb, 1e-5);
}

TEST(Level, OfAMeasurementIsThatOfItsDecayAndNotOfItsNoise) {
  const auto decay = noise(1);
  Random random(77);
  auto measured = decay.clone();
  for (std::int64_t n = 0; n < kLength; ++n) measured[0][0][n] += 0.06 * random.normal();
  EXPECT_GT(of("level", decay, measured), 0.15);  // what the noise adds to the plain energy
  Response target(measured, kRateHz);
  target.set("measured_ir", measured);
  EXPECT_LT((*make_loss("level", "{}"))(Response(decay, kRateHz), target).item<double>(), 0.1);
}

TEST(Level, OfSilenceIsItsFloor) { EXPECT_NEAR(of("level", noise(1) * 0, noise(1), "floor_db: -80"), 80, 1e-6); }

TEST(MrStft, OfHalfTheAmplitudeIsHalfAndTheLogarithmOfTwo) {
  const std::string rest = ", floor_db: -200}";
  EXPECT_NEAR(of("mr_stft", noise(1) * 0.5, noise(1), "{log_weight: 0" + rest), 0.5, 1e-9);
  EXPECT_NEAR(of("mr_stft", noise(1) * 0.5, noise(1), "{convergence_weight: 0" + rest), std::log(2.0), 1e-9);
  EXPECT_NEAR(of("mr_stft", noise(1) * 0.5, noise(1), "{floor_db: -200}"), 0.5 + std::log(2.0), 1e-9);
}

TEST(MrStft, DoesNotChangeWhenBothAreScaled) {
  EXPECT_NEAR(of("mr_stft", noise(2) * 1e-3, noise(1) * 1e-3), of("mr_stft", noise(2), noise(1)), 1e-9);
}

TEST(MrStft, RefusesOddTransforms) {
  EXPECT_THROW(make_loss("mr_stft", "fft_sizes: [511]"), ConfigError);
  EXPECT_THROW(make_loss("mr_stft", "fft_sizes: []"), ConfigError);
}

TEST(MrStft, TakesHopsAndWindowsOfItsOwnAndAFloorInPower) {
  const std::string frames = "{fft_sizes: [512], hop_sizes: [50], win_lengths: [240], ";
  EXPECT_NEAR(of("mr_stft", noise(1) * 0.5, noise(1), frames + "floor_db: -200}"), 0.5 + std::log(2.0), 1e-9);
  EXPECT_NE(of("mr_stft", noise(2), noise(1), frames + "floor_db: -200}"),
            of("mr_stft", noise(2), noise(1), "{fft_sizes: [512], floor_db: -200}"));
  EXPECT_NEAR(of("mr_stft", noise(1) * 1e-6, noise(1) * 2e-6, frames + "floor_power: 1}"), 0, 1e-12);
  EXPECT_THROW(make_loss("mr_stft", "hop_sizes: [50]"), ConfigError);
  EXPECT_THROW(make_loss("mr_stft", "{fft_sizes: [512], win_lengths: [513]}"), ConfigError);
  EXPECT_THROW(make_loss("mr_stft", "floor_power: 0"), ConfigError);
}

TEST(MrStft, IsTheSameInSinglePrecisionWhereItsFramesAreTakenInOnePass) {
  const std::string auraloss =
      "{fft_sizes: [1024, 2048, 512], hop_sizes: [120, 240, 50], win_lengths: [600, 1200, 240], padding: reflect, "
      "floor_power: 1e-8}";
  const double exact = of("mr_stft", noise(2, 2), noise(1, 2), auraloss);
  EXPECT_NEAR(of("mr_stft", noise(2, 2).to(at::kFloat), noise(1, 2).to(at::kFloat), auraloss), exact, 2e-6 * exact);
}

double of_magnitudes(const at::Tensor& h, const at::Tensor& target) {
  Response estimate(kRateHz), wanted(kRateHz);
  estimate.set_transfer_function(h.reshape({1, 1, 1, -1}));
  wanted.set_transfer_function(target.reshape({1, 1, 1, -1}));
  return (*make_loss("magnitude"))(estimate, wanted).item<double>();
}

TEST(Magnitude, IsTheMeanSquareOfWhatTheModuliDifferBy) {
  for (const auto type : {at::kComplexDouble, at::kComplexFloat}) {
    const auto phase = at::linspace(0, 400, 10001, at::kDouble);
    const auto h = at::polar(at::full({10001}, 3.0, at::kDouble), phase).to(type), ones = at::ones({10001}, type);
    EXPECT_NEAR(of_magnitudes(h, ones), 4, 1e-6);
    EXPECT_NEAR(of_magnitudes(h, h.conj() * 2), 9, 1e-5);
    EXPECT_NEAR(of_magnitudes(at::zeros({5}, type), at::ones({5}, type)), 1, 1e-12);
  }
}

TEST(Magnitude, RefusesWhatIsNoTransferFunction) {
  EXPECT_THROW(of_magnitudes(at::ones({4}), at::ones({4})), ContractError);
  EXPECT_THROW(of_magnitudes(at::ones({4}, at::kComplexFloat), at::ones({4}, at::kComplexDouble)), ContractError);
  EXPECT_THROW(of_magnitudes(at::ones({5}, at::kComplexDouble), at::ones({4}, at::kComplexDouble)), ContractError);
}

TEST(AveragedPower, OfHalfTheAmplitude) {
  EXPECT_NEAR(of("averaged_power", noise(1) * 0.5, noise(1), "normalise: target"), 0.75, 1e-9);
  EXPECT_NEAR(of("averaged_power", noise(1) * 0.5, noise(1)), 3, 1e-9);  // 0.75 / 0.25
  EXPECT_NEAR(of("averaged_power", noise(1) * 0.5, noise(1), "{exponent: 1, normalise: target}"), 0.5, 1e-5);
}

TEST(AveragedPower, IsSmallBetweenTwoRealisationsOfOneDecayAndLargeForAnotherDecay) {
  const std::string yaml = "normalise: target";
  const double same = of("averaged_power", noise(2), noise(1), yaml);
  const double slower = of("averaged_power", decaying_noise(2, 1, kLength, kRateHz, 0.4), noise(1), yaml);
  EXPECT_LT(same, 0.25);
  EXPECT_GT(slower, 2 * same);
  EXPECT_GT(of("esr", noise(2), noise(1)), 1.5) << "a sample-by-sample distance cannot see that they are alike";
}

TEST(AveragedPower, TakesAResponseShorterThanItsWindow) {
  const auto target = noise(1).slice(2, 0, 400);
  EXPECT_NEAR(of("averaged_power", target * 0.5, target, "normalise: target"), 0.75, 1e-9);
}

TEST(BandLevel, SeesAGainOnlyWithoutShapeOnly) {
  EXPECT_NEAR(of("band_level", noise(1) * 0.5, noise(1)), 0, 1e-5);
  EXPECT_NEAR(of("band_level", noise(1) * 0.5, noise(1), "shape_only: false"), kHalfDb, 1e-5);
}

TEST(BandLevel, OfOneOfTwoBandsTwiceAsLoudIsHalfItsLevel) {
  const std::string bands = "from_hz: 500\nto_hz: 630";
  const auto target = tone(500, 1) + tone(630, 1), estimate = tone(500, 2) + tone(630, 1);
  EXPECT_NEAR(of("band_level", estimate, target, bands), kHalfDb / 2, 1e-3);
  EXPECT_NEAR(of("band_level", estimate, target, bands + "\ndistance: squared"), kHalfDb * kHalfDb / 4, 1e-2);
}

TEST(Sparsity, IsOneForAPermutationAndZeroForHadamard) {
  auto loss = make_loss("sparsity");
  Response response(kRateHz);
  response.set("feedback_matrix", at::eye(8, at::kDouble).roll(1, 0));
  EXPECT_NEAR(loss->evaluate(response).item<double>(), 1, 1e-12);
  const auto two = at::tensor({1.0, 1.0, 1.0, -1.0}, at::kDouble).reshape({2, 2}) / std::sqrt(2.0);
  response.set("feedback_matrix", at::kron(two, at::kron(two, two)));
  EXPECT_NEAR(loss->evaluate(response).item<double>(), 0, 1e-12);
}

TEST(Sparsity, OfABlockOfMixedLinesLiesBetween) {
  Response response(kRateHz);
  const auto two = at::tensor({1.0, 1.0, 1.0, -1.0}, at::kDouble).reshape({2, 2}) / std::sqrt(2.0);
  response.set("feedback_matrix", at::kron(at::eye(2, at::kDouble), two));
  // sum |A| = 4 sqrt 2, so (4 sqrt 2 - 8) / (4 (1 - 2)) = 2 - sqrt 2
  EXPECT_NEAR(make_loss("sparsity")->evaluate(response).item<double>(), 2 - std::sqrt(2.0), 1e-12);
}

TEST(Coherence, OfAnInvertedChannel) {
  const auto mono = noise(1);
  const auto target = at::cat({mono, mono}, 1), estimate = at::cat({mono, -mono}, 1);
  EXPECT_NEAR(of("coherence", estimate, target), 2, 1e-6);
  EXPECT_NEAR(of("coherence", estimate, target, "of: real"), 2, 1e-6);
  EXPECT_NEAR(of("coherence", estimate, target, "of: magnitude"), 0, 1e-6);
}

TEST(Coherence, OfOneChannelIsZero) { EXPECT_EQ(of("coherence", noise(2), noise(1)), 0); }

TEST(Coherence, DoesNotSeeTheLevelOfAChannel) {
  const auto gains = at::tensor({0.1, 3.0}, at::kDouble).reshape({1, 2, 1});
  EXPECT_NEAR(of("coherence", noise(1, 2) * gains, noise(1, 2)), 0, 1e-5);
}

TEST(Coherence, AgreesWithTheAnalysis) {
  const auto mono = noise(1), mixed = mono * 0.6 + noise(2) * 0.8;
  const auto estimate = at::cat({mono, mixed}, 1);
  const double distance = of("coherence", estimate, at::cat({mono, mono}, 1), "{of: magnitude, to_hz: 6300}");
  const std::vector<double> left(mono.data_ptr<double>(), mono.data_ptr<double>() + kLength);
  const auto held = mixed.contiguous();
  const std::vector<double> right(held.data_ptr<double>(), held.data_ptr<double>() + kLength);
  const auto measured = acoustics::measure_coherence(left, right, kRateHz, 125, 6300);
  double mean = 0;
  for (const auto& band : measured) mean += band.magnitude / static_cast<double>(measured.size());
  EXPECT_NEAR(distance, 1 - mean, 1e-6);
}

TEST(Coherence, ComparesEveryPairOfChannels) {
  const auto mono = noise(1);
  const auto target = at::cat({mono, mono, mono}, 1), estimate = at::cat({mono, mono, -mono}, 1);
  EXPECT_NEAR(of("coherence", estimate, target), 4.0 / 3, 1e-6);  // two of three pairs are inverted
}

/// Echoes of equal strength, one every `gap` samples.
at::Tensor echoes(std::int64_t gap) {
  auto out = at::zeros({1, 1, kLength}, at::kDouble);
  out.slice(2, 0, kLength, gap).fill_(1);
  return out;
}

TEST(EchoDensity, OfSparseEchoesAgainstADiffuseTailIsNearlyOne) {
  const auto diffuse = decaying_noise(1, 1, kLength, kRateHz, 100);
  const double sparse = of("echo_density", echoes(200), diffuse),
               dense = of("echo_density", decaying_noise(2, 1, kLength, kRateHz, 100), diffuse);
  EXPECT_NEAR(sparse, 1, 0.1);
  EXPECT_LT(dense, 0.1);
  EXPECT_GT(of("echo_density", echoes(100), diffuse), of("echo_density", echoes(40), diffuse))
      << "fewer echoes are further away";
}

TEST(EchoDensity, DoesNotSeeLevelOrDecay) {
  EXPECT_NEAR(of("echo_density", noise(1) * 0.1, noise(1)), 0, 1e-4);
  EXPECT_LT(of("echo_density", decaying_noise(2, 1, kLength, kRateHz, 0.5), noise(1)), 0.1);
}

}  // namespace
}  // namespace diffverb
