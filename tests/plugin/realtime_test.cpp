#include <ctime>
#include <iostream>

#include "runtime/live/preset.h"
#include "tests/counted_allocations.h"
#include "tests/plugin/formats.h"

namespace diffverb::hosts {
namespace {

using RealtimePluginIn = InFormat;

TEST(RealtimePluginAllocation, TheCounterSeesTheAllocator) {
  if (allocations() < 0) GTEST_SKIP() << "no counter under a sanitizer";
  const long long before = allocations();
  void* volatile memory = std::malloc(10);
  std::free(memory);
  EXPECT_EQ(allocations() - before, 2);
}

TEST_P(RealtimePluginIn, AllocatesNothingWhileItPlays) {
  if (allocations() < 0) GTEST_SKIP() << "no counter under a sanitizer";
  const auto plugin = open();
  plugin->activate(48000, 1024);
  const auto in = noise(plugin->inputs(), 1024);
  std::vector<std::vector<float>> out(2, std::vector<float>(1024));
  const float* from[2] = {in.front().data(), in.back().data()};
  float* to[2] = {out[0].data(), out[1].data()};
  long long calls = 0;
  for (int block = 0; block < 300; ++block) {
    plugin->set("mix_percent", block % 100);
    plugin->set("width", block % 8 - 4);
    plugin->set("decay", 0.5 + block % 3);
    const long long before = allocations();
    plugin->process(from, to, 1 + block * 37 % 1024);
    calls += allocations() - before;
  }
  EXPECT_EQ(calls, 0);
}

/// Not a limit but a figure: seconds of CPU for ten seconds of sound through the format's code, of every preset.
TEST_P(RealtimePluginIn, PlaysFasterThanSound) {
  std::vector<std::string> presets = {"built-in"};
  for (const auto& file : runtime::preset_files(DIFFVERB_PLUGIN_DIR "/clap/resources"))
    presets.push_back(file.stem().string());
  for (const std::string& preset : presets) {
    const auto plugin = open();
    plugin->activate(48000, 64);
    plugin->set_text("preset", preset);
    const auto in = noise(plugin->inputs(), 480000);
    play(*plugin, in, 64);
    const std::clock_t before = std::clock();
    play(*plugin, in, 64);
    const double seconds = static_cast<double>(std::clock() - before) / CLOCKS_PER_SEC;
    std::cout << "  " << GetParam().name << ", " << preset << ": " << seconds << " s of CPU for 10 s in blocks of 64\n";
    EXPECT_LT(seconds, 10);
  }
}

DIFFVERB_IN_ALL_FORMATS(RealtimePluginIn);

}  // namespace
}  // namespace diffverb::hosts
