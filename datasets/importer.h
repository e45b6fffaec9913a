#pragma once

#include <cstddef>
#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "datasets/response_store.h"

namespace diffverb {

/// What to import, and how to know the rooms.
struct ImportSettings {
  std::vector<std::filesystem::path> inputs;  // folders, sound files, SOFA files
  std::filesystem::path manifest;             // "" for none (datasets/manifest.h)
  /// "folder" (the folder that a file stands in), "file" (each its own room) or "pattern:REGEX" (of the path: its first
  /// group, or all that it matched). "" is "folder" where there is no manifest; else a file that no row names is left
  /// out.
  std::string room_by;
  std::string licence;  // of files of which nothing else says one
  bool strict = false;  // the first file that cannot be read is an error, instead of being left out
  std::function<void(std::size_t done, std::size_t files)> progress;
};

struct ImportReport {
  std::size_t files = 0;              // imported
  std::vector<std::string> skipped;   // what was wrong with the others, a line each
  std::vector<std::string> left_out;  // files that the manifest does not name
  std::vector<std::string> warnings;
};

/// Puts impulse responses from folders and files into a data file: every channel is a response of its own; samples stay
/// as they are, at their own rate.
///
/// `file` is relative to its folder where one folder is imported, else it begins with the folder's name. The licence of
/// a file is what the manifest says, else a SOFA file's License, else a licence file beside it or above it, else
/// settings.licence, else "unknown". Files come in the order of their names, so that the same folder makes the same
/// file.
///
/// Throws   ConfigError for room_by; DataError: nothing there, a manifest that cannot be, nothing of it readable, two
///          files of one name; with `strict` any file that cannot be read
ImportReport import_responses(const ImportSettings& settings, ResponseStoreWriter& writer);

}  // namespace diffverb
