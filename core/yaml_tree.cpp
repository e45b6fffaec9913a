#include "core/yaml_tree.h"

#include <yaml-cpp/yaml.h>

#include <charconv>
#include <cmath>
#include <fstream>
#include <set>
#include <sstream>

#include "core/error.h"

namespace diffverb {
namespace {

constexpr std::size_t kMostValues = 100000;
constexpr int kMostLevels = 64;
constexpr std::uintmax_t kMostBytes = 16u << 20;

std::string place(const std::string& file, const YAML::Mark& mark) {
  if (mark.is_null()) return file;
  return file + ":" + std::to_string(mark.line + 1) + ":" + std::to_string(mark.column + 1);
}

/// Copies yaml-cpp's nodes, which keep duplicate keys and share aliases, into a tree without either.
class Converter {
 public:
  explicit Converter(const std::string& file) : file_(file) {}

  YamlTree convert(const YAML::Node& node, int level) {
    YamlTree tree;
    tree.origin = place(file_, node.Mark());
    if (++values_ > kMostValues) throw ConfigError(tree.origin + ": more than 100000 values");
    if (level > kMostLevels) throw ConfigError(tree.origin + ": nested deeper than 64 levels");
    if (node.IsScalar()) {
      tree.kind = YamlTree::Kind::kScalar;
      tree.scalar = node.Scalar();
      tree.quoted = node.Tag() == "!";
    } else if (node.IsSequence()) {
      tree.kind = YamlTree::Kind::kList;
      for (const YAML::Node& item : node) tree.list.push_back(convert(item, level + 1));
    } else if (node.IsMap()) {
      convert_map(node, level, tree);
    }
    return tree;
  }

 private:
  void convert_map(const YAML::Node& node, int level, YamlTree& tree) {
    tree.kind = YamlTree::Kind::kMap;
    for (const auto& pair : node) {
      const std::string origin = place(file_, pair.first.Mark());
      if (!pair.first.IsScalar()) throw ConfigError(origin + ": a key must be a single word");
      const std::string key = pair.first.Scalar();
      if (const YamlTree::Entry* first = tree.find(key))
        throw ConfigError(origin + ": duplicate key '" + key + "', first at " + first->origin);
      tree.map.push_back({key, origin, convert(pair.second, level + 1)});
    }
  }

  std::string file_;
  std::size_t values_ = 0;
};

bool is_plain_number(const std::string& text) {
  double value = 0;
  const char* begin = text.data() + (!text.empty() && text[0] == '+');
  const auto result = std::from_chars(begin, text.data() + text.size(), value);
  return result.ec == std::errc() && result.ptr == text.data() + text.size() && std::isfinite(value);
}

bool is_reserved_word(const std::string& text) {
  static const std::set<std::string> kWords = {"true", "false", "null", "yes",  "no",  "on",  "off",  "y",
                                               "n",    "~",     ".nan", ".inf", "nan", "inf", "True", "False",
                                               "TRUE", "FALSE", "Null", "NULL", "Yes", "No",  "On",   "Off"};
  return kWords.count(text) > 0;
}

bool can_stand_plain(const std::string& text) {
  if (text.empty() || is_reserved_word(text) || is_plain_number(text)) return false;
  if (!std::isalpha(static_cast<unsigned char>(text[0])) && text[0] != '_' && text[0] != '/') return false;
  for (const char c : text) {
    if (!std::isalnum(static_cast<unsigned char>(c)) && std::string("_./+-").find(c) == std::string::npos) return false;
  }
  return true;
}

std::string quote(const std::string& text) {  // JSON quoting, which YAML reads as well
  std::string out = "\"";
  for (const char c : text) {
    char buffer[8];
    if (c == '"' || c == '\\') {
      out += std::string("\\") + c;
    } else if (c == '\n') {
      out += "\\n";
    } else if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) {
      std::snprintf(buffer, sizeof buffer, "\\u%04x", static_cast<unsigned>(c));
      out += buffer;
    } else {
      out += c;
    }
  }
  return out + "\"";
}

std::string emit_scalar(const YamlTree& tree) {
  if (tree.kind == YamlTree::Kind::kNull) return "null";
  if (!tree.quoted) return tree.scalar;
  return can_stand_plain(tree.scalar) ? tree.scalar : quote(tree.scalar);
}

bool fits_one_line(const YamlTree& tree) {
  if (tree.kind == YamlTree::Kind::kMap) return tree.map.empty();
  if (tree.kind != YamlTree::Kind::kList) return true;
  for (const YamlTree& item : tree.list) {
    if (item.kind != YamlTree::Kind::kScalar && item.kind != YamlTree::Kind::kNull) return false;
  }
  return true;
}

std::string emit_flow(const YamlTree& tree) {
  if (tree.kind == YamlTree::Kind::kMap) return "{}";
  if (tree.kind != YamlTree::Kind::kList) return emit_scalar(tree);
  std::string out = "[";
  for (std::size_t i = 0; i < tree.list.size(); ++i) out += (i ? ", " : "") + emit_scalar(tree.list[i]);
  return out + "]";
}

void emit_block(const YamlTree& tree, int indent, bool in_list, std::string& out) {
  const std::string pad(static_cast<std::size_t>(indent), ' ');
  bool first = true;
  if (tree.kind == YamlTree::Kind::kMap) {
    for (const YamlTree::Entry& entry : tree.map) {
      out += first && in_list ? "" : pad;
      first = false;
      out += (can_stand_plain(entry.key) ? entry.key : quote(entry.key)) + ":";
      if (fits_one_line(entry.value)) {
        out += " " + emit_flow(entry.value) + "\n";
      } else {
        out += "\n";
        emit_block(entry.value, indent + 2, false, out);
      }
    }
    return;
  }
  for (const YamlTree& item : tree.list) {
    out += first && in_list ? "- " : pad + "- ";
    first = false;
    if (fits_one_line(item)) {
      out += emit_flow(item) + "\n";
    } else {
      emit_block(item, indent + 2, true, out);
    }
  }
}

YamlTree& step_into(YamlTree& at, const std::string& key, const std::string& origin, const std::string& path) {
  if (at.kind == YamlTree::Kind::kList) {
    std::size_t index = 0;
    const auto result = std::from_chars(key.data(), key.data() + key.size(), index);
    if (result.ec != std::errc() || result.ptr != key.data() + key.size() || index >= at.list.size())
      throw ConfigError(origin + ": " + path + " is a list of " + std::to_string(at.list.size()) +
                        ": expected an index from 0, got '" + key + "'");
    return at.list[index];
  }
  if (at.kind == YamlTree::Kind::kScalar) throw ConfigError(origin + ": " + path + " is a single value, not a map");
  at.kind = YamlTree::Kind::kMap;
  for (YamlTree::Entry& entry : at.map) {
    if (entry.key == key) return entry.value;
  }
  YamlTree fresh;
  fresh.origin = origin;
  at.map.push_back({key, origin, fresh});
  return at.map.back().value;
}

}  // namespace

