#include "runtime/resampling.h"

#include <gtest/gtest.h>

#include <cmath>
#include <numbers>

#include "tests/runtime/decay_measurement.h"
#include "tests/runtime/networks.h"

#if __has_include(<soxr.h>)
#include <soxr.h>
#endif

namespace diffverb::runtime::testing {
namespace {

std::vector<float> sine(double hz, double rate_hz, std::size_t samples) {
  std::vector<float> out(samples);
  for (std::size_t n = 0; n < samples; ++n)
    out[n] = static_cast<float>(std::sin(2 * std::numbers::pi * hz * static_cast<double>(n) / rate_hz + 0.3));
  return out;
}

struct Rates {
  double from, to;
};
constexpr Rates kRates[] = {{48000, 44100}, {44100, 48000},   {44100, 96000}, {96000, 44100},       {48000, 8000},
                            {16000, 48000}, {22050, 12345.6}, {8000, 384000}, {48000, 48000 / 1.37}};

/// What is far from both ends, where the sine begins and stops.
template <typename Work>
void for_each_inner(const std::vector<float>& out, double rate_hz, const Rates& rates, const Work& work) {
  const auto edge = static_cast<std::size_t>(200 * rate_hz / std::min(rates.from, rates.to));
  ASSERT_GT(out.size(), 3 * edge);
  for (std::size_t n = edge; n + edge < out.size(); n += 7) work(n);
}

TEST(Resampling, KeepsSinesBelowTheLowerHalfRate) {
  for (const Rates& rates : kRates) {
    for (const double share : {0.01, 0.37, 0.94}) {
      const double hz = share * 0.5 * std::min(rates.from, rates.to);
      const auto out =
          resample(sine(hz, rates.from, static_cast<std::size_t>(rates.from / std::min(rates.from, rates.to) * 1200)),
                   rates.from, rates.to);
      for_each_inner(out, rates.to, rates, [&](std::size_t n) {
        const double expected = std::sin(2 * std::numbers::pi * hz * static_cast<double>(n) / rates.to + 0.3);
        ASSERT_NEAR(out[n], expected, 3e-6) << rates.from << " to " << rates.to << " at " << hz << " Hz";
      });
    }
  }
}

TEST(Resampling, StopsWhatTheLowerRateCannotHold) {
  for (const Rates& rates : kRates) {
    if (rates.to > rates.from) continue;
    for (const double hz : {0.502 * rates.to, 0.48 * rates.from}) {
      if (hz < 0.5 * rates.to) continue;
      const auto out =
          resample(sine(hz, rates.from, static_cast<std::size_t>(rates.from / rates.to * 1200)), rates.from, rates.to);
      for_each_inner(out, rates.to, rates, [&](std::size_t n) {
        ASSERT_NEAR(out[n], 0, 2e-6) << rates.from << " to " << rates.to << " at " << hz << " Hz";
      });
    }
  }
}

TEST(Resampling, AnswersWithTheLengthThatTheNewRateNeeds) {
  const std::vector<float> sound(441, 0.5f);
  EXPECT_EQ(resample(sound, 44100, 48000).size(), 480u);
  EXPECT_EQ(resample(sound, 44100, 8000).size(), 80u);
  EXPECT_EQ(resample(sound, 44100, 44100), sound);
  EXPECT_TRUE(resample({}, 44100, 48000).empty());
}

#if __has_include(<soxr.h>)
TEST(OracleResampling, AgreesWithSoxr) {
  const auto sound = noise(1, 6000, 3)[0];
  for (const Rates& rates : {Rates{48000, 44100}, Rates{44100, 96000}, Rates{48000, 16000}}) {
    // Below 0.8 of the lower half rate, where both pass everything.
    const auto low = resample(resample(sound, rates.from, 0.8 * std::min(rates.from, rates.to)),
                              0.8 * std::min(rates.from, rates.to), rates.from);
    const auto ours = resample(low, rates.from, rates.to);
    std::vector<float> theirs(ours.size() + 64);
    std::size_t used = 0, made = 0;
    const soxr_quality_spec_t quality = soxr_quality_spec(SOXR_VHQ, 0);
    ASSERT_EQ(soxr_oneshot(rates.from, rates.to, 1, low.data(), low.size(), &used, theirs.data(), theirs.size(), &made,
                           nullptr, &quality, nullptr),
              nullptr);
    for_each_inner(ours, rates.to, rates, [&](std::size_t n) { ASSERT_NEAR(ours[n], theirs[n], 2e-5) << n; });
  }
}
#endif

TEST(ResamplingOfResponses, KeepsTheLevelOfEveryFrequencyHoweverEarlyTheSoundBegins) {
  for (const Rates& rates : kRates) {
    std::vector<float> response(300, 0.0f);
    response[0] = 1;
    const auto out = resample_responses(response, response.size(), rates.from, rates.to);
    const auto spectrum = spectrum_of(out);
    const double low = std::min(rates.from, rates.to);
    for (double hz = 0.02 * low; hz < 0.46 * low; hz += 0.04 * low)
      EXPECT_NEAR(band_level_db(spectrum, rates.to, hz, hz + 0.02 * low), 0, 0.05)
          << rates.from << " to " << rates.to << " at " << hz << " Hz";
    if (rates.to > 1.1 * rates.from) {
      EXPECT_LT(band_level_db(spectrum, rates.to, 0.505 * rates.from, 0.5 * rates.to), -60);
    }
  }
}

TEST(ResamplingOfResponses, IsLateByAFewSamplesOnly) {
  std::vector<float> response(300, 0.0f);
  response[100] = 1;
  for (const Rates& rates : kRates) {
    const auto out = resample_responses(response, response.size(), rates.from, rates.to);
    const auto peak = std::max_element(out.begin(), out.end()) - out.begin();
    const double late = static_cast<double>(peak) / rates.to - 100 / rates.from;
    EXPECT_GE(late, -1 / rates.to);
    EXPECT_LT(late * std::min(rates.from, rates.to), 8) << rates.from << " to " << rates.to;
  }
}

}  // namespace
}  // namespace diffverb::runtime::testing
