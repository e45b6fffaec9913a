#include <ATen/ops/cat.h>
#include <ATen/ops/constant_pad_nd.h>
#include <ATen/ops/zeros.h>
#include <gtest/gtest.h>

#include <cmath>
#include <numbers>

#include "core/acoustics/binaural.h"
#include "core/acoustics/preparation.h"
#include "core/error.h"
#include "core/seed.h"
#include "tests/losses/loss_fixture.h"

namespace diffverb {
namespace {

constexpr double kRateHz = 16000;
constexpr std::int64_t kLength = 8000;

at::Tensor noise(std::uint64_t seed) { return decaying_noise(seed, 1, kLength, kRateHz, 0.4); }

double of(const at::Tensor& ir, const at::Tensor& target, const std::string& yaml) {
  return value(*make_loss("decorrelation", yaml), ir, target, kRateHz);
}

std::vector<double> channel(const at::Tensor& ir, std::int64_t index) {
  const auto row = ir[0][index].contiguous();
  return {row.data_ptr<double>(), row.data_ptr<double>() + row.size(0)};
}

TEST(Decorrelation, OfOneChannelIsZero) { EXPECT_EQ(of(noise(2), noise(1), "{}"), 0); }

TEST(OracleDecorrelation, AgreesWithTheAnalysis) {
  const auto mono = noise(1), shifted = mono.roll(9, 2) * 0.7 + noise(2) * 0.5;
  const auto target = at::cat({mono, mono}, 1), estimate = at::cat({mono, shifted}, 1);
  // Early and late count from the target's onset on, wherever that stands.
  const auto onset = static_cast<std::int64_t>(acoustics::find_onset(channel(target, 0)));
  const auto heard = estimate.slice(2, onset);
  const auto found = acoustics::measure_iacc(channel(heard, 0), channel(heard, 1), kRateHz);
  // The target's channels are equal: 1 in every octave, early and late.
  const double expected = 1 - (*found.early_e3 + *found.late_l3) / 2;
  EXPECT_GT(expected, 0.05);
  EXPECT_NEAR(of(estimate, target, "coherence_weight: 0"), expected, 1e-4);
  const auto later = [](const at::Tensor& ir) { return at::constant_pad_nd(ir, {20000, 0}); };  // 1.25 s of silence
  EXPECT_NEAR(of(later(estimate), later(target), "coherence_weight: 0"), expected, 1e-4);
}

TEST(Decorrelation, OfAnInvertedChannelIsInTheCoherenceAlone) {
  const auto target = at::cat({noise(1), noise(1)}, 1), estimate = at::cat({noise(1), -noise(1)}, 1);
  EXPECT_NEAR(of(estimate, target, "coherence_weight: 0"), 0, 1e-6);
  EXPECT_NEAR(of(estimate, target, "iacc_weight: 0"), 2, 1e-6);
}

/// Two microphones among plane waves of noise from all around: directions evenly over the sphere.
at::Tensor diffuse_pair(double distance_m) {
  constexpr int kWaves = 300;
  constexpr double kSpeed = 343;
  Random random(8);
  auto out = at::zeros({1, 2, kLength}, at::kDouble);
  auto* left = out.data_ptr<double>();
  auto* right = left + kLength;
  std::vector<double> source(kLength + 64);
  for (int k = 0; k < kWaves; ++k) {
    const double delay = distance_m / kSpeed * kRateHz * (2 * (k + 0.5) / kWaves - 1);  // cosine, evenly
    for (double& s : source) s = random.normal();
    for (std::int64_t n = 0; n < kLength; ++n) {
      left[n] += source[static_cast<std::size_t>(n + 32)];
      double sum = 0;  // a windowed sinc of 33 taps moves the wave by a part of a sample
      for (int i = -16; i <= 16; ++i) {
        const double t = i - (delay - std::floor(delay)), x = std::numbers::pi * t;
        const double sinc = std::abs(t) < 1e-9 ? 1 : std::sin(x) / x;
        const auto at = static_cast<std::size_t>(n + 32 - i - static_cast<std::int64_t>(std::floor(delay)));
        sum += source[std::min(at, source.size() - 1)] * sinc * (0.5 + 0.5 * std::cos(std::numbers::pi * t / 17));
      }
      right[n] += sum;
    }
  }
  return out;
}

TEST(Decorrelation, OfADiffuseFieldIsThatOfTwoMicrophones) {
  const auto field = diffuse_pair(0.2);
  const std::string common = "iacc_weight: 0, to_hz: 4000, coherence: microphones, distance_m: ";
  const double right = of(field, field, "{" + common + "0.2}"), wrong = of(field, field, "{" + common + "0.06}");
  EXPECT_LT(right, 0.06);
  EXPECT_GT(wrong, 3 * right);
}

TEST(Decorrelation, OfEarsFallsFasterThanOfMicrophones) {
  // Equal channels lack what the field's coherence lacks to 1.
  const auto both = at::cat({noise(1), noise(1)}, 1);
  const std::string common = "iacc_weight: 0, from_hz: 250, to_hz: 800, distance_m: 0.15, coherence: ";
  EXPECT_GT(of(both, both, "{" + common + "ears}"), of(both, both, "{" + common + "microphones}") + 0.2);
}

TEST(Decorrelation, RefusesWhatItCannotCompare) {
  EXPECT_THROW(make_loss("decorrelation", "{iacc_weight: 0, coherence_weight: 0}"), ConfigError);
  EXPECT_THROW(make_loss("decorrelation", "coherence: sphere"), ConfigError);
  const auto both = at::cat({noise(1), noise(2)}, 1).slice(2, 0, 1000);  // 62 ms
  EXPECT_THROW(of(both, both, "{}"), ContractError);
}

}  // namespace
}  // namespace diffverb
