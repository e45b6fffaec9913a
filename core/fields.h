#pragma once

#include <filesystem>
#include <limits>
#include <memory>
#include <string>
#include <vector>

namespace diffverb {

struct YamlTree;

/// What a config may leave out: the values of some top-level keys, from another document.
struct YamlDefaults {
  std::string yaml, name;
  std::vector<std::string> keys;
};

/// The numbers that a key takes; NaN and infinity are in no range.
struct Range {
  double min = -std::numeric_limits<double>::infinity();
  double max = std::numeric_limits<double>::infinity();
  bool min_open = false;
  bool max_open = false;

  bool contains(double value) const;
  std::string text() const;  // "[0, 1)", ">= 1", "" for any number
};

inline Range at_least(double min) { return {.min = min}; }
inline Range above(double min) { return {.min = min, .min_open = true}; }
inline Range at_most(double max) { return {.max = max}; }
inline Range below(double max) { return {.max = max, .max_open = true}; }
inline Range between(double min, double max) { return {.min = min, .max = max}; }
inline Range inside(double min, double max) { return {.min = min, .max = max, .min_open = true, .max_open = true}; }

/// One key that a part reads, as `diffverb list` shows it.
struct KeyInfo {
  std::string key;           // with the maps it stands in: "matrix.type"
  std::string default_json;  // JSON text; "null" for a key that must be given
  bool required = false;
  std::string unit;
  std::string range;  // "" for any value
};

/// One YAML map being read: required and optional keys, ranges, nested maps and lists.
///
///     f.required("type", type_);
///     f.optional("t60_s", t60_s_, above(0), "s");
///     Fields matrix = f.map("matrix");
///
/// A default stands in the member's initialiser and nowhere else. What nobody read is an error (finish()). Every value
/// that was read, defaults included, stands in resolved_yaml(), and reading that again gives the same values.
/// Handles share what was read: a copy of a Fields, or map() called twice, is the same map.
///
/// T is bool, int, std::int64_t, std::uint64_t, float, double, std::string, std::filesystem::path, a std::vector of
/// int, std::int64_t, float, double or std::string, or std::optional of int, double or std::string (null in YAML).
///
/// Throws   ConfigError "file:line:column: key.path: what, and what was expected"
class Fields {
 public:
  /// Reads a document whose root is a map. An overlay is "key.path=value", as given to --set.
  /// Keys that are missing are taken from `defaults` first.
  static Fields from_file(const std::filesystem::path& path, const std::vector<std::string>& overlays = {},
                          const YamlDefaults& defaults = {});
  static Fields from_text(const std::string& yaml, const std::string& name = "config",
                          const std::vector<std::string>& overlays = {}, const YamlDefaults& defaults = {});
  /// Notes which keys are asked for instead of reading any: members keep their defaults. Used by `diffverb list`.
  static Fields recorder();

  template <class T>
  void required(const std::string& key, T& member, const Range& range = {}, const std::string& unit = "");
  template <class T>
  void optional(const std::string& key, T& member, const Range& range = {}, const std::string& unit = "");
  /// An optional key that takes one of a few words.
  void choice(const std::string& key, std::string& member, const std::vector<std::string>& known);

  /// Names of files that must be given. One that stands beside the config is found from any working directory, others as
  /// they are written; what was found is what resolved_yaml() has.
  void file(const std::string& key, std::string& member);
  void files(const std::string& key, std::vector<std::string>& members);

  /// A nested map; one that is absent reads as an empty map, so that its keys take their defaults.
  Fields map(const std::string& key);
  /// A list of maps; absent is empty.
  std::vector<Fields> list(const std::string& key);

  bool has(const std::string& key) const;
  std::vector<std::string> keys() const;  // as they stand in the document
  const std::string& path() const;        // "model.matrix", "" for the root
  bool is_recording() const;
  const std::vector<KeyInfo>& recorded_keys() const;  // of a recorder: all keys, those of nested maps included

  /// Refuses what nobody read, here and in all nested maps.
  void finish() const;
  /// For checks of one's own: throws a ConfigError that points to the key.
  [[noreturn]] void fail(const std::string& key, const std::string& message) const;

  std::string resolved_yaml() const;

 private:
  struct State;
  static Fields from_tree(YamlTree tree, const std::string& name, const std::vector<std::string>& overlays,
                          const YamlDefaults& defaults);
  explicit Fields(std::shared_ptr<State> state) : state_(std::move(state)) {}
  template <class T>
  void read(const std::string& key, T& member, const Range& range, const std::string& unit, bool must);
  std::string found(const std::string& file) const;

  std::shared_ptr<State> state_;
};

}  // namespace diffverb
