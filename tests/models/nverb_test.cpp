#include <ATen/ops/equal.h>
#include <gtest/gtest.h>

#include <numbers>

#include "tests/models/plain_reverb.h"

namespace diffverb {
namespace {

struct PlainDcCut {
  double gain = 0, x1 = 0, y1 = 0;
  explicit PlainDcCut(double rate) {
    const double f = 2 * 8 / rate, pi = std::numbers::pi;
    gain = (std::sqrt(3.) - 2. * std::sin(pi * f)) / (std::sin(pi * f) + std::sqrt(3.) * std::cos(pi * f));
  }
  double operator()(double x) {
    const double y = x - x1 + gain * y1;
    x1 = x;
    y1 = y;
    return y;
  }
};

struct PlainComb {
  PlainLine line;
  double feedback, store = 0;
  double operator()(double input, double damping) {
    const double output = line.read();
    store = output * (1 - damping) + store * damping;
    line.write(input + store * feedback);
    return output;
  }
};

double lattice(PlainLine& line, double input, double g) {
  const double there = line.read();
  input += g * there;
  line.write(input);
  return there - g * input;
}

/// One side of Freeverb3's nrevb.cpp, with its defaults, in double precision.
struct PlainSide {
  std::vector<PlainComb> combs;
  std::vector<PlainLine> allpasses;
  PlainDcCut dc_cut;
  double lowpass = 0, last = 0;

  static long size(long samples, bool right, double rate, bool last_of_right = false) {
    const double factor = rate / 25641;
    long n = static_cast<long>(static_cast<double>(samples) * factor);
    if (right && !last_of_right) n += static_cast<long>(13 * factor);
    while (!plain_is_prime(n)) ++n;
    return n;
  }

  PlainSide(bool right, double t60, double rate) : dc_cut(rate) {
    for (const long m :
         {1433, 1601, 1867, 2053, 2251, 2399, 1257, 1333, 1499, 1501, 1535, 1637, 1738, 1904, 1999, 2020, 2120, 2509}) {
      const long length = size(m, right, rate);
      combs.push_back({PlainLine(length), std::pow(10., -3. * static_cast<double>(length) / (t60 * rate))});
    }
    for (const long m : {347, 113, 37, 57, 87, 103, 59}) allpasses.emplace_back(size(m, right, rate));
    allpasses.emplace_back(right ? size(37, true, rate, true) : size(43, false, rate));
  }

  double process(double x) {
    double out = x + 0.2 * last;
    const double heard = last - 0.2 * out;
    for (PlainComb& comb : combs) out += comb(x, 0.1);
    for (std::size_t i = 0; i < 6; ++i) out = lattice(allpasses[i], out, 0.5);
    lowpass = 0.5 * lowpass + 0.5 * out;
    last = dc_cut(lattice(allpasses[7], lattice(allpasses[6], lowpass, 0.5), 0.5));
    return 0.4 * heard;
  }
};

TEST(OracleNverb, IsWhatFreeverb3sLoopsPlay) {
  const double rate = 44100, t60 = 0.8;
  PlainSide left_side(false, t60, rate), right_side(true, t60, rate);
  PlainDcCut dc_cut(rate);
  double x = 0;
  std::vector<double> left, right;
  for (int n = 0; n < 30000; ++n) {
    x = 0.5 * dc_cut(n == 0) - 0.5 * x;
    const double l = left_side.process(x), r = right_side.process(x);
    left.push_back(0.9 * l + 0.1 * r);
    right.push_back(0.9 * r + 0.1 * l);
  }
  const auto h = reverb_response("nverb", rate, 30000, "{decay_s: 0.8, width: 0.8}");
  EXPECT_LT(distance(h[0][0], left), 1e-5);
  EXPECT_LT(distance(h[1][0], right), 1e-5);
  EXPECT_TRUE(at::equal(h.select(1, 0), h.select(1, 1))) << "both inputs are one";
}

TEST(Nverb, HasNearlyThreeTimesTheModesOfNrev) {
  // One mode for each sample of delay: of the long lines, which carry the tail.
  const auto modes = [](const DelayNetwork& network) {
    return network.delays.masked_select(network.delays.gt(1000)).sum().item<double>();
  };
  const auto nverb = reverb_network("nverb", 25641, "spread_samples: 0"), nrev = reverb_network("nrev", 25641);
  EXPECT_NEAR(modes(nverb) / 2 / (modes(nrev) / 2), 2.81, 0.02) << "nverb has two sides, nrev each length twice";
}

TEST(Nverb, DecaysInTheTimeThatIsAskedFor) {
  const auto network = reverb_network("nverb", 48000, "t60_s: 1.2");
  EXPECT_NEAR(decay_time_of(network, 2.4), 1.2, 0.06);
}

}  // namespace
}  // namespace diffverb
