#pragma once

#include <charconv>
#include <string>
#include <string_view>

namespace diffverb::plugin {

// DPF 1.6 loses what is not ASCII where an interface hands a text to its VST3. Paths go there as "ascii:" and %XX for each byte
// that is not, which no path is by itself: those that are chosen are whole ones.

constexpr std::string_view kAsciiPath = "ascii:";

inline std::string ascii_path(std::string_view path) {
  std::string text(kAsciiPath);
  for (const char c : path) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte < 0x80 && c != '%') {
      text += c;
      continue;
    }
    constexpr char kDigits[] = "0123456789ABCDEF";
    text += {'%', kDigits[byte >> 4], kDigits[byte & 15]};
  }
  return text;
}

/// The path again; what is not of that form as it stands.
inline std::string plain_path(std::string_view text) {
  if (!text.starts_with(kAsciiPath)) return std::string(text);
  text.remove_prefix(kAsciiPath.size());
  std::string path;
  for (std::size_t i = 0; i < text.size(); ++i) {
    unsigned byte = 0;
    const char* digits = text.data() + i + 1;
    if (text[i] == '%' && i + 2 < text.size() && std::from_chars(digits, digits + 2, byte, 16).ptr == digits + 2) {
      path += static_cast<char>(byte);
      i += 2;
    } else {
      path += text[i];
    }
  }
  return path;
}

}  // namespace diffverb::plugin
