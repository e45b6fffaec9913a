#pragma once

#include <vector>

#include "runtime/variation.h"
#include "runtime/variation/response_decay.h"

namespace diffverb::runtime {

/// The same with every number within its range; one that is not a number is the neutral one.
Variation within_ranges(const Variation& variation);

/// Whether it changes decay times, or how long what decays is.
bool decays_otherwise(const Variation& variation);

/// vary_response of responses that belong to something with known decay rates, from their first sample on.
std::vector<std::vector<float>> change_response(const std::vector<std::vector<float>>& rows, double from_hz,
                                                double rate_hz, const Variation& variation, const OctaveRates& rates);

}  // namespace diffverb::runtime
