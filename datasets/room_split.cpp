#include "datasets/room_split.h"

#include <fnmatch.h>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <set>

#include "core/error.h"
#include "core/nearest.h"
#include "core/seed.h"

namespace diffverb {
namespace {

constexpr std::size_t kMostListed = 40;

/// Rooms that have to stay together.
struct Group {
  std::vector<std::string> rooms;  // sorted
  bool measured = false;
  std::uint64_t order = 0;
  std::string part;
};

/// Disjoint sets of rooms, joined where they share a response.
class Rooms {
 public:
  explicit Rooms(const std::vector<StoredResponse>& responses) {
    std::map<std::string, std::size_t> first_with;  // hash: room
    for (const StoredResponse& r : responses) {
      const auto [known, added] = index_.emplace(r.room, parent_.size());
      if (added) parent_.push_back(parent_.size());
      if (r.origin == "measured") measured_.insert(r.room);
      const auto [first, is_first] = first_with.emplace(r.hash, known->second);
      if (!is_first) parent_[root(known->second)] = root(first->second);
    }
  }
  std::vector<Group> groups(std::uint64_t seed) {
    std::map<std::size_t, Group> by_root;
    for (const auto& [room, index] : index_) {
      Group& group = by_root[root(index)];
      group.rooms.push_back(room);
      group.measured |= measured_.count(room) > 0;
    }
    std::vector<Group> out;
    for (auto& [root, group] : by_root) {
      group.order = derive_seed(seed, "split " + group.rooms[0]);
      out.push_back(std::move(group));
    }
    std::sort(out.begin(), out.end(), [](const Group& a, const Group& b) {
      return a.order != b.order ? a.order < b.order : a.rooms[0] < b.rooms[0];
    });
    return out;
  }
  std::vector<std::string> names() const {
    std::vector<std::string> out;
    for (const auto& [room, index] : index_) out.push_back(room);
    return out;
  }

 private:
  std::size_t root(std::size_t i) {
    while (parent_[i] != i) i = parent_[i] = parent_[parent_[i]];
    return i;
  }
  std::map<std::string, std::size_t> index_;
  std::vector<std::size_t> parent_;
  std::set<std::string> measured_;
};

void assign_named(std::vector<Group>& groups, const std::vector<std::string>& globs, const std::string& part,
                  const std::vector<std::string>& names) {
  for (const std::string& glob : globs) {
    bool found = false;
    for (Group& group : groups) {
      for (const std::string& room : group.rooms) {
        if (room != glob && ::fnmatch(glob.c_str(), room.c_str(), 0) != 0) continue;
        if (!group.part.empty() && group.part != part)
          throw ConfigError("room '" + room + "' is asked for in " + group.part + " and in " + part +
                            (group.rooms.size() > 1 ? " (it shares a response with other rooms)" : ""));
        group.part = part;
        found = true;
      }
    }
    if (found) continue;
    const std::string near = nearest_name(glob, names);
    const std::string hint = names.size() <= kMostListed ? known_names_hint(glob, names)
                             : near.empty()              ? ""
                                                         : ", did you mean '" + near + "'?";
    throw ConfigError("--" + part + "-rooms " + glob + ": no such room" + hint);
  }
}

std::size_t count_of(double share, std::size_t groups) {
  if (share <= 0) return 0;
  const auto count = static_cast<std::size_t>(std::llround(share * static_cast<double>(groups)));
  return groups >= 3 ? std::max<std::size_t>(1, count) : count;
}

void assign_shares(std::vector<Group>& groups, const SplitSettings& settings) {
  for (const bool measured : {true, false}) {
    std::vector<Group*> free;
    std::size_t all = 0;
    for (Group& group : groups) {
      if (group.measured != measured) continue;
      ++all;
      if (group.part.empty()) free.push_back(&group);
    }
    std::size_t next = 0;
    const auto take = [&](double share, const char* part) {
      for (std::size_t k = 0; k < count_of(share, all) && next < free.size(); ++k) free[next++]->part = part;
    };
    if (settings.test_rooms.empty()) take(settings.test, "test");
    if (settings.validation_rooms.empty()) take(settings.validation, "validation");
    while (next < free.size()) free[next++]->part = "train";
  }
}

}  // namespace

SplitReport split_by_room(std::vector<StoredResponse>& responses, const SplitSettings& settings) {
  const bool shares = settings.validation >= 0 && settings.test >= 0 && settings.validation + settings.test < 1;
  if (!shares) throw ConfigError("the shares of validation and test must be 0 or more, and together below 1");
  Rooms rooms(responses);
  std::vector<Group> groups = rooms.groups(settings.seed);
  assign_named(groups, settings.test_rooms, "test", rooms.names());
  assign_named(groups, settings.validation_rooms, "validation", rooms.names());
  assign_shares(groups, settings);
  SplitReport report;
  std::map<std::string, std::string> parts;
  for (const Group& group : groups) {
    report.rooms[group.part] += group.rooms.size();
    if (group.rooms.size() > 1) report.bound.push_back(group.rooms);
    for (const std::string& room : group.rooms) parts[room] = group.part;
  }
  std::sort(report.bound.begin(), report.bound.end());
  for (StoredResponse& r : responses) {
    r.split = parts.at(r.room);
    ++report.responses[r.split];
  }
  if (report.rooms["train"] == 0) throw ConfigError("no room is left to train on");
  return report;
}

}  // namespace diffverb
