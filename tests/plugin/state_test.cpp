// What a session saves, as hosts hand it over: in pieces, cut, damaged, someone else's, of an older version, without memory.
#include "tests/counted_allocations.h"
#include "tests/plugin/formats.h"
#include "tests/plugin/wav_files.h"

namespace diffverb::hosts {
namespace {

using StreamStateIn = InFormat;
using StateIn = InFormat;

/// A plug-in that plays with a control moved.
std::unique_ptr<HostedPlugin> moved(std::unique_ptr<HostedPlugin> plugin) {
  plugin->activate(48000, 64);
  plugin->set("decay", 1.75);
  play(*plugin, noise(plugin->inputs(), 64), 64);
  return plugin;
}

/// The plug-in is where moved() left it, and plays.
void expect_unmoved(HostedPlugin& plugin) {
  EXPECT_FLOAT_EQ(static_cast<float>(plugin.get("decay")), 1.75F);
  EXPECT_GT(peak(play(plugin, noise(plugin.inputs(), 4800), 64)), 0.001F);
}

TEST_P(StreamStateIn, IsTheSameInPiecesOfAnySize) {
  const auto plugin = moved(open());
  const std::string whole = plugin->save_in_parts(1 << 20);
  for (const std::size_t part : {1U, 2U, 100U, 511U, 512U, 4097U}) {
    EXPECT_EQ(plugin->save_in_parts(part), whole) << part;
    const auto other = open();
    ASSERT_TRUE(other->restore_in_parts(whole, part)) << part;
    EXPECT_EQ(other->save(), whole) << part;
  }
}

TEST_P(StreamStateIn, ThatIsEmptyCutOrSomeoneElsesIsRefused) {
  const auto plugin = moved(open());
  const std::string ours = plugin->save();
  EXPECT_FALSE(plugin->restore(""));
  EXPECT_FALSE(plugin->restore(std::string(1, '\0')));
  std::mt19937 random(1);
  for (int round = 0; round < 50; ++round) {
    std::string foreign(random() % 2000, '\0');
    for (char& c : foreign) c = static_cast<char>(random());
    EXPECT_FALSE(plugin->restore_in_parts(foreign, 64));
    EXPECT_FALSE(plugin->restore_in_parts(ours.substr(0, random() % (ours.size() - 2)), 64));
  }
  EXPECT_FALSE(plugin->restore_in_parts(std::string(3 << 20, 'x'), 1 << 20)) << "longer than any of ours";
  expect_unmoved(*plugin);
}

TEST_P(StreamStateIn, DamagedInTheMiddleLeavesThePluginPlaying) {
  const auto plugin = moved(open());
  const std::string ours = plugin->save();
  std::mt19937 random(1);
  for (int round = 0; round < 20; ++round) {
    std::string damaged = ours;
    for (int k = 0; k < 3; ++k) damaged[random() % damaged.size()] = static_cast<char>(random());
    (void)plugin->restore_in_parts(damaged, 64);
    EXPECT_LT(peak(play(*plugin, noise(plugin->inputs(), 640), 64)), 1000.F);
  }
}

/// Calls `action` with its first allocation failing, then with its second, until none fails; `check` after each.
template <typename Action, typename Check>
void with_each_allocation_failing(const Action& action, const Check& check) {
  long long allowed = 0;
  for (bool has_failed = true; has_failed; ++allowed) {
    {
      const FailingAllocation failing(allowed);
      action();
      has_failed = FailingAllocation::has_failed();
    }
    check();
    if (testing::Test::HasFailure()) FAIL() << "after " << allowed << " allocations";
  }
  EXPECT_GT(allowed, 10);
}

TEST_P(StreamStateIn, IsTakenLaterWhereThereIsNoMemoryForIt) {
  if (allocations() < 0) GTEST_SKIP() << "no counter under a sanitizer";
  const Scratch scratch;
  write_click(scratch / "click.wav", 1);
  const auto plugin = open();
  plugin->activate(48000, 64);
  const std::string empty = plugin->save();
  plugin->set_text("model", (scratch / "click.wav").string());
  const std::string state = plugin->save();
  const auto in = noise(plugin->inputs(), 64);
  const auto restores = [&](const std::string& saved, int status) {
    EXPECT_TRUE(plugin->restore_in_parts(saved, 1 << 20));
    EXPECT_LT(peak(play(*plugin, in, 64)), 10.F);
    EXPECT_EQ(plugin->get("status"), status);
  };
  restores(empty, 0);
  with_each_allocation_failing([&] { (void)plugin->restore_in_parts(state, 1 << 20); },
                               [&] {
                                 restores(state, 1);
                                 restores(empty, 0);
                               });
}

/// What the plug-in of version 0.1 saved, in `golden`: later ones take it. Lines stand for the zeros between texts.
TEST_P(StateIn, OfVersion01ComesBack) {
  const std::string golden = DIFFVERB_SOURCE_DIR "/tests/plugin/golden/state_0.1.";
  std::string saved = read_text(golden + (is_lv2() ? "ttl" : "txt"));
  if (!is_lv2()) {
    std::replace(saved.begin(), saved.end(), '\n', '\0');
    saved += '\xfe';
  } else if (const std::string mono = "reverb-mono"; std::string(GetParam().name) == "Lv2Mono") {
    for (std::size_t at = 0; (at = saved.find("diffverb:reverb", at)) != std::string::npos; at += 20)
      saved.replace(at + 9, 6, mono);
  }
  const auto plugin = open();
  plugin->activate(48000, 64);
  ASSERT_TRUE(plugin->restore(saved));
  play(*plugin, noise(plugin->inputs(), 640), 64);
  EXPECT_EQ(plugin->get("status"), 1) << "the preset's model";
  EXPECT_FLOAT_EQ(static_cast<float>(plugin->get("decay")), 1.75F);
  EXPECT_FLOAT_EQ(static_cast<float>(plugin->get("mix_percent")), 42.F);
  EXPECT_FLOAT_EQ(static_cast<float>(plugin->get("x")), 2.5F);
}

/// An older version knew fewer controls and texts, a later one others: here under names that nobody knows.
TEST_P(StateIn, OfAnotherVersionLeavesWhatItDoesNotNameAlone) {
  const auto plugin = moved(open());
  plugin->set("mix_percent", 42);
  play(*plugin, noise(plugin->inputs(), 64), 64);
  std::string saved = plugin->save();
  for (const auto& [name, other] : {std::pair{"mix_percent", "mix_percemt"}, {"preset", "presot"}}) {
    ASSERT_NE(saved.find(name), std::string::npos);
    for (std::size_t at = 0; (at = saved.find(name, at)) != std::string::npos;)
      saved.replace(at, std::string(name).size(), other);
  }
  const auto other = open();
  other->activate(48000, 64);
  const double initial = other->get("mix_percent");
  ASSERT_TRUE(other->restore(saved));
  play(*other, noise(plugin->inputs(), 64), 64);
  EXPECT_EQ(other->get("mix_percent"), initial);
  EXPECT_EQ(other->get("status"), 0);
  expect_unmoved(*other);
}

DIFFVERB_IN_FORMATS(StreamStateIn, stream_formats());
DIFFVERB_IN_ALL_FORMATS(StateIn);

}  // namespace
}  // namespace diffverb::hosts
