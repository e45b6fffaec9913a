#pragma once

#include <cstdint>
#include <filesystem>
#include <vector>

#include "train/fit/fit.h"

namespace diffverb {

/// A response of a batch, and the run folder that its fit is to write.
struct BatchRoom {
  std::filesystem::path input, folder;
};

/// How a batch ended.
struct BatchOutcome {
  std::vector<std::filesystem::path> done;  // run folders, in the rooms' order
  std::vector<FitOutcome> stopped;          // by a signal, with a checkpoint; likewise
  std::size_t failed = 0, not_begun = 0;    // rooms; what failed has been told in the log
  int exit_code = 0;                        // the highest of those that failed
};

/// How many rooms a batch works on at once: what an overlay of `threads` says, else as many as there are cores.
/// Throws   ConfigError where the config is wrong
std::int64_t rooms_at_once(const FitOptions& shared);

/// Fits a network to each of several responses, `at_once` of them at a time.
///
/// A step of a fit is a hundred short operations, too short to be shared among cores; rooms share nothing. So each is
/// fitted by one thread from its file to its report, and gives what fit_response() gives with one thread, bit for bit.
/// The longest come first: the last ones to end are then short, and no core waits long for another.
///
/// stderr shows one progress line for all, warnings and errors; the rest is in each run's log. A room that fails stops
/// no other. A signal (train/stop.h) stops all: those under way are left with a checkpoint that resumes.
///
/// Reads    shared: config, overlays and overwrite; `threads` counts rooms, each run's own is 1
/// Throws   ConfigError where the config is wrong, before anything is read or written
BatchOutcome fit_batch(const std::vector<BatchRoom>& rooms, const FitOptions& shared, std::int64_t at_once);

}  // namespace diffverb
