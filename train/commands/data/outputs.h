#pragma once

#include <filesystem>
#include <vector>

namespace diffverb {

/// What a command is going to write: the files that were `named`, and those whose names follow from the first of them.
///
/// Throws   ConfigError where one is there and may not be overwritten, or where a device is named beside which others would
///          have to stand; DataError where one is a folder
void check_outputs(const std::vector<std::filesystem::path>& named, const std::vector<std::filesystem::path>& beside,
                   bool overwrite);

}  // namespace diffverb
