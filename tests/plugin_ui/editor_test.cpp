#include "plugin/ui/view/editor.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <map>
#include <string>

namespace diffverb::ui {
namespace {

using enum runtime::Control;

/// Remembers what the interface asked for, and that every change came within a gesture.
struct FakeHost final : EditorHost {
  std::map<Control, int> open, gestures, changes;
  std::map<Control, double> last;
  int preset = -1, models = 0, responses = 0;

  void begin_edit(Control control) override {
    EXPECT_EQ(open[control]++, 0);
    ++gestures[control];
  }
  void set_value(Control control, double value) override {
    EXPECT_EQ(open[control], 1);
    const runtime::ControlInfo& info = runtime::info(control);
    EXPECT_GE(value, info.lowest);
    EXPECT_LE(value, info.highest);
    last[control] = value;
    ++changes[control];
  }
  void end_edit(Control control) override { EXPECT_EQ(--open[control], 0); }
  void choose_preset(int index) override { preset = index; }
  void choose_model() override { ++models; }
  void choose_response() override { ++responses; }
};

class EditorTest : public testing::Test {
 protected:
  EditorTest() {
    editor.show_abilities(true, true);
    editor.show_presets({"plate", "hall", "room"}, 0);
  }
  ~EditorTest() override {
    for (const auto& [control, count] : host.open) EXPECT_EQ(count, 0) << runtime::info(control).id;
  }
  Box box(int item) const { return editor.layout().items[static_cast<std::size_t>(item)]; }
  Spot dial(Control control) const { return editor.layout().cells[static_cast<std::size_t>(control)].dial.centre(); }
  Spot value(Control control) const { return editor.layout().cells[static_cast<std::size_t>(control)].value.centre(); }
  void press(Spot spot, unsigned ms = 0) { editor.mouse_down(spot, false, false, false, ms); }
  void click(Spot spot, unsigned ms = 0) {
    press(spot, ms);
    editor.mouse_up(spot);
  }
  void focus(Item item) {
    for (int i = 0; i < kItems && editor.focus() != item; ++i) editor.key(Key::kTab, false);
    ASSERT_EQ(editor.focus(), item);
  }
  void write(const char* text) {
    for (; *text; ++text) editor.type(*text);
  }

