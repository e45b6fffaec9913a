// Responses between which a sound moves: gains at every sample, files, damage.
#include "runtime/moving_responses.h"

#include <gtest/gtest.h>

#include <cmath>
#include <numbers>

#include "moving_networks.h"
#include "networks.h"
#include "played.h"
#include "runtime/render.h"

namespace diffverb::runtime {
namespace {

TEST(RuntimeMovingResponses, PlayLikeTheReferenceInBlocksOfAnySize) {
  for (const bool after : {false, true}) {
    for (const bool equal_power : {false, true}) {
      DelayNetworkWeights w = testing::moving_responses(3, 2, 2, 400, after, 3);
      w.moving.equal_power = equal_power;
      const auto input = testing::noise(2, 4000, 9);
      Engine engine;
      ASSERT_EQ(engine.prepare(testing::model_of(w), 48000), "");
      const auto whole = testing::play(engine, input, {4000});
      EXPECT_LT(testing::worst_error(w, input, whole), 1e-5) << after << equal_power;
      for (const auto& blocks : {std::vector{1}, std::vector{17, 1, 300}, std::vector{256}}) {
        engine.reset();
        EXPECT_EQ(testing::play(engine, input, blocks), whole);
      }
    }
  }
}

TEST(RuntimeMovingResponses, PlayBesideANetworkAndAnEarlyPart) {
  DelayNetworkWeights w = testing::random_network({4, 1, 2, 2, 3, 60, 7, 90}, 4);
  const DelayNetworkWeights more = testing::moving_responses(2, 1, 2, 150, true, 6);
  w.moving = more.moving;
  const auto input = testing::noise(1, 3000, 5);
  Engine engine;
  ASSERT_EQ(engine.prepare(testing::model_of(w), 48000), "");
  EXPECT_LT(testing::worst_error(w, input, testing::play(engine, input, {64, 3})), 1e-5);
}

TEST(RuntimeMovingResponses, GainsStandAtEverySampleWhatTheirSinesSay) {
  const DelayNetworkWeights w = testing::moving_responses(2, 1, 1, 10, true, 7);
  MovingGains gains(w.moving, 48000);
  double worst = 0, largest_step = 0, previous = 0;
  for (int n = 0; n < 100000; ++n) {
    gains.step();
    const double t = n / 48000.0, turn = 2 * std::numbers::pi;
    const double before = 0.6 + 0.4 * std::sin(turn * (4 * t + 0.1)) + 0.2 * std::sin(turn * (22 * t + 0.3));
    const double after = 0.8 + 0.7 * std::sin(turn * (10 * t + 0.25));
    worst = std::max({worst, std::abs(gains.before()[1] - before), std::abs(gains.after()[1] - after)});
    if (n > 0) largest_step = std::max(largest_step, std::abs(gains.before()[1] - previous));
    previous = gains.before()[1];
  }
  EXPECT_LT(worst, 1e-10);
  EXPECT_LT(largest_step,
            1.01 * 2 * std::numbers::pi * (0.4 * 4 + 0.2 * 22) / 48000);  // as steep as the sines: no step
}

TEST(RuntimeMovingResponses, EqualPowerHoldsAtAllTimes) {
  DelayNetworkWeights w = testing::moving_responses(4, 1, 1, 10, false, 8);
  w.moving.equal_power = true;
  MovingGains gains(w.moving, 48000);
  for (int n = 0; n < 50000; ++n) {
    gains.step();
    double power = 0;
    for (const double gain : gains.before()) power += gain * gain;
    ASSERT_NEAR(power, 1, 1e-9) << n;
  }
}

TEST(RuntimeMovingResponses, RoundTripThroughAFile) {
  DelayNetworkWeights w = testing::moving_responses(3, 1, 2, 90, true, 9);
  for (const bool equal_power : {false, true}) {
    w.moving.equal_power = equal_power;
    const SerializedWeights file = serialize_weights(w);
    ASSERT_EQ(file.error, "");
    const LoadResult loaded = load_model(file.bytes);
    ASSERT_EQ(loaded.error, "");
    const MovingResponses& m = loaded.model->network.moving;
    EXPECT_EQ(m.taps, w.moving.taps);
    EXPECT_EQ(m.means, w.moving.means);
    EXPECT_EQ(m.equal_power, equal_power);
    ASSERT_EQ(m.sines.size(), w.moving.sines.size());
    for (std::size_t i = 0; i < m.sines.size(); ++i) {
      EXPECT_EQ(m.sines[i].response, w.moving.sines[i].response);
      EXPECT_EQ(m.sines[i].after, w.moving.sines[i].after);
      EXPECT_EQ(m.sines[i].depth, w.moving.sines[i].depth);
      EXPECT_EQ(m.sines[i].rate_hz, w.moving.sines[i].rate_hz);
      EXPECT_EQ(m.sines[i].phase_turns, w.moving.sines[i].phase_turns);
    }
  }
  EXPECT_NE(serialize_weights(w, {{"moving_gains", "x"}}).error, "");
}

TEST(RuntimeMovingResponses, WhatCannotBePlayedIsRefusedWithItsPlace) {
  const auto reason = [](auto change) {
    DelayNetworkWeights w = testing::moving_responses(3, 1, 2, 90, true, 9);
    change(w.moving);
    return make_model(w).error;
  };
  const auto says = [&](const std::string& text, auto change) {
    const std::string error = reason(change);
    EXPECT_NE(error.find(text), std::string::npos) << error;
  };
  EXPECT_EQ(reason([](auto&) {}), "");
  says("has 539 values, expected 540", [](auto& m) { m.taps.pop_back(); });
  says("'moving_early': value 7", [](auto& m) { m.taps[7] = std::numeric_limits<float>::infinity(); });
  says("has 5 values, expected 6", [](auto& m) { m.means.pop_back(); });
  says("'moving_means': value 2", [](auto& m) { m.means[2] = std::nan(""); });
  says("sine 1 is of response 3, of 3", [](auto& m) { m.sines[1].response = 3; });
  says("sine 2 has a rate", [](auto& m) { m.sines[2].rate_hz = -1; });
  says("sine 2 has a rate", [](auto& m) { m.sines[2].rate_hz = 1001; });
  says("sine 0 has a depth", [](auto& m) { m.sines[0].depth = std::nan(""); });
  says("sine 0 has a depth", [](auto& m) { m.sines[0].phase_turns = 1e9; });
  says("moving_early", [](auto& m) { m.count = 65; });
  says("there are no responses", [](auto& m) { m.count = 0; });
  says("at most 1024", [](auto& m) { m.sines.resize(1025); });
}

TEST(RuntimeMovingResponses, EveryBitOfASampleOfTheFileCounts) {
  const SerializedWeights file = serialize_weights(testing::moving_responses(2, 1, 1, 20, true, 9));
  ASSERT_EQ(file.error, "");
  for (std::size_t at = 0; at < file.bytes.size(); at += 7) {
    auto bad = file.bytes;
    bad[at] ^= 4;
    ASSERT_NE(load_model(bad).error, "") << at;
  }
}

}  // namespace
}  // namespace diffverb::runtime
