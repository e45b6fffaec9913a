#include "core/fields.h"

#include <cmath>
#include <map>
#include <optional>
#include <set>
#include <type_traits>

#include "core/error.h"
#include "core/field_values.h"
#include "core/nearest.h"
#include "core/yaml_tree.h"

namespace diffverb {

using field_values::number_text;
using field_values::shown;
using field_values::Value;

bool Range::contains(double value) const {
  if (!std::isfinite(value)) return false;
  return (min_open ? value > min : value >= min) && (max_open ? value < max : value <= max);
}

std::string Range::text() const {
  const bool low = std::isfinite(min), high = std::isfinite(max);
  if (low && high) return (min_open ? "(" : "[") + number_text(min) + ", " + number_text(max) + (max_open ? ")" : "]");
  if (low) return (min_open ? "> " : ">= ") + number_text(min);
  if (high) return (max_open ? "< " : "<= ") + number_text(max);
  return "";
}

/// What all handles of one map share.
struct Fields::State {
  YamlTree tree;       // kind kNull where the document does not have this map
  std::string origin;  // where to point for a missing key
  std::string path;
  std::filesystem::path folder;                    // of the document; empty: the working directory
  std::shared_ptr<std::vector<KeyInfo>> recorded;  // set in a recorder
  std::vector<std::string> asked;                  // keys in the order in which they were asked for first
  std::map<std::string, YamlTree> resolved;
  std::map<std::string, std::shared_ptr<State>> maps;
  std::map<std::string, std::vector<std::shared_ptr<State>>> lists;

  const YamlTree::Entry* ask(const std::string& key) {
    for (const std::string& before : asked) {
      if (before == key) return tree.find(key);
    }
    asked.push_back(key);
    return tree.find(key);
  }

  std::string full(const std::string& key) const { return path.empty() ? key : path + "." + key; }

  [[noreturn]] void fail_at(const std::string& at, const std::string& key, const std::string& message) const {
    throw ConfigError(at + ": " +
                      (key.empty() && path.empty() ? ""
                       : key.empty()               ? path + ": "
                                                   : full(key) + ": ") +
                      message);
  }

  std::shared_ptr<State> child(const YamlTree* value, const std::string& key) const {
    auto state = std::make_shared<State>();
    if (value) state->tree = *value;
    state->origin = value && !value->origin.empty() ? value->origin : origin;
    state->path = full(key);
    state->folder = folder;
    state->recorded = recorded;
    return state;
  }

  YamlTree resolve() const {
    YamlTree out;
    out.kind = YamlTree::Kind::kMap;
    for (const std::string& key : asked) {
      YamlTree::Entry entry{key, "", {}};
      if (const auto value = resolved.find(key); value != resolved.end()) {
        entry.value = value->second;
      } else if (const auto map = maps.find(key); map != maps.end()) {
        entry.value = map->second->resolve();
      } else if (const auto list = lists.find(key); list != lists.end()) {
        entry.value.kind = YamlTree::Kind::kList;
        for (const auto& item : list->second) entry.value.list.push_back(item->resolve());
      } else {
        continue;  // a default that YAML cannot say, as NaN for "from the analysis": absent means the same
      }
      out.map.push_back(std::move(entry));
    }
    return out;
  }

