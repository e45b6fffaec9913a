#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <set>
#include <string>

#include "runtime/live/controls.h"

namespace diffverb::runtime {
namespace {

TEST(LiveControls, HaveNamesOfTheirOwnAndAreFoundByThem) {
  std::set<std::string> ids;
  ASSERT_EQ(controls().size(), static_cast<std::size_t>(Control::kCount));
  for (std::size_t i = 0; i < controls().size(); ++i) {
    EXPECT_TRUE(ids.insert(controls()[i].id).second) << controls()[i].id;
    ASSERT_TRUE(find_control(controls()[i].id));
    EXPECT_EQ(*find_control(controls()[i].id), static_cast<Control>(i));
  }
  EXPECT_FALSE(find_control("no such control"));
}

TEST(LiveControls, BeginWithThoseOfThePublishedPlugIn) {
  const auto expect = [](Control control, double lowest, double highest, double initial) {
    EXPECT_EQ(info(control).lowest, lowest) << info(control).id;
    EXPECT_EQ(info(control).highest, highest) << info(control).id;
    EXPECT_EQ(info(control).initial, initial) << info(control).id;
  };
  expect(Control::kInputGain, -140, 12, -3);
  for (const Control place : {Control::kX, Control::kY, Control::kZ}) expect(place, 0, 9, 0);
  expect(Control::kWidth, -4, 4, 0);
  expect(Control::kPredelay, 0, 100, 0);
  expect(Control::kLowpass, 500, 20000, 20000);
  expect(Control::kHighpass, 20, 5000, 20);
  expect(Control::kMix, 0, 100, 100);
}

TEST(LiveControls, GoTheirWayAndBack) {
  for (std::size_t i = 0; i < controls().size(); ++i) {
    const auto control = static_cast<Control>(i);
    const ControlInfo& c = info(control);
    EXPECT_EQ(to_normal(control, c.lowest), 0) << c.id;
    EXPECT_EQ(to_normal(control, c.highest), 1) << c.id;
    EXPECT_EQ(from_normal(control, 0), c.lowest) << c.id;
    EXPECT_EQ(from_normal(control, 1), c.highest) << c.id;
    EXPECT_GE(c.initial, c.lowest) << c.id;
    EXPECT_LE(c.initial, c.highest) << c.id;
    if (c.taper == Taper::kSwitch) continue;
    double before = c.lowest;
    for (double normal = 0.05; normal < 1; normal += 0.05) {
      const double value = from_normal(control, normal);
      EXPECT_GT(value, before) << c.id;
      EXPECT_NEAR(to_normal(control, value), normal, 1e-12) << c.id;
      before = value;
    }
  }
  EXPECT_NEAR(from_normal(Control::kLowpass, 0.5), std::sqrt(500.0 * 20000), 1e-9);
  EXPECT_NEAR(from_normal(Control::kInputGain, 0.125), -140 + 152 * 0.5, 1e-9);
}

TEST(LiveControls, KeepWithinTheirRange) {
  const double nan = std::numeric_limits<double>::quiet_NaN(), infinity = std::numeric_limits<double>::infinity();
  for (const double value : {nan, -infinity, -1e300}) {
    EXPECT_EQ(to_normal(Control::kDecay, value), 0);
    EXPECT_EQ(from_normal(Control::kDecay, value), 0.1);
  }
  EXPECT_EQ(to_normal(Control::kDecay, infinity), 1);
  EXPECT_EQ(from_normal(Control::kDecay, infinity), 4);
}

}  // namespace
}  // namespace diffverb::runtime
