#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>

#include "datasets/simulate/room_range.h"

namespace diffverb {

struct SimulateOptions {
  int threads = 1;
  bool resume = false;                // go on where an interrupted run ended
  bool overwrite = false;             // with resume: a finished file that is not this set may be replaced
  std::optional<std::int64_t> count;  // responses, in place of the range's rooms
  std::string settings;               // the resolved YAML of the range: part of what makes the set what it is
  std::string command;                // kept with the set
  std::function<void(std::int64_t done, std::int64_t total)> progress;
  std::function<bool()> stop;  // polled after each piece of a room
};

struct SimulateResult {
  std::int64_t responses = 0, rooms = 0, kept = 0;  // kept: of an interrupted run
  double sound_s = 0;
  bool stopped = false, was_complete = false;
};

/// Draws rooms and writes their responses into a data file (datasets/response_store.h): room after room, in a room
/// source after source, as channels the receivers. Any number of threads gives the same file, byte for byte, and so
/// does a run that was killed and resumed.
///
/// With resume a finished file of the same settings is left as it is, split and all.
///
/// Throws   DataError as ResponseStoreWriter; where PATH holds an interrupted set and resume is not asked for
///          ConfigError where resume is asked for and PATH is a finished file of other settings, or no simulated one
SimulateResult simulate_set(const RoomRange& range, const std::filesystem::path& path, const SimulateOptions& options);

/// One line a room: name, sides, volume, Eyring's time at 1 kHz, T30 by band as walls, air and scattering make it; CSV
/// with a header.
std::string room_table(const RoomRange& range, std::int64_t rooms);

/// Rooms that `count` responses need.
std::int64_t rooms_for(const RoomRange& range, std::int64_t count);

}  // namespace diffverb
