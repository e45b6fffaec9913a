#include "train/report/dry_sound.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "core/error.h"

namespace diffverb {
namespace {

double level(const std::vector<float>& sound, double rate_hz, double from_s, double to_s) {
  double energy = 0;
  const auto from = static_cast<std::size_t>(from_s * rate_hz), to = static_cast<std::size_t>(to_s * rate_hz);
  for (std::size_t n = from; n < to; ++n) energy += static_cast<double>(sound[n]) * static_cast<double>(sound[n]);
  return std::sqrt(energy / static_cast<double>(to - from));
}

TEST(DrySound, PeaksAtMinusSixDecibelsAtEveryRate) {
  for (const double rate_hz : {8000., 16000., 44100., 48000., 96000.}) {
    const Audio sound = make_dry_sound(rate_hz, 1);
    float peak = 0;
    for (const float sample : sound.channels.at(0)) peak = std::max(peak, std::abs(sample));
    EXPECT_NEAR(20 * std::log10(static_cast<double>(peak)), -6, 0.01) << rate_hz;
    EXPECT_NEAR(static_cast<double>(sound.frames()) / rate_hz, 3.2, 0.001) << rate_hz;
  }
}

TEST(DrySound, IsTheSameForTheSameSeed) {
  EXPECT_EQ(make_dry_sound(48000, 7).channels, make_dry_sound(48000, 7).channels);
  EXPECT_NE(make_dry_sound(48000, 7).channels, make_dry_sound(48000, 8).channels);
}

TEST(DrySound, RestsAfterStringsSnareAndClickSoThatATailIsHeard) {
  const double rate_hz = 48000;
  const std::vector<float> sound = make_dry_sound(rate_hz, 1).channels[0];
  const double strings = level(sound, rate_hz, 0.1, 0.6), snare = level(sound, rate_hz, 1.3, 1.35);
  EXPECT_LT(level(sound, rate_hz, 1.15, 1.29), 0.01 * strings);
  EXPECT_LT(level(sound, rate_hz, 2.0, 2.29), 0.01 * snare);
  EXPECT_GT(*std::max_element(sound.begin() + static_cast<std::ptrdiff_t>(2.3 * rate_hz), sound.end()), 0.2f);
  EXPECT_LT(level(sound, rate_hz, 2.4, 3.2), 1e-3);
}

TEST(DrySound, StringsAreInTune) {
  // Period of the first string alone (220 Hz), from the largest autocorrelation between 150 and 320 Hz.
  const double rate_hz = 48000;
  const std::vector<float> sound = make_dry_sound(rate_hz, 1).channels[0];
  const auto start = static_cast<std::size_t>(0.03 * rate_hz), length = static_cast<std::size_t>(0.08 * rate_hz);
  double best = -1;
  std::size_t period = 0;
  for (std::size_t lag = 150; lag < 320; ++lag) {
    double sum = 0;
    for (std::size_t n = start; n < start + length; ++n)
      sum += static_cast<double>(sound[n]) * static_cast<double>(sound[n + lag]);
    if (sum > best) best = sum, period = lag;
  }
  EXPECT_NEAR(rate_hz / static_cast<double>(period), 220, 1.0);
}

TEST(DrySound, RefusesARateThatIsNone) {
  EXPECT_THROW(make_dry_sound(0, 1), ContractError);
  EXPECT_THROW(make_dry_sound(std::nan(""), 1), ContractError);
}

}  // namespace
}  // namespace diffverb
