#include "runtime/engine.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstdio>
#include <limits>
#include <set>

#include "networks.h"
#include "played.h"
#include "runtime/biquad.h"
#include "runtime/render.h"

namespace diffverb::runtime {
namespace {

using testing::Channels;
using testing::model_of;
using testing::NetworkSize;
using testing::play;
using testing::worst_error;

TEST(RuntimeEngine, PlaysTheRecursionForManySizes) {
  const NetworkSize sizes[] = {{1, 1, 1, 0, 0, 0, 1, 1},       {2, 1, 1, 1, 1, 1, 1, 3},
                               {3, 2, 1, 2, 4, 63, 2, 50},     {4, 1, 2, 10, 25, 640, 37, 400},
                               {5, 3, 3, 5, 8, 64, 11, 90},    {8, 1, 2, 7, 9, 65, 64, 700},
                               {9, 8, 8, 3, 17, 129, 5, 70},   {16, 1, 2, 10, 25, 3840, 241, 1500},
                               {16, 2, 5, 4, 33, 300, 1, 60},  {31, 1, 4, 6, 70, 128, 100, 900},
                               {33, 1, 1, 1, 3, 0, 257, 2000}, {64, 2, 2, 11, 16, 1000, 90, 800}};
  unsigned seed = 1;
  for (const NetworkSize& size : sizes) {
    SCOPED_TRACE("lines " + std::to_string(size.lines) + ", early " + std::to_string(size.early_samples));
    const DelayNetworkWeights w = testing::random_network(size, ++seed);
    Engine engine;
    ASSERT_EQ(engine.prepare(model_of(w), 48000), "");
    const Channels input = testing::noise(size.inputs, 4000, seed);
    EXPECT_LT(worst_error(w, input, play(engine, input, {512})), 1e-5);
  }
}

TEST(RuntimeEngine, SamplesDoNotDependOnTheBlocks) {
  for (const NetworkSize& size :
       {NetworkSize{16, 1, 2, 10, 25, 1000, 200, 900}, NetworkSize{6, 2, 3, 3, 40, 65, 3, 40}}) {
    const auto model = model_of(testing::random_network(size, 5));
    const Channels input = testing::noise(size.inputs, 3000, 2);
    Engine engine;
    ASSERT_EQ(engine.prepare(model, 48000), "");
    const Channels whole = play(engine, input, {3000});
    for (const std::vector<int>& blocks :
         {std::vector<int>{1}, {64}, {37}, {256}, {257, 1, 5, 1000, 63, 64, 65, 2}, {0, 7, 0, 191}}) {
      engine.reset();
      EXPECT_EQ(play(engine, input, blocks), whole) << blocks[0];  // bit for bit; also shows that reset() silences all
    }
  }
}

TEST(RuntimeEngine, EveryInstructionSetPlaysTheSame) {
  const NetworkSize sizes[] = {{3, 1, 1, 2, 3, 70, 9, 60},
                               {7, 2, 3, 5, 8, 300, 37, 400},
                               {16, 1, 2, 10, 25, 1000, 100, 900},
                               {17, 1, 1, 1, 40, 0, 5, 90}};
  const std::set<std::string> seen = testing::for_each_instruction_set([&] {
    for (const NetworkSize& size : sizes) {
      SCOPED_TRACE(std::string(Engine::target()) + ", lines " + std::to_string(size.lines));
      const DelayNetworkWeights w = testing::random_network(size, 11);
      Engine engine;
      EXPECT_EQ(engine.prepare(model_of(w), 48000), "");
      const Channels input = testing::noise(size.inputs, 3000, 3);
      const Channels whole = play(engine, input, {512});
      EXPECT_LT(worst_error(w, input, whole), 1e-5);
      engine.reset();
      EXPECT_EQ(play(engine, input, {1, 130, 7}), whole);
    }
  });
  EXPECT_GE(seen.size(), 1u);
  std::string names;
  for (const std::string& name : seen) names += name + " ";
  RecordProperty("targets", names);
  std::printf("instruction sets played: %s\n", names.c_str());
}

TEST(RuntimeEngine, LowPolesAtHighRatesKeepTheirAccuracy) {
  DelayNetworkWeights w = testing::random_network({4, 1, 1, 0, 0, 0, 700, 2000}, 3);
  w.sample_rate_hz = 96000;
  w.line_sections = 2, w.output_sections = 12;
  for (int j = 0; j < 4; ++j) {
    testing::add_peak(w.line_sos, 30, 1.4, -3, 96000);
    testing::add_peak(w.line_sos, 63, 1.4, -1, 96000);
  }
  for (int k = 0; k < 12; ++k) testing::add_peak(w.output_sos, 25 + 5 * k, 4.3, k % 2 ? 9 : -9, 96000);
  Engine engine;
  ASSERT_EQ(engine.prepare(model_of(w), 96000), "");
  const Channels input = testing::noise(1, 96000, 9);
  EXPECT_LT(worst_error(w, input, play(engine, input, {480})), 1e-5);
}

TEST(RuntimeEngine, BothFormsAreTheSameFilter) {
  // Real poles, first order, a pure delay, poles near both ends of the circle.
  for (const Biquad& f : {Biquad{0.5, 0, 0, -0.999, 0}, Biquad{0, 1, 0, 0, 0}, Biquad{1, -0.3, 0.7, 0.9, 0.2},
                          Biquad{0.3, 1, 0, 0.3, 0}, Biquad{1, 2, 1, -1.99, 0.9902}, Biquad{0, 0, 1, 1.8, 0.81}}) {
    ASSERT_TRUE(is_stable(f));
    const StateVariable v = to_state_variable(f);
    const PlayedSection p = to_played_section(f);
    double s1 = 0, s2 = 0, u = 0, s = 0, d1 = 0, d2 = 0, peak = 0, error = 0, played_error = 0;
    for (int n = 0; n < 2000; ++n) {
      const double x = n == 0 ? 1 : 0;
      const double y = v.y0 * x + v.y1 * s1 + v.y2 * s2, d = x - s2, old = s1;
      s1 += v.q * d - v.p * s1;
      s2 += v.r * d + v.q * old;
      const double played = p.y0 * x + p.y1 * u + p.y2 * s;
      s += u;
      u += p.g * (x - s) - p.p * u;
      const double z = f.b0 * x + d1;
      d1 = f.b1 * x - f.a1 * z + d2;
      d2 = f.b2 * x - f.a2 * z;
      peak = std::max(peak, std::abs(z));
      error = std::max(error, std::abs(y - z));
      played_error = std::max(played_error, std::abs(played - z));
    }
    // Towards z = -1 the second form has the rounding of 1 + a1 + a2 = 4 in 1 - a1 + a2.
    EXPECT_LT(played_error, 2e-6 * std::max(1.0, 0.05 / (1 - f.a1 + f.a2)) * peak) << f.a1 << " " << f.a2;
    EXPECT_LT(error, 2e-6 * peak) << f.a1 << " " << f.a2;
  }
}

TEST(RuntimeEngine, GainsTakenOutOfSectionsStayInTheCascade) {
  // One of two sections cannot give its gain away and comes first.
  const std::vector<Biquad> cascade = {{0.5, 0.2, 0.1, -0.6, 0.3}, {0, 0.7, 0.1, 0.2, 0}, {3, -1, 0.5, -0.9, 0.4}};
  EXPECT_EQ(count_general(cascade), 1);
  const auto played = played_cascade(cascade, 1);
  ASSERT_EQ(played.size(), 3u);
  EXPECT_EQ(played[0].y0, 0);
  EXPECT_EQ(played[1].y0, 1);
  EXPECT_EQ(played[2].y0, 1);
  double dc = 1, expected = 1;
  for (const PlayedSection& s : played) dc *= static_cast<double>(s.y0) + static_cast<double>(s.y2);  // u = 0, s = x
  for (const Biquad& f : cascade) expected *= (f.b0 + f.b1 + f.b2) / (1 + f.a1 + f.a2);
  EXPECT_NEAR(dc, expected, 1e-6 * expected);
}

TEST(RuntimeEngine, OutputCascadesOfAnyLengthPlayTheRecursion) {
  testing::for_each_instruction_set([&] {
    unsigned seed = 20;
    for (const int sections : {1, 2, 3, 4, 7, 8, 9, 15, 16, 17, 25, 31, 32, 33, 47, 65}) {
      const int outputs = 1 + sections % 3;
      SCOPED_TRACE(std::string(Engine::target()) + ", sections " + std::to_string(sections));
      DelayNetworkWeights w = testing::random_network({2, 1, outputs, 0, sections, 0, 30, 90}, ++seed);
      if (sections % 2 == 1) {  // of the last output: a delay without a gain of the newest sample
        const std::vector<double> delay = {0, 0.5, 0.2, -0.3, 0.1};
        std::copy(delay.begin(), delay.end(), w.output_sos.end() - 5 * (1 + sections / 2));
      }
      Engine engine;
      ASSERT_EQ(engine.prepare(model_of(w), 48000), "");
      const Channels input = testing::noise(1, 1500, seed);
      const Channels whole = play(engine, input, {512});
      EXPECT_LT(worst_error(w, input, whole), 1e-5);
      engine.reset();
      EXPECT_EQ(play(engine, input, {1, 130, 7, 64, 16}), whole);
    }
  });
}

TEST(RuntimeEngine, OutputMayBeTheInputsMemory) {
  const auto model = model_of(testing::random_network({4, 2, 2, 2, 3, 100, 20, 90}, 4));
  Engine engine;
  ASSERT_EQ(engine.prepare(model, 48000), "");
  Channels sound = testing::noise(2, 1000, 1);
  const Channels expected = play(engine, sound, {1000});
  engine.reset();
  const float* in[] = {sound[0].data(), sound[1].data()};
  float* out[] = {sound[0].data(), sound[1].data()};
  engine.process(in, out, 1000);
  EXPECT_EQ(sound, expected);
}

TEST(RuntimeEngine, BrokenInputDoesNotRingForEver) {
  const auto model = model_of(testing::random_network({4, 1, 1, 2, 3, 100, 20, 90}, 4));
  Engine engine;
  ASSERT_EQ(engine.prepare(model, 48000), "");
  Channels broken = testing::noise(1, 1000, 1), silent_there = broken;
  const float bad[] = {std::numeric_limits<float>::quiet_NaN(), std::numeric_limits<float>::infinity(), -3e38f};
  for (std::size_t i = 0; i < 3; ++i) {
    broken[0][100 + i] = bad[i];
    silent_there[0][100 + i] = 0;
  }
  const Channels expected = play(engine, silent_there, {1000});
  engine.reset();
  EXPECT_EQ(play(engine, broken, {1000}), expected);
}

TEST(RuntimeEngine, RefusesAnotherRateAndGoesOnPlaying) {
  const auto model = model_of(testing::random_network({}, 4));
  Engine engine;
  EXPECT_FALSE(engine.is_ready());
  EXPECT_NE(engine.prepare(nullptr, 48000), "");
  engine.process(nullptr, nullptr, 100);  // nothing to play: nothing is touched
  ASSERT_EQ(engine.prepare(model, 48000), "");
  EXPECT_EQ(engine.prepare(model, 44100), "the model was made for 48000 Hz, the host runs at 44100 Hz");
  EXPECT_NE(engine.prepare(model, std::numeric_limits<double>::quiet_NaN()), "");
  EXPECT_TRUE(engine.is_ready());
  EXPECT_EQ(engine.outputs(), 2);
}

}  // namespace
}  // namespace diffverb::runtime
