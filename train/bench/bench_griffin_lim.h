#pragma once

#include <functional>
#include <vector>

#include "train/bench/bench.h"

namespace diffverb {

/// Phase reconstruction against torchaudio in a Python process, per response: the same algorithm, the way to the same
/// convergence, and the 2,000 responses of a bank.
///
/// Python is ${DIFFVERB_PYTHON} or python3; without torchaudio there the peer's columns stay empty.
std::vector<std::function<BenchResult()>> griffin_lim_benches();

}  // namespace diffverb
