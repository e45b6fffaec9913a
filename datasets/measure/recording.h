#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "core/audio_file.h"
#include "core/tensor.h"
#include "datasets/measure/clock.h"
#include "datasets/measure/sweep.h"

namespace diffverb {

struct RecordingOptions {
  std::optional<std::int64_t> loopback;  // the channel, from 1, that recorded what was played without a room
  bool resample = false;                 // a recording of another rate is resampled
};

/// A recording of a sweep whose clock and latency are known: where its sweep begins, and at the player's rate.
struct SweepRecording {
  Audio audio;
  std::int64_t delay_samples = 0;  // of the sweep's sound in it; below 0 where the recorder was begun later
  std::int64_t loopback = -1;      // from 0; -1: none
  ClockDrift drift;                // as it was; the audio has none left where it is known

  at::Tensor channel(std::int64_t c) const;  // [T] float64, without DC
  /// Before the sweep, or else behind it: [T] of a fifth of a second or more; nothing where neither is so long.
  std::optional<at::Tensor> noise(const Sweep& sweep, const at::Tensor& channel) const;
};

/// Checks, finds the sweep (pair_relation.h), finds the drift and resamples by it.
///
/// Throws   DataError, one line beginning with `name`: another rate, no such loopback channel, shorter than the sweep,
///          silent, clipped (runs of three samples at full scale), nothing but noise, another sound than this sweep,
///          begun after it or ended before it
SweepRecording prepare_recording(Audio audio, const std::string& name, const Sweep& sweep,
                                 const RecordingOptions& options);

}  // namespace diffverb
