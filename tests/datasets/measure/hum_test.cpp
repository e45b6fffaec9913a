#include "datasets/measure/hum.h"

#include <gtest/gtest.h>

#include <cmath>

#include "tests/datasets/measure/simulated_recording.h"

namespace diffverb {
namespace {

/// A second of noise at -80 dBFS and a line at each multiple of the mains' frequency.
at::Tensor humming(double base_hz, const std::vector<double>& levels_dbfs, double rate_hz = 48000, double seconds = 1) {
  const auto samples = static_cast<std::int64_t>(seconds * rate_hz);
  auto out = 1e-4 * noise_of(samples, 5);
  const auto t = at::arange(samples, at::kDouble) / rate_hz;
  for (std::size_t k = 0; k < levels_dbfs.size(); ++k)
    out = out + std::pow(10.0, levels_dbfs[k] / 20) *
                    (2 * M_PI * base_hz * static_cast<double>(k + 1) * t + static_cast<double>(k)).sin();
  return out;
}

TEST(Hum, IsFoundWithFrequencyAndLevel) {
  for (const double base_hz : {50.0, 49.83, 50.12, 60.0, 59.91}) {
    const Hum hum = find_hum(humming(base_hz, {-50, -70, -56}), 48000);
    EXPECT_NEAR(hum.base_hz, base_hz, 0.1);
    EXPECT_NEAR(hum.dbfs, 10 * std::log10(1e-5 + 1e-7 + std::pow(10.0, -5.6)), 1) << base_hz;
    ASSERT_EQ(hum.lines.size(), 3u) << base_hz;
    EXPECT_NEAR(hum.lines[0].hz, base_hz, 0.1);
    EXPECT_NEAR(hum.lines[2].hz, 3 * base_hz, 0.1);
    EXPECT_NEAR(hum.lines[0].dbfs, -50, 1) << base_hz;
    EXPECT_NEAR(hum.lines[2].dbfs, -56, 1) << base_hz;
  }
}

TEST(Hum, IsFoundByAHarmonicAlone) {
  const Hum hum = find_hum(humming(50, {-200, -60}, 16000, 2), 16000);
  EXPECT_NEAR(hum.base_hz, 50, 0.1);
  EXPECT_EQ(hum.lines.size(), 1u);
  EXPECT_NEAR(find_hum(humming(60, {-200, -60}), 48000).base_hz, 60, 0.1);
}

TEST(Hum, IsNotFoundInNoiseOrInATooShortStretch) {
  for (std::uint64_t seed = 1; seed < 40; ++seed)
    EXPECT_TRUE(find_hum(noise_of(48000, seed), 48000).lines.empty()) << seed;
  EXPECT_EQ(find_hum(humming(50, {-40}, 48000, 0.3), 48000).base_hz, 0);
}

}  // namespace
}  // namespace diffverb
