// State, files and what a simple host lacks, in an LV2 host of our own over lilv.
#include <random>

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
  const auto files = runtime::preset_files(kBundle / "resources");
  for (const auto& path : files) {
    const runtime::PresetResult file = runtime::load_preset(path);
    ASSERT_EQ(file.error, "");
    ASSERT_EQ(std::count(names.begin(), names.end(), file.preset.name), 1) << file.preset.name;
    host.use_preset(file.preset.name);
    play(host, noise(2, 512), 256);
    EXPECT_EQ(host.get("status"), 1) << file.preset.name;
    for (std::size_t i = 0; i < runtime::controls().size(); ++i)
      EXPECT_FLOAT_EQ(static_cast<float>(host.get(static_cast<int>(i))), static_cast<float>(file.preset.values[i]));
  }
  EXPECT_FALSE(files.empty());
  EXPECT_EQ(names.size(), files.size() + 1) << "and the built-in room";
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

/// A state in memory, of a host whose state:mapPath has no path for any.
class UnmappedState {
 public:
  explicit UnmappedState(const Lv2Host& host)
      : handle_(lilv_instance_get_handle(host.instance())),
        state_(static_cast<const LV2_State_Interface*>(
            lilv_instance_get_extension_data(host.instance(), LV2_STATE__interface))) {}

  struct Property {
    std::string value;
    uint32_t type, flags;
  };
  using Properties = std::map<LV2_URID, Property>;

  Properties save() const {
    Properties kept;
    const auto store = [](void* to, uint32_t key, const void* value, size_t size, uint32_t type, uint32_t flags) {
      (*static_cast<Properties*>(to))[key] = {std::string(static_cast<const char*>(value), size), type, flags};
      return LV2_STATE_SUCCESS;
    };
    EXPECT_EQ(state_->save(handle_, store, &kept, 0, kFeatures), LV2_STATE_SUCCESS);
    return kept;
  }
  void restore(Properties kept) const {
    const auto retrieve = [](void* from, uint32_t key, size_t* size, uint32_t* type, uint32_t* flags) -> const void* {
      const auto& all = *static_cast<const Properties*>(from);
      const auto found = all.find(key);
      if (found == all.end()) return nullptr;
      *size = found->second.value.size(), *type = found->second.type, *flags = found->second.flags;
      return found->second.value.data();
    };
    EXPECT_EQ(state_->restore(handle_, retrieve, &kept, 0, kFeatures), LV2_STATE_SUCCESS);
  }

 private:
  static inline LV2_State_Map_Path map_ = {nullptr, [](void*, const char*) -> char* { return nullptr; },
                                           [](void*, const char*) -> char* { return nullptr; }};
  static inline const LV2_Feature kMap = {LV2_STATE__mapPath, &map_};
  static inline const LV2_Feature* const kFeatures[] = {&kMap, nullptr};
  LV2_Handle handle_;
  const LV2_State_Interface* state_;
};

TEST(Lv2State, KeepsPathsAsTheyStandWhereTheHostMapsNone) {
  const Scratch scratch;
  write_click(scratch / "click.wav", 1);
  Lv2Host host(kBundle), other(kBundle);
  for (Lv2Host* each : {&host, &other}) each->activate(48000, 256);
  host.set_text("model", (scratch / "click.wav").string());
  play(host, noise(2, 512), 256);
  const auto kept = UnmappedState(host).save();
  EXPECT_EQ(kept.at(Urids::all().of("urn:diffverb:reverb#model")).value, (scratch / "click.wav").string() + '\0');
  UnmappedState(other).restore(kept);
  play(other, noise(2, 512), 256);
  EXPECT_EQ(other.get("status"), 1);
}

TEST(Lv2State, OfSomeoneElseOrDamagedLeavesThePluginPlaying) {
  Lv2Host host(kBundle);
  host.activate(48000, 256);
  const UnmappedState state(host);
  Urids& urids = Urids::all();
  std::mt19937 random(1);
  for (int round = 0; round < 30; ++round) {
    UnmappedState::Properties kept;
    for (const char* key : {"model", "preset", "response", "of_nobody"}) {
      std::string value(random() % 50, '\0');  // without a zero at its end, or with several within
      for (char& c : value) c = static_cast<char>(random() % 4 == 0 ? 0 : random());
      const char* types[] = {LV2_ATOM__Path, LV2_ATOM__String, LV2_ATOM__Float, LV2_ATOM__Chunk};
      kept[urids.of((std::string("urn:diffverb:reverb#") + key).c_str())] = {value, urids.of(types[random() % 4]), 0};
    }
    state.restore(kept);
    EXPECT_LT(peak(play(host, noise(2, 512), 256)), 10.F) << round;
  }
  state.restore({});
  EXPECT_GT(peak(play(host, noise(2, 9600), 256)), 0.001F);
  EXPECT_EQ(host.get("status"), 0) << "nothing saved is nothing asked for";
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
