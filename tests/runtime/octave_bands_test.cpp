#include "runtime/variation/octave_bands.h"

#include <gtest/gtest.h>

#include <cmath>
#include <numbers>

#include "tests/runtime/networks.h"

namespace diffverb::runtime::testing {
namespace {

TEST(OctaveBands, SumToTheSounds) {
  for (const double rate_hz : {1000.0, 8000.0, 44100.0, 384000.0}) {
    const std::vector<double> centres = octave_centres(rate_hz);
    for (const std::size_t samples : {1, 1000, 30011}) {
      const auto rows = noise(3, static_cast<int>(samples), 4);
      const SplitRows bands = split_octaves(rows, rate_hz, centres);
      ASSERT_EQ(bands.size(), rows.size());
      for (std::size_t r = 0; r < rows.size(); ++r) {
        ASSERT_EQ(bands[r].size(), centres.size());
        for (std::size_t n = 0; n < samples; ++n) {
          double sum = 0;
          for (const auto& band : bands[r]) sum += static_cast<double>(band[n]);
          ASSERT_NEAR(sum, rows[r][n], 2e-6) << rate_hz << " Hz, " << samples << " samples";
        }
      }
    }
  }
}

/// A period of a sine that fits into 2^15 samples.
std::vector<float> whole_periods(double rate_hz, double hz) {
  std::vector<float> out(1 << 15);
  const double cycles = std::round(hz / rate_hz * static_cast<double>(out.size()));
  for (std::size_t n = 0; n < out.size(); ++n)
    out[n] = static_cast<float>(
        std::sin(2 * std::numbers::pi * cycles * static_cast<double>(n) / static_cast<double>(out.size()) + 1));
  return out;
}

TEST(OctaveBands, HoldASineThatIsTheirsWholeAndHalfOfOneAtTheirEdge) {
  constexpr double kRateHz = 48000;
  const std::vector<double> centres = octave_centres(kRateHz);
  ASSERT_EQ(centres.size(), 9u);
  for (std::size_t k = 0; k + 1 < centres.size(); ++k) {
    const auto centre = whole_periods(kRateHz, centres[k]), edge = whole_periods(kRateHz, std::sqrt(2.0) * centres[k]);
    const SplitRows bands = split_periods({centre, edge}, kRateHz, centres);
    for (std::size_t band = 0; band < centres.size(); ++band) {
      const double half = band == k || band == k + 1 ? 0.5 : 0;
      for (std::size_t n = 0; n < centre.size(); n += 5) {
        ASSERT_NEAR(bands[0][band][n], band == k ? centre[n] : 0, 1e-6) << centres[k] << " Hz";
        // At 62.5 Hz the nearest whole number of periods is 0.6 % beside the edge.
        ASSERT_NEAR(bands[1][band][n], half * edge[n], 0.05) << centres[k] << " Hz";
      }
    }
  }
}

}  // namespace
}  // namespace diffverb::runtime::testing
