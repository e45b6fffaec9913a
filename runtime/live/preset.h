#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/live/controls.h"
#include "runtime/live/live_reverb.h"

namespace diffverb::runtime {

/// All that a reverb was set to, and its file: a preset, or the state that a host keeps. As text it is JSON:
///
///     {"format": "diffverb-preset", "version": 1, "name": "Hall", "model": "rooms/hall.safetensors",
///      "controls": {"mix_percent": 30, "decay": 1.2}}
///
/// "model" is relative to the folder of the preset where it can be; without it the built-in room plays. Controls that are not
/// named are where they begin.
struct Preset {
  std::string name;
  std::filesystem::path model;  ///< empty: the built-in room
  ControlValues values = initial_values();
};

/// A preset, or the reason why there is none.
struct PresetResult {
  Preset preset;
  std::string error;  ///< one line; empty where there is a preset
};

/// Reads a preset strictly: refused are another format, a newer version, what is unknown or there twice, a value that is
/// none or out of its control's range. `folder` is what a relative path is relative to. Nothing is thrown.
PresetResult read_preset(std::string_view text, const std::filesystem::path& folder);
/// The same for a file, of at most 1 MiB, relative to its own folder.
PresetResult load_preset(const std::filesystem::path& path);

/// The files of a folder that may be presets (.json), by name; none where there is no such folder.
std::vector<std::filesystem::path> preset_files(const std::filesystem::path& folder);

/// The text of a preset; with a folder, the model's path relative to it.
std::string preset_text(const Preset& preset, const std::filesystem::path& folder = {});
/// The text to a file, atomically, relative to its folder. Returns an empty string or one line that says what hindered.
[[nodiscard]] std::string write_preset(const std::filesystem::path& path, const Preset& preset);

/// What a reverb is set to.
Preset preset_of(const LiveReverb& reverb, std::string name = {});
/// Sets the controls and loads the file. Returns an empty string, or why the file is not played: then the one before is,
/// at the preset's controls.
[[nodiscard]] std::string apply(const Preset& preset, LiveReverb& reverb);

}  // namespace diffverb::runtime
