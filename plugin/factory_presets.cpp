#include "plugin/factory_presets.h"

#include <DistrhoPluginUtils.hpp>
#include <cstdlib>
#include <exception>

#include "runtime/live/path_text.h"

namespace diffverb::plugin {
namespace {

namespace fs = std::filesystem;

/// Where the binary of a format finds its files: beside it (LV2, CLAP), as VST3 lays a bundle out, or with the stereo plug-in
/// that the mono one was installed with.
fs::path resources_folder() {
  const fs::path here = runtime::path_of(DISTRHO_NAMESPACE::getBinaryFilename()).parent_path();
  const fs::path places[] = {
      here / "resources", here.parent_path() / "Resources", here.parent_path() / "diffverb-reverb.lv2" / "resources",
      here.parent_path().parent_path().parent_path() / "diffverb-reverb.vst3/Contents/Resources"};
  std::error_code ignored;
  for (const fs::path& place : places) {
    if (fs::is_directory(place, ignored)) return place;
  }
  return {};
}

void read_resources(std::vector<FactoryPreset>& presets) {
  for (const fs::path& file : runtime::preset_files(resources_folder())) {
    runtime::PresetResult read = runtime::load_preset(file);
    if (read.error.empty()) presets.push_back({runtime::path_text(file.stem()), std::move(read.preset)});
  }
}

std::vector<FactoryPreset> read_all() {
  std::vector<FactoryPreset> presets(1);
  presets[0].id = "built-in";
  presets[0].preset.name = "Plain room";
  try {
    read_resources(presets);
  } catch (const std::exception&) {  // a folder whose name is no text: what was read until then
  }
  return presets;
}

}  // namespace

const std::vector<FactoryPreset>& factory_presets() {
  static const std::vector<FactoryPreset> presets = read_all();
  return presets;
}

const FactoryPreset* find_preset(const std::string& id) {
  for (const FactoryPreset& preset : factory_presets()) {
    if (preset.id == id) return &preset;
  }
  return nullptr;
}

fs::path models_folder() {
  const auto folder = [](const char* variable, const char* below) -> fs::path {
    const char* value = std::getenv(variable);
    return value != nullptr && *value != '\0' ? fs::path(value) / below : fs::path();
  };
  if (fs::path given = folder("DIFFVERB_MODELS", ""); !given.empty()) return given;
#if defined(_WIN32)
  return folder("APPDATA", "diffverb/models");
#elif defined(__APPLE__)
  return folder("HOME", "Library/Application Support/diffverb/models");
#else
  if (fs::path data = folder("XDG_DATA_HOME", "diffverb/models"); !data.empty()) return data;
  return folder("HOME", ".local/share/diffverb/models");
#endif
}

fs::path find_model(const std::string& path) {
  const fs::path wanted = runtime::path_of(path);
  std::error_code ignored;
  if (fs::exists(wanted, ignored)) return wanted;
  const fs::path folder = models_folder();
  if (folder.empty()) return wanted;
  // A session of another system may separate folders in another way.
  const fs::path other = folder / runtime::path_of(path.substr(path.find_last_of("/\\") + 1));
  return fs::exists(other, ignored) ? other : wanted;
}

}  // namespace diffverb::plugin
