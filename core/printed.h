#pragma once

#include <cstdio>
#include <optional>
#include <string>

namespace diffverb {

/// A number as printf writes it; longer ones than 63 characters are cut.
inline std::string printed(const char* format, double value) {
  char text[64];
  std::snprintf(text, sizeof text, format, value);
  return text;
}

/// The same, and "-" where there is none.
inline std::string printed_or_dash(const char* format, const std::optional<double>& value) {
  return value ? printed(format, *value) : "-";
}

/// A to Z as a to z; other bytes stay.
inline std::string lower_case(std::string text) {
  for (char& c : text) c = static_cast<char>(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c);
  return text;
}

/// With spaces before it, `width` characters at least.
inline std::string right_aligned(const std::string& text, std::size_t width) {
  return std::string(text.size() < width ? width - text.size() : 0, ' ') + text;
}

}  // namespace diffverb
