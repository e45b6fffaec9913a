#pragma once

#include <array>
#include <vector>

#include "runtime/weights.h"

namespace diffverb::runtime {

/// How a player changes what was fitted or trained. The neutral one, as it stands here, changes nothing.
struct Variation {
  double decay = 1;          ///< times every decay time, 0.1 .. 4
  double size = 1;           ///< times every delay (and distance), 0.5 .. 2; decay times stay
  double damping = 0;        ///< -1 .. 1: decay times above 2 kHz times 4^-damping, below 500 Hz as they were
  double early_late_db = 0;  ///< -24 .. 24: level of what comes after 80 ms against what comes before
  double modulation = 1;     ///< times the depth of what moves, 0 .. 2

  bool operator==(const Variation&) const = default;
};

/// A network at the host's rate and changed: its delays in seconds and the decay time of every loop by frequency stay what
/// they were (or become what the variation asks for); nothing is just played faster. Above the old rate's half nothing
/// sounds that was not there. Takes tens of milliseconds; for a thread that is not the audio thread.
///
/// Returns  a checked model, or the reason why there is none (not stable after the change, a rate beyond 8 .. 384 kHz)
LoadResult vary_network(const Model& model, double rate_hz, const Variation& variation = {});

/// Responses of one length at the host's rate and changed: decay by octave bands, size by resampling, early against late
/// with a crossfade around 80 ms.
std::vector<std::vector<float>> vary_response(const std::vector<std::vector<float>>& channels, double from_hz,
                                              double rate_hz, const Variation& variation = {});

}  // namespace diffverb::runtime
