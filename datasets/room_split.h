#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "datasets/response_store.h"

namespace diffverb {

struct SplitSettings {
  double validation = 0.1, test = 0.1;  // shares of the rooms
  std::uint64_t seed = 1;
  /// Globs. Where given, these rooms are the part, and its share is not looked at.
  std::vector<std::string> validation_rooms, test_rooms;
};

struct SplitReport {
  std::map<std::string, std::size_t> responses, rooms;  // by part
  std::vector<std::vector<std::string>> bound;          // rooms that share a response, and so a part
};

/// Sorts responses into train, validation and test, by room: the part of every response is set.
///
/// A room is in one part only, and rooms that have a response in common (the same samples) are in the same one. The
/// order of the rooms follows from a hash of their names and the seed, and not from the file; of measured and of
/// simulated rooms each, the first `test` of them (rounded, at least one where there are three or more) are the test
/// part, the next `validation` the validation part.
///
/// Throws   ConfigError: shares that leave nothing to train on, a glob that stands for no room, a room that is asked
///          for in two parts
SplitReport split_by_room(std::vector<StoredResponse>& responses, const SplitSettings& settings);

}  // namespace diffverb
