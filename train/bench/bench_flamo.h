#pragma once

#include <functional>
#include <vector>

#include "train/bench/bench.h"

namespace diffverb {

/// Training steps of two of FLAMO's examples (forward, loss, gradients, Adam; 96,000-point grid, alias decay 30 dB,
/// float32) against FLAMO's own trainer in a Python process (experiments/benchmarks/peers/flamo_steps.py).
///
/// Both start from the same parameters. In float64 our step is FLAMO's: loss and all gradients of the first step agree to
/// 1e-4 of the largest. What is timed is float32, of which the largest difference from float64 is told ("error"; it must
/// be 1e-4 or below the peer's), and that of FLAMO's own float32 ("peer_error": it rounds phases of thousands of radians
/// and the design of the equaliser). Python is ${DIFFVERB_PYTHON} or python3; without FLAMO there the peer's columns
/// stay empty.
///
/// colorless: a lossless network, mean of (|H| - 1)^2 + 0.2 sparsity of the feedback matrix
std::vector<std::function<BenchResult()>> flamo_colorless_benches();

/// e8: a graphic equaliser for each line, the response by the inverse transform, multi-resolution STFT distance to a
/// decaying noise + sparsity; and the peak memory of a step above what each process holds before it, in MB
std::vector<std::function<BenchResult()>> flamo_e8_benches();

}  // namespace diffverb
