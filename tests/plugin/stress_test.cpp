// What hosts do to a plug-in in a long night: many instances, many rates, automation of everything, threads.
#include <atomic>
#include <cmath>
#include <thread>

#include "runtime/live/controls.h"
#include "tests/counted_allocations.h"
#include "tests/plugin/formats.h"
#include "tests/resident_bytes.h"

namespace diffverb::hosts {
namespace {

using PluginIn = InFormat;

TEST_P(PluginIn, HasTheControlsOfTheTableThenItsMeters) {
  const auto plugin = open();
  plugin->activate(48000, 512);
  const auto& parameters = plugin->parameters();
  const auto controls = runtime::controls();
  ASSERT_EQ(parameters.size(), controls.size() + 5);
  for (std::size_t i = 0; i < controls.size(); ++i) {
    EXPECT_EQ(parameters[i].symbol, controls[i].id);
    EXPECT_FLOAT_EQ(static_cast<float>(parameters[i].lowest), static_cast<float>(controls[i].lowest));
    EXPECT_FLOAT_EQ(static_cast<float>(parameters[i].highest), static_cast<float>(controls[i].highest));
    EXPECT_NEAR(parameters[i].initial, controls[i].initial, 1e-5) << "VST3 has it as a part of the range";
    EXPECT_FALSE(parameters[i].output);
  }
  const char* meters[] = {"in_peak", "out_peak_left", "out_peak_right", "status", "cleared"};
  for (std::size_t i = 0; i < 5; ++i) {
    EXPECT_EQ(parameters[controls.size() + i].symbol, meters[i]);
    EXPECT_TRUE(parameters[controls.size() + i].output);
  }
}

TEST_P(PluginIn, PlaysItsBuiltInRoomAndShowsItsLevels) {
  const auto plugin = open();
  plugin->activate(48000, 512);
  const auto in = noise(plugin->inputs(), 48000);
  const auto out = play(*plugin, in, 512);
  EXPECT_GT(peak(out), 0.01F);
  EXPECT_LT(peak(out), 10.F);
  EXPECT_EQ(plugin->get("status"), 0);
  EXPECT_NEAR(plugin->get("in_peak"), 20 * std::log10(0.5), 0.5);
  EXPECT_GT(plugin->get("out_peak_left"), -40);
  EXPECT_GT(plugin->get("out_peak_right"), -40);
}

TEST_P(PluginIn, GivesTheSameWhateverTheBlock) {
  const auto play_in = [](int block) {
    const auto plugin = open();
    plugin->activate(44100, 8192);
    return play(*plugin, noise(plugin->inputs(), 20000), block);
  };
  const auto once = play_in(8192);
  for (const int block : {1, 17, 64, 1000}) {
    const auto again = play_in(block);
    for (std::size_t c = 0; c < 2; ++c) {
      float worst = 0;
      for (std::size_t i = 0; i < once[c].size(); ++i) worst = std::max(worst, std::abs(once[c][i] - again[c][i]));
      EXPECT_LT(worst, 1e-5F) << block;
    }
  }
}

TEST_P(PluginIn, ClearsWhatIsNotANumberAndCountsIt) {
  const auto plugin = open();
  plugin->activate(48000, 256);
  auto in = noise(plugin->inputs(), 4096);
  for (auto& channel : in) {
    channel[100] = NAN;
    channel[200] = INFINITY;
    channel[300] = -1e30F;
  }
  EXPECT_TRUE(std::isfinite(peak(play(*plugin, in, 256))));
  EXPECT_EQ(plugin->get("cleared"), 3 * plugin->inputs());
  const auto after = play(*plugin, noise(plugin->inputs(), 4096), 256);
  EXPECT_LT(peak(after), 10.F);
  EXPECT_GT(peak(after), 0.001F);
}

TEST_P(PluginIn, TakesValuesOutOfRangeAsTheNearestInRange) {
  const auto plugin = open();
  plugin->activate(48000, 64);
  for (const double wild : {1e9, -1e9, static_cast<double>(INFINITY), -static_cast<double>(INFINITY)}) {
    for (std::size_t i = 0; i < runtime::controls().size(); ++i) plugin->set(static_cast<int>(i), wild);
    EXPECT_LT(peak(play(*plugin, noise(plugin->inputs(), 2048), 64)), 1000.F) << wild;
  }
}

TEST_P(PluginIn, OutlivesAStormOfAutomation) {
  const auto plugin = open();
  plugin->activate(48000, 64);
  std::mt19937 random(7);
  const auto in = noise(plugin->inputs(), 64);
  for (int block = 0; block < 1500; ++block) {
    for (std::size_t i = 0; i < runtime::controls().size(); ++i) {
      const auto& range = plugin->parameters()[i];
      plugin->set(static_cast<int>(i), std::uniform_real_distribution<double>(range.lowest, range.highest)(random));
    }
    ASSERT_LT(peak(play(*plugin, in, 64)), 1000.F) << block;
  }
}

TEST_P(PluginIn, PlaysAtEveryRateAndKeepsItsSettings) {
  const auto plugin = open();
  plugin->activate(48000, 64);
  plugin->set("mix_percent", 42);
  play(*plugin, noise(plugin->inputs(), 64), 64);
  for (const double rate_hz : {8000., 11025., 44100., 96000., 192000., 384000.}) {
    plugin->deactivate();
    plugin->activate(rate_hz, 333);
    const auto out = play(*plugin, noise(plugin->inputs(), 10000), 333);
    EXPECT_GT(peak(out), 0.001F) << rate_hz;
    EXPECT_LT(peak(out), 10.F) << rate_hz;
    EXPECT_EQ(plugin->get("mix_percent"), 42) << rate_hz;
  }
}

TEST_P(PluginIn, ComesBackFromItsSavedState) {
  std::mt19937 random(3);
  const auto plugin = open();
  plugin->activate(48000, 64);
  std::vector<double> values;
  for (std::size_t i = 0; i < runtime::controls().size(); ++i) {
    const auto& range = plugin->parameters()[i];
    const bool is_switch = runtime::controls()[i].taper == runtime::Taper::kSwitch;
    const double value =
        is_switch ? range.highest : std::uniform_real_distribution<double>(range.lowest, range.highest)(random);
    values.push_back(value);
    plugin->set(static_cast<int>(i), value);
  }
  play(*plugin, noise(plugin->inputs(), 64), 64);
  const std::string state = plugin->save();
  const auto other = open();
  other->activate(48000, 64);
  ASSERT_TRUE(other->restore(state));
  play(*other, noise(plugin->inputs(), 64), 64);
  for (std::size_t i = 0; i < values.size(); ++i)
    EXPECT_NEAR(other->get(static_cast<int>(i)), values[i], 1e-5 * std::abs(values[i]))
        << plugin->parameters()[i].symbol;
  EXPECT_EQ(other->save(), state);
}

TEST_P(PluginIn, SaysThatItsFileIsGoneAndPlaysOn) {
  const auto plugin = open();
  plugin->activate(48000, 256);
  plugin->set_text("model", "/nowhere/room.safetensors");
  play(*plugin, noise(plugin->inputs(), 1024), 256);
  EXPECT_EQ(plugin->get("status"), 2);
  EXPECT_GT(peak(play(*plugin, noise(plugin->inputs(), 8192), 256)), 0.001F);
  EXPECT_NE(plugin->save().find("/nowhere/room.safetensors"), std::string::npos)
      << "it is still what the session wants";
  plugin->set_text("model", "");
  play(*plugin, noise(plugin->inputs(), 1024), 256);
  EXPECT_EQ(plugin->get("status"), 0);
}

TEST_P(PluginIn, PlaysTwoHundredAtOnce) {
  std::vector<std::unique_ptr<HostedPlugin>> all;
  for (int i = 0; i < 200; ++i) {
    all.push_back(open());
    all.back()->activate(48000, 64);
  }
  for (int round = 0; round < 3; ++round) {
    for (const auto& plugin : all) ASSERT_LT(peak(play(*plugin, noise(plugin->inputs(), 64), 64)), 10.F);
  }
}

TEST_P(PluginIn, IsOpenedAndClosedAThousandTimesWithoutALeak) {
  const auto once = [] {
    const auto plugin = open();
    plugin->activate(48000, 64);
    play(*plugin, noise(plugin->inputs(), 64), 64);
    plugin->deactivate();
  };
  for (int i = 0; i < 100; ++i) once();  // the library too comes and goes
  const auto kept = open();  // now it stays, and so does the thread that makes voices, whose end takes its time
  kept->activate(48000, 64);
  [[maybe_unused]] const std::int64_t before = resident_bytes();
  for (int i = 0; i < 900; ++i) once();
#if DIFFVERB_INTERCEPTS  // a sanitizer keeps what was freed, and looks for leaks itself
  EXPECT_LT(resident_bytes() - before, 4 << 20) << "bytes after 900 more";
#endif
}

TEST_P(PluginIn, PlaysInTwoThreadsWhileAThirdTurnsItsState) {
  const auto first = open(), second = open();
  std::atomic<bool> over{false};
  const auto play_on = [&over](HostedPlugin& plugin) {
    plugin.activate(48000, 128);
    const auto in = noise(plugin.inputs(), 128);
    for (int k = 0; k < 400; ++k) EXPECT_LT(peak(play(plugin, in, 128)), 100.F);
    over = true;
  };
  std::thread one([&] { play_on(*first); }), two([&] { play_on(*second); });
  const auto third = open();
  third->activate(44100, 64);
  while (!over) {
    EXPECT_TRUE(third->restore(third->save()));
    play(*third, noise(third->inputs(), 640), 64);
  }
  one.join();
  two.join();
}

DIFFVERB_IN_ALL_FORMATS(PluginIn);

}  // namespace
}  // namespace diffverb::hosts
