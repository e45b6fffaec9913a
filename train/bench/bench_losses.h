#pragma once

#include <functional>
#include <vector>

#include "train/bench/bench.h"

namespace diffverb {

/// Value and gradient of a loss between responses [8, 1, 65536] in float32, the target prepared, against auraloss's of
/// the same frames. Where the formulas are one, value and gradient are checked equal to 1e-4 of the largest.
std::vector<std::function<BenchResult()>> losses_benches();

}  // namespace diffverb
