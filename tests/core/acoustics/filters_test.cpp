#include "core/acoustics/filters.h"

#include <gtest/gtest.h>

#include <cmath>
#include <complex>
#include <numbers>
#include <vector>

#include "core/error.h"

namespace diffverb::acoustics {
namespace {

double level_db(const Sections& sections, double hz, double rate_hz) {
  return 20 * std::log10(std::abs(response_at(sections, hz, rate_hz)));
}

TEST(Bands, OctavesStandAtTheirNominalCentres) {
  std::vector<double> centres;
  for (const Band& band : make_bands(BandWidth::kOctave, 48000, 125, 8000)) {
    EXPECT_DOUBLE_EQ(band.hz, band.nominal_hz);
    centres.push_back(band.hz);
  }
  EXPECT_EQ(centres, (std::vector<double>{125, 250, 500, 1000, 2000, 4000, 8000}));
}

TEST(Bands, ThirdOctavesCarryTheirPreferredNames) {
  std::vector<double> names;
  for (const Band& band : make_bands(BandWidth::kThirdOctave, 48000, 125, 8000)) {
    names.push_back(band.nominal_hz);
    EXPECT_NEAR(band.hz, band.nominal_hz, 0.02 * band.hz);
    EXPECT_NEAR(std::log2(band.high_hz / band.low_hz), 1.0 / 3, 1e-12);
  }
  EXPECT_EQ(names, (std::vector<double>{125, 160, 200, 250, 315, 400, 500, 630, 800, 1000, 1250, 1600, 2000, 2500, 3150,
                                        4000, 5000, 6300, 8000}));
}

TEST(Bands, LeaveOutWhatReachesAboveTheNyquistLimit) {
  EXPECT_EQ(make_bands(BandWidth::kOctave, 16000).back().hz, 4000);
  EXPECT_EQ(make_bands(BandWidth::kOctave, 44100).back().hz, 8000);
  EXPECT_EQ(make_bands(BandWidth::kOctave, 48000).back().hz, 16000);
  EXPECT_THROW(make_bands(BandWidth::kOctave, 0), ContractError);
}

TEST(BandFilter, IsUnityInsideAndHalfPowerAtBothEdges) {
  for (const double rate_hz : {44100.0, 96000.0}) {
    for (const BandWidth width : {BandWidth::kOctave, BandWidth::kThirdOctave}) {
      for (const Band& band : make_bands(width, rate_hz)) {
        const Sections filter = band_filter(band, rate_hz);
        EXPECT_EQ(filter.size(), 3U);
        EXPECT_NEAR(level_db(filter, band.low_hz, rate_hz), 10 * std::log10(0.5), 1e-6) << band.hz;
        EXPECT_NEAR(level_db(filter, band.high_hz, rate_hz), 10 * std::log10(0.5), 1e-6) << band.hz;
        EXPECT_NEAR(level_db(filter, band.hz, rate_hz), 0, 0.01) << band.hz;
        // Third order: 18 dB an octave far out, counted in distances from the centre.
        EXPECT_LT(level_db(filter, band.hz / 8, rate_hz), -45) << band.hz;
      }
    }
  }
}

TEST(BandFilter, RunsAsItsResponseSays) {
  const double rate_hz = 16000;
  const Sections filter = butterworth_band_pass(3, 800, 1300, rate_hz);
  std::vector<double> impulse(4096, 0.0);
  impulse[0] = 1;
  const std::vector<double> h = apply_filter(filter, impulse);
  for (const double hz : {300.0, 800.0, 1000.0, 1500.0, 4000.0}) {
    std::complex<double> sum = 0, weighted = 0;
    for (std::size_t n = 0; n < h.size(); ++n) {
      const auto term = h[n] * std::polar(1.0, -2 * std::numbers::pi * hz * static_cast<double>(n) / rate_hz);
      sum += term;
      weighted += term * static_cast<double>(n);
    }
    EXPECT_NEAR(std::abs(sum - response_at(filter, hz, rate_hz)), 0, 1e-9) << hz;
    EXPECT_NEAR(std::real(weighted / sum) / rate_hz, group_delay_s(filter, hz, rate_hz), 1e-7) << hz;
  }
}

TEST(BandFilter, TakesAnyOrderAndRefusesEdgesOutsideTheBand) {
  for (const int order : {1, 2, 4, 5, 7}) {
    const Sections filter = butterworth_band_pass(order, 700, 1400, 48000);
    EXPECT_EQ(filter.size(), static_cast<std::size_t>(order));
    EXPECT_NEAR(level_db(filter, 700, 48000), 10 * std::log10(0.5), 1e-6);
    std::vector<double> impulse(1000, 0.0);
    impulse[0] = 1;
    for (const double value : apply_filter(filter, impulse)) EXPECT_LT(std::abs(value), 1);
  }
  EXPECT_THROW(butterworth_band_pass(3, 700, 24000, 48000), ContractError);
  EXPECT_THROW(butterworth_band_pass(3, 700, 600, 48000), ContractError);
  EXPECT_THROW(butterworth_band_pass(0, 500, 600, 48000), ContractError);
}

}  // namespace
}  // namespace diffverb::acoustics
