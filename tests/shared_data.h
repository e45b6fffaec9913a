#pragma once

#include <cstdlib>
#include <filesystem>

namespace diffverb {

/// Measured responses and published weights that are not in the repository: DIFFVERB_DATA, or shared/data beside the
/// checkout. A test skips by name where they are not there.
inline std::filesystem::path shared_data() {
  const char* given = std::getenv("DIFFVERB_DATA");
  return given ? std::filesystem::path(given) : std::filesystem::path(DIFFVERB_SOURCE_DIR) / "../shared/data";
}

inline std::filesystem::path shared_responses() { return shared_data() / "ir"; }

}  // namespace diffverb
