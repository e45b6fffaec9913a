#include "runtime/resampling.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <complex>
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
    const auto out = resample_responses(response, response.size(), rates.from, rates.to, 300);
    const auto spectrum = spectrum_of(out);
    const double low = std::min(rates.from, rates.to);
    for (double hz = 0.02 * low; hz < 0.46 * low; hz += 0.04 * low)
      EXPECT_NEAR(band_level_db(spectrum, rates.to, hz, hz + 0.02 * low), 0, 0.08)
          << rates.from << " to " << rates.to << " at " << hz << " Hz";
    if (rates.to > 1.1 * rates.from) {
      EXPECT_LT(band_level_db(spectrum, rates.to, 0.505 * rates.from, 0.5 * rates.to), -60);
    }
  }
}

/// sum_n sound[n] exp(-2 pi i hz n / rate)
std::complex<double> value_at(const std::vector<float>& sound, double hz, double rate_hz) {
  std::complex<double> sum = 0;
  for (std::size_t n = 0; n < sound.size(); ++n)
    sum +=
        static_cast<double>(sound[n]) * std::polar(1.0, -2 * std::numbers::pi * hz * static_cast<double>(n) / rate_hz);
  return sum;
}

/// The magnitude of a sinc in a Kaiser window, in the frequency's own samples: summed with 32 points a sample.
double magnitude_of_slope(double cutoff, double half_width, double beta, double frequency) {
  constexpr int kPoints = 32;
  double sum = 0;
  for (int i = -static_cast<int>(half_width) * kPoints; i <= static_cast<int>(half_width) * kPoints; ++i) {
    const double n = static_cast<double>(i) / kPoints, share = n / half_width, phase = std::numbers::pi * cutoff * n;
    const double window = std::cyl_bessel_i(0, beta * std::sqrt(1 - share * share)) / std::cyl_bessel_i(0, beta);
    sum += cutoff * (i == 0 ? 1 : std::sin(phase) / phase) * window * std::cos(2 * std::numbers::pi * frequency * n);
  }
  return std::abs(sum) / kPoints;
}

constexpr Rates kResponseRates[] = {{48000, 44100},  {44100, 48000},   {44100, 88200},  {44100, 96000}, {96000, 44100},
                                    {48000, 8000},   {48000, 192000},  {48000, 384000}, {8000, 384000}, {384000, 8000},
                                    {384000, 44100}, {22050, 12345.6}, {48000, 48001},  {48001, 48000}, {1e6, 8000},
                                    {1000, 44100},   {48000, 57600},   {48000, 35036.5}};

/// A short response that has all frequencies.
std::vector<float> decaying_response() {
  std::vector<float> response(100);
  for (std::size_t n = 0; n < response.size(); ++n) response[n] = static_cast<float>(std::pow(-0.7, n));
  return response;
}

TEST(OracleResamplingOfResponses, HasTheMagnitudeOfTheDirectlySummedSlopeAtAllRates) {
  const std::vector<float> response = decaying_response();
  for (const double share : {0.0, 0.1, 0.31, 0.45, 0.475, 0.4875, 0.495, 0.5}) {
    const double slope = magnitude_of_slope(0.975, 192, 14.8, share);
    for (const Rates& rates : kResponseRates) {
      const double low = std::min(rates.from, rates.to), hz = share * low;
      const auto out = resample_responses(response, response.size(), rates.from, rates.to, 500);
      const std::complex<double> was = value_at(response, hz, rates.from), is = value_at(out, hz, rates.to);
      EXPECT_NEAR(std::abs(is) / std::abs(was), slope, 3e-6)
          << rates.from << " to " << rates.to << " at " << hz << " Hz";
    }
  }
}

TEST(ResamplingOfResponses, IsOneFilterInSamplesOfTheLowerRate) {
  const std::vector<float> response = decaying_response();
  for (const double share : {0.01, 0.2, 0.4, 0.47}) {
    std::complex<double> first = 0;
    for (const Rates& rates : kResponseRates) {
      const double hz = share * std::min(rates.from, rates.to);
      const auto out = resample_responses(response, response.size(), rates.from, rates.to, 500);
      const std::complex<double> filter = value_at(out, hz, rates.to) / value_at(response, hz, rates.from);
      if (first == 0.0) first = filter;
      EXPECT_LT(std::abs(filter - first), 1e-5) << rates.from << " to " << rates.to << " at " << hz << " Hz";
    }
  }
}

