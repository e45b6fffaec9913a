#pragma once

#include <vector>

#include "runtime/weights.h"

namespace diffverb::runtime {

/// The decay rate of a loop at frequencies (loop_rates.h), measured in octaves from the sound of its lines alone, at rest.
std::vector<double> measured_rates(const DelayNetworkWeights& weights, const std::vector<int>& lines,
                                   const std::vector<double>& hz);

}  // namespace diffverb::runtime
