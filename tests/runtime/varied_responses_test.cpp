#include <gtest/gtest.h>

#include <cmath>
#include <thread>

#include "runtime/variation.h"
#include "tests/runtime/decay_measurement.h"
#include "tests/runtime/networks.h"

namespace diffverb::runtime::testing {
namespace {

using Channels = std::vector<std::vector<float>>;

constexpr double kRateHz = 48000;

/// Noise that decays by 60 dB in `t60_s`, a second and a half of it.
Channels decaying(double t60_s) {
  Channels rows = noise(2, static_cast<int>(1.5 * kRateHz), 11);
  for (auto& row : rows) {
    for (std::size_t n = 0; n < row.size(); ++n)
      row[n] *= static_cast<float>(std::pow(10, -3 * static_cast<double>(n) / kRateHz / t60_s));
  }
  return rows;
}

TEST(VariedResponses, DecayAndSoundAsLoudAtEveryHostRate) {
  const Channels rows = decaying(0.5);
  for (const Variation& variation : {Variation{.decay = 0.6}, Variation{.decay = 1.6}, Variation{.size = 1.3}}) {
    const double expected_s = 0.5 * variation.decay;
    const auto at_own = spectrum_of(vary_response(rows, kRateHz, kRateHz, variation)[0]);
    for (const double rate_hz : {44100.0, 88200.0, 96000.0, 192000.0, 384000.0}) {
      const auto spectrum = spectrum_of(vary_response(rows, kRateHz, rate_hz, variation)[0]);
      for (const double hz : {500.0, 2000.0, 8000.0}) {
        EXPECT_NEAR(t60_of(spectrum, rate_hz, hz) / expected_s, 1, 0.06) << rate_hz << " Hz host, " << hz << " Hz";
        EXPECT_NEAR(band_level_db(spectrum, rate_hz, 0.7 * hz, 1.4 * hz),
                    band_level_db(at_own, kRateHz, 0.7 * hz, 1.4 * hz), 0.02)
            << rate_hz << " Hz host, " << hz << " Hz";
      }
      if (rate_hz > 50000) {
        EXPECT_LT(band_level_db(spectrum, rate_hz, 24500, 0.5 * rate_hz),
                  band_level_db(spectrum, rate_hz, 10000, 20000) - 100);
      }
    }
  }
}

TEST(VariedResponses, TakeOneSampleToEveryHostRate) {
  for (const double rate_hz : {8000.0, 44100.0, 48000.0, 384000.0}) {
    for (const Variation& variation : {Variation{}, Variation{.decay = 2}, Variation{.decay = 0.3, .size = 0.5}}) {
      const Channels out = vary_response({{0.5f}}, kRateHz, rate_hz, variation);
      ASSERT_EQ(out.size(), 1u);
      EXPECT_GE(out[0].size(), 1u);
      for (const float value : out[0]) EXPECT_TRUE(std::isfinite(value));
    }
  }
}

TEST(VariedResponses, AnswerSeveralThreadsAlike) {
  const Channels rows = decaying(0.3);
  const VariedResponses asked_by_one(rows, kRateHz, 44100), asked_by_all(rows, kRateHz, 44100);
  const std::vector<Variation> variations{{}, {.decay = 0.5}, {.size = 1.2}, {.early_late_db = 3}};
  std::vector<Channels> answers(variations.size());
  std::vector<std::thread> threads;
  for (std::size_t i = 0; i < variations.size(); ++i)
    threads.emplace_back([&, i] { answers[i] = asked_by_all.at(variations[i]); });
  for (std::thread& thread : threads) thread.join();
  for (std::size_t i = 0; i < variations.size(); ++i) EXPECT_EQ(answers[i], asked_by_one.at(variations[i])) << i;
}

}  // namespace
}  // namespace diffverb::runtime::testing
