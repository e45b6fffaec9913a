#include "core/acoustics/decay.h"

#include <gtest/gtest.h>

#include <cmath>
#include <span>
#include <vector>

#include "core/acoustics/analysis.h"
#include "core/acoustics/two_slopes.h"
#include "core/error.h"
#include "synthetic.h"

namespace diffverb::acoustics {
namespace {

using synthetic::decaying_noise;
using synthetic::exponential;

TEST(Decay, OfAPureExponentialIsKnownInClosedForm) {
  for (const double t60_s : {0.2, 1.0, 4.0}) {
    const double rate_hz = 48000;
    const std::vector<double> h = exponential(t60_s, 2 * t60_s, rate_hz);
    const BandResult band = measure_band(h, rate_hz, 0, 0, {});
    const double decay = 6 * std::log(10.0) / t60_s;
    EXPECT_NEAR(*band.t30_s, t60_s, 1e-3 * t60_s);
    EXPECT_NEAR(*band.t20_s, t60_s, 1e-3 * t60_s);
    EXPECT_NEAR(*band.edt_s, t60_s, 1e-3 * t60_s);
    EXPECT_NEAR(*band.c80_db, 10 * std::log10(std::expm1(decay * 0.080)), 0.01);
    EXPECT_NEAR(*band.c50_db, 10 * std::log10(std::expm1(decay * 0.050)), 0.01);
    EXPECT_NEAR(*band.d50, 1 - std::exp(-decay * 0.050), 1e-3);
    EXPECT_NEAR(*band.ts_s, 1 / decay, 1e-3 / decay);
    EXPECT_NEAR(band.level_db, 10 * std::log10(rate_hz / decay), 0.01);
  }
}

struct Case {
  double t60_s, rate_hz, floor_db;
};

class DecayOfNoise : public testing::TestWithParam<Case> {};

// The noise realisation itself scatters decay times; their mean over realisations must be right, and the floor must not
// move them.
TEST_P(DecayOfNoise, GivesTheDecayTimeItWasMadeWith) {
  const auto [t60_s, rate_hz, floor_db] = GetParam();
  double sum = 0;
  const int runs = 12;
  for (int seed = 0; seed < runs; ++seed) {
    const auto noisy = decaying_noise(t60_s, 1.6 * t60_s, rate_hz, static_cast<std::uint64_t>(seed), floor_db);
    const auto clean = decaying_noise(t60_s, 1.6 * t60_s, rate_hz, static_cast<std::uint64_t>(seed));
    const auto measured = t30_s(measure_decay(noisy, rate_hz, 0));
    const auto truth = t30_s(measure_decay(clean, rate_hz, 0));
    ASSERT_TRUE(measured.has_value() && truth.has_value());
    EXPECT_NEAR(*measured, *truth, 0.015 * t60_s) << "the noise floor moved it";
    sum += *measured;
  }
  EXPECT_NEAR(sum / runs, t60_s, 0.006 * t60_s);
}

INSTANTIATE_TEST_SUITE_P(Cases, DecayOfNoise,
                         testing::Values(Case{0.2, 48000, -80}, Case{0.5, 48000, -60}, Case{1, 48000, -55},
                                         Case{2, 44100, -50}, Case{5, 48000, -60}, Case{1, 16000, -50},
                                         Case{1, 96000, -55}, Case{0.3, 16000, -70}, Case{6, 16000, -48},
                                         Case{1, 48000, -1000}, Case{0.5, 16000, -1000}));

TEST(Decay, InOctaveBandsIsThatOfTheBand) {
  // Two bands, two decay times, one floor.
  const double rate_hz = 48000;
  const auto bands = make_bands(BandWidth::kOctave, rate_hz, 500, 4000);
  double low = 0, high = 0;
  const int runs = 6;
  for (std::uint64_t seed = 0; seed < runs; ++seed) {
    const auto a = apply_filter(band_filter(bands.front(), rate_hz), synthetic::noise(3, rate_hz, 10 + seed));
    const auto b = apply_filter(band_filter(bands.back(), rate_hz), synthetic::noise(3, rate_hz, 30 + seed));
    std::vector<double> h = synthetic::noise(3, rate_hz, 50 + seed);
    for (std::size_t i = 0; i < h.size(); ++i) {
      h[i] = 2e-4 * h[i] + a[i] * synthetic::envelope(i, rate_hz, 1.5) + b[i] * synthetic::envelope(i, rate_hz, 0.6);
    }
    const ChannelResult result = analyze_channel(h, rate_hz);
    low += *result.octaves[3].t_s();
    high += *result.octaves[6].t_s();
  }
  EXPECT_NEAR(low / runs, 1.5, 0.04);
  EXPECT_NEAR(high / runs, 0.6, 0.01);
}

TEST(Decay, FindsTheFloorAndWhereItBegins) {
  const double rate_hz = 48000;
  const Decay decay = measure_decay(decaying_noise(1, 2, rate_hz, 3, -50), rate_hz, 0);
  EXPECT_NEAR(10 * std::log10(decay.floor.power), -50, 0.3);
  EXPECT_NEAR(static_cast<double>(decay.floor.truncation_samples) / rate_hz, 50.0 / 60, 0.03);
  EXPECT_NEAR(decay.range_db, 50, 1.5);
  EXPECT_NEAR(decay.floor.late_t60_s, 1, 0.1);
}

TEST(Decay, OfAFileThatEndsBeforeTheDecayIsCompensated) {
  const double rate_hz = 48000;
  for (std::uint64_t seed = 0; seed < 4; ++seed) {
    const auto whole = decaying_noise(2, 4, rate_hz, seed);
    const std::span<const double> cut = std::span<const double>(whole).first(static_cast<std::size_t>(1.6 * rate_hz));
    EXPECT_NEAR(*t30_s(measure_decay(cut, rate_hz, 0)), *t30_s(measure_decay(whole, rate_hz, 0)), 0.02);
    EXPECT_NEAR(10 * std::log10(measure_decay(cut, rate_hz, 0).energy[0] / measure_decay(whole, rate_hz, 0).energy[0]),
                0, 0.01);
  }
}

TEST(Decay, LeavesUndefinedWhatTheRangeDoesNotSupport) {
  const double rate_hz = 48000;
  const Decay thirty = measure_decay(decaying_noise(1, 2, rate_hz, 1, -30), rate_hz, 0);
  EXPECT_TRUE(early_decay_time_s(thirty));
  EXPECT_FALSE(t20_s(thirty));
  EXPECT_FALSE(t30_s(thirty));
  const Decay forty = measure_decay(decaying_noise(1, 2, rate_hz, 1, -40), rate_hz, 0);
  EXPECT_TRUE(t20_s(forty));
  EXPECT_FALSE(t30_s(forty));
  const Decay fifteen = measure_decay(decaying_noise(1, 2, rate_hz, 1, -15), rate_hz, 0);
  EXPECT_FALSE(early_decay_time_s(fifteen));
}

TEST(Decay, IsNotFoundInWhatHasNone) {
  const double rate_hz = 48000;
  EXPECT_FALSE(measure_decay(synthetic::noise(2, rate_hz, 5), rate_hz, 0).floor.found);
  EXPECT_FALSE(measure_decay(std::vector<double>(48000, 0.0), rate_hz, 0).floor.found);
  EXPECT_FALSE(measure_decay(std::vector<double>{}, rate_hz, 0).floor.found);
  std::vector<double> impulse(48000, 0.0);
  impulse[0] = 1;
  const Decay decay = measure_decay(impulse, rate_hz, 0);
  EXPECT_FALSE(t20_s(decay));
  EXPECT_THROW(measure_decay(impulse, 0, 0), ContractError);
}

TEST(Decay, CurveNeverRises) {
  const Decay decay = measure_decay(decaying_noise(0.5, 2, 48000, 9, -45), 48000, 0);
  ASSERT_FALSE(decay.energy.empty());
  for (std::size_t i = 1; i < decay.energy.size(); ++i) ASSERT_LE(decay.energy[i], decay.energy[i - 1]);
  EXPECT_GT(decay.energy.back(), 0);
  const std::vector<double> curve = decay_curve_db(decay, 100);
  EXPECT_EQ(curve.front(), 0);
  EXPECT_NEAR(10 * std::log10(energy_after(decay, 0.2) / decay.energy[0]), curve[96], 1e-9);
}

std::vector<double> two_slope_response(double early_s, double late_s, double level_db, std::uint64_t seed,
                                       double floor_db) {
  const double rate_hz = 48000;
  std::vector<double> h = synthetic::noise(3, rate_hz, seed);
  const std::vector<double> n = synthetic::noise(3, rate_hz, seed + 77);
  // Amplitudes such that the two parts' energies (T60 times mean square) stand in the given ratio.
  const double late_gain = std::pow(10.0, level_db / 20) * std::sqrt(early_s / late_s);
  for (std::size_t i = 0; i < h.size(); ++i) {
    const double power = std::pow(synthetic::envelope(i, rate_hz, early_s), 2) +
                         std::pow(late_gain * synthetic::envelope(i, rate_hz, late_s), 2);
    h[i] = h[i] * std::sqrt(power) + std::pow(10.0, floor_db / 20) * n[i];
  }
  return h;
}

TEST(TwoSlopes, OfCoupledRoomsAreFound) {
  for (std::uint64_t seed = 0; seed < 5; ++seed) {
    const Decay decay = measure_decay(two_slope_response(0.4, 1.8, -18, seed, -75), 48000, 0);
    const TwoSlopes slopes = find_two_slopes(decay);
    ASSERT_TRUE(slopes.found);
    EXPECT_NEAR(slopes.early_t60_s, 0.4, 0.03);
    EXPECT_NEAR(slopes.late_t60_s, 1.8, 0.15);
    EXPECT_NEAR(slopes.level_db, -18, 1);
    EXPECT_LT(slopes.double_residual_db, 0.4);
  }
}

TEST(TwoSlopes, AreNotSeenInOne) {
  for (std::uint64_t seed = 0; seed < 10; ++seed) {
    for (const double t60_s : {0.3, 1.0, 2.5}) {
      const Decay decay = measure_decay(decaying_noise(t60_s, 1.5 * t60_s, 48000, seed, -60), 48000, 0);
      EXPECT_FALSE(find_two_slopes(decay).found) << t60_s;
    }
  }
}

TEST(IntegrateDecay, OfAnExponentialIsAStraightLine) {
  const double rate_hz = 8000;
  for (const double t60_s : {0.3, 2.0}) {
    const Decay decay = integrate_decay(synthetic::exponential(t60_s, 1.2 * t60_s, rate_hz), rate_hz);
    EXPECT_NEAR(*t30_s(decay), t60_s, 0.001 * t60_s);
    EXPECT_NEAR(*early_decay_time_s(decay), t60_s, 0.001 * t60_s);
    EXPECT_NEAR(decay.range_db, 0.9 * 72, 1.5);
    EXPECT_EQ(decay.tail, 0);
  }
}

TEST(IntegrateDecay, KnowsNoNoise) {
  // A loud start and a weak tail: what a noise floor would be taken for.
  std::vector<double> h = synthetic::decaying_noise(2, 3, 8000, 3);
  for (std::size_t n = 0; n < h.size(); ++n) h[n] *= n < 200 ? 1 : 0.01;
  const Decay decay = integrate_decay(h, 8000);
  EXPECT_GT(decay.range_db, 60);
  const auto late = decay_time_s(decay, -50, -60, 60);
  EXPECT_NEAR(*late, 2, 0.3);
}

TEST(IntegrateDecay, EndsWhereNothingIsLeftAndRefusesSilence) {
  std::vector<double> h(1000, 0.0);
  h[0] = 1;
  const Decay decay = integrate_decay(h, 8000);
  EXPECT_EQ(decay.energy.size(), 1u);
  EXPECT_FALSE(t20_s(decay));
  EXPECT_TRUE(integrate_decay(std::vector<double>(1000, 0.0), 8000).energy.empty());
  EXPECT_TRUE(integrate_decay({}, 8000).energy.empty());
  EXPECT_THROW(integrate_decay(h, 0), ContractError);
}

}  // namespace
}  // namespace diffverb::acoustics
