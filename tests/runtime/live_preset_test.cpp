#include "live.h"
#include "runtime/live/preset.h"
#include "tests/scratch.h"

namespace diffverb::runtime {
namespace {

namespace fs = std::filesystem;

TEST(LivePreset, ComesBackAsItWas) {
  Preset preset;
  preset.name = "Hall \"1\" \xC3\xA4";
  preset.model = "/music/rooms/hall.safetensors";
  for (std::size_t i = 0; i < preset.values.size(); ++i)
    preset.values[i] = from_normal(static_cast<Control>(i), 0.1 + 0.04 * static_cast<double>(i));
  const std::string text = preset_text(preset, "/music/presets");
  EXPECT_NE(text.find("\"../rooms/hall.safetensors\""), std::string::npos) << text;
  const PresetResult read = read_preset(text, "/music/presets");
  EXPECT_EQ(read.error, "");
  EXPECT_EQ(read.preset.name, preset.name);
  EXPECT_EQ(read.preset.model, preset.model);
  EXPECT_EQ(read.preset.values, preset.values);
  // Moved together with its model.
  EXPECT_EQ(read_preset(text, "/elsewhere/presets").preset.model, "/elsewhere/rooms/hall.safetensors");
}

TEST(LivePreset, MayNameOnlyWhatDiffers) {
  const PresetResult read =
      read_preset(R"({"format": "diffverb-preset", "version": 1, "controls": {"mix_percent": 25}})", "");
  EXPECT_EQ(read.error, "");
  EXPECT_TRUE(read.preset.model.empty());
  ControlValues expected = initial_values();
  expected[static_cast<std::size_t>(Control::kMix)] = 25;
  EXPECT_EQ(read.preset.values, expected);
}

TEST(LivePreset, IsRefusedInOneLineThatSaysWhy) {
  const auto error_of = [](const std::string& rest) {
    return read_preset("{\"format\": \"diffverb-preset\", \"version\": 1" + rest + "}", "").error;
  };
  EXPECT_EQ(error_of(""), "");
  EXPECT_EQ(error_of(R"(, "controls": {"mix": 3}})").empty(), false);
  EXPECT_EQ(error_of(R"(, "controls": {"mix": 3})"), "the control 'mix' is unknown");
  EXPECT_EQ(error_of(R"(, "controls": {"decay": 5})"), "the control 'decay' is '5', expected 0.1 to 4.0");
  EXPECT_EQ(error_of(R"(, "controls": {"decay": "1"})"), "the control 'decay' is '\"1\"', expected 0.1 to 4.0");
  EXPECT_EQ(error_of(R"(, "controls": [])"), "'controls' is not an object");
  EXPECT_EQ(error_of(R"(, "name": 3)"), "'name' is not a text");
  EXPECT_EQ(error_of(R"(, "colour": 3)"), "'colour' is unknown");
  EXPECT_EQ(error_of(R"(, "name": "a", "name": "b")"), "'name' is there twice");
  EXPECT_EQ(error_of(R"(, "controls": {"x": 1, "x": 2})"), "'x' is there twice");
  EXPECT_EQ(read_preset("[]", "").error, "not the JSON text of an object");
  EXPECT_EQ(read_preset("{\"format\": \"x\"}", "").error, "not a preset: 'format' is not 'diffverb-preset'");
  EXPECT_NE(read_preset(R"({"format": "diffverb-preset", "version": 2})", "").error.find("newer"), std::string::npos);
  EXPECT_NE(read_preset(R"({"format": "diffverb-preset", "version": 1.5})", "").error.find("whole"), std::string::npos);
  const std::string whole = preset_text({});
  for (std::size_t length = 0; length + 2 < whole.size(); ++length)
    EXPECT_NE(read_preset(whole.substr(0, length), "").error, "") << length;
}

TEST(LivePreset, OfManyLevelsIsRefused) {
  const auto error_of = [](std::size_t levels) {
    const std::string lists = std::string(levels, '[') + std::string(levels, ']');
    return read_preset(R"({"format": "diffverb-preset", "version": 1, "controls": {"decay": )" + lists + "}}", "")
        .error;
  };
  EXPECT_EQ(error_of(6), "the control 'decay' is '[[[[[[]]]]]]', expected 0.1 to 4.0");
  for (const std::size_t levels : {7, 400000}) EXPECT_EQ(error_of(levels), "more than 8 levels of lists and objects");
}

TEST(LivePreset, SetsAReverbAndIsReadFromIt) {
  const Scratch scratch;
  const fs::path& folder = scratch.path();
  fs::create_directories(folder / "rooms");
  ASSERT_EQ(write_weights(folder / "rooms/a.safetensors", testing::random_network({}, 1)), "");
  Preset preset;
  preset.model = folder / "rooms/a.safetensors";
  preset.values[static_cast<std::size_t>(Control::kMix)] = 40;
  ASSERT_EQ(write_preset(folder / "a.json", preset), "");
  const PresetResult read = load_preset(folder / "a.json");
  ASSERT_EQ(read.error, "");
  LiveReverb reverb;
  EXPECT_EQ(apply(read.preset, reverb), "");
  EXPECT_EQ(reverb.playing().kind, "delay network");
  EXPECT_EQ(reverb.get(Control::kMix), 40);
  const Preset back = preset_of(reverb);
  EXPECT_EQ(back.model, preset.model);
  EXPECT_EQ(back.values, preset.values);
  fs::remove_all(folder);  // now the one before plays on, at the preset's controls
  LiveReverb other;
  EXPECT_NE(apply(read.preset, other).find("no such file"), std::string::npos);
  EXPECT_TRUE(other.playing().is_built_in);
  EXPECT_EQ(other.get(Control::kMix), 40);
  EXPECT_EQ(load_preset(folder / "a.json").error, "no such file");
}

}  // namespace
}  // namespace diffverb::runtime
