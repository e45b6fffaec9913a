// State, files and what a simple host lacks, in an LV2 host of our own over lilv.
#include "runtime/live/preset.h"
#include "tests/plugin/formats.h"
#include "tests/plugin/lv2_host.h"
#include "tests/plugin/wav_files.h"
#include "tests/scratch.h"

namespace diffverb::hosts {
namespace {

const std::filesystem::path kBundle = DIFFVERB_PLUGIN_DIR "/diffverb-reverb.lv2";

TEST(Lv2Host, WithoutAWorkerOrOptionsPlaysTheBuiltInRoom) {
  Lv2Host host(kBundle, {.worker = false, .options = false});
  host.activate(48000, 256);
  EXPECT_GT(peak(play(host, noise(2, 9600), 256)), 0.001F);
  host.set_text("model", "/nowhere/room.safetensors");  // nobody to load it
  EXPECT_GT(peak(play(host, noise(2, 9600), 256)), 0.001F);
  EXPECT_EQ(host.get("status"), 0);
}

TEST(Lv2Host, LoadsAFileByPatchSetOnItsWorker) {
  const Scratch scratch;
  write_click(scratch / "click.wav", 1);
  Lv2Host host(kBundle);
  host.activate(48000, 256);
  host.set_text("model", (scratch / "click.wav").string());
  EXPECT_EQ(host.work_done(), 0);
  play(host, noise(2, 256), 256);
  EXPECT_EQ(host.work_done(), 1);
  play(host, noise(2, 256), 256);
  EXPECT_EQ(host.get("status"), 1);
}

TEST(Lv2Presets, SetTheControlsAndTheModelOfTheirFiles) {
  Lv2Host host(kBundle);
  host.activate(48000, 256);
  const std::vector<std::string> names = host.presets();
  std::size_t files = 0;
  for (const auto& entry : std::filesystem::directory_iterator(kBundle / "resources")) {
    if (entry.path().extension() != ".json") continue;
    ++files;
    const runtime::PresetResult file = runtime::load_preset(entry.path());
    ASSERT_EQ(file.error, "");
    ASSERT_EQ(std::count(names.begin(), names.end(), file.preset.name), 1) << file.preset.name;
    host.use_preset(file.preset.name);
    play(host, noise(2, 512), 256);
    EXPECT_EQ(host.get("status"), 1) << file.preset.name;
    for (std::size_t i = 0; i < runtime::controls().size(); ++i)
      EXPECT_FLOAT_EQ(static_cast<float>(host.get(static_cast<int>(i))), static_cast<float>(file.preset.values[i]));
  }
  EXPECT_GE(files, 1U);
  EXPECT_EQ(names.size(), files + 1) << "and the built-in room";
}

TEST(Lv2State, OfASessionThatWasMovedFindsItsModel) {
  const Scratch scratch;
  write_click(scratch / "click.wav", 1);
  Lv2Host host(kBundle);
  host.activate(48000, 256);
  host.set("decay", 1.5);
  host.set_text("model", (scratch / "click.wav").string());
  play(host, noise(2, 512), 256);
  std::filesystem::create_directory(scratch / "session");
  host.save_to(scratch / "session");
  const std::string text = read_text(scratch / "session/state.ttl");
  EXPECT_NE(text.find("click.wav"), std::string::npos);
  EXPECT_EQ(text.find(scratch.path().string()), std::string::npos) << "no absolute path: " << text;

  // Packed as sessions are: links followed; and the original gone.
  std::filesystem::copy(scratch / "session", scratch / "moved", std::filesystem::copy_options::recursive);
  std::filesystem::remove_all(scratch / "session");
  std::filesystem::remove(scratch / "click.wav");
  Lv2Host other(kBundle);
  other.activate(48000, 256);
  other.restore_from(scratch / "moved");
  play(other, noise(2, 512), 256);
  EXPECT_EQ(other.get("decay"), 1.5);
  EXPECT_EQ(other.get("status"), 1);
}

TEST(Lv2State, WithoutAModelTakesTheOneThatPlaysAway) {
  const Scratch scratch;
  write_click(scratch / "click.wav", 1);
  Lv2Host host(kBundle);
  host.activate(48000, 256);
  play(host, noise(2, 256), 256);
  const std::string empty = host.save();
  host.set_text("model", (scratch / "click.wav").string());
  play(host, noise(2, 512), 256);
  EXPECT_EQ(host.get("status"), 1);
  host.restore(empty);
  play(host, noise(2, 512), 256);
  EXPECT_EQ(host.get("status"), 0);
}

}  // namespace
}  // namespace diffverb::hosts
