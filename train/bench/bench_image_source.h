#pragma once

#include <functional>
#include <vector>

#include "train/bench/bench.h"

namespace diffverb {

/// The image sources of a room to a high order, against pyroomacoustics in a Python process: one band, the same images,
/// the same kernel of fractional delays, the same threads. Without pyroomacoustics there the peer's columns stay empty.
std::vector<std::function<BenchResult()>> image_source_benches();

}  // namespace diffverb
