#include <ATen/ops/ones.h>
#include <ATen/ops/zeros.h>
#include <gtest/gtest.h>

#include <cmath>

#include "core/error.h"
#include "tests/losses/loss_fixture.h"

namespace diffverb {
namespace {

constexpr double kRateHz = 16000;
constexpr std::int64_t kLength = 8192;

at::Tensor noise(std::uint64_t seed, double t60_s = 0.25) { return decaying_noise(seed, 1, kLength, kRateHz, t60_s); }

double of(const at::Tensor& ir, const at::Tensor& target, const std::string& yaml = "{}") {
  return value(*make_loss("entropy", yaml), ir, target, kRateHz);
}

at::Tensor impulse(std::int64_t at, double height = 1) {
  auto out = at::zeros({1, 1, kLength}, at::kDouble);
  out[0][0][at] = height;
  return out;
}

/// What a response lacks to an entropy of 1, of one of the three parts.
double lack(const at::Tensor& ir, const std::string& part) {
  std::string yaml = "{towards: most, fft_size: 1024, hop_size: 1024";
  for (const std::string name : {"time", "frequency", "rise"})
    yaml += ", " + name + "_weight: " + (name == part ? "1" : "0");
  return of(ir, ir, yaml + "}");
}

TEST(Entropy, OfOneImpulseIsNoneInTimeAndAllInFrequency) {
  // In the middle of a frame of a hop as long as the transform it is in that one alone, and white there.
  const auto one = impulse(3 * 1024);
  EXPECT_NEAR(lack(one, "time"), 1, 1e-6);
  EXPECT_NEAR(lack(one, "frequency"), 0, 1e-6);
}

TEST(Entropy, OfTwoEqualImpulsesIsTheLogarithmOfTwo) {
  const double frames = kLength / 1024 + 1;
  EXPECT_NEAR(lack(impulse(2 * 1024) + impulse(5 * 1024), "time"), 1 - std::log(2) / std::log(frames), 1e-6);
}

TEST(Entropy, RisesToThatOfAllCells) {
  // One impulse: equal energy in the bins of one frame, of 513 * 9 cells.
  EXPECT_NEAR(lack(impulse(3 * 1024), "rise"), 1 - std::log(513) / std::log(513. * 9), 1e-6);
}

TEST(Entropy, FallsWhereALoudEchoTakesTheEnergyTogetherAgain) {
  const auto even = impulse(1024) + impulse(2 * 1024) + impulse(3 * 1024);
  const double smooth = lack(even, "rise"), loud_end = lack(even + impulse(7 * 1024, 30), "rise");
  EXPECT_GT(loud_end, smooth + 0.05) << "J falls at the end, which costs twice";
}

TEST(Entropy, IsBlindToLevelAndSeesDecayAndModes) {
  EXPECT_NEAR(of(noise(1) * 0.1, noise(1)), 0, 1e-6);
  const double same = of(noise(2), noise(1)), slower = of(noise(2, 0.6), noise(1));
  EXPECT_GT(slower, 3 * same);
  // Every fifth bin of a transform as long as the response: the same decay in a fifth of the modes.
  const auto comb = noise(3) + noise(3).roll(50, 2) + noise(3).roll(100, 2) + noise(3).roll(150, 2);
  EXPECT_GT(of(comb, noise(1), "{time_weight: 0, rise_weight: 0, fft_size: 2048}"),
            2 * of(noise(2), noise(1), "{time_weight: 0, rise_weight: 0, fft_size: 2048}"));
}

TEST(Entropy, RefusesWhatMeasuresNothing) {
  EXPECT_THROW(make_loss("entropy", "{time_weight: 0, frequency_weight: 0, rise_weight: 0}"), ConfigError);
  EXPECT_THROW(make_loss("entropy", "{fft_size: 511}"), ConfigError);
  EXPECT_THROW(make_loss("entropy", "{fft_size: 512, hop_size: 513}"), ConfigError);
}

}  // namespace
}  // namespace diffverb
