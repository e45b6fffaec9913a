// Networks whose loop is not linear: the reference against the recursion written down once more, the engine against the
// reference, and what is proved of them.
#include <gtest/gtest.h>

#include <cmath>
#include <numbers>
#include <random>
#include <vector>

#include "nonlinear_networks.h"
#include "played.h"
#include "runtime/engine.h"
#include "runtime/pyfdn_network.h"

namespace diffverb::runtime {
namespace {

using testing::Channels;
using testing::model_of;
using testing::play;
using testing::worst_error;

Channels loud_noise(int channels, int frames, unsigned seed) {
  Channels sound = testing::noise(channels, frames, seed);
  for (auto& channel : sound) {
    for (std::size_t n = 0; n < channel.size(); ++n)  // loud, silent, loud again, so that the level comes and goes
      channel[n] *= n < channel.size() / 3 || n > channel.size() / 2 ? 3.0f : 0.0f;
  }
  return sound;
}

/// Networks without filters, output filters or early part; every line has a delay.
std::vector<double> by_hand(const DelayNetworkWeights& w, const Channels& input) {
  const auto lines = static_cast<std::size_t>(w.lines), frames = input[0].size();
  const auto ranks = static_cast<std::size_t>(w.nonlinear.rank);
  const NonlinearLoop& loop = w.nonlinear;
  std::vector<std::vector<double>> v(lines, std::vector<double>(frames));
  std::vector<double> output(frames);
  double level = 0;
  for (std::size_t n = 0; n < frames; ++n) {
    std::vector<double> s(lines);
    double power = 0;
    for (std::size_t j = 0; j < lines; ++j) {
      const auto delay = static_cast<std::size_t>(w.delays[j]);
      s[j] = n >= delay ? v[j][n - delay] : 0;
      power += s[j] * s[j];
    }
    level += (1 - std::exp(-1 / (loop.time_s * w.sample_rate_hz))) * (power / static_cast<double>(lines) - level);
    const double t = static_cast<double>(n) / w.sample_rate_hz;
    const double drive =
        loop.bias + loop.depth * std::sin(2 * std::numbers::pi * (loop.rate_hz * t + loop.phase_turns));
    const double z = drive + loop.slope * std::log(1 + level / loop.reference);
    const double alpha = loop.alpha_min + (loop.alpha_max - loop.alpha_min) / (1 + std::exp(-z));
    for (std::size_t j = 0; j < lines; ++j) {
      double x = alpha * static_cast<double>(loop.square[j]) * s[j] * s[j];
      for (std::size_t k = 0; k < lines; ++k) x += static_cast<double>(w.A[j * lines + k]) * s[k];
      for (std::size_t i = 0; i < input.size(); ++i)
        x += static_cast<double>(w.B[j * input.size() + i]) * static_cast<double>(input[i][n]);
      for (std::size_t k = 0; k < lines; ++k) {
        for (std::size_t l = 0; l < lines; ++l) {  // B_jkl, written out
          double b = 0;
          for (std::size_t r = 0; r < ranks; ++r)
            b += static_cast<double>(loop.out[j * ranks + r]) * static_cast<double>(loop.left[r * lines + k]) *
                 static_cast<double>(loop.right[r * lines + l]);
          x += b * s[k] * s[l];
        }
      }
      v[j][n] = loop.limit * std::tanh(x / loop.limit);
      output[n] += static_cast<double>(w.C[j]) * s[j];
    }
    for (std::size_t i = 0; i < input.size(); ++i)
      output[n] += static_cast<double>(w.D[i]) * static_cast<double>(input[i][n]);
  }
  return output;
}

double largest_difference(const std::vector<double>& a, const std::vector<double>& b) {
  double difference = 0, peak = 0;
  for (std::size_t n = 0; n < a.size(); ++n) {
    difference = std::max(difference, std::abs(a[n] - b[n]));
    peak = std::max(peak, std::abs(b[n]));
  }
  EXPECT_GT(peak, 0);
  return difference / peak;
}

std::vector<std::vector<double>> exact(const Channels& input) {
  std::vector<std::vector<double>> out;
  for (const auto& channel : input) out.emplace_back(channel.begin(), channel.end());
  return out;
}

TEST(RuntimeNonlinear, TheReferencePlaysTheRecursion) {
  for (const int products : {0, 1, 3}) {
    DelayNetworkWeights w = testing::nonlinear_network({5, 2, 1, 0, 0, 0, 9, 90}, products, 3);
    const Channels input = loud_noise(2, 3000, 1);
    const auto played = reference_response(w, exact(input), 3000)[0];
    EXPECT_LT(largest_difference(played, by_hand(w, input)), 1e-12);
    w.nonlinear = {};
    EXPECT_GT(largest_difference(played, reference_response(w, exact(input), 3000)[0]), 0.05);
  }
}

void expect_the_reference(const DelayNetworkWeights& w, int frames) {
  Engine engine;
  ASSERT_EQ(engine.prepare(model_of(w), 48000), "");
  const Channels input = loud_noise(w.inputs, frames, 7), whole = play(engine, input, {512});
  EXPECT_LT(worst_error(w, input, whole), 1e-5);
  for (const std::vector<int>& blocks : {std::vector<int>{1}, {64}, {37}, {257, 1, 5, 1000, 63, 65, 2}, {0, 7, 191}}) {
    engine.reset();
    EXPECT_EQ(play(engine, input, blocks), whole) << blocks[0];  // bit for bit
  }
}

TEST(RuntimeNonlinear, TheEnginePlaysTheReferenceInAnyBlocks) {
  unsigned seed = 1;
  for (const int lines : {1, 2, 3, 4, 5, 7, 8, 9, 12, 16}) {
    for (const int products : {0, 1, 3}) {
      SCOPED_TRACE(std::to_string(lines) + " lines, " + std::to_string(products) + " products");
      expect_the_reference(testing::nonlinear_network({lines, 1 + lines % 2, 2, 2, 3, 50, 40, 700}, products, ++seed),
                           4000);
    }
  }
  expect_the_reference(testing::nonlinear_network({3, 1, 1, 1, 0, 0, 1, 9}, 2, 5), 2000);  // blocks of a sample
}

TEST(RuntimeNonlinear, FilterLinesAndLinesInSeriesPlayTheReference) {
  int nonlinear = 0;
  for (unsigned seed = 1; seed <= 25; ++seed) {
    SCOPED_TRACE(seed);
    DelayNetworkWeights w = testing::random_structure(static_cast<int>(4 + seed % 13), seed);
    testing::add_nonlinear(w, static_cast<int>(seed % 3), seed);
    if (!make_model(w).error.empty()) continue;  // not every loop with filter lines is seen to fall silent in time
    ++nonlinear;
    expect_the_reference(w, 2500);
  }
  EXPECT_GE(nonlinear, 10);
}

TEST(RuntimeNonlinear, EveryInstructionSetPlaysTheSame) {
  const DelayNetworkWeights w = testing::nonlinear_network({9, 1, 1, 1, 1, 0, 30, 300}, 2, 3);
  EXPECT_GE(testing::for_each_instruction_set([&] {
              SCOPED_TRACE(Engine::target());
              expect_the_reference(w, 3000);
            }).size(),
            1u);
}

TEST(RuntimeNonlinear, TheEngineHoldsTheBound) {
  DelayNetworkWeights w = testing::nonlinear_network({6, 1, 2, 0, 0, 0, 9, 90}, 2, 3);
  std::fill(w.D.begin(), w.D.end(), 0.0f);
  Engine engine;
  ASSERT_EQ(engine.prepare(model_of(w), 48000), "");
  Channels input = testing::noise(1, 20000, 1);
  for (float& x : input[0]) x = x > 0 ? 1e6f : -1e6f;
  const Channels output = play(engine, input, {333});
  for (std::size_t o = 0; o < 2; ++o) {
    double bound = 0, peak = 0;
    for (std::size_t j = 0; j < 6; ++j) bound += w.nonlinear.limit * std::abs(static_cast<double>(w.C[o * 6 + j]));
    for (const float y : output[o]) peak = std::max(peak, std::abs(static_cast<double>(y)));
    EXPECT_LE(peak, bound * (1 + 1e-6));
    EXPECT_GT(peak, 0.8 * bound);  // and comes near to it
  }
}

TEST(RuntimeNonlinear, PyfdnLeavesItOutAndSaysSo) {
  const DelayNetworkWeights w = testing::nonlinear_network({4, 1, 1, 0, 0, 0, 20, 90}, 2, 3);
  const PyfdnText text = make_pyfdn(w);
  EXPECT_EQ(text.error, "");
  EXPECT_EQ(text.left_out, "nonlinear [10]: the loop is linear");
}

/// max over states of |f(gain s + strength |s| s)| / |s| by looking: all lines alike, or one alone.
double gain_by_looking(double gain, double strength, double limit, int lines) {
  double best = 0;
  for (int of = 1; of <= lines; ++of) {  // that many lines share a state, the linear part and what is added each evenly
    for (int added = 1; added <= lines; ++added) {
      for (double x = 1e-3 * limit; x < 3 * limit * std::sqrt(static_cast<double>(lines)); x *= 1.02) {
        double power = 0;
        for (int j = 0; j < std::max(of, added); ++j) {
          const double w =
              (j < of ? gain * x / std::sqrt(of) : 0) + (j < added ? strength * x * x / std::sqrt(added) : 0);
          power += std::pow(limit * std::tanh(w / limit), 2);
        }
        best = std::max(best, std::sqrt(power) / x);
      }
    }
  }
  return best;
}

TEST(RuntimeNonlinear, NoStateHasAGainAboveTheBound) {
  std::mt19937 random(5);
  std::uniform_real_distribution<double> unit(0, 1);
  for (int trial = 0; trial < 200; ++trial) {
    const double gain = unit(random), limit = 0.05 + 2 * unit(random), strength = std::pow(unit(random), 3) / limit;
    const int lines = 1 + static_cast<int>(6 * unit(random));
    const double bound = largest_gain(gain, strength, limit, lines),
                 seen = gain_by_looking(gain, strength, limit, lines);
    EXPECT_LE(seen, std::max(bound, 1.0) * (1 + 1e-12)) << gain << " " << strength << " " << limit << " " << lines;
    EXPECT_GE(bound, gain);
  }
  EXPECT_DOUBLE_EQ(largest_gain(0.9, 0, 1, 8), 0.9);
  EXPECT_NEAR(largest_gain(1, 0.01, 1, 8), 1 + 0.75 * 1e-4 * 8, 1e-5);  // for weak terms 3/4 strength^2 limit^2 lines
}

}  // namespace
}  // namespace diffverb::runtime
