#include <algorithm>
#include <cstdio>
#include <iostream>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <set>
#include <string>

#include "core/printed.h"
#include "datasets/response_store.h"
#include "train/commands/data/commands.h"

namespace diffverb {
namespace {

constexpr std::size_t kRoomsShown = 40, kNarrowest = 12, kWidest = 48;

struct InfoArguments {
  std::string file;
  bool json = false;
  bool all = false;
};

/// What some responses have in common.
struct Group {
  std::int64_t responses = 0;
  double seconds = 0, shortest_s = 1e30, longest_s = 0;
  std::set<std::string> files, rooms, licences, origins, splits;
  std::set<double> rates_hz;

  void add(const StoredResponse& r) {
    const double length_s = static_cast<double>(r.samples) / r.rate_hz;
    ++responses;
    seconds += length_s;
    shortest_s = std::min(shortest_s, length_s);
    longest_s = std::max(longest_s, length_s);
    files.insert(r.file);
    rooms.insert(r.room);
    licences.insert(r.licence);
    origins.insert(r.origin);
    splits.insert(r.split);
    rates_hz.insert(r.rate_hz);
  }
};

template <class Key, class Get>
std::map<Key, Group> group_by(const ResponseStore& store, Get get) {
  std::map<Key, Group> groups;
  for (const StoredResponse& r : store.responses()) groups[get(r)].add(r);
  return groups;
}

nlohmann::json to_json(const std::string& name, const nlohmann::json& key, const Group& group) {
  return {{name, key}, {"responses", group.responses}, {"rooms", group.rooms.size()}, {"seconds", group.seconds}};
}

template <class Key>
nlohmann::json to_json(const std::string& name, const std::map<Key, Group>& groups) {
  auto out = nlohmann::json::array();
  for (const auto& [key, group] : groups) out.push_back(to_json(name, key, group));
  return out;
}

std::string joined(const std::set<std::string>& texts) {
  std::string out;
  for (const std::string& text : texts) out += (out.empty() ? "" : ", ") + (text.empty() ? "-" : text);
  return out;
}

std::string joined(const std::set<double>& numbers) {
  std::string out;
  for (const double number : numbers) out += (out.empty() ? "" : ", ") + printed("%g", number);
  return out;
}

void print_json(const ResponseStore& store, const Group& all) {
  auto rooms = nlohmann::json::array();
  for (const auto& [room, group] : group_by<std::string>(store, [](const auto& r) { return r.room; }))
    rooms.push_back({{"room", room},
                     {"responses", group.responses},
                     {"files", group.files.size()},
                     {"origins", group.origins},
                     {"splits", group.splits},
                     {"licences", group.licences},
                     {"rates_hz", group.rates_hz},
                     {"shortest_s", group.shortest_s},
                     {"longest_s", group.longest_s}});
  nlohmann::json out = {
      {"file", store.path().string()},
      {"responses", store.size()},
      {"seconds", all.seconds},
      {"rooms", rooms},
      {"rates", to_json("rate_hz", group_by<double>(store, [](const auto& r) { return r.rate_hz; }))},
      {"origins", to_json("origin", group_by<std::string>(store, [](const auto& r) { return r.origin; }))},
      {"licences", to_json("licence", group_by<std::string>(store, [](const auto& r) { return r.licence; }))},
      {"splits", to_json("split", group_by<std::string>(store, [](const auto& r) { return r.split; }))},
      {"notes", store.notes()}};
  std::cout << out.dump(2, ' ', false, nlohmann::json::error_handler_t::replace) << "\n";
}

template <class Key>
void print_groups(const char* title, const std::map<Key, Group>& groups, const std::function<std::string(Key)>& text) {
  std::printf("\n%-28s %9s %7s %9s\n", title, "responses", "rooms", "minutes");
  for (const auto& [key, group] : groups)
    std::printf("%-28s %9lld %7zu %9.1f\n", text(key).c_str(), static_cast<long long>(group.responses),
                group.rooms.size(), group.seconds / 60);
}

void print_text(const ResponseStore& store, const Group& all, bool every_room) {
  std::printf("%s: %zu responses of %zu rooms, %.1f minutes, %.2f to %.2f s each\n", store.path().c_str(), store.size(),
              all.rooms.size(), all.seconds / 60, all.shortest_s, all.longest_s);
  const auto rooms = group_by<std::string>(store, [](const auto& r) { return r.room; });
  std::size_t longest = kNarrowest;
  for (const auto& [room, group] : rooms) longest = std::max(longest, std::min(room.size(), kWidest));
  const int width = static_cast<int>(longest);
  std::printf("\n%-*s %9s %7s %-14s %-13s %-10s %-10s %s\n", width, "room", "responses", "files", "rate Hz", "length s",
              "origin", "split", "licence");
  std::size_t shown = 0;
  for (const auto& [room, group] : rooms) {
    if (!every_room && shown == kRoomsShown) {
      std::printf("... and %zu more (--all shows them)\n", rooms.size() - shown);
      break;
    }
    char length[32];
    std::snprintf(length, sizeof length, "%.2f .. %.2f", group.shortest_s, group.longest_s);
    std::printf("%-*s %9lld %7zu %-14s %-13s %-10s %-10s %s\n", width, room.c_str(),
                static_cast<long long>(group.responses), group.files.size(), joined(group.rates_hz).c_str(), length,
                joined(group.origins).c_str(), joined(group.splits).c_str(), joined(group.licences).c_str());
    ++shown;
  }
  const std::function<std::string(std::string)> named = [](const std::string& s) { return s.empty() ? "none" : s; };
  const std::function<std::string(double)> rate = [](double hz) { return joined(std::set<double>{hz}); };
  print_groups("rate Hz", group_by<double>(store, [](const auto& r) { return r.rate_hz; }), rate);
  print_groups("origin", group_by<std::string>(store, [](const auto& r) { return r.origin; }), named);
  print_groups("split", group_by<std::string>(store, [](const auto& r) { return r.split; }), named);
  print_groups("licence", group_by<std::string>(store, [](const auto& r) { return r.licence; }), named);
  if (all.licences.count("unknown"))
    std::printf("\nThe licence of some responses is unknown: a model trained on them should not be passed on.\n");
  for (const auto& [name, value] : store.notes()) std::printf("\n%s: %s\n", name.c_str(), value.c_str());
}

void info(const InfoArguments& options) {
  const ResponseStore store = ResponseStore::open(options.file);
  Group all;
  for (const StoredResponse& r : store.responses()) all.add(r);
  if (options.json)
    print_json(store, all);
  else
    print_text(store, all, options.all);
}

}  // namespace

void add_data_info_command(Command& data, Context&) {
  auto options = std::make_shared<InfoArguments>();
  Command* command = data.add_subcommand("info", "Rooms, rates, lengths, licences and splits of a data set");
  command->add_option("file", options->file, "data set (HDF5)")->required();
  command->add_flag("--json", options->json, "JSON on stdout");
  command->add_flag("--all", options->all, "every room, however many there are");
  command->footer("Examples:\n  diffverb data info rirs.h5\n  diffverb data info rirs.h5 --json");
  command->callback([options] { info(*options); });
}

}  // namespace diffverb
