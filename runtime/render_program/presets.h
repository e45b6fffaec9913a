#pragma once

#include <string>

#include "runtime/live/preset.h"

namespace diffverb::runtime {

/// A preset by the path of its file, or by name: what stands in it, or its file's name with or without the number before it.
/// Names are sought in the folder that DIFFVERB_PRESETS names, in the build folder beside the program, and where
/// scripts/install-plugin puts them.
/// Throws   RenderFailure 1 for a name that is none, with those there are; 2 for a file that is refused
Preset find_preset(const std::string& name_or_path);

}  // namespace diffverb::runtime
