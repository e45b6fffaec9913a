#include "plugin/ui/view/value_text.h"

#include <gtest/gtest.h>

#include <cmath>
#include <locale>

#include "plugin/ui/view/items.h"

namespace diffverb::ui {
namespace {

using enum runtime::Control;

TEST(ValueText, WritesUnitsAsPeopleReadThem) {
  EXPECT_EQ(value_text(kInputGain, -3), "-3.0 dB");
  EXPECT_EQ(value_text(kInputGain, -0.01), "0.0 dB");
  EXPECT_EQ(value_text(kLowpass, 20000), "20 kHz");
  EXPECT_EQ(value_text(kLowpass, 1250), "1.25 kHz");
  EXPECT_EQ(value_text(kLowpass, 999.7), "1 kHz");
  EXPECT_EQ(value_text(kHighpass, 440.4), "440 Hz");
  EXPECT_EQ(value_text(kHighpass, 20), "20.0 Hz");
  EXPECT_EQ(value_text(kPredelay, 12.34), "12.3 ms");
  EXPECT_EQ(value_text(kMix, 100), "100 %");
  EXPECT_EQ(value_text(kX, 4.5), "4.50");
  EXPECT_EQ(value_text(kFreeze, 1), "on");
  EXPECT_EQ(value_text(kFreeze, 0), "off");
  EXPECT_EQ(seconds_text(2.314), "2.31 s");
  EXPECT_EQ(seconds_text(12.34), "12.3 s");
  EXPECT_EQ(seconds_text(0.0851), "85 ms");
  EXPECT_EQ(hertz_text(8000), "8 kHz");
}

TEST(ValueText, WhatIsWrittenIsReadBack) {
  for (int i = 0; i < kControls; ++i) {
    const auto control = static_cast<Control>(i);
    for (double normal = 0; normal <= 1.0001; normal += 1.0 / 64) {
      const double value = runtime::from_normal(control, normal);
      const auto back = parse_value(control, value_text(control, value));
      ASSERT_TRUE(back) << value_text(control, value);
      // Half of the last digit that is shown: 0.05 of a tenth, 0.5 percent of three digits.
      EXPECT_NEAR(*back, value, std::max(0.0501, 0.0051 * std::abs(value))) << value_text(control, value);
      EXPECT_EQ(value_text(control, *back), value_text(control, value));
    }
  }
}

TEST(ValueText, ReadsWhatPeopleType) {
  EXPECT_EQ(parse_value(kLowpass, "1.2k"), 1200);
  EXPECT_EQ(parse_value(kLowpass, " 1,2 kHz "), 1200);
  EXPECT_EQ(parse_value(kLowpass, "880"), 880);
  EXPECT_EQ(parse_value(kLowpass, "880hz"), 880);
  EXPECT_EQ(parse_value(kPredelay, "0.05 s"), 50);
  EXPECT_EQ(parse_value(kPredelay, "5ms"), 5);
  EXPECT_EQ(parse_value(kInputGain, "-6 dB"), -6);
  EXPECT_EQ(parse_value(kInputGain, "+6"), 6);
  EXPECT_EQ(parse_value(kInputGain, "3dB"), 3);
  EXPECT_EQ(parse_value(kMix, "50 %"), 50);
  EXPECT_EQ(parse_value(kFreeze, "ON"), 1);
  EXPECT_EQ(parse_value(kFreeze, "0"), 0);
}

TEST(ValueText, ClampsWhatIsOutOfRange) {
  EXPECT_EQ(parse_value(kMix, "400"), 100);
  EXPECT_EQ(parse_value(kX, "-3"), 0);
  EXPECT_EQ(parse_value(kLowpass, "99999999"), 20000);
}

TEST(ValueText, RefusesWhatIsNoValue) {
  for (const char* text : {"", " ", "loud", "nan", "inf", "-", "1.2.3", "--3", "3 parsec", "1-2"}) {
    EXPECT_FALSE(parse_value(kInputGain, text)) << text;
  }
  EXPECT_FALSE(parse_value(kFreeze, "maybe"));
  EXPECT_FALSE(parse_value(kInputGain, "3 Hz"));
}

struct Comma final : std::numpunct<char> {
  char do_decimal_point() const override { return ','; }
  char do_thousands_sep() const override { return '.'; }
  std::string do_grouping() const override { return "\3"; }
};

TEST(ValueText, TheHostsLocaleDoesNotMatter) {
  const std::locale before = std::locale::global(std::locale(std::locale::classic(), new Comma));
  EXPECT_EQ(value_text(kPredelay, 12.34), "12.3 ms");
  EXPECT_EQ(parse_value(kPredelay, "12.5"), 12.5);
  std::locale::global(before);
}

}  // namespace
}  // namespace diffverb::ui
