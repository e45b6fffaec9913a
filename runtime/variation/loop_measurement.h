#pragma once

#include <vector>

#include "runtime/weights.h"

namespace diffverb::runtime {

/// The decay rate of a network's response at frequencies, in nepers a second, measured in octaves: of C s for an impulse at
/// all inputs, at rest and linear, without output filters.
std::vector<double> measured_rates(const DelayNetworkWeights& weights, const std::vector<double>& hz);

}  // namespace diffverb::runtime
