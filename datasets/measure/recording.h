#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "core/audio_file.h"
#include "core/tensor.h"
#include "datasets/measure/clock.h"
#include "datasets/measure/sweep.h"

namespace diffverb {

inline constexpr int kMostChannelsRecorded = 64;

/// A recording whose channels are read one at a time, each when it is asked for: 24 of a minute take the memory of one.
struct RecordedChannels {
  double rate_hz = 0;
  std::int64_t channels = 0;
  std::function<std::vector<float>(std::int64_t)> read;  // from 0
};

/// Throws   DataError as read_audio(), for more than 64 channels; samples are read later
RecordedChannels recorded_in(const std::filesystem::path& path);
RecordedChannels recorded_in(Audio audio);

struct RecordingOptions {
  std::optional<std::int64_t> loopback;  // the channel, from 1, that recorded what was played without a room
  bool resample = false;                 // a recording of another rate is resampled
};

/// A recording of a sweep whose clock and latency are known: where its sweep begins, and at the player's rate.
struct SweepRecording {
  RecordedChannels source;
  double rate_hz = 0;              // what the source is resampled to: the player's rate on the recorder's clock
  std::vector<double> peaks;       // of each channel as recorded; full scale is 1
  std::int64_t delay_samples = 0;  // of the sweep's sound in it; below 0 where the recorder was begun later
  std::int64_t loopback = -1;      // from 0; -1: none
  ClockDrift drift;                // as it was; channel() has none left where it is known

  std::int64_t channels() const { return source.channels; }
  at::Tensor channel(std::int64_t c) const;  // [T] float64, without DC, read and resampled at each call
  /// Before the sweep, or else behind it: [T] of a fifth of a second or more; nothing where neither is so long.
  std::optional<at::Tensor> noise(const Sweep& sweep, const at::Tensor& channel) const;
};

/// Checks, finds the sweep (pair_relation.h, diffuse_arrival.h) and the drift. progress(done, channels) after each channel that was checked.
///
/// Throws   DataError, one line beginning with `name`: another rate, no such loopback channel, shorter than the sweep,
///          silent, clipped (runs of three samples at full scale), nothing but noise, another sound than this sweep,
///          begun after it or ended before it
SweepRecording prepare_recording(RecordedChannels source, const std::string& name, const Sweep& sweep,
                                 const RecordingOptions& options,
                                 const std::function<void(std::int64_t, std::int64_t)>& progress = {});

}  // namespace diffverb
