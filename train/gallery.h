#pragma once

#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "train/report/gallery.h"

namespace diffverb {

struct GalleryOptions {
  std::vector<std::filesystem::path> configs;
  std::filesystem::path out;
  std::vector<std::string> overlays;  // over every config
  double seconds = 4;         // of the responses to hear, and of the tail behind the dry sound; measured are whole ones
  std::filesystem::path dry;  // empty: that of report/dry_sound.h
  double modes_rate_hz = 8000;  // the networks are built at this rate to be decomposed; 0: not at all
  bool overwrite = false;
  std::function<void(std::size_t config, double share)> on_progress;
};

/// Plays one reverberator through the engine, as it is exported, and measures what comes out.
/// Throws   what stands in the way: a wrong config, a file that is missing, a network that the runtime refuses
report::GalleryEntry measure_reverberator(const std::filesystem::path& config, const GalleryOptions& options,
                                          const std::function<void(double)>& on_progress = {});

/// All of them, into out/index.html, out/gallery.json and out/sounds. What one throws becomes its entry's `error` and
/// is logged; the others go on.
///
/// Throws   ConfigError where `out` is there already, DataError where it cannot be written or the dry sound not be read
std::vector<report::GalleryEntry> make_gallery(const GalleryOptions& options);

}  // namespace diffverb
