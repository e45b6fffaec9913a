#pragma once

#include <cstddef>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "core/sound_input.h"
#include "datasets/response_store.h"

namespace diffverb {

/// What turns one microphone's responses into another's (diffverb data convert).
struct ImportFilter {
  std::vector<double> taps;
  std::int64_t delay_samples = 0;  // taken out again
  double rate_hz = 0;
};

/// What to import, and how to know the rooms.
struct ImportSettings {
  std::vector<std::filesystem::path> inputs;  // folders, sound files, SOFA files
  std::filesystem::path manifest;             // "" for none (datasets/manifest.h)
  /// "folder" (the folder that a file stands in), "file" (each its own room) or "pattern:REGEX" (of the path: its first
  /// group, or all that it matched). "" is "folder" where there is no manifest; else a file that no row names is left
  /// out.
  std::string room_by;
  std::string licence;  // of files of which nothing else says one
  std::optional<RawFormat>
      raw;              // files are bare samples: those that are named, and in folders .raw, .pcm, .bin, .dat, .ir
  double gain_db = 0;   // of all samples
  ImportFilter filter;  // every response goes through it; none where it has no taps
  bool strict = false;  // the first file that cannot be read is an error, instead of being left out
  std::function<void(std::size_t done, std::size_t files)> progress;
};

/// A response from two loudspeakers to two microphones, as its files' names and channels show (core/true_stereo.h).
struct TrueStereoResponse {
  std::string name;                // of the file, or of the left one's and the right one's pair
  std::vector<std::string> files;  // one of four channels, or two of two
  std::string order;               // of the four channels: ll_lr_rl_rr
};

struct ImportReport {
  std::size_t files = 0;              // imported
  std::vector<std::string> skipped;   // what was wrong with the others, a line each
  std::vector<std::string> left_out;  // files that the manifest does not name
  std::vector<std::string> warnings;
  std::vector<TrueStereoResponse> true_stereo;
};

/// Puts impulse responses from folders and files into a data file: every channel is a response of its own; samples stay
/// as they are, at their own rate, unless a gain or a filter is given.
///
/// Two stereo files of the left and the right loudspeaker ("hall_L.wav", "hall_R.wav") are one room with room_by "file".
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
