#pragma once

#include <string>

#include "runtime/weights.h"

namespace diffverb::runtime {

/// Everything that the motion of a network must be, but its stability (stability.h): lines that are there and have a
/// delay, delays that stay readable, rates and depths within their limits, matrices that agree with the A at rest.
/// Reads: weights whose other sizes and values were checked. Returns an empty string, or the first reason against it.
std::string check_motion(const DelayNetworkWeights& weights);

}  // namespace diffverb::runtime
