#include <gtest/gtest.h>

#include <algorithm>

#include "tests/models/plain_reverb.h"

namespace diffverb {
namespace {

/// STK's Delay: what it last gave out is one sample older than what it gives out next.
class StkDelay {
 public:
  explicit StkDelay(long samples) : buffer_(static_cast<std::size_t>(samples) + 1), out_(1) {}
  double last() const { return last_; }
  double tick(double input) {
    buffer_[in_] = input;
    in_ = (in_ + 1) % buffer_.size();
    last_ = buffer_[out_];
    out_ = (out_ + 1) % buffer_.size();
    return last_;
  }

 private:
  std::vector<double> buffer_;
  std::size_t in_ = 0, out_;
  double last_ = 0;
};

/// NRev.cpp and NRev.h in double precision.
class PlainNrev {
 public:
  PlainNrev(double t60, double mix, double rate) : mix_(mix) {
    const long lengths[] = {1433, 1601, 1867, 2053, 2251, 2399, 347, 113, 37, 59, 53, 43};
    for (int i = 0; i < 12; ++i) {
      long delay = static_cast<long>(std::floor(rate / 25641.0 * lengths[i]));
      if ((delay & 1) == 0) ++delay;
      while (!plain_is_prime(delay)) delay += 2;
      (i < 6 ? combs_ : allpasses_).emplace_back(delay);
      if (i < 6) gains_.push_back(std::pow(10.0, -3.0 * static_cast<double>(delay) / (t60 * rate)));
    }
  }

  std::pair<double, double> process(double input) {
    double sum = 0;
    for (std::size_t i = 0; i < 6; ++i) sum += combs_[i].tick(input + gains_[i] * combs_[i].last());
    for (std::size_t i = 0; i < 3; ++i) sum = allpass(i, sum);
    lowpass_ = 0.7 * lowpass_ + 0.3 * sum;
    const double middle = allpass(3, lowpass_);
    return {mix_ * allpass(4, middle) + (1 - mix_) * input, mix_ * allpass(5, middle) + (1 - mix_) * input};
  }

 private:
  double allpass(std::size_t i, double in) {
    const double there = allpasses_[i].last(), v = in + 0.7 * there;
    allpasses_[i].tick(v);
    return there - 0.7 * v;
  }

  std::vector<StkDelay> combs_, allpasses_;
  std::vector<double> gains_;
  double mix_, lowpass_ = 0;
};

TEST(OracleNrev, IsWhatStksLoopsPlay) {
  for (const double mix : {1.0, 0.3}) {
    PlainNrev plain(1.4, mix, 44100);
    std::vector<double> left, right;
    for (int n = 0; n < 44100; ++n) {
      const auto [l, r] = plain.process(n == 0);
      left.push_back(l);
      right.push_back(r);
    }
    const auto h = reverb_response("nrev", 44100, 44100, "{decay_s: 1.4, mix: " + std::to_string(mix) + "}");
    EXPECT_LT(distance(h[0], left), 1e-5);
    EXPECT_LT(distance(h[1], right), 1e-5);
  }
}

TEST(Nrev, AtTheSamsonBoxsRateHasItsPrimesAndStksExtraSample) {
  const auto network = reverb_network("nrev", 25641);
  std::vector<std::int64_t> delays;
  for (std::int64_t i = 0; i < network.lines(); ++i) delays.push_back(network.delays[i].item<std::int64_t>());
  for (const std::int64_t m : {1433, 1601, 1867, 2053, 2251, 2399}) {
    EXPECT_EQ(std::count(delays.begin(), delays.end(), m), 1) << "output of the comb of " << m;
    EXPECT_EQ(std::count(delays.begin(), delays.end(), m + 1), 1) << "loop of the comb of " << m;
  }
  for (const std::int64_t m : {347, 113, 37, 59, 53, 43}) EXPECT_EQ(std::count(delays.begin(), delays.end(), m + 1), 1);
  EXPECT_EQ(first_echoes(reverb_response("nrev", 25641, 2000)[0], 1)[0], 1433);
}

TEST(Nrev, DecaysInTheTimeThatIsAskedFor) {
  for (const double t60 : {0.7, 3.0}) {
    const auto network = reverb_network("nrev", 48000, "t60_s: " + std::to_string(t60));
    EXPECT_NEAR(decay_time_of(network, 2 * t60), t60, 0.05 * t60);
  }
}

}  // namespace
}  // namespace diffverb
