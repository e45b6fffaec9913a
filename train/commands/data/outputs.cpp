#include "train/commands/data/outputs.h"

#include "core/error.h"
#include "core/files.h"

namespace diffverb {

void check_outputs(const std::vector<std::filesystem::path>& named, const std::vector<std::filesystem::path>& beside,
                   bool overwrite) {
  if (!beside.empty() && is_device(named.at(0)))
    throw ConfigError(named[0].string() + ": is a device, expected a file: others are written beside it");
  for (const auto* paths : {&named, &beside}) {
    for (const auto& path : *paths) {
      if (!is_device(path) && !overwrite && std::filesystem::exists(path))
        throw ConfigError(path.string() + ": is there already; expected another name or --overwrite");
    }
  }
}

}  // namespace diffverb
