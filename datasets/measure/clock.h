#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "core/tensor.h"
#include "datasets/measure/sweep.h"

namespace diffverb {

/// How much later b holds what a holds, to a fraction of a sample: the largest of their cross-correlation within
/// `most_samples`, a parabola through its three values.
struct RelativeDelay {
  double samples = 0;
  double correlation = 0;  // -1 to 1 at that delay
  double gain_db = 0;      // of b over a
};

/// Reads a, b [T] float64 of one length.
RelativeDelay delay_between(const at::Tensor& a, const at::Tensor& b, std::int64_t most_samples);

/// The recording's clock against the player's.
struct ClockDrift {
  std::optional<double> ppm;              // above 0: the recorder counts more samples; nothing where it cannot be told
  std::string from = "not identifiable";  // "pilots", "repetitions", "loopback"
  double distance_samples = 0;            // between the two stretches that were compared
  std::optional<double> level_change_db;  // between the two stretches that were compared
};

/// From the two pilots, else the first and last repetition, else the two ends of one sweep on a loopback channel.
///
/// Two stretches that went through the same room are compared with each other, so that its response does not matter.
/// Reads    channel [T] float64; delay_samples: where the sweep's sound begins in it; loopback: the channel is the
///          sweep itself, without a room
ClockDrift find_drift(const Sweep& sweep, const at::Tensor& channel, std::int64_t delay_samples, bool loopback);

}  // namespace diffverb
