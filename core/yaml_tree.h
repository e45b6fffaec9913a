#pragma once

#include <filesystem>
#include <string>
#include <utility>
#include <vector>

namespace diffverb {

/// A YAML document as plain data, with the place that each value came from. What Fields reads and what it resolves to.
struct YamlTree {
  enum class Kind { kNull, kScalar, kMap, kList };
  struct Entry;

  Kind kind = Kind::kNull;
  std::string scalar;      // text of a scalar, without quotes
  bool quoted = false;     // '16' in quotes is text, never a number
  std::string origin;      // "file:line:column", or "--set key.path=value"
  std::vector<Entry> map;  // in the order of the file
  std::vector<YamlTree> list;

  const Entry* find(const std::string& key) const;
};

struct YamlTree::Entry {
  std::string key;
  std::string origin;  // of the key
  YamlTree value;
};

/// Reads a file or text that holds one YAML document.
///
/// Throws   ConfigError file:line:column for malformed text, duplicate keys, several documents, more than 100,000
///          values (aliases that multiply); ConfigError for a file that cannot be read
YamlTree read_yaml_file(const std::filesystem::path& path);
YamlTree parse_yaml(const std::string& text, const std::string& origin);

/// Puts "a.b=3" or "a.0.b=[1, 2]" into the tree; maps on the way are made, list indices must be there.
void overlay_yaml(YamlTree& root, const std::string& assignment);

/// Block YAML that parse_yaml() reads back to the same tree.
std::string emit_yaml(const YamlTree& tree);

/// One-line JSON of the tree; a scalar that is no number, boolean or null becomes a string.
std::string emit_json(const YamlTree& tree);

}  // namespace diffverb
