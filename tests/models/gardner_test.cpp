#include <gtest/gtest.h>

#include <numbers>

#include "core/error.h"
#include "tests/models/plain_reverb.h"

namespace diffverb {
namespace {

/// Gardner's way of nesting: one delay line, in which an allpass works in place on the part from `from` to `from +
/// length`: y = w - g x at its end, and x + g y instead of x at its beginning. What is nested lies within.
class OneLine {
 public:
  OneLine(double rate, double lowpass_hz) : rate_(rate), line_(static_cast<std::size_t>(rate)) {
    const double c = 2 - std::cos(2 * std::numbers::pi * lowpass_hz / rate);
    pole_ = c - std::sqrt(c * c - 1);
  }
  long samples(double ms) const { return std::lrint(ms * rate_ / 1000); }  // a half to even, as at::round
  double& at(long samples_ago) { return line_[(now_ + static_cast<std::size_t>(samples_ago)) % line_.size()]; }
  void allpass(long from, double ms, double g) {
    double &x = at(from), &w = at(from + samples(ms));
    w -= g * x;
    x += g * w;
  }
  double lowpass(double x) { return state_ = (1 - pole_) * x + pole_ * state_; }
  void advance() { now_ = (now_ + line_.size() - 1) % line_.size(); }

 private:
  double rate_, pole_, state_ = 0;
  std::vector<double> line_;
  std::size_t now_ = 0;
};

/// Plays two inputs, both an impulse where there are two.
std::vector<double> played(const std::string& room, double rate, double gain, int length, bool first, bool second) {
  OneLine line(rate, room == "small" ? 4200 : room == "medium" ? 2500 : 2600);
  const auto ms = [&](double value) { return line.samples(value); };
  std::vector<double> out;
  for (int n = 0; n < length; ++n) {
    const double in = first && n == 0, in2 = second && n == 0;
    if (room == "small") {
      const long a = ms(24), b = a + ms(35), end = b + ms(66);
      line.allpass(a, 35, 0.3);
      line.allpass(a + 1, 22, 0.4);
      line.allpass(a + 2 + ms(22), 8.3, 0.6);
      const double tap = line.at(b);  // before the next allpass takes it in
      line.allpass(b, 66, 0.1);
      line.allpass(b + 1, 30, 0.4);
      line.at(0) = in + gain * line.lowpass(line.at(end));
      out.push_back(0.5 * tap + 0.5 * line.at(end));
    } else if (room == "medium") {
      const long a = ms(35), b = a + ms(5), c = b + ms(30) + ms(67), d = c + ms(15), e = d + ms(39), end = e + ms(108);
      line.at(0) = in + gain * line.lowpass(line.at(end));
      line.allpass(0, 35, 0.3);
      line.allpass(1, 8.3, 0.7);
      line.allpass(2 + ms(8.3), 22, 0.5);
      line.allpass(b, 30, 0.5);
      line.at(d) = gain * line.at(d) + in2;
      line.allpass(d, 39, 0.3);
      line.allpass(d + 1, 9.8, 0.6);
      out.push_back(0.5 * line.at(a) + 0.5 * line.at(c) + 0.5 * line.at(e));
    } else {
      const long a = ms(8) + ms(12), b = a + ms(4), c = b + ms(17), d = c + ms(87) + ms(31), e = d + ms(3),
                 end = e + ms(120);
      line.allpass(c, 87, 0.5);
      line.allpass(c + 1, 62, 0.25);
      line.allpass(e, 120, 0.5);
      line.allpass(e + 1, 76, 0.25);
      line.allpass(e + 2 + ms(76), 30, 0.25);
      line.at(0) = in + gain * line.lowpass(line.at(end));
      line.allpass(0, 8, 0.3);
      line.allpass(ms(8), 12, 0.3);
      out.push_back(0.34 * line.at(b) + 0.14 * line.at(d) + 0.14 * line.at(end));
    }
    line.advance();
  }
  return out;
}

TEST(OracleGardner, IsOneDelayLineWithAllpassesOnPartsOfIt) {
  for (const std::string room : {"small", "medium", "large"}) {
    for (const double rate : {40000.0, 44100.0}) {
      const auto h = reverb_response("gardner", rate, 40000, "{room: " + room + ", gain: 0.6}");
      EXPECT_LT(distance(h[0][0], played(room, rate, 0.6, 40000, true, false)), 1e-5) << room << " " << rate;
      if (room == "medium") {
        ASSERT_EQ(h.size(1), 2);
        EXPECT_LT(distance(h[0][1], played(room, rate, 0.6, 40000, false, true)), 1e-5);
      }
    }
  }
}

std::vector<std::int64_t> echoes(const std::string& room, const std::string& nesting, std::size_t count) {
  return first_echoes(
      reverb_response("gardner", 10000, 5000, "{room: " + room + ", nesting: " + nesting + ", gain: 0}")[0][0], count);
}

TEST(Gardner, ItsFirstEchoesAreThoseOfThePublishedDelays) {
  using Times = std::vector<std::int64_t>;  // in tenths of a millisecond
  // small: 24, then what passes round the outer allpass once: 35 - 22 - 8.3 = 4.7 past both inner ones
  EXPECT_EQ(echoes("small", "contains", 3), (Times{240, 240 + 47, 240 + 2 * 47}));
  EXPECT_EQ(echoes("small", "series", 3), (Times{240, 240 + 350, 240 + 350 + 83}));
  EXPECT_EQ(echoes("medium", "contains", 3), (Times{0, 47, 94}));
  EXPECT_EQ(echoes("medium", "series", 3), (Times{0, 350, 350 + 83}));
  // large: 4, then its allpasses of 8 and 12
  EXPECT_EQ(echoes("large", "contains", 3), (Times{40, 40 + 80, 40 + 120}));
}

/// When one tap is heard first, in tenths of a millisecond, and how loud.
std::pair<std::int64_t, double> heard_first(const std::string& yaml, std::int64_t input = 0) {
  const auto h = reverb_response("gardner", 10000, 3000, yaml)[0][input];
  const auto echo = first_echoes(h, 1);
  return echo.empty() ? std::pair<std::int64_t, double>{-1, 0} : std::pair{echo[0], h[echo[0]].item<double>()};
}

void expect_heard(const std::pair<std::int64_t, double>& heard, std::int64_t time, double gain) {
  EXPECT_EQ(heard.first, time);
  EXPECT_NEAR(heard.second, gain, 1e-7);
}

TEST(Gardner, ItsTapsHearThePublishedDelaysStraightThroughTheAllpasses) {
  expect_heard(heard_first("{room: small, gain: 0, tap: [0.5, 0]}"), 240, 0.5 * -0.3);
  expect_heard(heard_first("{room: small, gain: 0, tap: [0, 0.5]}"), 240, 0.5 * -0.3 * -0.1);
  expect_heard(heard_first("{room: medium, gain: 0, tap: [0, 0.5, 0]}"), 50 + 670, 0.5 * -0.3 * -0.5);
  expect_heard(heard_first("{room: large, gain: 0, tap: [0.34, 0, 0]}"), 40, 0.34 * 0.09);
  expect_heard(heard_first("{room: large, gain: 0, tap: [0, 0.14, 0]}"), 40 + 170 + 310, 0.14 * 0.09 * -0.5);
  expect_heard(heard_first("{room: large, gain: 0, tap: [0, 0, 0.14]}"), 40 + 170 + 310 + 30, 0.14 * 0.09 * 0.25);
}

TEST(Gardner, ItsMediumRoomHasItsGainBeforeTheSecondInputAsWell) {
  const std::string third = "{room: medium, tap: [0, 0, 0.5], gain: ",
                    first = "{room: medium, tap: [0.5, 0, 0], gain: ";
  expect_heard(heard_first(third + "0}"), -1, 0);
  expect_heard(heard_first(third + "0}", 1), 0, 0.5 * -0.3);
  expect_heard(heard_first(third + "0.5}"), 50 + 670 + 150, 0.5 * (-0.3 * -0.5) * 0.5 * -0.3);
  // The second input once round: 108 ms, the low-pass, the gain.
  const double b0 = 1 - (2 - std::sqrt(3.0));  // 2.5 kHz at 10 kHz
  expect_heard(heard_first(first + "0.5}", 1), 1080, 0.5 * -0.3 * (b0 * 0.5) * -0.3);
}

TEST(Gardner, ChoosesTheRoomByItsDecayTime) {
  const auto lowpass = [](const std::string& yaml) {
    Fields fields = Fields::from_text(yaml);
    family<Model>().make("gardner", fields);
    const std::string resolved = fields.resolved_yaml();
    return std::stod(resolved.substr(resolved.find("lowpass_hz:") + 11));
  };
  EXPECT_EQ(lowpass("t60_s: 0.4"), 4200);
  EXPECT_EQ(lowpass("t60_s: 0.57"), 4200);
  EXPECT_EQ(lowpass("t60_s: 0.58"), 2500);
  EXPECT_EQ(lowpass("t60_s: 1.29"), 2500);
  EXPECT_EQ(lowpass("t60_s: 1.3"), 2600);
  EXPECT_EQ(lowpass("{t60_s: 1.0, room: large}"), 2600);
  EXPECT_EQ(lowpass("{}"), 2500);
}

TEST(Gardner, DecaysInTheTimeThatIsAskedFor) {
  for (const double rate : {44100.0, 96000.0}) {
    for (const double t60 : {0.38, 0.45, 0.57, 0.58, 0.75, 0.9, 1.1, 1.29, 1.3, 1.5, 1.8, 3.0, 5.0}) {
      const auto network = reverb_network(
          "gardner", rate, "{t60_s: " + std::to_string(t60) + ", sample_rate_hz: " + std::to_string(rate) + "}");
      EXPECT_NEAR(decay_time_of(network, 2 * t60 + 0.2), t60, 0.05 * t60) << rate;
    }
  }
}

TEST(Gardner, GrowsWithItsGain) {
  for (const std::string room : {"small", "medium", "large"}) {
    double before = 0;
    for (const std::string gain : {"0.1", "0.2", "0.3", "0.5", "0.7", "0.85"}) {
      const double t60 =
          decay_time_of(reverb_network("gardner", 48000, "{room: " + room + ", gain: " + gain + "}"), 12);
      EXPECT_GT(t60, 1.05 * before) << room << " " << gain;
      before = t60;
    }
  }
}

TEST(Gardner, ItsAllpassesAloneDecayWithinItsRangeOnlyWhereOneContainsTheOther) {
  const auto shortest = [](const std::string& yaml) {
    return decay_time_of(reverb_network("gardner", 48000, yaml), 5);
  };
  EXPECT_NEAR(shortest("{room: small, gain: 0}"), 0.395, 0.02);  // published from 0.38 s on
  EXPECT_NEAR(shortest("{room: medium, gain: 0}"), 0.475, 0.02);
  EXPECT_NEAR(shortest("{room: large, gain: 0}"), 1.6, 0.05);
  EXPECT_GT(shortest("{room: small, gain: 0, nesting: series}"), 0.49);
  EXPECT_GT(shortest("{room: large, gain: 0, nesting: series}"), 2.5);
}

TEST(Gardner, IsShrunkOnlyWhereItsAllpassesLastLongerThanWhatIsAskedFor) {
  const auto first = [](const std::string& yaml) {
    return first_echoes(reverb_response("gardner", 48000, 5000, yaml)[0][0], 1)[0];
  };
  EXPECT_EQ(first("t60_s: 0.45"), 24 * 48);
  EXPECT_EQ(first("t60_s: 2"), 4 * 48);
  EXPECT_LT(first("t60_s: 1.3"), 4 * 48 * 0.85);
}

TEST(Gardner, SaysWhatDoesNotFit) {
  EXPECT_THROW(make_reverb("gardner", "{room: huge}"), ConfigError);
  EXPECT_THROW(make_reverb("gardner", "{t60_s: 0.05}"), ConfigError) << "the smallest room lasts longer";
  EXPECT_THROW(make_reverb("gardner", "{room: small, allpass_ms: [35, 22, 14, 66, 30]}"), ConfigError);
  EXPECT_THROW(make_reverb("gardner", "{room: small, tap: [0.5]}"), ConfigError);
}

}  // namespace
}  // namespace diffverb