  FakeHost host;
  Editor editor{host};
};

TEST_F(EditorTest, BeginsWithTheInitialValues) {
  for (int i = 0; i < kControls; ++i)
    EXPECT_EQ(editor.value(static_cast<Control>(i)), runtime::controls()[static_cast<std::size_t>(i)].initial);
}

TEST_F(EditorTest, AutomationMovesTheControls) {
  editor.show_value(kMix, 25);
  EXPECT_EQ(editor.value(kMix), 25);
  editor.show_value(kMix, std::numeric_limits<double>::quiet_NaN());
  EXPECT_EQ(editor.value(kMix), 25);
  EXPECT_TRUE(host.changes.empty());
}

TEST_F(EditorTest, ADragIsOneGestureAndShiftMakesItFine) {
  Spot at = dial(kPredelay);
  press(at);
  at.y -= 22;
  editor.mouse_move(at, false, false);
  EXPECT_NEAR(host.last[kPredelay], 10, 1e-4);
  at.y -= 22;
  editor.mouse_move(at, true, false);
  EXPECT_NEAR(host.last[kPredelay], 11, 1e-4);
  editor.mouse_up(at);
  EXPECT_EQ(host.gestures[kPredelay], 1);
  EXPECT_FALSE(editor.entry().is_open());
}

TEST_F(EditorTest, ADragDoesNotStickWhereTheHostRounds) {
  Spot at = dial(kPredelay);
  press(at);
  for (int i = 0; i < 44; ++i) {
    at.y -= 0.5f;
    editor.mouse_move(at, false, false);
    editor.show_value(kPredelay, std::floor(editor.value(kPredelay)));
  }
  editor.mouse_up(at);
  EXPECT_NEAR(host.last[kPredelay], 10, 1e-3);
}

TEST_F(EditorTest, ADoubleClickResets) {
  editor.show_value(kMix, 25);
  click(dial(kMix), 1000);
  click(dial(kMix), 1200);
  EXPECT_EQ(host.last[kMix], runtime::info(kMix).initial);
  editor.show_value(kMix, 25);
  click(dial(kMix), 5000);
  click(dial(kMix), 6000);
  EXPECT_EQ(editor.value(kMix), 25);
}

TEST_F(EditorTest, TheWheelTurnsWhatIsUnderThePointer) {
  EXPECT_TRUE(editor.wheel(dial(kPredelay), 1, false));
  EXPECT_NEAR(host.last[kPredelay], 2, 1e-9);
  EXPECT_FALSE(editor.wheel({1, 1}, 1, false));
}

TEST_F(EditorTest, ASwitchTogglesOnAPress) {
  click(box(item_of(kLowpassOn)).centre());
  EXPECT_EQ(host.last[kLowpassOn], 1);
  click(box(item_of(kLowpassOn)).centre(), 5000);
  EXPECT_EQ(host.last[kLowpassOn], 0);
}

TEST_F(EditorTest, AClickOnAValueOpensItAndEnterSetsWhatWasTyped) {
  click(value(kLowpass));
  ASSERT_TRUE(editor.entry().is_open());
  write("1.5k");
  editor.key(Key::kEnter, false);
  EXPECT_FALSE(editor.entry().is_open());
  EXPECT_EQ(host.last[kLowpass], 1500);
}

TEST_F(EditorTest, WhatIsNoValueIsRefusedAndStaysOpen) {
  editor.mouse_down(dial(kMix), true, false, false, 0);
  write("abc");
  editor.key(Key::kEnter, false);
  EXPECT_TRUE(editor.entry().is_open());
  EXPECT_TRUE(editor.entry_is_refused());
  EXPECT_TRUE(host.changes.empty());
  editor.key(Key::kEscape, false);
  EXPECT_FALSE(editor.entry().is_open());
}

TEST_F(EditorTest, AValueThatIsOpenedAndLeftIsNotRounded) {
  editor.show_value(kLowpass, 1234.567);
  click(value(kLowpass));
  editor.key(Key::kEnter, false);
  EXPECT_EQ(editor.value(kLowpass), 1234.567);
  EXPECT_TRUE(host.changes.empty());
}

TEST_F(EditorTest, TheKeyboardReachesAndTurnsEveryControl) {
  for (int i = 0; i < kControls; ++i) {
    const auto control = static_cast<Control>(i);
    focus(item_of(control));
    EXPECT_TRUE(editor.focus_is_visible());
    EXPECT_FALSE(editor.help().empty());
    EXPECT_TRUE(editor.key(Key::kHome, false));
    EXPECT_NEAR(host.last[control], runtime::info(control).lowest, 1e-9);
    EXPECT_TRUE(editor.key(Key::kUp, false));
    EXPECT_GT(host.last[control], runtime::info(control).lowest);
    EXPECT_TRUE(editor.key(Key::kEnd, false));
    EXPECT_NEAR(host.last[control], runtime::info(control).highest, 1e-9);
    EXPECT_TRUE(editor.key(Key::kDelete, false));
    EXPECT_EQ(host.last[control], runtime::info(control).initial);
  }
}

TEST_F(EditorTest, DigitsAndEnterOpenTheValueOfTheFocus) {
  focus(item_of(kMix));
  write("33");
  editor.key(Key::kTab, false);
  EXPECT_EQ(host.last[kMix], 33);
  EXPECT_NE(editor.focus(), item_of(kMix));
  focus(item_of(kFreeze));
  editor.key(Key::kSpace, false);
  EXPECT_EQ(host.last[kFreeze], 1);
}

TEST_F(EditorTest, TheCubeTurnsXYAndZ) {
  const Cube cube(box(kCubeItem));
  press(cube.project({0.5, 0.75, 0}));  // far from (0, 0): the point jumps there
  EXPECT_NEAR(host.last[kX], 4.5, 1e-3);
  EXPECT_NEAR(host.last[kY], 6.75, 1e-3);
  editor.mouse_move(cube.project({0.25, 0.5, 0}), false, false);
  editor.mouse_up({});
  EXPECT_NEAR(host.last[kX], 2.25, 1e-3);
  EXPECT_NEAR(host.last[kY], 4.5, 1e-3);
  EXPECT_EQ(host.changes[kZ], 0);
  editor.wheel(box(kCubeItem).centre(), 5, false);
  EXPECT_NEAR(host.last[kZ], 0.9, 1e-9);
  EXPECT_EQ(host.gestures[kX], 1);
}

TEST_F(EditorTest, TheCubeHasTheKeyboardToo) {
  focus(kCubeItem);
  editor.key(Key::kRight, false);
  editor.key(Key::kUp, false);
  editor.key(Key::kPageUp, false);
  EXPECT_NEAR(host.last[kX], 0.09, 1e-9);
  EXPECT_NEAR(host.last[kY], 0.09, 1e-9);
  EXPECT_NEAR(host.last[kZ], 0.09, 1e-9);
}

TEST_F(EditorTest, WithoutALatentPointItsControlsStandStill) {
  editor.show_abilities(false, true);
  press(box(kCubeItem).centre());
  EXPECT_FALSE(editor.wheel(dial(kX), 1, false));
  EXPECT_FALSE(editor.wheel(box(kCubeItem).centre(), 1, false));
  for (int i = 0; i < 2 * kItems; ++i) {
    editor.key(Key::kTab, false);
    EXPECT_NE(editor.focus(), kCubeItem);
    EXPECT_NE(editor.focus(), item_of(kX));
  }
  EXPECT_TRUE(host.changes.empty());
}

TEST_F(EditorTest, AModelWithoutAPointEndsADragInTheCube) {
  press(box(kCubeItem).centre());
  EXPECT_EQ(host.open[kX], 1);
  editor.show_abilities(false, false);
  EXPECT_EQ(host.open[kX], 0);
}

TEST_F(EditorTest, AModelWithoutAPointEndsTypingToo) {
  click(value(kX));
  write("3");
  editor.show_abilities(false, false);
  EXPECT_FALSE(editor.entry().is_open());
  editor.key(Key::kTab, false);
  EXPECT_EQ(editor.focus(), kPresetsItem);
}

TEST_F(EditorTest, ASecondButtonDoesNotDisturbADrag) {
  press(dial(kMix));
  EXPECT_FALSE(editor.mouse_down(dial(kMix), true, false, false, 100));
  editor.mouse_up(dial(kMix));
  EXPECT_EQ(host.gestures[kMix], 1);
}

TEST_F(EditorTest, ADoubleClickInTheCubeResetsThePoint) {
  for (const Control control : {kX, kY, kZ}) editor.show_value(control, 5);
  const Spot there = Cube(box(kCubeItem)).project(editor.point());
  click(there, 1000);
  click(there, 1100);
  for (const Control control : {kX, kY, kZ}) EXPECT_EQ(host.last[control], runtime::info(control).initial);
}

TEST_F(EditorTest, ButtonsAskForFiles) {
  click(box(kLoadItem).centre());
  focus(kMatchItem);
  editor.key(Key::kEnter, false);
  EXPECT_EQ(host.models, 1);
  EXPECT_EQ(host.responses, 1);
}

TEST_F(EditorTest, PresetsAreChosenByMouseAndKeys) {
  click(box(kPresetsItem).centre());
  ASSERT_TRUE(editor.menu().is_open());
  click(editor.menu().line_box(2).centre());
  EXPECT_EQ(host.preset, 2);
  EXPECT_FALSE(editor.menu().is_open());
  focus(kPresetsItem);
  editor.key(Key::kEnter, false);
  editor.key(Key::kDown, false);
  editor.key(Key::kEnter, false);
  EXPECT_EQ(host.preset, 1);
  editor.key(Key::kEnter, false);
  editor.key(Key::kEscape, false);
  EXPECT_FALSE(editor.menu().is_open());
}

TEST_F(EditorTest, AResizeKeepsTheValuesAndTheFocus) {
  focus(item_of(kMix));
  editor.show_value(kMix, 25);
  editor.resize(1920, 1200);
  EXPECT_EQ(editor.value(kMix), 25);
  EXPECT_EQ(editor.focus(), item_of(kMix));
  EXPECT_EQ(editor.layout().scale, 2);
}

}  // namespace
}  // namespace diffverb::ui
