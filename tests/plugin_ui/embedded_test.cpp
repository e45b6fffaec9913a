// The interfaces of the CLAP and the VST3 as hosts open them: in a window of the host's, again and again.
#include <algorithm>
#include <chrono>
#include <thread>

#include "plugin/ui/view/layout.h"
#include "tests/counted_allocations.h"
#include "tests/plugin/clap_host.h"
#include "tests/plugin/formats.h"
#include "tests/plugin/hosted_editor.h"
#include "tests/plugin/vst3_host.h"
#include "tests/plugin/wav_files.h"
#include "tests/plugin_ui/pixels_in.h"
#include "tests/resident_bytes.h"

namespace diffverb::ui {
namespace {

using hosts::HostedEditor;

/// A plug-in that plays, and a window of its host.
class EmbeddedIn : public hosts::InFormat {
 protected:
  void SetUp() override {
    if (!X11Window::has_display()) GTEST_SKIP() << "no X display: run under xvfb-run";
    plugin = open();
    plugin->activate(48000, 256);
    in = hosts::noise(plugin->inputs(), 256);
    parent = std::make_unique<X11Window>(960, 600);
  }
  std::unique_ptr<HostedEditor> open_in_parent() {
    if (auto* clap = dynamic_cast<hosts::ClapHost*>(plugin.get())) return hosts::open_editor(*clap, parent->window());
    return hosts::open_editor(dynamic_cast<hosts::Vst3Host&>(*plugin), parent->window());
  }
  std::size_t timers() {
    if (auto* clap = dynamic_cast<hosts::ClapHost*>(plugin.get())) return clap->timers();
    return dynamic_cast<hosts::Vst3Host&>(*plugin).application().timers();
  }
  void run(HostedEditor& editor, double seconds) {
    const auto end = std::chrono::steady_clock::now() + std::chrono::duration<double>(seconds);
    while (std::chrono::steady_clock::now() < end) {
      hosts::play(*plugin, in, 256);
      editor.idle();
      std::this_thread::sleep_for(std::chrono::milliseconds(5));
    }
  }
  void resize(HostedEditor& editor, int width, int height) {
    parent->resize(width, height);
    editor.resize(width, height);
    run(editor, 0.05);
  }
  bool is_drawn(int width, int height) const {
    const Layout layout(static_cast<float>(width), static_cast<float>(height));
    const Pixels pixels = seen();
    return pixels.width == width && colours_in(pixels, layout.title) > 8 && colours_in(pixels, layout.items.back()) > 8;
  }
  Pixels seen() const { return parent->pixels(); }

  std::unique_ptr<hosts::HostedPlugin> plugin;
  std::unique_ptr<X11Window> parent;
  std::vector<std::vector<float>> in;
};

/// Runs until `is_so`, at most five seconds; whether it came.
template <typename Run, typename IsSo>
bool comes(const Run& run, const IsSo& is_so) {
  for (int wait = 0; wait < 50 && !is_so(); ++wait) run();
  return is_so();
}

TEST_P(EmbeddedIn, OpensPaintsResizesAndClosesTwentyTimes) {
  for (int round = 0; round < 20; ++round) {
    auto editor = open_in_parent();
    ASSERT_EQ(parent->children().size(), 1U);
    for (const auto& [width, height] : {std::pair{1200, 700}, {800, 500}}) {
      resize(*editor, width, height);
      EXPECT_EQ(editor->size(), std::pair(width, height));
      EXPECT_TRUE(comes([&] { run(*editor, 0.05); }, [&] { return is_drawn(width, height); }))
          << round << ": " << width;
    }
    editor.reset();
    EXPECT_EQ(timers(), 0U);
    EXPECT_EQ(parent->children().size(), 0U);
    EXPECT_GT(hosts::peak(hosts::play(*plugin, in, 64)), 0.F) << "and it plays on";
  }
}

TEST_P(EmbeddedIn, LeavesNoMemoryBehind) {
#if !DIFFVERB_INTERCEPTS
  GTEST_SKIP() << "the sanitizer keeps what was freed, and looks for leaks itself";
#endif
  const auto once = [&] {
    const auto editor = open_in_parent();
    EXPECT_TRUE(comes([&] { run(*editor, 0.05); }, [&] { return is_drawn(960, 600); }));
  };
  for (int i = 0; i < 10; ++i) once();  // what OpenGL keeps is there now
  const std::int64_t before = resident_bytes();
  for (int i = 0; i < 20; ++i) once();
  EXPECT_LT(resident_bytes() - before, 2 << 20) << "bytes after 20 more";
}

TEST_P(EmbeddedIn, IsTurnedByTheKeyboardAndTellsTheHost) {
  const auto editor = open_in_parent();
  resize(*editor, 960, 600);
  const double before = plugin->get("input_gain_db");
  const X11Window window(parent->children().at(0));
  for (const char* key : {"Tab", "Tab", "Tab", "Down"}) {  // presets, load, the first control
    ASSERT_TRUE(window.press(key));
    run(*editor, 0.1);
  }
  EXPECT_TRUE(comes([&] { run(*editor, 0.1); }, [&] { return plugin->get("input_gain_db") < before; }));
  EXPECT_GE(editor->gestures(), 2) << "begun and ended";
}

TEST_P(EmbeddedIn, TellsWhyAFileDoesNotPlayAndThatAnotherOneDoes) {
  const Scratch scratch;
  hosts::write_click(scratch / "eight.wav", 8);
  hosts::write_click(scratch / "empty.wav", 2, 0);
  hosts::write_click(scratch / "stereo.wav", 2);
  plugin->set_text("model", (scratch / "absent.wav").string());
  const auto editor = open_in_parent();
  resize(*editor, 960, 600);
  const Box where = Layout(960, 600).subtitle;
  const auto warnings = [&] { return pixels_of(seen(), where, 240, 180, 84); };
  const auto later = [&] { run(*editor, 0.1); };
  EXPECT_TRUE(comes(later, [&] { return warnings() > 20; }));
  for (const char* name : {"eight.wav", "empty.wav"}) {
    plugin->set_text("model", (scratch / "stereo.wav").string());
    EXPECT_TRUE(comes(later, [&] { return warnings() == 0; })) << name;
    plugin->set_text("model", (scratch / name).string());
    EXPECT_TRUE(comes(later, [&] { return warnings() > 20; })) << name;
  }
}

TEST_P(EmbeddedIn, FollowsTheHostsAutomation) {
  const auto editor = open_in_parent();
  resize(*editor, 960, 600);
  run(*editor, 0.3);
  const Box knob = Layout(960, 600).items[static_cast<std::size_t>(item_of(runtime::Control::kMix))];
  const auto accent = [&] { return pixels_of(seen(), knob, 94, 184, 178); };
  ASSERT_TRUE(comes([&] { run(*editor, 0.1); }, [&] { return accent() > 0; }));
  const int whole = accent();
  plugin->set("mix_percent", 20);
  EXPECT_TRUE(comes([&] { run(*editor, 0.1); }, [&] { return accent() < whole / 2; }));
}

DIFFVERB_IN_FORMATS(EmbeddedIn, hosts::stream_formats());

}  // namespace
}  // namespace diffverb::ui
