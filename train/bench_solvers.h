#pragma once

#include <torch/types.h>

#include <functional>
#include <vector>

#include "core/network/delay_network.h"
#include "train/bench.h"

namespace diffverb {

/// A reverb of N lines at 48 kHz: one input, one output; T60 about 2 s; S peaking cuts a line.
DelayNetwork bench_network(std::int64_t lines, std::int64_t sections);
/// Makes A, B, C, D and, if asked, the sections leaves that require a gradient.
std::vector<torch::Tensor> require_gradients(DelayNetwork& network, bool with_filters);

/// The frequency solver with gradient against one batched LAPACK solve with autograd, the delays' part of G given.
std::vector<std::function<BenchResult()>> solver_benches();
/// The time-domain solver with gradient against a loop over samples with its adjoint, in C++ with the same flags (-O3).
std::vector<std::function<BenchResult()>> time_benches();
/// The runtime engine, ten sections a line, stereo.
std::vector<std::function<BenchResult()>> engine_benches();

}  // namespace diffverb
