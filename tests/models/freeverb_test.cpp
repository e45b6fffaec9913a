#include <ATen/ops/equal.h>
#include <ATen/ops/fft_rfft.h>
#include <gtest/gtest.h>

#include "tests/models/plain_reverb.h"

namespace diffverb {
namespace {

/// Freeverb as its code runs: comb.h, allpass.h and revmodel.cpp in one loop, in double precision.
struct PlainFreeverb {
  PlainFreeverb(double room_size, double damping, double width_, double wet_)
      : feedback(room_size * 0.28 + 0.7), damp1(damping * 0.4), width(width_), wet(3 * wet_) {
    for (int side = 0; side < 2; ++side) {
      for (const long m : {1116, 1188, 1277, 1356, 1422, 1491, 1557, 1617}) combs[side].emplace_back(m + 23 * side);
      for (const long m : {556, 441, 341, 225}) allpasses[side].emplace_back(m + 23 * side);
      stores[side].resize(8);
    }
  }

  std::pair<double, double> process(double left, double right) {
    const double input = (left + right) * 0.015;
    double out[2];
    for (int side = 0; side < 2; ++side) {
      double sum = 0;
      for (std::size_t i = 0; i < 8; ++i) {
        const double output = combs[side][i].read();
        stores[side][i] = output * (1 - damp1) + stores[side][i] * damp1;
        combs[side][i].write(input + stores[side][i] * feedback);
        sum += output;
      }
      for (PlainLine& allpass : allpasses[side]) {
        const double there = allpass.read();
        allpass.write(sum + there * 0.5);
        sum = there - sum;
      }
      out[side] = sum;
    }
    const double wet1 = wet * (width / 2 + 0.5), wet2 = wet * ((1 - width) / 2);
    return {out[0] * wet1 + out[1] * wet2, out[1] * wet1 + out[0] * wet2};
  }

  double feedback, damp1, width, wet;
  std::vector<PlainLine> combs[2], allpasses[2];
  std::vector<double> stores[2];
};

TEST(OracleFreeverb, IsWhatJezarsLoopsPlay) {
  const struct { double room, damping, width, wet; } settings[] = {{0.5, 0.5, 1, 1.0 / 3}, {0.9, 0.1, 0.3, 0.6}};
  for (const auto& s : settings) {
    PlainFreeverb plain(s.room, s.damping, s.width, s.wet);
    std::vector<double> left, right;
    for (int n = 0; n < 44100; ++n) {
      const auto [l, r] = plain.process(n == 0, 0);
      left.push_back(l);
      right.push_back(r);
    }
    const auto h = reverb_response("freeverb", 44100, 44100,
                                   "{room_size: " + std::to_string(s.room) + ", damping: " + std::to_string(s.damping) +
                                       ", width: " + std::to_string(s.width) + ", wet: " + std::to_string(s.wet) + "}");
    EXPECT_LT(distance(h[0][0], left), 1e-5);
    EXPECT_LT(distance(h[1][0], right), 1e-5);
    EXPECT_TRUE(at::equal(h.select(1, 0), h.select(1, 1))) << "both inputs are one";
  }
}

TEST(Freeverb, BeginsWithItsShortestCombOnTheRight23SamplesLater) {
  const auto h = reverb_response("freeverb", 44100, 4000);
  EXPECT_EQ(first_echoes(h[0][0], 2), (std::vector<std::int64_t>{1116, 1188}));
  EXPECT_EQ(first_echoes(h[1][0], 2), (std::vector<std::int64_t>{1116 + 23, 1188 + 23}));
  EXPECT_NEAR(h[0][0][1116].item<double>(), 0.015, 1e-8) << "four times -1 through the allpasses";
}

TEST(Freeverb, PlaysTheSameTimesAtOtherRates) {
  const auto h = reverb_response("freeverb", 96000, 4000);
  EXPECT_EQ(first_echoes(h[0][0], 1)[0], std::lround(1116 * 96000 / 44100.0));
  EXPECT_EQ(first_echoes(h[1][0], 1)[0], std::lround(1139 * 96000 / 44100.0));
}

TEST(Freeverb, WithoutWidthIsOneChannelTwice) {
  const auto h = reverb_response("freeverb", 44100, 20000, "width: 0");
  EXPECT_LT((h[0] - h[1]).abs().max().item<double>(), 1e-9);
}

TEST(Freeverb, ItsAllpassesAreNotQuiteAllpasses) {
  // The shortcut's own response, between 1 and 5/3; an allpass would give the same everywhere.
  const auto with = reverb_response("freeverb", 44100, 131072),
             gentle = reverb_response("freeverb", 44100, 131072, "allpass_gain: 0");
  const auto ratio = at::fft_rfft(with[0][0]).abs() / at::fft_rfft(gentle[0][0]).abs();
  EXPECT_GT(ratio.max().item<double>(), 1.3);
}

TEST(Freeverb, DecaysInTheTimeThatIsAskedFor) {
  for (const double t60 : {1.0, 2.5}) {
    const auto network = reverb_network("freeverb", 48000, "t60_s: " + std::to_string(t60));
    EXPECT_NEAR(decay_time_of(network, 2 * t60), t60, 0.05 * t60);
  }
}

}  // namespace
}  // namespace diffverb
