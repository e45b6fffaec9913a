// Motion in weights: what a file keeps of it, and what is refused.
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <random>
#include <string>
#include <vector>

#include "moving_networks.h"
#include "runtime/network_check.h"
#include "runtime/reference.h"
#include "runtime/safetensors.h"

namespace diffverb::runtime {
namespace {

using testing::Turn;

DelayNetworkWeights moving_network(int lines = 4) {
  DelayNetworkWeights w = testing::turning_network({lines, 1, 2, 2, 3, 20, 20, 40}, Turn::kBetweenTwo, 0.1f, 4);
  testing::add_motions(w, 2, 5, 4);
  return w;
}

bool contains(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

TEST(RuntimeMotionWeights, AFileKeepsEveryNumber) {
  for (const int lines : {1, 4, 5}) {
    const DelayNetworkWeights w = moving_network(lines);
    const SerializedWeights file = serialize_weights(w);
    ASSERT_EQ(file.error, "");
    const LoadResult loaded = load_model(file.bytes);
    ASSERT_EQ(loaded.error, "");
    const DelayNetworkWeights& r = loaded.model->network;
    EXPECT_EQ(loaded.model->metadata.at("version"), "1.1");
    EXPECT_TRUE(r.moves());
    ASSERT_EQ(r.delay_motions.size(), w.delay_motions.size());
    for (std::size_t i = 0; i < w.delay_motions.size(); ++i) {
      const DelayMotion &a = r.delay_motions[i], &b = w.delay_motions[i];
      EXPECT_EQ(a.line, b.line);
      EXPECT_EQ(a.depth_samples, b.depth_samples);
      EXPECT_EQ(a.rate_hz, b.rate_hz);
      EXPECT_EQ(a.phase_turns, b.phase_turns);
      EXPECT_EQ(a.noise_phase_turns, b.noise_phase_turns);
    }
    ASSERT_EQ(r.turning.size(), w.turning.size());
    for (std::size_t p = 0; p < w.turning.size(); ++p) {
      const TurningPair &a = r.turning[p], &b = w.turning[p];
      for (const auto member :
           {&TurningPair::radius, &TurningPair::radius_depth, &TurningPair::radius_rate_hz,
            &TurningPair::radius_phase_turns, &TurningPair::angle_turns, &TurningPair::angle_depth_turns,
            &TurningPair::angle_rate_hz, &TurningPair::angle_phase_turns, &TurningPair::turn_hz})
        EXPECT_EQ(a.*member, b.*member);
    }
    EXPECT_EQ(r.turn_left, w.turn_left);
    EXPECT_EQ(r.turn_right, w.turn_right);
    EXPECT_EQ(serialize_weights(r).bytes, file.bytes);
  }
}

TEST(RuntimeMotionWeights, WhatStandsStillIsWrittenAsEver) {
  DelayNetworkWeights w = moving_network();
  w.delay_motions.clear(), w.turning.clear(), w.turn_left.clear(), w.turn_right.clear();
  EXPECT_FALSE(w.moves());
  const Container file = parse_container(serialize_weights(w).bytes, true);
  EXPECT_EQ(file.metadata.at("version"), "1.0");
  EXPECT_EQ(file.tensors.size(), 8u);
}

TEST(RuntimeMotionWeights, TheSelfTestHearsTheMotion) {
  const DelayNetworkWeights w = moving_network();
  const std::string text = make_self_test(w);
  EXPECT_EQ(run_self_test(make_model(w).model, text), "");
  const auto differs = [&](auto change) {
    DelayNetworkWeights other = w;
    change(other);
    testing::put_at_rest(other);
    const LoadResult made = make_model(other);
    EXPECT_EQ(made.error, "");
    return contains(run_self_test(made.model, text), "the self-test fails");
  };
  EXPECT_TRUE(differs([](auto& n) { n.delay_motions[1].depth_samples += 0.1; }));
  EXPECT_TRUE(differs([](auto& n) { n.delay_motions[1].phase_turns += 0.1; }));
  EXPECT_TRUE(differs([](auto& n) { n.delay_motions.clear(); }));
  EXPECT_TRUE(differs([](auto& n) { n.turning[1].turn_hz += 100; }));
  EXPECT_TRUE(differs([](auto& n) { n.turning[1].angle_phase_turns += 0.3; }));
  EXPECT_TRUE(differs([](auto& n) { n.turning[0].radius_phase_turns += 0.3; }));
}

std::string reason(void (*change)(DelayNetworkWeights&)) {
  DelayNetworkWeights w = moving_network();
  change(w);
  const std::string error = make_model(w).error;
  EXPECT_EQ(serialize_weights(w).error, error);
  EXPECT_EQ(error.find('\n'), std::string::npos);
  return error;
}

TEST(RuntimeMotionWeights, DelaysThatCannotMoveAreRefused) {
  using W = DelayNetworkWeights;
  EXPECT_EQ(reason([](W&) {}), "");
  EXPECT_EQ(reason([](W& w) { w.delay_motions[2].line = 4; }),
            "tensor 'delay_motions': motion 2: there is no line 4, of 4");
  EXPECT_EQ(reason([](W& w) {
              w.turning.clear(), w.turn_left.clear(), w.turn_right.clear();
              w.A.assign(16, 0), w.delays[1] = 0;
            }),
            "tensor 'delay_motions': motion 2: line 1 is a filter and has no delay to move");
  EXPECT_EQ(reason([](W& w) { w.delay_motions = {{0, 17, 1}}; }), "");  // 20 samples
  EXPECT_EQ(reason([](W& w) {
              w.delay_motions = {{0, 10, 1}, {0, -7.5, 2}};
            }),
            "tensor 'delay_motions': line 0 of 20 samples moves by 17.5, expected that 3 samples or more stay");
  EXPECT_TRUE(contains(reason([](W& w) {
                         w.delays[0] = 3 << 20, w.delay_motions = {{0, 2e6, 1}};
                       }),
                       "depth_samples is 2e+06, expected -1e+06 to 1e+06"));
  EXPECT_TRUE(contains(reason([](W& w) {
                         w.delays[0] = 4 << 20, w.delay_motions = {{0, 1, 1}};
                       }),
                       "expected at most 4194304 samples together"));
  EXPECT_EQ(reason([](W& w) { w.delay_motions[3].rate_hz = 1000.5; }),
            "tensor 'delay_motions': motion 3: rate_hz is 1000.5, expected 0 to 1000");
  EXPECT_TRUE(contains(reason([](W& w) { w.delay_motions[3].rate_hz = -1; }), "rate_hz is -1"));
  EXPECT_TRUE(contains(reason([](W& w) { w.delay_motions[0].phase_turns = std::numeric_limits<double>::infinity(); }),
                       "motion 0: phase_turns is inf"));
  EXPECT_TRUE(
      contains(reason([](W& w) { w.delay_motions[0].noise_phase_turns = std::nan(""); }), "noise_phase_turns is nan"));
  EXPECT_TRUE(contains(reason([](W& w) {
                         w.delay_motions.assign(5000, {0, 0, 1});
                       }),
                       "5000 motions, expected at most"));
}

TEST(RuntimeMotionWeights, MatricesThatCannotTurnAreRefused) {
  using W = DelayNetworkWeights;
  EXPECT_EQ(reason([](W& w) { w.turning.pop_back(); }), "tensor 'turning' has 1 pairs, expected 2 of 4 lines");
  EXPECT_EQ(reason([](W& w) { w.turn_left.pop_back(); }), "tensor 'turn_left' has 15 values, expected 16");
  EXPECT_EQ(reason([](W& w) { w.turn_right.clear(); }), "tensor 'turn_right' has 0 values, expected 16");
  EXPECT_EQ(reason([](W& w) { w.turning.clear(); }), "tensor 'turn_left' has 16 values, expected 0");
  EXPECT_EQ(reason([](W& w) { w.turn_right[2] = std::nanf(""); }), "tensor 'turn_right': value 2 is not a number");
  EXPECT_EQ(reason([](W& w) { w.turning[1].radius = -1; }),
            "tensor 'turning': pair 1: radius is -1, expected 0 to 1e+06");
  EXPECT_EQ(reason([](W& w) { w.turning[1].radius_depth = 1.1; }),
            "tensor 'turning': pair 1: radius_depth is 1.1, expected 0 to 1");
  EXPECT_TRUE(contains(reason([](W& w) { w.turning[0].radius_rate_hz = 2000; }), "radius_rate_hz is 2000"));
  EXPECT_TRUE(contains(reason([](W& w) { w.turning[0].radius_phase_turns = std::nan(""); }), "radius_phase_turns"));
  EXPECT_TRUE(contains(reason([](W& w) { w.turning[0].angle_turns = 1e9; }), "angle_turns is 1e+09"));
  EXPECT_TRUE(contains(reason([](W& w) { w.turning[0].angle_depth_turns = std::nan(""); }), "angle_depth_turns"));
  EXPECT_TRUE(contains(reason([](W& w) { w.turning[0].angle_rate_hz = -2; }), "angle_rate_hz is -2"));
  EXPECT_TRUE(contains(reason([](W& w) { w.turning[0].angle_phase_turns = std::nan(""); }), "angle_phase_turns"));
  EXPECT_TRUE(contains(reason([](W& w) { w.turning[0].turn_hz = -1001; }), "turn_hz is -1001, expected -1000 to 1000"));
  EXPECT_TRUE(contains(reason([](W& w) { w.A[5] += 3e-5f; }), "where the turning matrix at rest has"));
}

/// Energy of a network's last quarter over that of its first, after a click: what grows has more.
double growth_of(const DelayNetworkWeights& w, int frames) {
  std::vector<std::vector<double>> click(1, std::vector<double>(static_cast<std::size_t>(frames), 0.0));
  click[0][0] = 1;
  const std::vector<double> heard = reference_response(w, click, frames)[0];
  double first = 0, last = 0;
  for (std::size_t n = 0; n < heard.size(); ++n) {
    if (4 * n < heard.size()) first += heard[n] * heard[n];
    if (4 * n >= 3 * heard.size()) last += heard[n] * heard[n];
  }
  return last / first;
}

TEST(RuntimeMotionWeights, MotionSoFastThatTheNetworkGrowsIsRefused) {
  std::mt19937 random(5);
  std::uniform_real_distribution<double> unit(0, 1);
  int refused = 0, accepted = 0;
  for (int trial = 0; trial < 40; ++trial) {  // of two lines that lose a thousandth at each pass
    const auto angle = static_cast<float>(6.28 * unit(random));
    const float c = 0.999f * std::cos(angle), s = 0.999f * std::sin(angle);
    DelayNetworkWeights w = testing::network_of({c, -s, s, c}, {20 + static_cast<int>(40 * unit(random)), 37});
    EXPECT_EQ(make_model(w).error, "");
    for (int j = 0; j < 2; ++j)
      w.delay_motions.push_back({j, 0.9 * (w.delays[static_cast<std::size_t>(j)] - 3), 100 * std::pow(10, unit(random)),
                                 unit(random), unit(random)});
    if (make_model(w).error.empty()) {
      EXPECT_LT(growth_of(w, 12000), 1) << trial;
      ++accepted;
    } else {
      ++refused;
    }
    for (DelayMotion& motion : w.delay_motions) motion.rate_hz *= 0.001;
    EXPECT_EQ(make_model(w).error, "") << trial;
  }
  EXPECT_GE(refused, 1);
  EXPECT_GE(accepted, 1);
}

TEST(RuntimeMotionWeights, ATurningMatrixMustLoseEnergyInNorm) {
  // Its eigenvalues at rest lie well within the unit circle, and still it may grow while it turns.
  DelayNetworkWeights w = testing::network_of({0, 1.2f, -0.5f, 0}, {50, 70});
  w.turn_left = w.A, w.turn_right = {1, 0, 0, 1};
  w.turning = {{}};
  EXPECT_TRUE(contains(make_model(w).error, "the turning network cannot be shown to be stable")) << make_model(w).error;
  EXPECT_TRUE(contains(make_model(w).error, "is 1.200000 in the loop of line 0, which must stay below 1"));
  DelayNetworkWeights still = w;
  still.turning.clear(), still.turn_left.clear(), still.turn_right.clear();
  EXPECT_EQ(make_model(still).error, "");
  DelayNetworkWeights keeps = testing::turning_network({6, 1, 1, 0, 0, 0, 20, 90}, Turn::kBetweenTwo, 0, 3);
  EXPECT_NE(make_model(keeps).error, "");
  keeps.lossless = true;
  EXPECT_EQ(make_model(keeps).error, "");
  for (float& x : keeps.turn_left) x *= 1.0001f;
  testing::put_at_rest(keeps);
  EXPECT_NE(make_model(keeps).error, "");
}

TEST(RuntimeMotionWeights, OnlyWhatComesBackCountsInTheNormOfATurningMatrix) {
  // A filter line hears both lines of the loop a hundred times louder than they hear each other.
  DelayNetworkWeights w = testing::network_of(std::vector<float>(9, 0.0f), {50, 70, 0});
  w.turn_left = {0.9f, 0, 0, 0, 0.9f, 0, 0, 0, 1}, w.turn_right = {1, 0, 0, 0, 1, 0, 100, 100, 0};
  w.turning = {{}, {}};
  w.turning[0].turn_hz = 3;
  testing::put_at_rest(w);
  EXPECT_EQ(make_model(w).error, "");
  w.turn_left[2] = 0.02f;  // now the first line takes from what the filter line hears
  testing::put_at_rest(w);
  EXPECT_TRUE(contains(make_model(w).error, "the turning network cannot be shown to be stable")) << make_model(w).error;
  w.turn_left[2] = 0, w.turn_left[0] = 1.1f;
  testing::put_at_rest(w);
  EXPECT_TRUE(contains(make_model(w).error, "in the loop of line 0")) << make_model(w).error;
}

}  // namespace
}  // namespace diffverb::runtime
