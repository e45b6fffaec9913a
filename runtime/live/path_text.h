#pragma once

#include <filesystem>
#include <string>

namespace diffverb::runtime {

/// A path as UTF-8 with forward slashes, as files and hosts keep it, and back.
inline std::string path_text(const std::filesystem::path& path) {
  const std::u8string text = path.generic_u8string();
  return {text.begin(), text.end()};
}
inline std::filesystem::path path_of(const std::string& text) {
  return std::filesystem::path(std::u8string(text.begin(), text.end()));
}

}  // namespace diffverb::runtime
