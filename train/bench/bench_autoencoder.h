#pragma once

#include <functional>
#include <vector>

#include "train/bench/bench.h"

namespace diffverb {

/// A training step of the published autoencoder (forward, squared error, gradients, Adam; batch 8, single precision)
/// against PyTorch in a Python process: eager, and eager with channels_last. Fastest of the steps that take turns.
///
/// Both start from the same weights and input; the losses of the first two steps must agree to 1e-4 of their value.
/// Python is ${DIFFVERB_PYTHON} or python3; without torch there the peer's columns stay empty.
std::vector<std::function<BenchResult()>> autoencoder_benches();

}  // namespace diffverb
