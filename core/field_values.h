#pragma once

#include <charconv>
#include <cmath>
#include <cstdint>
#include <filesystem>
#include <limits>
#include <optional>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include "core/fields.h"
#include "core/yaml_tree.h"

/// How Fields reads and writes one value of each type. Included by fields.cpp alone.
namespace diffverb::field_values {

template <class T>
std::string number_text(T value) {
  char buffer[64];
  const auto result = std::to_chars(buffer, buffer + sizeof buffer, value);  // shortest that reads back to the same
  return std::string(buffer, result.ptr);
}

inline std::string range_text(const Range& range) {
  const std::string text = range.text();
  return text.empty() ? "" : " " + text;
}

inline std::string shown(const YamlTree& tree) {
  if (tree.kind == YamlTree::Kind::kMap) return "a map";
  if (tree.kind == YamlTree::Kind::kList) return "a list";
  if (tree.kind == YamlTree::Kind::kNull) return "nothing";
  constexpr std::size_t kMostShown = 60;
  const std::string text = tree.scalar.size() > kMostShown ? tree.scalar.substr(0, kMostShown) + "..." : tree.scalar;
  return "'" + text + "'";
}

inline YamlTree scalar_tree(std::string text, bool quoted = false) {
  YamlTree tree;
  tree.kind = YamlTree::Kind::kScalar;
  tree.scalar = std::move(text);
  tree.quoted = quoted;
  return tree;
}

inline bool parse_double(const YamlTree& tree, double& value) {
  if (tree.kind != YamlTree::Kind::kScalar || tree.quoted || tree.scalar.empty()) return false;
  const std::string& text = tree.scalar;
  const char* begin = text.data() + (text[0] == '+');
  const auto result = std::from_chars(begin, text.data() + text.size(), value);
  return result.ec == std::errc() && result.ptr == text.data() + text.size() && std::isfinite(value);
}

// Each reader says what is wrong ("" is right); each writer gives the tree that reads back to the same value.

template <class T>
struct Value;  // of one type that a key can have

template <>
struct Value<bool> {
  static std::string read(const YamlTree& tree, bool& out, const Range&) {
    const std::string& text = tree.scalar;
    const bool yes = text == "true" || text == "True" || text == "TRUE";
    const bool no = text == "false" || text == "False" || text == "FALSE";
    if (tree.kind != YamlTree::Kind::kScalar || tree.quoted || (!yes && !no))
      return "expected true or false, got " + shown(tree);
    out = yes;
    return "";
  }
  static YamlTree write(bool value) { return scalar_tree(value ? "true" : "false"); }
};

template <class T>
struct Whole {
  static std::string read(const YamlTree& tree, T& out, const Range& range) {
    const std::string expected = "expected a whole number" + range_text(range) + ", got " + shown(tree);
    double real = 0;
    if (!parse_double(tree, real) || std::floor(real) != real) return expected;
    if (!range.contains(real)) return expected;
    T value = 0;
    const std::string& text = tree.scalar;
    const char* begin = text.data() + (text[0] == '+');
    const auto result = std::from_chars(begin, text.data() + text.size(), value);
    if (result.ec == std::errc() && result.ptr == text.data() + text.size()) {
      out = value;
      return "";
    }
    constexpr double kExact = 9007199254740992.0;  // 1e3 and 16.0 are whole numbers too, as far as a double counts
    if (std::abs(real) > kExact || real < static_cast<double>(std::numeric_limits<T>::lowest()) ||
        real > static_cast<double>(std::numeric_limits<T>::max()))
      return "out of range: " + expected;
    out = static_cast<T>(real);
    return "";
  }
  static YamlTree write(T value) { return scalar_tree(number_text(value)); }
};
template <>
struct Value<int> : Whole<int> {};
template <>
struct Value<std::int64_t> : Whole<std::int64_t> {};
template <>
struct Value<std::uint64_t> : Whole<std::uint64_t> {};

template <class T>
struct Real {
  static std::string read(const YamlTree& tree, T& out, const Range& range) {
    double value = 0;
    if (!parse_double(tree, value) || !range.contains(value) || !std::isfinite(static_cast<T>(value)))
      return "expected a finite number" + range_text(range) + ", got " + shown(tree);
    out = static_cast<T>(value);
    return "";
  }
  static YamlTree write(T value) { return std::isfinite(value) ? scalar_tree(number_text(value)) : YamlTree{}; }
};
template <>
struct Value<float> : Real<float> {};
template <>
struct Value<double> : Real<double> {};

template <>
struct Value<std::string> {
  static std::string read(const YamlTree& tree, std::string& out, const Range&) {
    if (tree.kind != YamlTree::Kind::kScalar) return "expected text, got " + shown(tree);
    if (tree.scalar.find('\0') != std::string::npos) return "expected text, got a NUL character";
    out = tree.scalar;
    return "";
  }
  static YamlTree write(const std::string& value) { return scalar_tree(value, true); }
};

template <>
struct Value<std::filesystem::path> {
  static std::string read(const YamlTree& tree, std::filesystem::path& out, const Range& range) {
    std::string text;
    const std::string wrong = Value<std::string>::read(tree, text, range);
    if (wrong.empty()) out = text;
    return wrong;
  }
  static YamlTree write(const std::filesystem::path& value) { return scalar_tree(value.string(), true); }
};

template <class T>
struct Value<std::vector<T>> {
  static std::string read(const YamlTree& tree, std::vector<T>& out, const Range& range) {
    if (tree.kind != YamlTree::Kind::kList) return "expected a list, got " + shown(tree);
    std::vector<T> values;
    for (std::size_t i = 0; i < tree.list.size(); ++i) {
      T value{};
      const std::string wrong = Value<T>::read(tree.list[i], value, range);
      if (!wrong.empty()) return "entry " + std::to_string(i) + ": " + wrong;
      values.push_back(std::move(value));
    }
    out = std::move(values);
    return "";
  }
  static YamlTree write(const std::vector<T>& values) {
    YamlTree tree;
    tree.kind = YamlTree::Kind::kList;
    for (const T& value : values) tree.list.push_back(Value<T>::write(value));
    return tree;
  }
};

template <class T>
struct Value<std::optional<T>> {
  static std::string read(const YamlTree& tree, std::optional<T>& out, const Range& range) {
    if (tree.kind == YamlTree::Kind::kNull ||
        (tree.kind == YamlTree::Kind::kScalar && !tree.quoted && tree.scalar == "null")) {
      out.reset();
      return "";
    }
    T value{};
    const std::string wrong = Value<T>::read(tree, value, range);
    if (wrong.empty()) out = std::move(value);
    return wrong.empty() ? "" : wrong + " (or null)";
  }
  static YamlTree write(const std::optional<T>& value) { return value ? Value<T>::write(*value) : YamlTree{}; }
};

}  // namespace diffverb::field_values
