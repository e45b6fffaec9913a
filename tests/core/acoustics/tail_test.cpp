#include "core/acoustics/tail.h"

#include <gtest/gtest.h>

#include <cmath>
#include <numbers>
#include <vector>

#include "core/acoustics/squared_coherence.h"
#include "core/error.h"
#include "tests/core/acoustics/synthetic.h"

namespace diffverb::acoustics {
namespace {

using synthetic::decaying_noise;

constexpr double kRate = 24000;

Tail tail_of(const std::vector<double>& response) {
  return measure_tail(response, kRate, measure_echo_density(response, kRate));
}

/// Parallel combs that decay by 60 dB in t60_s.
std::vector<double> combs(const std::vector<double>& delays_ms, double t60_s, double seconds) {
  std::vector<double> sum(static_cast<std::size_t>(seconds * kRate), 0.0);
  for (const double ms : delays_ms) {
    const auto delay = static_cast<std::size_t>(std::lround(ms / 1000 * kRate));
    for (std::size_t n = 0; n < sum.size(); n += delay)
      sum[n] += std::pow(10.0, -3 * static_cast<double>(n) / kRate / t60_s);
  }
  return sum;
}

/// (z^-m - g) / (1 - g z^-m)
std::vector<double> allpass(const std::vector<double>& in, double delay_ms, double gain) {
  const auto delay = static_cast<std::size_t>(std::lround(delay_ms / 1000 * kRate));
  std::vector<double> out(in.size());
  for (std::size_t n = 0; n < in.size(); ++n)
    out[n] = -gain * in[n] + (n < delay ? 0 : in[n - delay] + gain * out[n - delay]);
  return out;
}

TEST(LateSpectrum, OfDecayingNoiseScattersAsSchroederSays) {
  for (const double t60_s : {0.5, 1.0, 3.0}) {
    double mean = 0;
    for (std::uint64_t seed = 1; seed <= 8; ++seed) {
      const auto spectrum = measure_late_spectrum(decaying_noise(t60_s, 1.3 * t60_s, kRate, seed), kRate);
      ASSERT_TRUE(spectrum);
      EXPECT_NEAR(spectrum->spread_db, kDiffuseSpreadDb, 0.5) << t60_s << " s, seed " << seed;
      EXPECT_LT(spectrum->loudest_db, 13.5);
      mean += spectrum->spread_db / 8;
    }
    EXPECT_NEAR(mean, kDiffuseSpreadDb, 0.15) << t60_s;
  }
}

TEST(LateSpectrum, ASlopeOfTheSpectrumIsNoSpread) {
  std::vector<double> h = decaying_noise(1, 1.3, kRate, 4);
  const double white = measure_late_spectrum(h, kRate)->spread_db;
  double state = 0;
  for (double& value : h) value = state += 0.2 * (value - state);  // one pole: 12 dB from 200 Hz to 4 kHz
  EXPECT_NEAR(measure_late_spectrum(h, kRate)->spread_db, white, 0.1);
}

TEST(LateSpectrum, NamesTheModeThatStandsOut) {
  std::vector<double> h = decaying_noise(1, 1.3, kRate, 5);
  for (std::size_t n = 0; n < h.size(); ++n)
    h[n] += synthetic::envelope(n, kRate, 1) * std::sin(2 * std::numbers::pi * 777 * static_cast<double>(n) / kRate);
  const auto spectrum = measure_late_spectrum(h, kRate);
  EXPECT_NEAR(spectrum->loudest_hz, 777, 1.5);
  EXPECT_GT(spectrum->loudest_db, 17);
  EXPECT_EQ(spectrum->isolated_pct, *late_modes_pct(h, kRate));
  EXPECT_THROW(measure_late_spectrum(h, 0), ContractError);
}

TEST(LateSpectrum, OfACombScattersAsItsSeriesSays) {
  // |1 - g e^jw|^2 in dB has the variance (20 / ln 10)^2 / 2 sum_k g^2k / k^2. The slice of neighbours is wide against
  // the comb's harmonics only if the comb is long.
  const double delay_ms = 50, t60_s = 1.5, g = std::pow(10.0, -3 * delay_ms / 1000 / t60_s);
  double sum = 0;
  for (int k = 1; k < 2000; ++k) sum += std::pow(g, 2 * k) / k / k;
  const double expected = 20 / std::numbers::ln10 * std::sqrt(sum / 2);
  EXPECT_NEAR(measure_late_spectrum(combs({delay_ms}, t60_s, 4), kRate)->spread_db, expected, 0.1);
}

TEST(Tail, OfDecayingNoiseIsNeitherMetallicNorGrainy) {
  for (const double t60_s : {0.3, 0.5, 1.0, 2.0, 4.0}) {
    for (std::uint64_t seed = 1; seed <= 5; ++seed) {
      const Tail tail = tail_of(decaying_noise(t60_s, 1.4 * t60_s, kRate, seed));
      ASSERT_TRUE(tail.spectrum && tail.echo_density);
      EXPECT_FALSE(tail.metallic) << t60_s << " s, seed " << seed << ": " << tail.spectrum->isolated_pct << " %, "
                                  << tail.spectrum->spread_db << " dB";
      EXPECT_FALSE(tail.grainy) << *tail.echo_density;
      EXPECT_NEAR(tail.to_s, t60_s, 0.05 * t60_s);
    }
  }
}

TEST(Tail, OfCombsIsMetallic) {
  EXPECT_TRUE(tail_of(combs({10}, 1, 2)).metallic);
  EXPECT_TRUE(tail_of(combs({29.7}, 1.5, 2.5)).metallic);
  EXPECT_TRUE(tail_of(combs({29.7, 41.1}, 1.5, 2.5)).metallic);
  // Schroeder's reverberator: allpasses do not change the modes.
  const Tail schroeder = tail_of(allpass(allpass(combs({29.7, 37.1, 41.1, 43.7}, 1.5, 2.5), 5, 0.7), 1.7, 0.7));
  EXPECT_TRUE(schroeder.metallic) << schroeder.spectrum->isolated_pct;
  EXPECT_TRUE(schroeder.grainy) << *schroeder.echo_density;
}

TEST(Tail, WithFewEchoesIsGrainyAndNotMetallic) {
  std::vector<double> h(static_cast<std::size_t>(1.4 * kRate), 0.0);
  const std::vector<double> signs = synthetic::noise(1.4, kRate, 3);
  for (std::size_t n = 0, k = 0; n < h.size(); n += 90 + static_cast<std::size_t>(60 * std::abs(signs[k++])))
    h[n] = (signs[n] > 0 ? 1 : -1) * synthetic::envelope(n, kRate, 1);
  const Tail tail = tail_of(h);
  EXPECT_TRUE(tail.grainy);
  EXPECT_FALSE(tail.metallic) << tail.spectrum->isolated_pct << " %, " << tail.spectrum->spread_db << " dB";
}

TEST(Tail, OfAResponseThatIsOverInTimeSaysNothing) {
  std::vector<double> h(2000, 0.0);
  h[0] = 1;
  const Tail tail = tail_of(h);
  EXPECT_FALSE(tail.spectrum);
  EXPECT_FALSE(tail.metallic || tail.grainy);
}

TEST(EchoDensity, ReachesADensityOnlyWhereItDoes) {
  EchoDensity density;
  density.profile = {0.1, 0.5, 0.92, 0.8, 1.01};
  EXPECT_DOUBLE_EQ(*time_of_density_s(density, 0.9), 2 * EchoDensity::step_s);
  EXPECT_DOUBLE_EQ(*time_of_density_s(density, 1), 4 * EchoDensity::step_s);
  EXPECT_FALSE(time_of_density_s(density, 1.1));
}

TEST(SquaredCoherence, IsOneForEqualDelayedAndFilteredChannels) {
  const std::vector<double> left = decaying_noise(0.8, 1, kRate, 21);
  std::vector<double> later(left.size(), 0.0);
  for (std::size_t n = 40; n < left.size(); ++n) later[n] = -0.3 * left[n - 40];
  const auto equal = measure_squared_coherence(left, left, kRate);
  ASSERT_EQ(equal.size(), 19U);  // 125 Hz to 8 kHz
  for (const auto& band : equal) EXPECT_NEAR(band.value, 1, 1e-9) << band.hz;
  for (const auto& band : measure_squared_coherence(left, later, kRate)) EXPECT_GT(band.value, 0.9) << band.hz;
  for (const auto& band : measure_squared_coherence(left, allpass(left, 0.5, 0.5), kRate))
    EXPECT_GT(band.value, 0.9) << band.hz;
}

TEST(SquaredCoherence, OfIndependentNoiseIsNearZeroAndOfAMixtureItsShare) {
  for (const double share : {0.0, 0.5, 0.9}) {
    double mean = 0;
    for (std::uint64_t seed = 0; seed < 4; ++seed) {
      const auto left = decaying_noise(0.8, 1, kRate, 30 + seed), own = decaying_noise(0.8, 1, kRate, 40 + seed);
      std::vector<double> right(left.size());
      for (std::size_t n = 0; n < left.size(); ++n) right[n] = share * left[n] + std::sqrt(1 - share * share) * own[n];
      for (const auto& band : measure_squared_coherence(left, right, kRate, 500)) mean += band.value / (4 * 13);
    }
    EXPECT_NEAR(mean, share * share, 0.04) << share;
  }
}

TEST(SquaredCoherence, LeavesOutWhatItCannotTell) {
  const std::vector<double> left = decaying_noise(0.5, 1, kRate, 50);
  EXPECT_TRUE(measure_squared_coherence(left, std::vector<double>(left.size(), 0.0), kRate).empty());
  EXPECT_TRUE(measure_squared_coherence(std::vector<double>(3000, 1.0), std::vector<double>(3000, 1.0), kRate).empty());
  EXPECT_THROW(measure_squared_coherence(left, std::vector<double>(3), kRate), ContractError);
  EXPECT_THROW(measure_squared_coherence(left, left, 0), ContractError);
}

}  // namespace
}  // namespace diffverb::acoustics
