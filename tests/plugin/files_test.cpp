// The files that a plug-in plays: models, presets, and those that it refuses.
#include <cstdlib>

#include "plugin/ascii_path.h"
#include "runtime/live/live_reverb.h"
#include "runtime/live/preset.h"
#include "tests/plugin/formats.h"
#include "tests/plugin/wav_files.h"

namespace diffverb::hosts {
namespace {

using PluginFilesIn = InFormat;
constexpr int kBuiltIn = 0, kModel = 1, kRefused = 2;

/// Sets a text of the state and returns the status that follows.
double status_after(HostedPlugin& plugin, const std::string& key, const std::string& value) {
  plugin.set_text(key, value);
  play(plugin, noise(plugin.inputs(), 1024), 256);
  return plugin.get("status");
}

TEST_P(PluginFilesIn, ThatAreMonoStereoOrTrueStereoPlay) {
  const Scratch scratch;
  for (const int channels : {1, 2, 4}) {
    write_click(scratch / "click.wav", channels);
    const auto plugin = open();
    plugin->activate(48000, 256);
    EXPECT_EQ(status_after(*plugin, "model", (scratch / "click.wav").string()), kModel) << channels;
    EXPECT_GT(peak(play(*plugin, noise(plugin->inputs(), 9600), 256)), 0.01F);
  }
}

TEST_P(PluginFilesIn, ThatHaveTooManyChannelsNoSamplesOrAreNoneAreRefused) {
  const Scratch scratch;
  write_click(scratch / "eight.wav", 8);
  write_click(scratch / "three.wav", 3);
  write_click(scratch / "empty.wav", 2, 0);
  write_text(scratch / "text.safetensors", "not a model");
  const auto plugin = open();
  plugin->activate(48000, 256);
  for (const char* name : {"eight.wav", "three.wav", "empty.wav", "text.safetensors", "absent.wav"}) {
    EXPECT_EQ(status_after(*plugin, "model", (scratch / name).string()), kRefused) << name;
    EXPECT_GT(peak(play(*plugin, noise(plugin->inputs(), 9600), 256)), 0.001F) << name;
  }
  EXPECT_EQ(status_after(*plugin, "model", ""), kBuiltIn);
}

TEST_P(PluginFilesIn, ThatAreGoneAreFoundInTheFolderOfModels) {
  const Scratch scratch;
  std::filesystem::create_directory(scratch / "models");
  write_click(scratch / "models/click.wav", 2);
  setenv("DIFFVERB_MODELS", (scratch / "models").c_str(), 1);
  const auto plugin = open();
  plugin->activate(48000, 256);
  EXPECT_EQ(status_after(*plugin, "model", "/of/another/machine/click.wav"), kModel);
  EXPECT_EQ(status_after(*plugin, "model", "/of/another/machine/other.wav"), kRefused);
  EXPECT_EQ(status_after(*plugin, "model", "D:\\of another system\\click.wav"), kModel);
  EXPECT_EQ(status_after(*plugin, "model", "D:\\of another system\\other.wav"), kRefused);
  unsetenv("DIFFVERB_MODELS");
}

TEST_P(PluginFilesIn, ThatHaveNamesBeyondAsciiPlayAndAreSaved) {
  const Scratch scratch;
  const std::string folder = (scratch / "Räume 100%").string(), file = folder + "/große Halle.wav";
  std::filesystem::create_directory(folder);
  write_click(file, 2);
  for (const std::string& given : {file, plugin::ascii_path(file)}) {  // the second as the interface of a VST3 does
    const auto plugin = open();
    plugin->activate(48000, 256);
    EXPECT_EQ(status_after(*plugin, "model", given), kModel) << given;
    const std::string state = plugin->save();
    const auto other = open();
    other->activate(48000, 256);
    ASSERT_TRUE(other->restore(state));
    play(*other, noise(other->inputs(), 1024), 256);
    EXPECT_EQ(other->get("status"), kModel) << given;
    EXPECT_EQ(state.find("ascii:"), std::string::npos) << state;
  }
}

TEST_P(PluginFilesIn, ThatPresetsNamePlayAsLoudAsOneAnother) {
  const auto presets = runtime::preset_files(DIFFVERB_PLUGIN_DIR "/clap/resources");
  for (const auto& preset : presets) {
    const auto plugin = open();
    plugin->activate(48000, 256);
    EXPECT_EQ(status_after(*plugin, "preset", preset.stem().string()), kModel) << preset;
    const float loudest = peak(play(*plugin, noise(plugin->inputs(), 48000), 256));
    EXPECT_GT(loudest, 0.02F) << preset;
    EXPECT_LT(loudest, 8.F) << preset;
  }
  EXPECT_FALSE(presets.empty());
}

TEST_P(PluginFilesIn, OfUnknownPresetsAreRefused) {
  const auto plugin = open();
  plugin->activate(48000, 256);
  EXPECT_EQ(status_after(*plugin, "preset", "of-a-later-version"), kRefused);
  EXPECT_EQ(status_after(*plugin, "preset", "built-in"), kBuiltIn);
}

TEST_P(PluginFilesIn, ThatAreToBeMatchedAreNotSaved) {
  const auto plugin = open();
  plugin->activate(48000, 256);
  EXPECT_EQ(status_after(*plugin, "response", "/rooms/measured.wav"), kBuiltIn);
  EXPECT_EQ(plugin->save().find("measured.wav"), std::string::npos);
}

TEST_P(PluginFilesIn, ThatWereMeasuredMoveThePointOfAnAutoencoder) {
  const Scratch scratch;
  const std::string model =
      std::string(DIFFVERB_SOURCE_DIR) + "/experiments/autoencoder/weights/autoencoder_3.safetensors";
  write_click(scratch / "click.wav", 2);
  const auto plugin = open();
  plugin->activate(48000, 256);
  const double x = plugin->get("x"), mix = plugin->get("mix_percent");
  EXPECT_EQ(status_after(*plugin, "response", (scratch / "click.wav").string()), kBuiltIn);
  EXPECT_EQ(plugin->get("x"), x) << "the built-in room has no point";
  ASSERT_EQ(status_after(*plugin, "model", model), kModel);
  EXPECT_EQ(status_after(*plugin, "response", (scratch / "absent.wav").string()), kModel);
  EXPECT_EQ(plugin->get("x"), x);
  EXPECT_EQ(status_after(*plugin, "response", (scratch / "click.wav").string()), kModel);
  runtime::LiveReverb reverb;
  ASSERT_EQ(reverb.load(model), "");
  ASSERT_EQ(reverb.match(scratch / "click.wav"), "");
  for (const auto& [name, control] :
       {std::pair{"x", runtime::Control::kX}, {"y", runtime::Control::kY}, {"z", runtime::Control::kZ}}) {
    // Only in CLAP does the plug-in itself move its host's values; elsewhere the interface does, as if by hand.
    const bool moves = std::string(GetParam().name).starts_with("Clap");
    EXPECT_NE(reverb.get(control), x) << name;
    EXPECT_NEAR(plugin->get(name), moves ? reverb.get(control) : x, 1e-5) << name;
  }
  EXPECT_EQ(plugin->get("mix_percent"), mix);
  EXPECT_EQ(plugin->save().find("click.wav"), std::string::npos);
}

TEST_P(PluginFilesIn, ComeBackWithTheState) {
  const Scratch scratch;
  write_click(scratch / "click.wav", 2);
  const auto plugin = open();
  plugin->activate(48000, 256);
  ASSERT_EQ(status_after(*plugin, "model", (scratch / "click.wav").string()), kModel);
  const std::string state = plugin->save();
  const auto other = open();
  other->activate(48000, 256);
  ASSERT_TRUE(other->restore(state));
  const auto in = noise(plugin->inputs(), 48000);
  play(*other, in, 256);
  EXPECT_EQ(other->get("status"), kModel);
  std::filesystem::remove(scratch / "click.wav");
  const auto third = open();
  third->activate(48000, 256);
  ASSERT_TRUE(third->restore(state));
  play(*third, in, 256);
  EXPECT_EQ(third->get("status"), kRefused);
}

DIFFVERB_IN_ALL_FORMATS(PluginFilesIn);

}  // namespace
}  // namespace diffverb::hosts
