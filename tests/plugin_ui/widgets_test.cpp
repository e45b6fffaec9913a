#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <numbers>

#include "plugin/ui/view/cube.h"
#include "plugin/ui/view/items.h"
#include "plugin/ui/view/knob.h"
#include "plugin/ui/view/menu.h"
#include "plugin/ui/view/meters.h"
#include "plugin/ui/view/text_entry.h"

namespace diffverb::ui {
namespace {

TEST(Knob, ADragOfItsWholeWayGoesFromEndToEnd) {
  EXPECT_DOUBLE_EQ(knob::dragged(0, knob::kWholeWayPixels, false), 1);
  EXPECT_DOUBLE_EQ(knob::dragged(0.5, -2 * knob::kWholeWayPixels, false), 0);
  EXPECT_NEAR(knob::dragged(0.5, knob::kWholeWayPixels, true), 0.6, 1e-9);
}

TEST(Knob, StepsUpAndDownCancel) {
  for (int i = 0; i < kControls; ++i) {
    const auto control = static_cast<Control>(i);
    if (is_switch(control)) continue;
    for (const bool fine : {false, true}) {
      const double up = knob::stepped(control, 0.4, knob::Step::kUp, fine);
      EXPECT_GT(up, 0.4);
      EXPECT_NEAR(knob::stepped(control, up, knob::Step::kDown, fine), 0.4, 1e-12);
      EXPECT_NEAR(knob::scrolled(control, knob::scrolled(control, 0.4, 1, fine), -1, fine), 0.4, 1e-12);
    }
    EXPECT_EQ(knob::stepped(control, 0.4, knob::Step::kLowest, false), 0);
    EXPECT_EQ(knob::stepped(control, 0.4, knob::Step::kHighest, false), 1);
    EXPECT_NEAR(runtime::from_normal(control, knob::stepped(control, 0.4, knob::Step::kInitial, false)),
                runtime::info(control).initial, 1e-6);
  }
}

TEST(Knob, ASwitchGoesWhereTheWheelGoes) {
  EXPECT_EQ(knob::scrolled(Control::kFreeze, 0, 1, true), 1);
  EXPECT_EQ(knob::scrolled(Control::kFreeze, 1, 0.5f, false), 1);
  EXPECT_EQ(knob::scrolled(Control::kFreeze, 1, -1, false), 0);
  EXPECT_EQ(knob::scrolled(Control::kFreeze, 1, 0, false), 1);
}

TEST(Knob, PointsDownLeftUpAndDownRight) {
  const float turn = 2 * std::numbers::pi_v<float>;
  EXPECT_FLOAT_EQ(knob::angle(0), 0.375f * turn);
  EXPECT_FLOAT_EQ(knob::angle(0.5), 0.75f * turn);
  EXPECT_FLOAT_EQ(knob::angle(1), 1.125f * turn);
  EXPECT_EQ(knob::arc_from(Control::kWidth), 0.5);
  EXPECT_EQ(knob::arc_from(Control::kMix), 0);
  EXPECT_EQ(knob::arc_from(Control::kInputGain), 0);
}

TEST(Cube, AtIsTheInverseOfProject) {
  const Cube cube({100, 50, 240, 180});
  for (double x = 0; x <= 1; x += 0.25)
    for (double y = 0; y <= 1; y += 0.25)
      for (double z = 0; z <= 1; z += 0.25) {
        const CubePoint back = cube.at(cube.project({x, y, z}), z);
        EXPECT_NEAR(back.x, x, 1e-5);
        EXPECT_NEAR(back.y, y, 1e-5);
        EXPECT_EQ(back.z, z);
      }
}

TEST(Cube, ASpotOutsideGoesToTheNearestValues) {
  const Cube cube({0, 0, 200, 200});
  const CubePoint far = cube.at({1000, -1000}, 0.5);
  EXPECT_EQ(far.x, 1);
  EXPECT_EQ(far.y, 1);
}

TEST(Cube, FillsItsBoxAndStaysInIt) {
  for (const Box box : {Box{10, 20, 300, 200}, Box{0, 0, 80, 400}}) {
    const Cube cube(box);
    float left = 1e9f, right = -1e9f, top = 1e9f, bottom = -1e9f;
    for (const auto& [from, to] : Cube::edges())
      for (const CubePoint& corner : {from, to}) {
        const Spot spot = cube.project(corner);
        left = std::min(left, spot.x), right = std::max(right, spot.x);
        top = std::min(top, spot.y), bottom = std::max(bottom, spot.y);
      }
    EXPECT_GE(left, box.x - 0.01f);
    EXPECT_LE(right, box.right() + 0.01f);
    EXPECT_GE(top, box.y - 0.01f);
    EXPECT_LE(bottom, box.bottom() + 0.01f);
    EXPECT_NEAR(std::max((right - left) / box.w, (bottom - top) / box.h), 1, 1e-4);
  }
}

TEST(Cube, DraggingRightRaisesXAndDraggingUpRaisesY) {
  const Cube cube({0, 0, 200, 200});
  EXPECT_GT(cube.moved(10, 0).first, 0);
  EXPECT_NEAR(cube.moved(0, -10).first, 0, 1e-9);
  EXPECT_GT(cube.moved(0, -10).second, 0);
}

TEST(Cube, HasTwelveEdgesOfLengthOne) {
  EXPECT_EQ(Cube::edges().size(), 12u);
  for (const auto& [from, to] : Cube::edges())
    EXPECT_EQ(std::abs(from.x - to.x) + std::abs(from.y - to.y) + std::abs(from.z - to.z), 1);
}

TEST(Meter, FallsSlowlyAndHoldsItsPeak) {
  Meter meter;
  meter.feed(-6, 0.1f);
  EXPECT_FLOAT_EQ(meter.level_db(), -6);
  meter.feed(-120, 1);
  EXPECT_FLOAT_EQ(meter.level_db(), -30);
  EXPECT_FLOAT_EQ(meter.peak_db(), -6);
  meter.feed(-120, 1);
  EXPECT_FLOAT_EQ(meter.peak_db(), -30);
  for (int i = 0; i < 10; ++i) meter.feed(-120, 1);
  EXPECT_FLOAT_EQ(meter.level_db(), Meter::kLowestDb);
  EXPECT_FLOAT_EQ(meter.peak_db(), Meter::kLowestDb);
  EXPECT_FALSE(meter.over());
}

TEST(Meter, MarksAnOverloadUntilItIsCleared) {
  Meter meter;
  meter.feed(3, 0.1f);
  meter.feed(-60, 60);
  EXPECT_TRUE(meter.over());
  meter.clear_over();
  EXPECT_FALSE(meter.over());
}

TEST(Meter, TakesWhatIsNoLevelForSilence) {
  Meter meter;
  meter.feed(std::numeric_limits<float>::quiet_NaN(), 0.1f);
  meter.feed(-std::numeric_limits<float>::infinity(), 0.1f);
  EXPECT_EQ(meter.level_db(), Meter::kLowestDb);
  meter.feed(std::numeric_limits<float>::infinity(), 0.1f);
  EXPECT_EQ(meter.level_db(), Meter::kHighestDb);
  EXPECT_EQ(Meter::position(-1000), 0);
  EXPECT_EQ(Meter::position(1000), 1);
}

TEST(TextEntry, TheFirstCharacterReplacesWhatStoodThere) {
  TextEntry entry;
  entry.open("100 %");
  entry.type('5');
  entry.type('0');
  entry.type('\n');
  EXPECT_EQ(entry.text(), "50");
  entry.erase();
  EXPECT_EQ(entry.text(), "5");
  for (int i = 0; i < 100; ++i) entry.type('1');
  EXPECT_EQ(entry.text().size(), 16u);
  entry.open("100 %");
  entry.erase();
  EXPECT_EQ(entry.text(), "");
}

TEST(Menu, OpensWithinTheWindowInColumns) {
  const Box window{0, 0, 960, 600};
  Menu menu;
  menu.open(std::vector<std::string>(40, "room"), 3, {900, 10, 50, 28}, window, 1);
  EXPECT_TRUE(window.contains(menu.box()));
  for (int i = 0; i < 40; ++i) {
    EXPECT_TRUE(menu.box().contains(menu.line_box(i)));
    EXPECT_EQ(menu.at(menu.line_box(i).centre()), i);
  }
  EXPECT_FALSE(menu.at({1, 1}));
  EXPECT_EQ(menu.marked(), 3);
  menu.step(-4);
  EXPECT_EQ(menu.marked(), 39);
  menu.step(1);
  EXPECT_EQ(menu.marked(), 0);
}

}  // namespace
}  // namespace diffverb::ui
