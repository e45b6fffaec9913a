#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <numbers>
#include <vector>

#include "core/acoustics/binaural.h"
#include "core/acoustics/echo_density.h"
#include "core/acoustics/fft.h"
#include "core/acoustics/late_modes.h"
#include "core/acoustics/preparation.h"
#include "core/acoustics/spectrogram_distance.h"
#include "core/error.h"
#include "synthetic.h"

namespace diffverb::acoustics {
namespace {

using synthetic::decaying_noise;

TEST(RealFft, EqualsTheSumItIs) {
  const std::vector<double> x = synthetic::noise(0.0125, 8000, 4);  // 100 samples
  const RealFft fft(fast_fft_length(x.size()));
  EXPECT_EQ(fft.size(), 100U);
  const auto spectrum = fft(x);
  for (std::size_t k = 0; k < spectrum.size(); ++k) {
    std::complex<double> sum = 0;
    for (std::size_t n = 0; n < x.size(); ++n) {
      sum +=
          x[n] * std::polar(1.0, -2 * std::numbers::pi * static_cast<double>(k * n) / static_cast<double>(fft.size()));
    }
    ASSERT_NEAR(std::abs(sum - spectrum[k]), 0, 1e-11) << k;
  }
  EXPECT_EQ(fast_fft_length(97), 100U);
  EXPECT_EQ(fast_fft_length(48001), 48600U);
  EXPECT_THROW(RealFft(7), ContractError);
}

TEST(Extent, StartsAtTenPercentOfThePeak) {
  std::vector<double> h(48000, 0.0);
  h[90] = 0.05;
  h[100] = 0.2;
  h[120] = -1;
  EXPECT_EQ(find_onset(h), 100U);
  EXPECT_EQ(find_onset(h, 0.01), 90U);
  EXPECT_EQ(find_onset(std::vector<double>(10, 0.0)), 0U);
  EXPECT_THROW(find_extent({}, 48000), ContractError);
}

TEST(Extent, EndsBeforeZerosAndBeforeAFade) {
  const double rate_hz = 48000;
  std::vector<double> h = decaying_noise(0.5, 1.5, rate_hz, 2, -60);
  const std::size_t whole = h.size();
  EXPECT_EQ(find_end(h, rate_hz), whole);
  std::vector<double> padded = h;
  padded.resize(whole + 24000, 0.0);
  EXPECT_EQ(find_end(padded, rate_hz), whole);
  // A fade over the last 100 ms: what lies 6 dB and more below the floor goes.
  for (std::size_t i = whole - 4800; i < whole; ++i)
    h[i] *= 0.5 + 0.5 * std::cos(std::numbers::pi * (static_cast<double>(i + 4800 - whole)) / 4800);
  EXPECT_LT(find_end(h, rate_hz), whole - 1500);
  EXPECT_GT(find_end(h, rate_hz), whole - 4800);
}

TEST(Extent, KeepsAPlainExponentialToItsEnd) {
  for (const double t60_s : {0.2, 0.5, 2.0}) {
    const std::vector<double> h = decaying_noise(t60_s, 1, 48000, 3);
    EXPECT_GE(find_end(h, 48000), static_cast<std::size_t>(std::min(0.95, 2.9 * t60_s) * 48000))
        << t60_s;  // -180 dB is silence
  }
}

TEST(EchoDensity, IsOneInGaussianNoiseAndSmallForFewEchoes) {
  const EchoDensity diffuse = measure_echo_density(synthetic::noise(1, 48000, 6), 48000);
  EXPECT_NEAR(*mean_echo_density(diffuse, 0.1, 0.9), 1, 0.02);
  std::vector<double> sparse(48000, 0.0);
  for (std::size_t i = 0; i < sparse.size(); i += 480) sparse[i] = i % 960 == 0 ? 1 : -1;
  const EchoDensity few = measure_echo_density(sparse, 48000);
  EXPECT_LT(*mean_echo_density(few, 0.1, 0.9), 0.05);
  EXPECT_FALSE(few.mixing_time_s);
  EXPECT_FALSE(mean_echo_density(few, 5, 6));
}

TEST(EchoDensity, MixesWhenTheEchoesFillTheWindow) {
  std::vector<double> h = synthetic::noise(1, 48000, 7);
  for (std::size_t i = 0; i < 4800; ++i) h[i] = i % 500 == 0 ? h[i] : 0;
  const EchoDensity density = measure_echo_density(h, 48000);
  EXPECT_NEAR(*density.mixing_time_s, 0.1, 0.015);
}

TEST(Iacc, IsOneForEqualChannelsAtAnyLagWithinAMillisecond) {
  const std::vector<double> left = decaying_noise(0.5, 1, 48000, 8);
  std::vector<double> right(left.size(), 0.0);
  for (std::size_t i = 30; i < right.size(); ++i) right[i] = -0.5 * left[i - 30];
  EXPECT_NEAR(*iacc(left, right, 48000, 0, 1), 1, 0.01);
  EXPECT_LT(*iacc(left, decaying_noise(0.5, 1, 48000, 9), 48000, 0, 1), 0.15);
  EXPECT_FALSE(iacc(left, std::vector<double>(left.size(), 0.0), 48000, 0, 1));
  const Iacc both = measure_iacc(left, left, 48000);
  EXPECT_NEAR(*both.early_e3, 1, 1e-9);
  EXPECT_NEAR(*both.late_l3, 1, 1e-9);
}

TEST(Coherence, IsTheShareThatTwoChannelsHaveInCommon) {
  const std::vector<double> common = synthetic::noise(4, 48000, 11), own = synthetic::noise(4, 48000, 12);
  for (const double share : {0.0, 0.4, 0.9}) {
    std::vector<double> right(common.size());
    for (std::size_t i = 0; i < right.size(); ++i)
      right[i] = -share * common[i] + std::sqrt(1 - share * share) * own[i];
    const auto bands = measure_coherence(common, right, 48000);
    ASSERT_EQ(bands.size(), 19U);
    for (const Coherence& band : bands) {
      if (band.hz < 400) continue;  // few bins: the estimate scatters
      EXPECT_NEAR(band.real, -share, 0.1) << band.hz;
      EXPECT_NEAR(band.magnitude, share, 0.12) << band.hz;
    }
  }
  EXPECT_THROW(measure_coherence(common, std::vector<double>(3), 48000), ContractError);
}

TEST(LateModes, AreRareInADiffuseTailAndSeenWhereTheyAre) {
  const double rate_hz = 48000;
  std::vector<double> h = decaying_noise(1, 1, rate_hz, 13);
  EXPECT_LT(*late_modes_pct(h, rate_hz), 0.05);
  for (int mode = 0; mode < 20; ++mode) {
    const double hz = 400.0 * std::pow(7.5, mode / 19.0);
    for (std::size_t i = 0; i < h.size(); ++i) {
      h[i] += 0.4 * synthetic::envelope(i, rate_hz, 1) *
              std::sin(2 * std::numbers::pi * hz * static_cast<double>(i) / rate_hz);
    }
  }
  EXPECT_GT(*late_modes_pct(h, rate_hz), 0.3);
  EXPECT_FALSE(late_modes_pct(std::vector<double>(32, 1.0), rate_hz));
  EXPECT_FALSE(late_modes_pct(std::vector<double>(48000, 0.0), rate_hz));
}

TEST(SpectrogramDistance, IsZeroForEqualsAndKnownForAnotherRealisation) {
  const std::vector<double> a = decaying_noise(1, 2.5, 16000, 14), b = decaying_noise(1, 2.5, 16000, 15);
  const SpectrogramDistance same = compare_spectrograms(a, a, a.size());
  EXPECT_EQ(*same.lsd_db, 0);
  EXPECT_EQ(*same.lsd_smoothed_db, 0);
  // Two independent exponential variables in dB differ by 5.57 sqrt 2 = 7.9; the floor takes some of it.
  const SpectrogramDistance other = compare_spectrograms(a, b, a.size());
  EXPECT_GT(*other.lsd_db, 5);
  EXPECT_LT(*other.lsd_db, 8);
  EXPECT_GT(*other.lsd_smoothed_db, 1);
  EXPECT_LT(*other.lsd_smoothed_db, 3);
  // A level error of 3 dB is one of 3 dB.
  std::vector<double> louder = a;
  for (double& value : louder) value *= std::pow(10.0, 3.0 / 20);
  EXPECT_NEAR(*compare_spectrograms(a, louder, static_cast<std::size_t>(0.8 * 16000)).lsd_smoothed_db, 3, 0.1);
  EXPECT_FALSE(compare_spectrograms(std::vector<double>(16000, 0.0), a, 16000).lsd_db);
}

}  // namespace
}  // namespace diffverb::acoustics
