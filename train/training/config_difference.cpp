#include "train/training/config_difference.h"

#include <algorithm>
#include <utility>

#include "core/yaml_tree.h"

namespace diffverb {
namespace {

using Flat = std::vector<std::pair<std::string, std::string>>;

void flatten(const YamlTree& tree, const std::string& path, Flat& out) {
  const auto below = [&](const std::string& key) { return path.empty() ? key : path + "." + key; };
  if (tree.kind == YamlTree::Kind::kMap && !tree.map.empty()) {
    for (const auto& entry : tree.map) flatten(entry.value, below(entry.key), out);
  } else if (tree.kind == YamlTree::Kind::kList && !tree.list.empty() && tree.list[0].kind == YamlTree::Kind::kMap) {
    for (std::size_t i = 0; i < tree.list.size(); ++i) flatten(tree.list[i], below(std::to_string(i)), out);
  } else {
    out.emplace_back(path, emit_json(tree));
  }
}

Flat flat_of(const std::string& yaml, const std::string& name) {
  Flat out;
  flatten(parse_yaml(yaml, name), "", out);
  return out;
}

const std::string* find(const Flat& flat, const std::string& key) {
  const auto found = std::find_if(flat.begin(), flat.end(), [&](const auto& entry) { return entry.first == key; });
  return found == flat.end() ? nullptr : &found->second;
}

}  // namespace

std::vector<ConfigDifference> config_differences(const std::string& before_yaml, const std::string& after_yaml) {
  const Flat before = flat_of(before_yaml, "before"), after = flat_of(after_yaml, "after");
  std::vector<ConfigDifference> out;
  for (const auto& [key, value] : before) {
    const std::string* other = find(after, key);
    if (!other || *other != value) out.push_back({key, value, other ? *other : "-"});
  }
  for (const auto& [key, value] : after) {
    if (!find(before, key)) out.push_back({key, "-", value});
  }
  return out;
}

std::string text_of(const std::vector<ConfigDifference>& differences) {
  std::string out;
  for (const ConfigDifference& d : differences)
    out += (out.empty() ? "" : ", ") + d.key + " " + d.before + " -> " + d.after;
  return out;
}

}  // namespace diffverb
