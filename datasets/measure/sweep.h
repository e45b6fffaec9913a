#pragma once

#include <cstdint>
#include <filesystem>
#include <string>

#include "core/tensor.h"

namespace diffverb {

/// What is played to measure a room, and where its parts stand.
///
///   a second of silence, pilot, gap, excitation, gap, ... excitation, gap, pilot, gap
///
/// ess and tsp are repeated with a gap behind each, so that the room falls silent; mls follows itself without a gap, once
/// more than `repeat` says: its first period only fills the room. The file beside the sound holds these settings, and the
/// sound follows from them.
struct Sweep {
  std::string type = "ess";  // ess, tsp, mls (excitation.h)
  double rate_hz = 48000;
  double seconds = 10;
  double low_hz = 20, high_hz = 20000;
  double fade_ms = 10;      // of an ess or tsp, at both ends
  double gap_s = 2;         // the longest response
  double level_dbfs = -6;   // of the largest sample
  std::int64_t repeat = 1;  // averaged by the measurement
  bool pilots = true;       // short chirps at both ends, which show the drift of a clock

  bool periodic() const { return type == "mls"; }
  /// Throws   ConfigError with the setting's name where it cannot be played
  void check() const;
  /// One repetition, [N] float64.
  at::Tensor excitation() const;
  at::Tensor pilot() const;
  /// All that is played, [T] float64.
  at::Tensor sound() const;
};

/// Where the parts of a sweep's sound stand, in samples.
struct SweepLayout {
  explicit SweepLayout(const Sweep& sweep);
  std::int64_t lead, pilot, gap;         // lengths
  std::int64_t period;                   // N of one repetition
  std::int64_t spacing;                  // from one repetition's start to the next one's
  std::int64_t first;                    // start of the first repetition that is looked at
  std::int64_t played;                   // end of the last repetition
  std::int64_t first_pilot, last_pilot;  // starts; -1 where there are none
  std::int64_t samples;                  // of the whole sound
};

/// sweep.json: the settings, and for readers of other programs where the repetitions stand.
std::string sweep_json(const Sweep& sweep);

/// Throws   DataError where the file is none of `diffverb data sweep`
Sweep read_sweep(const std::filesystem::path& path);

}  // namespace diffverb
