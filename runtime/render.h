#pragma once

#include <vector>

#include "runtime/weights.h"

namespace diffverb::runtime {

/// Plays a sound through the engine: input [C][T], output [outputs][T + tail]. A network with one input gets the mean
/// of the channels; one with several gets them in order, the last one repeated.
std::vector<std::vector<float>> render(const std::shared_ptr<const Model>& model,
                                       const std::vector<std::vector<float>>& channels, double tail_s, int block = 512);

/// The impulse response: a unit impulse at every input. [outputs][seconds * rate]
std::vector<std::vector<float>> render_impulse(const std::shared_ptr<const Model>& model, double seconds,
                                               int block = 512);

}  // namespace diffverb::runtime
