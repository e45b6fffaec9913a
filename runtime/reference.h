#pragma once

#include <vector>

#include "runtime/weights.h"

namespace diffverb::runtime {

/// The network's recursion written down sample by sample in double precision, biquads in the direct form, motion by its
/// formulas: what the engine is compared with, and where a file's self-test comes from. Slow. Reads: weights of
/// consistent shapes; input [I, T]. Returns: output [O, T].
std::vector<std::vector<double>> reference_response(const DelayNetworkWeights& weights,
                                                    const std::vector<std::vector<double>>& input, int frames);

/// What became of a loop that was full of noise.
struct LoopDecay {
  bool done = false;     // it fell below the ratio asked for
  double remainder = 1;  // the loudest of the last samples over the loudest at the start
  long long frames = 0;  // played
};

/// What a loop is full of at first: noise; or, of a nonlinear one, what a constant has driven it to, up or down.
enum class LoopStart { kNoise, kUp, kDown };

/// Plays the loop alone (no input) from a state in which every line is full (as loud as a nonlinear loop lets it be),
/// until all lines fall below `ratio` times the loudest of that, at most `max_frames`. Gives up early where the decay is
/// far too slow for that.
LoopDecay loop_decay(const DelayNetworkWeights& weights, double ratio, long long max_frames,
                     LoopStart start = LoopStart::kNoise);

}  // namespace diffverb::runtime
