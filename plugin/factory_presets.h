#pragma once

#include <string>
#include <vector>

#include "runtime/live/preset.h"

namespace diffverb::plugin {

/// A preset that came with the plug-in: a file of its resources folder.
struct FactoryPreset {
  std::string id;  ///< the file's name without .json, which sessions keep; it never changes. "built-in": without a file
  runtime::Preset preset;
};

/// All of them: the built-in room, then what lies in the resources folder, by file name. Read once in a process; a file that
/// is damaged is left out.
const std::vector<FactoryPreset>& factory_presets();
/// The one of that id, or null.
const FactoryPreset* find_preset(const std::string& id);

/// Where a session's model is now: the path itself; where there is no such file any more, one of the same name in the user's
/// folder of models. Where there is none either, the path itself again.
std::filesystem::path find_model(const std::string& path);
/// The user's folder of models: DIFFVERB_MODELS, or "diffverb/models" where the system keeps data of applications.
std::filesystem::path models_folder();

}  // namespace diffverb::plugin