const YamlTree::Entry* YamlTree::find(const std::string& key) const {
  for (const Entry& entry : map) {
    if (entry.key == key) return &entry;
  }
  return nullptr;
}

YamlTree parse_yaml(const std::string& text, const std::string& origin) {
  try {
    const std::vector<YAML::Node> documents = YAML::LoadAll(text);
    if (documents.size() > 1)
      throw ConfigError(origin + ": holds " + std::to_string(documents.size()) + " documents, expected one");
    if (documents.empty()) {
      YamlTree empty;
      empty.origin = origin;
      return empty;
    }
    return Converter(origin).convert(documents[0], 0);
  } catch (const YAML::Exception& error) {
    throw ConfigError(place(origin, error.mark) + ": not YAML: " + error.msg);
  }
}

YamlTree read_yaml_file(const std::filesystem::path& path) {
  std::error_code code;
  const std::string name = path.string();
  if (!std::filesystem::exists(path, code)) throw ConfigError(name + ": no such file");
  if (std::filesystem::is_directory(path, code)) throw ConfigError(name + ": is a folder, expected a YAML file");
  std::ifstream file(path, std::ios::binary);
  if (!file) throw ConfigError(name + ": cannot be read");
  const std::uintmax_t bytes = std::filesystem::file_size(path, code);
  if (!code && bytes > kMostBytes)
    throw ConfigError(name + ": " + std::to_string(bytes) + " bytes are too many for a config");
  std::ostringstream text;
  text << file.rdbuf();
  return parse_yaml(text.str(), name);
}

void overlay_yaml(YamlTree& root, const std::string& assignment) {
  const std::string origin = "--set " + assignment;
  const std::size_t equals = assignment.find('=');
  if (equals == std::string::npos || equals == 0) throw ConfigError(origin + ": expected key.path=value");
  YamlTree* at = &root;
  std::string path;
  std::istringstream keys(assignment.substr(0, equals) + ".");
  for (std::string key; std::getline(keys, key, '.');) {
    if (key.empty()) throw ConfigError(origin + ": expected key.path=value");
    at = &step_into(*at, key, origin, path);
    path += (path.empty() ? "" : ".") + key;
  }
  const std::string text = assignment.substr(equals + 1);
  try {
    *at = parse_yaml(text, origin);
  } catch (const ConfigError&) {
    throw ConfigError(origin + ": the value is not YAML: " + text);
  }
  at->origin = origin;
  if (at->kind == YamlTree::Kind::kNull && text.find_first_not_of(' ') == std::string::npos) {
    at->kind = YamlTree::Kind::kScalar;  // "--set name=" means the empty text
    at->quoted = true;
  }
}

std::string emit_yaml(const YamlTree& tree) {
  if (fits_one_line(tree)) return emit_flow(tree) + "\n";
  std::string out;
  emit_block(tree, 0, false, out);
  return out;
}

std::string emit_json(const YamlTree& tree) {
  std::string out;
  switch (tree.kind) {
    case YamlTree::Kind::kNull:
      return "null";
    case YamlTree::Kind::kScalar: {
      const std::string& s = tree.scalar;
      if (!tree.quoted &&
          (s == "true" || s == "false" || s == "null" || (is_plain_number(s) && s[0] != '+' && s[0] != '.')))
        return s;
      return quote(s);
    }
    case YamlTree::Kind::kMap:
      for (const YamlTree::Entry& entry : tree.map)
        out += (out.empty() ? "" : ", ") + quote(entry.key) + ": " + emit_json(entry.value);
      return "{" + out + "}";
    case YamlTree::Kind::kList:
      for (const YamlTree& item : tree.list) out += (out.empty() ? "" : ", ") + emit_json(item);
      return "[" + out + "]";
  }
  return out;
}

}  // namespace diffverb