  void finish() const {
    if (recorded) return;
    const std::set<std::string> known(asked.begin(), asked.end());
    for (const YamlTree::Entry& entry : tree.map) {
      if (!known.count(entry.key))
        fail_at(entry.origin, entry.key, "unknown key '" + entry.key + "'" + known_names_hint(entry.key, asked));
    }
    for (const auto& map : maps) map.second->finish();
    for (const auto& list : lists) {
      for (const auto& item : list.second) item->finish();
    }
  }
};

namespace {

YamlTree checked_root(YamlTree root, const std::string& name) {
  if (root.kind != YamlTree::Kind::kMap)
    throw ConfigError((root.origin.empty() ? name : root.origin) + ": expected a map of keys, got " + shown(root));
  return root;
}

}  // namespace

Fields Fields::from_tree(YamlTree tree, const std::string& name, const std::vector<std::string>& overlays,
                         const YamlDefaults& defaults) {
  auto state = std::make_shared<State>();
  state->tree = checked_root(std::move(tree), name);
  if (!defaults.keys.empty()) {
    const YamlTree other = checked_root(parse_yaml(defaults.yaml, defaults.name), defaults.name);
    for (const std::string& key : defaults.keys) {
      const YamlTree::Entry* entry = other.find(key);
      if (entry && !state->tree.find(key)) state->tree.map.push_back(*entry);
    }
  }
  for (const std::string& overlay : overlays) overlay_yaml(state->tree, overlay);
  state->origin = name;
  state->folder = std::filesystem::path(name).parent_path();
  return Fields(state);
}

Fields Fields::from_file(const std::filesystem::path& path, const std::vector<std::string>& overlays,
                         const YamlDefaults& defaults) {
  return from_tree(read_yaml_file(path), path.string(), overlays, defaults);
}

Fields Fields::from_text(const std::string& yaml, const std::string& name, const std::vector<std::string>& overlays,
                         const YamlDefaults& defaults) {
  return from_tree(parse_yaml(yaml, name), name, overlays, defaults);
}

Fields Fields::recorder() {
  auto state = std::make_shared<State>();
  state->origin = "defaults";
  state->recorded = std::make_shared<std::vector<KeyInfo>>();
  return Fields(state);
}

template <class T>
void Fields::read(const std::string& key, T& member, const Range& range, const std::string& unit, bool must) {
  const YamlTree::Entry* entry = state_->ask(key);
  if (state_->recorded) {
    const YamlTree value = must ? YamlTree{} : Value<T>::write(member);
    state_->recorded->push_back({state_->full(key), emit_json(value), must, unit, range.text()});
    return;
  }
  if (entry) {
    const std::string wrong = Value<T>::read(entry->value, member, range);
    if (!wrong.empty())
      state_->fail_at(entry->value.origin.empty() ? entry->origin : entry->value.origin, key,
                      wrong + (unit.empty() ? "" : ", unit " + unit));
  } else if (must) {
    state_->fail_at(state_->origin, "", "missing key '" + key + "'" + (unit.empty() ? "" : " (" + unit + ")"));
  }
  const YamlTree value = Value<T>::write(member);
  constexpr bool can_be_null = std::is_same_v<T, std::optional<int>> || std::is_same_v<T, std::optional<double>> ||
                               std::is_same_v<T, std::optional<std::string>>;
  if (can_be_null || value.kind != YamlTree::Kind::kNull) state_->resolved[key] = value;
}

template <class T>
void Fields::required(const std::string& key, T& member, const Range& range, const std::string& unit) {
  read(key, member, range, unit, true);
}

template <class T>
void Fields::optional(const std::string& key, T& member, const Range& range, const std::string& unit) {
  read(key, member, range, unit, false);
}

#define DIFFVERB_FIELD_TYPE(...)                                                                      \
  template void Fields::required(const std::string&, __VA_ARGS__&, const Range&, const std::string&); \
  template void Fields::optional(const std::string&, __VA_ARGS__&, const Range&, const std::string&);
DIFFVERB_FIELD_TYPE(bool)
DIFFVERB_FIELD_TYPE(int)
DIFFVERB_FIELD_TYPE(std::int64_t)
DIFFVERB_FIELD_TYPE(std::uint64_t)
DIFFVERB_FIELD_TYPE(float)
DIFFVERB_FIELD_TYPE(double)
DIFFVERB_FIELD_TYPE(std::string)
DIFFVERB_FIELD_TYPE(std::filesystem::path)
DIFFVERB_FIELD_TYPE(std::vector<int>)
DIFFVERB_FIELD_TYPE(std::vector<std::int64_t>)
DIFFVERB_FIELD_TYPE(std::vector<float>)
DIFFVERB_FIELD_TYPE(std::vector<double>)
DIFFVERB_FIELD_TYPE(std::vector<std::string>)
DIFFVERB_FIELD_TYPE(std::optional<int>)
DIFFVERB_FIELD_TYPE(std::optional<double>)
DIFFVERB_FIELD_TYPE(std::optional<std::string>)
#undef DIFFVERB_FIELD_TYPE

void Fields::choice(const std::string& key, std::string& member, const std::vector<std::string>& known) {
  read(key, member, {}, "", false);
  if (state_->recorded) {
    std::string words;
    for (const std::string& word : known) words += (words.empty() ? "" : " | ") + word;
    state_->recorded->back().range = words;
    return;
  }
  for (const std::string& word : known) {
    if (word == member) return;
  }
  fail(key, "unknown value '" + member + "'" + known_names_hint(member, known));
}

std::string Fields::found(const std::string& file) const {
  const auto beside = (state_->folder / file).lexically_normal();
  std::error_code code;
  return std::filesystem::exists(beside, code) ? beside.string() : file;
}

void Fields::file(const std::string& key, std::string& member) {
  required(key, member);
  if (is_recording()) return;
  member = found(member);
  state_->resolved[key] = Value<std::string>::write(member);
}

void Fields::files(const std::string& key, std::vector<std::string>& members) {
  required(key, members);
  if (is_recording()) return;
  for (std::string& member : members) member = found(member);
  state_->resolved[key] = Value<std::vector<std::string>>::write(members);
}

Fields Fields::map(const std::string& key) {
  const YamlTree::Entry* entry = state_->ask(key);
  auto& child = state_->maps[key];
  if (child) return Fields(child);
  if (entry && entry->value.kind != YamlTree::Kind::kMap && entry->value.kind != YamlTree::Kind::kNull)
    fail(key, "expected a map, got " + shown(entry->value));
  child = state_->child(entry ? &entry->value : nullptr, key);
  return Fields(child);
}

std::vector<Fields> Fields::list(const std::string& key) {
  const YamlTree::Entry* entry = state_->ask(key);
  if (state_->recorded) state_->recorded->push_back({state_->full(key), "[]", false, "", "list of maps"});
  auto& children = state_->lists[key];
  if (children.empty() && entry && entry->value.kind != YamlTree::Kind::kNull) {
    if (entry->value.kind != YamlTree::Kind::kList) fail(key, "expected a list of maps, got " + shown(entry->value));
    for (std::size_t i = 0; i < entry->value.list.size(); ++i) {
      const YamlTree& item = entry->value.list[i];
      const std::string name = key + "." + std::to_string(i);
      if (item.kind != YamlTree::Kind::kMap) state_->fail_at(item.origin, name, "expected a map, got " + shown(item));
      children.push_back(state_->child(&item, name));
    }
  }
  std::vector<Fields> out;
  for (const auto& child : children) out.push_back(Fields(child));
  return out;
}

bool Fields::has(const std::string& key) const { return state_->tree.find(key) != nullptr; }

std::vector<std::string> Fields::keys() const {
  std::vector<std::string> out;
  for (const YamlTree::Entry& entry : state_->tree.map) out.push_back(entry.key);
  return out;
}

const std::string& Fields::path() const { return state_->path; }

bool Fields::is_recording() const { return state_->recorded != nullptr; }

const std::vector<KeyInfo>& Fields::recorded_keys() const {
  if (!state_->recorded) throw ContractError("Fields: recorded_keys() of a map that is no recorder");
  return *state_->recorded;
}

void Fields::finish() const { state_->finish(); }

void Fields::fail(const std::string& key, const std::string& message) const {
  const YamlTree::Entry* entry = state_->tree.find(key);
  const bool placed = entry && !entry->value.origin.empty();
  state_->fail_at(placed ? entry->value.origin : entry ? entry->origin : state_->origin, key, message);
}

std::string Fields::resolved_yaml() const { return emit_yaml(state_->resolve()); }

}  // namespace diffverb
