#include <cstdio>
#include <iostream>
#include <memory>
#include <nlohmann/json.hpp>

#include "core/error.h"
#include "core/family_info.h"
#include "core/nearest.h"
#include "train/cli.h"

namespace diffverb {
namespace {

struct ListOptions {
  std::string family;
  std::string name;
  bool json = false;
};

using Json = nlohmann::ordered_json;

Json part_json(const PartInfo& part) {
  Json keys = Json::array();
  for (const KeyInfo& key : part.keys()) {
    keys.push_back({{"key", key.key},
                    {"default", Json::parse(key.default_json)},
                    {"required", key.required},
                    {"unit", key.unit},
                    {"range", key.range}});
  }
  Json out = {{"name", part.name}, {"summary", part.summary}, {"keys", keys}, {"source", part.source}};
  if (part.property) out["property"] = part.property();
  return out;
}

Json family_json(const FamilyInfo& family) {
  Json parts = Json::array();
  for (const PartInfo& part : family.parts) parts.push_back(part_json(part));
  return {{"family", family.name}, {"parts", parts}};
}

void print_part(const PartInfo& part) {
  std::printf("%s: %s\n", part.name.c_str(), part.summary.c_str());
  if (!part.source.empty()) std::printf("  source: %s\n", part.source.c_str());
  if (part.property) std::printf("  property: %s\n", part.property().c_str());
  for (const KeyInfo& key : part.keys()) {
    std::printf("  %-28s %-16s %-6s %s\n", key.key.c_str(), key.required ? "(required)" : key.default_json.c_str(),
                key.unit.c_str(), key.range.c_str());
  }
}

void print_family(const FamilyInfo& family, bool with_keys) {
  std::printf("%s\n", family.name.c_str());
  for (const PartInfo& part : family.parts) {
    if (with_keys) {
      print_part(part);
    } else {
      std::printf("  %-24s %s\n", part.name.c_str(), part.summary.c_str());
    }
  }
}

/// Keeps the family that was asked for, and in it the part; an unknown name is an error with the nearest one.
std::vector<FamilyInfo> selected(const ListOptions& options) {
  std::vector<FamilyInfo> families = all_families();
  if (options.family.empty()) return families;
  std::vector<std::string> names;
  for (FamilyInfo& family : families) {
    names.push_back(family.name);
    if (family.name != options.family) continue;
    if (options.name.empty()) return {family};
    std::vector<std::string> parts;
    for (const PartInfo& part : family.parts) {
      parts.push_back(part.name);
      if (part.name == options.name) return {{family.name, family.singular, {part}}};
    }
    throw ConfigError("unknown " + family.singular + " '" + options.name + "'" + known_names_hint(options.name, parts));
  }
  throw ConfigError("unknown family '" + options.family + "'" + known_names_hint(options.family, names));
}

void list(const ListOptions& options) {
  const std::vector<FamilyInfo> families = selected(options);
  if (options.json) {
    Json out = Json::array();
    for (const FamilyInfo& family : families) out.push_back(family_json(family));
    std::cout << (options.family.empty() ? out : out.front()).dump(2) << "\n";
    return;
  }
  for (const FamilyInfo& family : families) print_family(family, !options.family.empty());
  std::fflush(stdout);
}

}  // namespace

void add_list_command(Command& app, Context&) {
  auto options = std::make_shared<ListOptions>();
  Command* command = app.add_subcommand("list", "Show every registered part: its keys, units, defaults and source");
  command->add_option("family", options->family, "models, matrices, losses, datasets; all when absent");
  command->add_option("name", options->name, "one part of the family");
  command->add_flag("--json", options->json, "JSON on stdout");
  command->footer("Examples:\n  diffverb list\n  diffverb list losses\n  diffverb list losses edc --json");
  command->callback([options] { list(*options); });
}

}  // namespace diffverb
