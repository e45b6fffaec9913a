#include "core/true_stereo.h"

#include <algorithm>
#include <cctype>
#include <initializer_list>
#include <string_view>
#include <utility>

namespace diffverb {
namespace {

constexpr std::pair<std::string_view, std::string_view> kSides[] = {
    {"L", "R"}, {"l", "r"}, {"left", "right"}, {"Left", "Right"}, {"LEFT", "RIGHT"}};

/// Letters alone, as small ones.
std::string letters_of(const std::filesystem::path& file) {
  std::string out;
  for (const char c : file.stem().string()) {
    if (std::isalpha(static_cast<unsigned char>(c)))
      out += static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  }
  return out;
}

struct Side {
  std::string stem;   // without the side and what stands before it
  std::string right;  // the whole stem of the right one; empty where this is a right one
};

std::optional<Side> side_of(const std::filesystem::path& file) {
  const std::string stem = file.stem().string();
  for (const auto& [left, right] : kSides) {
    for (const auto& [side, is_left] : {std::pair{left, true}, std::pair{right, false}}) {
      if (stem.size() < side.size() + 2 || !stem.ends_with(side)) continue;
      const std::size_t at = stem.size() - side.size();
      if (std::string_view("_-. ").find(stem[at - 1]) == std::string_view::npos) continue;
      return Side{stem.substr(0, at - 1), is_left ? stem.substr(0, at) + std::string(right) : ""};
    }
  }
  return std::nullopt;
}

}  // namespace

bool is_named_ambisonic(const std::filesystem::path& file) {
  const std::string name = letters_of(file);
  for (const std::string_view word : {"ambisonic", "ambix", "bformat", "wxyz", "wyzx"}) {
    if (name.find(word) != std::string::npos) return true;
  }
  return name.ends_with("foa") || name.starts_with("foa");
}

std::optional<std::string> order_in_name(const std::filesystem::path& file) {
  const std::string name = letters_of(file);
  if (name.find("lllrrlrr") != std::string::npos) return kLoudspeakerFirst;
  if (name.find("llrllrrr") != std::string::npos) return kMicrophoneFirst;
  return std::nullopt;
}

std::optional<std::filesystem::path> right_of(const std::filesystem::path& left) {
  const auto side = side_of(left);
  if (!side || side->right.empty()) return std::nullopt;
  auto right = left.parent_path() / (side->right + left.extension().string());
  std::error_code code;
  if (!std::filesystem::is_regular_file(right, code)) return std::nullopt;
  return right;
}

std::filesystem::path name_of_pair(const std::filesystem::path& file) {
  const auto side = side_of(file);
  return side ? file.parent_path() / (side->stem + file.extension().string()) : file;
}

}  // namespace diffverb
