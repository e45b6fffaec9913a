// Partitioned convolution against sums in double precision.
#include "runtime/convolver.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <random>
#include <vector>

#include "networks.h"
#include "played.h"
#include "runtime/kernels.h"

namespace diffverb::runtime {
namespace {

using Signals = std::vector<std::vector<float>>;

struct Responses {
  int outputs, inputs, length;
  std::vector<float> taps;  // [O, I, L]

  const float* row(int o, int i) const {
    return taps.data() + (static_cast<std::size_t>(o * inputs + i)) * static_cast<std::size_t>(length);
  }
};

Responses noise_responses(int outputs, int inputs, int length, unsigned seed) {
  Responses responses{outputs, inputs, length, {}};
  for (const auto& row : testing::noise(outputs * inputs, length, seed))
    responses.taps.insert(responses.taps.end(), row.begin(), row.end());
  return responses;
}

double exact(const Responses& h, const Signals& input, int o, int n) {
  double sum = 0;
  for (int i = 0; i < h.inputs; ++i) {
    for (int k = 0; k <= std::min(n, h.length - 1); ++k)
      sum += static_cast<double>(h.row(o, i)[k]) * input[static_cast<std::size_t>(i)][static_cast<std::size_t>(n - k)];
  }
  return sum;
}

/// Blocks of the given lengths, again and again.
Signals play(Convolver& convolver, const Signals& input, int outputs, const std::vector<int>& blocks) {
  const int frames = static_cast<int>(input[0].size());
  const auto stride = static_cast<std::size_t>(*std::max_element(blocks.begin(), blocks.end())) + kPad;
  Floats in(input.size() * stride), out(static_cast<std::size_t>(outputs) * stride);
  Signals played(static_cast<std::size_t>(outputs));
  for (int done = 0, k = 0; done < frames; ++k) {
    const int count = std::min(frames - done, blocks[static_cast<std::size_t>(k) % blocks.size()]);
    for (std::size_t i = 0; i < input.size(); ++i)
      std::copy_n(input[i].begin() + done, count, in.begin() + static_cast<std::ptrdiff_t>(i * stride));
    std::fill(out.begin(), out.end(), 0.0f);
    convolver.add(in.data(), stride, out.data(), stride, count);
    for (std::size_t o = 0; o < played.size(); ++o) {
      const auto from = out.begin() + static_cast<std::ptrdiff_t>(o * stride);
      played[o].insert(played[o].end(), from, from + count);
    }
    done += count;
  }
  return played;
}

std::vector<int> random_blocks(int most, unsigned seed) {
  std::mt19937 random(seed);
  std::uniform_real_distribution<double> exponent(0, std::log(static_cast<double>(most)));
  std::vector<int> blocks;
  for (int k = 0; k < 97; ++k) blocks.push_back(static_cast<int>(std::exp(exponent(random))));
  return blocks;
}

/// The largest error at `count` places, and at the first and last ones, relative to the output's root mean square.
double worst_error(const Responses& h, const Signals& input, const Signals& played, int count) {
  std::mt19937 random(5);
  const int frames = static_cast<int>(input[0].size());
  std::vector<int> places{0, 1, frames - 1};
  for (int k = 0; k < count; ++k) places.push_back(static_cast<int>(random() % static_cast<unsigned>(frames)));
  double worst = 0, power = 0;
  for (int o = 0; o < h.outputs; ++o) {
    for (const int n : places) {
      const double wanted = exact(h, input, o, n);
      worst = std::max(worst, std::abs(played[static_cast<std::size_t>(o)][static_cast<std::size_t>(n)] - wanted));
      power += wanted * wanted;
    }
  }
  return worst / std::sqrt(power / static_cast<double>(places.size() * static_cast<std::size_t>(h.outputs)));
}

TEST(Convolver, IsTheConvolutionAtEveryLengthOfPartitions) {
  for (const int length :
       {1, 2, 63, 64, 65, 127, 128, 129, 191, 192, 193, 447, 448, 449, 959, 960, 961, 1983, 1984, 1985, 4000}) {
    const Responses h = noise_responses(1, 1, length, 11);
    const auto input = testing::noise(1, 3 * length + 700, 12);
    Convolver convolver;
    convolver.prepare(h.taps, 1, 1, length);
    EXPECT_LT(worst_error(h, input, play(convolver, input, 1, {64, 1, 300}), 400), 3e-6) << length;
  }
}

TEST(Convolver, IsTheConvolutionWithLongResponses) {
  for (const int length : {16383, 48000, 96000, 400000}) {
    const Responses h = noise_responses(1, 1, length, 21);
    const auto input = testing::noise(1, length + 70000, 22);
    Convolver convolver;
    convolver.prepare(h.taps, 1, 1, length);
    EXPECT_LT(worst_error(h, input, play(convolver, input, 1, random_blocks(8192, 1)), 200), 6e-6) << length;
  }
}

TEST(Convolver, SumsAllInputsInEveryOutput) {
  for (const auto& [outputs, inputs, length] :
       {std::array{2, 2, 9000}, {1, 3, 5000}, {4, 1, 20000}, {7, 5, 700}, {300, 1, 600}, {1, 40, 1100}}) {
    const Responses h = noise_responses(outputs, inputs, length, 31);
    const auto input = testing::noise(inputs, length + 4000, 32);
    Convolver convolver;
    convolver.prepare(h.taps, outputs, inputs, length);
    EXPECT_LT(worst_error(h, input, play(convolver, input, outputs, random_blocks(700, 2)), 20), 6e-6)
        << outputs << " x " << inputs;
  }
}

TEST(Convolver, EveryTapIsHeardInItsPlace) {
  // Loud taps one by one: a partition in a wrong place, or a bin of another scale, is as large as they are.
  constexpr int kLength = 70000;
  for (const int place : {0, 63, 64, 447, 448, 959, 960, 1983, 1984, 8127, 8128, 16319, 16320, 32703, 32704, 69999}) {
    std::vector<float> taps(kLength, 0.0f);
    taps[static_cast<std::size_t>(place)] = 1;
    Convolver convolver;
    convolver.prepare(taps, 1, 1, kLength);
    const auto input = testing::noise(1, 100000, 41);
    const Signals played = play(convolver, input, 1, {8192, 37});
    for (std::size_t n = 0; n < input[0].size(); ++n) {
      const float wanted = n < static_cast<std::size_t>(place) ? 0.0f : input[0][n - static_cast<std::size_t>(place)];
      ASSERT_NEAR(played[0][n], wanted, 5e-6) << place << " at " << n;
    }
  }
}

TEST(Convolver, TheCutsIntoBlocksDoNotChangeABit) {
  for (const auto& [outputs, inputs, length] : {std::array{1, 1, 50000}, {2, 2, 12000}, {3, 2, 129}, {1, 1, 40}}) {
    const Responses h = noise_responses(outputs, inputs, length, 51);
    const auto input = testing::noise(inputs, 90001, 52);
    Convolver convolver;
    convolver.prepare(h.taps, outputs, inputs, length);
    const Signals whole = play(convolver, input, outputs, {90001});
    for (const auto& blocks : {std::vector{1}, {37}, {64}, {8192}, random_blocks(8192, 3), random_blocks(80, 4)}) {
      convolver.reset();
      ASSERT_EQ(play(convolver, input, outputs, blocks), whole) << length << " in blocks of " << blocks[0];
    }
  }
}

TEST(Convolver, PlaysWithEveryInstructionSet) {
  const Responses h = noise_responses(2, 2, 9000, 55);
  const auto input = testing::noise(2, 30000, 56);
  const auto seen = testing::for_each_instruction_set([&] {
    Convolver convolver;
    convolver.prepare(h.taps, 2, 2, 9000);
    const Signals played = play(convolver, input, 2, random_blocks(700, 5));
    EXPECT_LT(worst_error(h, input, played, 200), 6e-6) << Engine::target();
  });
  EXPECT_FALSE(seen.empty());
}

TEST(Convolver, ResetIsSilenceAtAnyMoment) {
  const Responses h = noise_responses(2, 2, 30000, 61);
  const auto input = testing::noise(2, 60000, 62);
  Convolver fresh, used;
  fresh.prepare(h.taps, 2, 2, 30000);
  used.prepare(h.taps, 2, 2, 30000);
  const Signals wanted = play(fresh, input, 2, {256});
  for (const int frames : {1, 64, 4097, 33333}) {
    play(used, testing::noise(2, frames, 63), 2, {129});
    used.reset();
    ASSERT_EQ(play(used, input, 2, {256}), wanted) << "after " << frames;
  }
}

TEST(Convolver, PreparesAgainForAnotherResponse) {
  Convolver convolver;
  for (const int length : {20000, 5, 700, 0, 3000}) {
    const Responses h = noise_responses(1, 1, length, 71);
    const auto input = testing::noise(1, 8000, 72);
    convolver.prepare(h.taps, 1, 1, length);
    const Signals played = play(convolver, input, 1, {480});
    if (length == 0)
      EXPECT_EQ(played[0], std::vector<float>(8000, 0.0f));
    else
      EXPECT_LT(worst_error(h, input, played, 200), 6e-6) << length;
  }
}

TEST(Convolver, IsSilentExactlyOnceTheResponseHasPassed) {
  // Rounding must not ring on: what comes back from spectra of zeros is zero, no denormal number.
  const int length = 40000;
  const Responses h = noise_responses(1, 1, length, 81);
  Signals input = testing::noise(1, 200000, 82);
  std::fill(input[0].begin() + 20000, input[0].end(), 0.0f);
  Convolver convolver;
  convolver.prepare(h.taps, 1, 1, length);
  const Signals played = play(convolver, input, 1, {64});
  const auto last = std::find_if(played[0].rbegin(), played[0].rend(), [](float y) { return y != 0; });
  const auto sounding = played[0].rend() - last;
  EXPECT_GE(sounding, 20000 + length - 1);
  EXPECT_LE(sounding, 20000 + length + 2 * 32768);  // the block in which it ends, and its partitions' zeros
  EXPECT_LT(*std::max_element(played[0].begin() + 20000 + length, played[0].end()), 1e-4f);
}

}  // namespace
}  // namespace diffverb::runtime
