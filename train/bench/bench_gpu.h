#pragma once

#include <functional>
#include <vector>

#include "train/bench/bench.h"

namespace diffverb {

/// The solvers and a step of a fit (bench_gpu_parts.h), then a training step of the published autoencoder on the GPU as diffverb train makes it (train/optimizer/step_graph.h,
/// flat_adam.cu), in float32 and bfloat16, against PyTorch on the same GPU in a Python process: eager, and compiled.
/// Times are of 20 steps with one wait at their end, fastest of the turns.
///
/// Both start from the same weights and input; the loss of the first step must agree to 1e-3 of its value, in bfloat16
/// to 3e-2.
/// Throws   ConfigError where there is no GPU
std::vector<std::function<BenchResult()>> gpu_benches();

}  // namespace diffverb
