#include <gtest/gtest.h>

#include <cstdint>
#include <memory>
#include <string>

#include "plugin/ui/host/window_host.h"
#include "plugin/ui/host/x11_window.h"
#include "plugin/ui/view/layout.h"
#include "tests/plugin/wav_files.h"
#include "tests/plugin_ui/pixels_in.h"

namespace diffverb::ui {
namespace {

using enum runtime::Control;

/// The plug-in's real window, on whatever display there is; with keys and mouse that come through the X server.
class PluginWindowTest : public testing::Test {
 protected:
  void SetUp() override {
    if (!X11Window::has_display()) GTEST_SKIP() << "no X display: run under xvfb-run";
    host = std::make_unique<WindowHost>();
    host->show();
    window = std::make_unique<X11Window>(host->window());
    resize(960, 600);
  }
  void TearDown() override {
    if (!host) return;
    EXPECT_EQ(host->gestures_begun(), host->gestures_ended());
  }
  void resize(int width, int height) {
    window->resize(width, height);
    host->run(0.5);
  }
  double value(Control control) const { return static_cast<double>(host->parameter(static_cast<uint32_t>(control))); }
  Layout layout() const {
    const Pixels pixels = window->pixels();
    return {static_cast<float>(pixels.width), static_cast<float>(pixels.height)};
  }
  Box box(int item) const { return layout().items[static_cast<std::size_t>(item)]; }
  void mouse(Spot spot, bool down) {
    window->button(static_cast<int>(spot.x), static_cast<int>(spot.y), down);
    host->run(0.05);
  }
  void press(const std::string& key) {
    ASSERT_TRUE(window->press(key)) << key;
    host->run(0.05);
  }

  std::unique_ptr<WindowHost> host;
  std::unique_ptr<X11Window> window;
};

TEST_F(PluginWindowTest, PassesOnToTheHostWhatAResponseHasMoved) {
  const Scratch scratch;
  hosts::write_click(scratch / "click.wav", 2);
  host->set_state("model", DIFFVERB_SOURCE_DIR "/experiments/autoencoder/weights/autoencoder_3.safetensors");
  host->run(0.3);
  const int before = host->gestures_begun();
  const double x = value(kX);
  host->set_state("response", (scratch / "absent.wav").c_str());
  host->run(0.3);
  EXPECT_EQ(host->gestures_begun(), before);
  host->set_state("response", (scratch / "click.wav").c_str());
  host->run(0.3);
  EXPECT_EQ(host->gestures_begun(), before + 3);  // x, y, z
  EXPECT_NE(value(kX), x);
}

TEST_F(PluginWindowTest, IsNotBlankAtAnySize) {
  host->run(1.5);
  for (const auto& [width, height] : {std::pair{960, 600}, {800, 500}, {1600, 1000}, {1200, 560}}) {
    resize(width, height);
    const Pixels pixels = window->pixels();
    ASSERT_EQ(pixels.width, width);
    ASSERT_EQ(pixels.height, height);
    const Layout now = layout();
    EXPECT_GT(colours_in(pixels, now.title), 8);
    EXPECT_GT(colours_in(pixels, now.decay_plot), 50);
    EXPECT_GT(colours_in(pixels, now.response_plot), 5);
    for (int i = 0; i < kControls; ++i) EXPECT_GT(colours_in(pixels, now.items[static_cast<std::size_t>(i)]), 8) << i;
  }
}

TEST_F(PluginWindowTest, TheKeyboardTurnsAControl) {
  const double before = value(kInputGain);
  press("Tab");
  press("Tab");  // presets, load; the latent point's are passed over
  press("Tab");
  press("Down");
  EXPECT_LT(value(kInputGain), before);
  press("shift+Tab");
  press("Tab");
  press("5");
  press("Return");
  EXPECT_FLOAT_EQ(static_cast<float>(value(kInputGain)), 5);
  press("Delete");
  EXPECT_FLOAT_EQ(static_cast<float>(value(kInputGain)), -3);
}

TEST_F(PluginWindowTest, TheMouseTurnsAControl) {
  Spot at = layout().cells[static_cast<std::size_t>(kPredelay)].dial.centre();
  mouse(at, true);
  at.y -= 22;
  window->move(static_cast<int>(at.x), static_cast<int>(at.y), true);
  host->run(0.05);
  mouse(at, false);
  EXPECT_NEAR(value(kPredelay), 10, 0.5);
  mouse(box(item_of(kLowpassOn)).centre(), true);
  mouse(box(item_of(kLowpassOn)).centre(), false);
  EXPECT_EQ(value(kLowpassOn), 1);
}

TEST_F(PluginWindowTest, AutomationMovesTheKnob) {
  host->run(1.5);
  const Box cell = box(item_of(kMix));
  const auto accent = [&] { return pixels_of(window->pixels(), cell, 94, 184, 178); };
  const int whole = accent();
  host->set_parameter(static_cast<uint32_t>(kMix), 20);
  host->run(0.3);
  EXPECT_LT(accent(), whole / 2);
}

TEST_F(PluginWindowTest, APresetSetsEveryControlThroughTheHost) {
  for (const Control control : {kDecay, kMix, kPredelay})
    host->set_parameter(static_cast<uint32_t>(control), static_cast<float>(runtime::info(control).highest));
  press("Tab");
  press("Return");
  press("Home");  // passed over
  press("Down");
  press("Up");  // the first: the built-in room
  const int before = host->gestures_begun();
  press("Return");
  EXPECT_EQ(host->gestures_begun() - before, kControls);
  for (const Control control : {kDecay, kMix, kPredelay})
    EXPECT_FLOAT_EQ(static_cast<float>(value(control)), static_cast<float>(runtime::info(control).initial));
}

TEST_F(PluginWindowTest, TellsThatAFileIsGone) {
  host->run(0.5);
  const auto warnings = [&] { return pixels_of(window->pixels(), layout().subtitle, 240, 180, 84); };
  EXPECT_EQ(warnings(), 0);
  host->set_state("model", "nowhere/room.safetensors");
  host->run(0.8);
  EXPECT_GT(warnings(), 20);
  host->set_state("model", "");
  host->run(0.8);
  EXPECT_EQ(warnings(), 0);
}

}  // namespace
}  // namespace diffverb::ui
