// Networks that move: the reference against the recursion written down once more, the engine against the reference.
#include <gtest/gtest.h>

#include <cmath>
#include <complex>
#include <numbers>
#include <vector>

#include "moving_networks.h"
#include "played.h"
#include "runtime/engine.h"
#include "runtime/pyfdn_network.h"

namespace diffverb::runtime {
namespace {

using testing::Channels;
using testing::model_of;
using testing::NetworkSize;
using testing::play;
using testing::Turn;
using testing::worst_error;

constexpr double kTurn = 2 * std::numbers::pi;
constexpr Turn kTurns[] = {Turn::kBetweenTwo, Turn::kBesideIdentity, Turn::kEigenvalues};

/// From -60 dB to loud, so that the level passes through all of its range.
Channels swelling(int channels, int frames, unsigned seed) {
  Channels sound = testing::noise(channels, frames, seed);
  for (auto& channel : sound) {
    for (std::size_t n = 0; n < channel.size(); ++n)
      channel[n] *= static_cast<float>(std::pow(10, -3 + 4.0 * static_cast<double>(n) / frames));
  }
  return sound;
}

/// The value of the polynomial through x[begin .. begin + 3] at begin + place.
double through_four(const std::vector<double>& x, long long begin, double place) {
  double sum = 0;
  for (int i = 0; i < 4; ++i) {
    double weight = 1;
    for (int k = 0; k < 4; ++k) weight *= k == i ? 1 : (place - k) / (i - k);
    const long long at = begin + i;
    sum += weight * (at < 0 ? 0 : x.at(static_cast<std::size_t>(at)));
  }
  return sum;
}

double level_of(const Channels& input, double rate_hz, std::size_t n, double& mean) {
  double power = 0;
  for (const auto& channel : input) power += static_cast<double>(channel[n]) * static_cast<double>(channel[n]);
  mean += (1 - std::exp(-10 / rate_hz)) * (power / static_cast<double>(input.size()) - mean);
  return std::clamp((10 * std::log10(mean + 1e-20) + 40) / 30, 0.0, 1.0);
}

/// Networks without filters, output filters or early part; every line has a delay.
std::vector<double> by_hand(const DelayNetworkWeights& w, const Channels& input) {
  const auto lines = static_cast<std::size_t>(w.lines), frames = input[0].size();
  std::vector<std::vector<double>> v(lines, std::vector<double>(frames + 4));
  std::vector<double> output(frames);
  double mean = 0;
  for (std::size_t n = 0; n < frames; ++n) {
    const double t = static_cast<double>(n) / w.sample_rate_hz, level = level_of(input, w.sample_rate_hz, n, mean);
    std::vector<double> s(lines), turned(lines);
    for (std::size_t j = 0; j < lines; ++j) {
      double delay = w.delays[j];
      for (const DelayMotion& m : w.delay_motions) {
        if (m.line != static_cast<int>(j)) continue;
        double noise = 0;
        for (int k = 0; k < 3; ++k)
          noise += std::sin(kTurn * (k + 1) * (m.rate_hz * t + m.noise_phase_turns)) / (k + 1) / 3;
        delay += m.depth_samples * ((1 - level) * std::sin(kTurn * (m.rate_hz * t + m.phase_turns)) + level * noise);
      }
      const double place = static_cast<double>(n) - delay;
      const auto whole = static_cast<long long>(std::floor(place));
      s[j] = through_four(v[j], whole - 1, place - static_cast<double>(whole) + 1);
    }
    const auto times = [&](const std::vector<float>& m, std::size_t row, const std::vector<double>& x) {
      double sum = 0;
      for (std::size_t k = 0; k < lines; ++k) sum += static_cast<double>(m[row * lines + k]) * x[k];
      return sum;
    };
    for (std::size_t p = 0; p < w.turning.size(); ++p) {
      const TurningPair& f = w.turning[p];
      const double r =
          f.radius * (1 - f.radius_depth * (1 + std::sin(kTurn * (f.radius_rate_hz * t + f.radius_phase_turns))) / 2);
      const double swing = f.angle_depth_turns * std::sin(kTurn * (f.angle_rate_hz * t + f.angle_phase_turns));
      const bool alone = 2 * p + 1 == lines;
      const std::complex<double> pair(times(w.turn_right, 2 * p, s), alone ? 0 : times(w.turn_right, 2 * p + 1, s));
      const auto z = alone ? r * pair : pair * std::polar(r, kTurn * (f.angle_turns + swing + f.turn_hz * t));
      turned[2 * p] = z.real();
      if (!alone) turned[2 * p + 1] = z.imag();
    }
    for (std::size_t j = 0; j < lines; ++j) {
      v[j][n] = w.turning.empty() ? times(w.A, j, s) : times(w.turn_left, j, turned);
      for (std::size_t i = 0; i < input.size(); ++i)
        v[j][n] += static_cast<double>(w.B[j * input.size() + i]) * static_cast<double>(input[i][n]);
      output[n] += static_cast<double>(w.C[j]) * s[j];
    }
    for (std::size_t i = 0; i < input.size(); ++i)
      output[n] += static_cast<double>(w.D[i]) * static_cast<double>(input[i][n]);
  }
  return output;
}

TEST(RuntimeMotion, TheReferencePlaysTheRecursion) {
  DelayNetworkWeights moving = testing::random_network({5, 2, 1, 0, 0, 0, 9, 90}, 1);
  testing::add_motions(moving, 2, 20, 2);
  DelayNetworkWeights both = testing::turning_network({5, 2, 1, 0, 0, 0, 9, 90}, Turn::kBetweenTwo, 0.02f, 3);
  testing::add_motions(both, 1, 5, 4);
  for (const DelayNetworkWeights& w :
       {moving, both, testing::turning_network({4, 1, 1, 0, 0, 0, 3, 40}, Turn::kEigenvalues, 0, 5)}) {
    const Channels input = swelling(w.inputs, 6000, 1);
    std::vector<std::vector<double>> exact;
    for (const auto& channel : input) exact.emplace_back(channel.begin(), channel.end());
    const auto played = reference_response(w, exact, 6000)[0], expected = by_hand(w, input);
    double peak = 0, error = 0;
    for (std::size_t n = 0; n < expected.size(); ++n) {
      peak = std::max(peak, std::abs(expected[n]));
      error = std::max(error, std::abs(expected[n] - played[n]));
    }
    EXPECT_GT(peak, 0);
    EXPECT_LT(error, 1e-11 * peak);
  }
}

void expect_the_reference(const DelayNetworkWeights& w, int frames, double within) {
  Engine engine;
  ASSERT_EQ(engine.prepare(model_of(w), 48000), "");
  const Channels input = swelling(w.inputs, frames, 7), whole = play(engine, input, {512});
  EXPECT_LT(worst_error(w, input, whole), within);
  for (const std::vector<int>& blocks : {std::vector<int>{1}, {64}, {37}, {257, 1, 5, 1000, 63, 65, 2}, {0, 7, 191}}) {
    engine.reset();
    EXPECT_EQ(play(engine, input, blocks), whole) << blocks[0];  // bit for bit
  }
}

TEST(RuntimeMotion, MovingDelaysPlayTheReferenceInAnyBlocks) {
  unsigned seed = 1;
  for (const int lines : {1, 2, 3, 4, 5, 7, 8, 9, 12, 16}) {
    for (const int motions : {1, 3}) {
      SCOPED_TRACE(std::to_string(lines) + " lines, " + std::to_string(motions) + " motions");
      DelayNetworkWeights w = testing::random_network({lines, 1 + lines % 2, 2, 2, 3, 50, 40, 700}, ++seed);
      testing::add_motions(w, motions, 30, seed);
      expect_the_reference(w, 4000, 1e-5);
    }
  }
}

TEST(RuntimeMotion, ShortDelaysAndDeepMotionsPlayTheReference) {
  DelayNetworkWeights shortest = testing::random_network({3, 1, 1, 1, 0, 0, 4, 9}, 2);
  testing::add_motions(shortest, 1, 100, 3);
  shortest.delay_motions[0].depth_samples = 1;  // down to 3 samples
  expect_the_reference(shortest, 4000, 1e-5);
  DelayNetworkWeights deep = testing::random_network({4, 1, 1, 1, 0, 0, 900, 3000}, 2);
  testing::add_motions(deep, 2, 800, 4);
  deep.delay_motions[1].rate_hz = 30;  // read at up to two and a half times the speed, and backwards
  expect_the_reference(deep, 12000, 1e-5);
  DelayNetworkWeights fast = testing::random_network({2, 1, 1, 0, 0, 0, 60, 90}, 2);
  fast.delay_motions = {{0, 3, 1000, 0.1, 0.2}, {1, -2, 0, 0.2, 0.9}};
  expect_the_reference(fast, 4000, 1e-5);
}

TEST(RuntimeMotion, TapsOfOneRingAndFilterLinesMoveEachByItself) {
  int moved = 0;
  for (unsigned seed = 1; seed <= 25; ++seed) {
    SCOPED_TRACE(seed);
    DelayNetworkWeights w = testing::random_structure(static_cast<int>(4 + seed % 13), seed);
    testing::add_motions(w, 1 + static_cast<int>(seed % 2), 40, seed);
    moved += !w.delay_motions.empty();
    if (seed % 3 == 0) w.delay_motions.resize((w.delay_motions.size() + 1) / 2);
    expect_the_reference(w, 2500, 1e-5);
  }
  EXPECT_EQ(moved, 25);
}

TEST(RuntimeMotion, QuietSoundIsMovedByTheSineAndLoudSoundByTheNoise) {
  const auto played = [](double phase, double noise_phase, float loudness) {
    DelayNetworkWeights w = testing::network_of({0}, {100});
    w.delay_motions = {{0, 9, 2, phase, noise_phase}};
    Engine engine;
    EXPECT_EQ(engine.prepare(model_of(w), 48000), "");
    Channels input = testing::noise(1, 30000, 1);
    for (float& x : input[0]) x *= loudness;
    Channels output = play(engine, input, {256});
    output[0].erase(output[0].begin(), output[0].begin() + 24000);  // 100 ms have passed five times
    return output[0];
  };
  const auto apart = [](const std::vector<float>& a, const std::vector<float>& b) {
    float difference = 0, peak = 0;
    for (std::size_t n = 0; n < a.size(); ++n) {
      difference = std::max(difference, std::abs(a[n] - b[n]));
      peak = std::max(peak, std::abs(a[n]));
    }
    return difference / peak;
  };
  EXPECT_LT(apart(played(0.1, 0.2, 1e-3f), played(0.1, 0.7, 1e-3f)), 1e-6f);
  EXPECT_GT(apart(played(0.1, 0.2, 1e-3f), played(0.6, 0.2, 1e-3f)), 0.1f);
  EXPECT_LT(apart(played(0.1, 0.2, 4), played(0.6, 0.2, 4)), 1e-6f);
  EXPECT_GT(apart(played(0.1, 0.2, 4), played(0.1, 0.7, 4)), 0.1f);
}

TEST(RuntimeMotion, TurningMatricesPlayTheReferenceInAnyBlocks) {
  unsigned seed = 1;
  for (const int lines : {1, 2, 3, 4, 7, 8, 15, 16}) {
    for (const Turn kind : kTurns) {
      SCOPED_TRACE(std::to_string(lines) + " lines, kind " + std::to_string(static_cast<int>(kind)));
      DelayNetworkWeights w =
          testing::turning_network({lines, 1 + lines % 2, 2, 2, 3, 50, 1 + lines % 5 * 9, 300}, kind, 0.02f, ++seed);
      if (seed % 2 == 0) testing::add_motions(w, 1, 6, seed);
      expect_the_reference(w, 4000, 1e-5);
    }
  }
}

TEST(RuntimeMotion, ATurningNetworkMayHaveFilterLines) {
  // Line 4 is a low-pass of what turns, the lines hear it and each other.
  DelayNetworkWeights w = testing::turning_network({5, 1, 1, 0, 0, 0, 20, 90}, Turn::kBesideIdentity, 0.1f, 3);
  w.delays[4] = 0;
  w.line_sections = 1;
  for (int j = 0; j < 5; ++j) w.line_sos.insert(w.line_sos.end(), {j < 4 ? 1.0 : 0.3, 0, 0, j < 4 ? 0.0 : -0.7, 0});
  w.turn_left[24] = 0;
  w.turning[2] = {};
  for (float& x : w.turn_left) x *= 0.8f;
  testing::put_at_rest(w);
  expect_the_reference(w, 4000, 1e-5);
  w.turn_left[24] = 0.1f;
  testing::put_at_rest(w);
  EXPECT_NE(make_model(w).error.find("line 4 feeds itself without a delay"), std::string::npos) << make_model(w).error;
}

TEST(RuntimeMotion, EveryInstructionSetPlaysTheSame) {
  DelayNetworkWeights moving = testing::random_network({9, 1, 1, 1, 1, 0, 30, 300}, 3);
  testing::add_motions(moving, 2, 20, 3);
  const DelayNetworkWeights turning =
      testing::turning_network({9, 1, 1, 1, 1, 0, 30, 300}, Turn::kBetweenTwo, 0.02f, 3);
  EXPECT_GE(testing::for_each_instruction_set([&] {
              SCOPED_TRACE(Engine::target());
              expect_the_reference(moving, 3000, 1e-5);
              expect_the_reference(turning, 3000, 1e-5);
            }).size(),
            1u);
}

TEST(RuntimeMotion, ATurningLoopWithoutLossKeepsItsEnergyForTenSeconds) {
  for (const Turn kind : kTurns) {
    DelayNetworkWeights w = testing::turning_network({8, 1, 8, 0, 0, 0, 23, 900}, kind, 0, 3);
    for (std::size_t i = 0; i < 64; ++i) w.C[i] = i % 9 == 0 ? 1.0f : 0.0f;
    std::fill(w.D.begin(), w.D.end(), 0.0f);
    EXPECT_NE(make_model(w).error, "");
    w.lossless = true;
    Engine engine;
    ASSERT_EQ(engine.prepare(model_of(w), 48000), "");
    Channels input(1, std::vector<float>(481000));
    input[0][0] = 1;
    const Channels lines = play(engine, input, {256});
    // What is in a line at a time comes out of it within its delay.
    const auto energy_at = [&](std::size_t n) {
      double sum = 0;
      for (std::size_t j = 0; j < 8; ++j) {
        for (std::size_t k = 0; k < static_cast<std::size_t>(w.delays[j]); ++k)
          sum += static_cast<double>(lines[j][n + k]) * static_cast<double>(lines[j][n + k]);
      }
      return sum;
    };
    const double first = energy_at(1);
    EXPECT_GT(first, 0);
    for (const std::size_t second : {1, 4, 7, 10})
      EXPECT_NEAR(10 * std::log10(energy_at(48000 * second) / first), 0, 0.05) << second << " s";
  }
}

/// Energy of a sine through one moving delay that is not within `half_band_hz` of it, in dB below all.
double spurious_db(const DelayMotion& motion, double hz, double half_band_hz) {
  DelayNetworkWeights w = testing::network_of({0}, {200});
  w.delay_motions = {motion};
  Engine engine;
  EXPECT_EQ(engine.prepare(model_of(w), 48000), "");
  constexpr std::size_t kSecond = 48000;
  Channels input(1, std::vector<float>(2 * kSecond));
  for (std::size_t n = 0; n < input[0].size(); ++n)
    input[0][n] = static_cast<float>(0.01 * std::sin(kTurn * hz * static_cast<double>(n) / kSecond));
  const Channels output = play(engine, input, {100});
  double all = 0, expected = 0;
  for (std::size_t n = kSecond; n < 2 * kSecond; ++n) all += std::pow(static_cast<double>(output[0][n]), 2);
  // All frequencies are whole: each stands in a bin of its own, of a second.
  for (double f = hz - half_band_hz; f <= hz + half_band_hz; ++f) {
    std::complex<double> sum = 0;
    const auto step = std::polar(1.0, -kTurn * f / kSecond);
    std::complex<double> phase = 1;
    for (std::size_t n = kSecond; n < 2 * kSecond; ++n, phase *= step) sum += phase * static_cast<double>(output[0][n]);
    expected += 2 * std::norm(sum) / kSecond;
  }
  return 10 * std::log10(std::abs(all - expected) / all);
}

TEST(RuntimeMotion, ASineThroughAMovingDelayHasNoZipper) {
  // Modulation index 2.6 and 5.2: sidebands are below -100 dB beyond the 12th and the 17th.
  EXPECT_LT(spurious_db({0, 20, 5, 0, 0.25}, 1000, 60), -80);
  EXPECT_LT(spurious_db({0, 40, 2, 0.3, 0.25}, 1000, 34), -80);
  EXPECT_GT(spurious_db({0, 20, 5, 0, 0.25}, 1000, 10), -20);  // the measure sees what is outside of its band
}

TEST(RuntimeMotion, PyfdnLeavesMotionOutAndSaysSo) {
  DelayNetworkWeights w = testing::turning_network({4, 1, 1, 0, 0, 0, 20, 90}, Turn::kBetweenTwo, 0.1f, 3);
  testing::add_motions(w, 2, 4, 1);
  const PyfdnText text = make_pyfdn(w);
  EXPECT_EQ(text.error, "");
  EXPECT_EQ(text.left_out,
            "delay_motions [8, 4]: the delays stand still; turning [2, 9]: the feedback matrix stands "
            "still, as it is at rest");
  const LoadResult read = load_pyfdn({reinterpret_cast<const std::uint8_t*>(text.text.data()), text.text.size()});
  ASSERT_EQ(read.error, "");
  EXPECT_EQ(read.model->network.A, w.A);
  EXPECT_FALSE(read.model->network.moves());
}

}  // namespace
}  // namespace diffverb::runtime