TEST(ResamplingOfResponses, HoldsNothingThatWasNotThere) {
  for (const Rates& rates : kResponseRates) {
    if (rates.to < 1.02 * rates.from) continue;  // images; what comes round is the next test's
    const auto out = resample_responses(std::vector<float>{1}, 1, rates.from, rates.to, 500);
    for (double hz = 0.501 * rates.from; hz < 0.5 * rates.to; hz += 0.0731 * rates.from)
      EXPECT_LT(std::abs(value_at(out, hz, rates.to)), 1e-6)
          << rates.from << " to " << rates.to << " at " << hz << " Hz";
  }
}

TEST(ResamplingOfResponses, StopsWhatTheLowerRateCannotHold) {
  for (const Rates& rates : kResponseRates) {
    if (rates.to > rates.from) continue;
    for (const double share : {0.501, 0.7, 1.3, 1.51, 2.6, 3.5}) {
      const double hz = share * rates.to;
      if (hz > 0.5 * rates.from) continue;
      const auto length = static_cast<std::size_t>(800 * rates.from / rates.to);
      const auto out = resample_responses(sine(hz, rates.from, length), length, rates.from, rates.to);
      for (std::size_t n = 390; n + 10 < out.size(); ++n)  // from where the slope has rung out
        ASSERT_NEAR(out[n] * rates.to / rates.from, 0, 2e-6)
            << rates.from << " to " << rates.to << " at " << hz << " Hz";
    }
  }
}

TEST(ResamplingOfResponses, TakesOneSample) {
  for (const Rates& rates : kResponseRates) {
    const auto alone = resample_responses(std::vector<float>{1}, 1, rates.from, rates.to);
    EXPECT_EQ(alone.size(), static_cast<std::size_t>(std::ceil(rates.to / rates.from)));
    const auto out = resample_responses(std::vector<float>{1}, 1, rates.from, rates.to, 500);
    double sum = 0;
    for (const float value : out) sum += static_cast<double>(value);
    EXPECT_NEAR(sum, 1, 1e-5) << rates.from << " to " << rates.to;
    EXPECT_TRUE(std::equal(alone.begin(), alone.end(), out.begin()));
  }
}

// Twenty seconds at 48 kHz: the end is as well in time as the beginning.
TEST(ResamplingOfResponses, KeepsTimeInLongResponses) {
  constexpr std::size_t kLate = 147 * 160 * 40, kLength = kLate + 1000;
  std::vector<float> response(kLength, 0.0f);
  response[0] = response[kLate] = 1;
  for (const Rates& rates : {Rates{44100, 48000}, Rates{48000, 44100}, Rates{48000, 96000}, Rates{48000, 9600}}) {
    const auto out = resample_responses(response, kLength, rates.from, rates.to);
    const auto late = static_cast<std::size_t>(std::llround(kLate * rates.to / rates.from));
    for (std::size_t n = 0; n < 180; ++n) ASSERT_NEAR(out[late + n], out[n], 2e-7) << rates.to << ' ' << n;
  }
}

TEST(ResamplingOfResponses, ChangesEachByItself) {
  const auto rows = noise(3, 700, 5);
  std::vector<float> all;
  for (const auto& row : rows) all.insert(all.end(), row.begin(), row.end());
  for (const Rates& rates : {Rates{44100, 48000}, Rates{48000, 44100}}) {
    const auto out = resample_responses(all, 700, rates.from, rates.to, 40);
    std::vector<float> expected;
    for (const auto& row : rows) {
      const auto alone = resample_responses(row, 700, rates.from, rates.to, 40);
      expected.insert(expected.end(), alone.begin(), alone.end());
    }
    EXPECT_EQ(out, expected);
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
