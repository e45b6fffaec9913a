#pragma once

#include <functional>
#include <string>
#include <vector>

#include "core/network/delay_network.h"
#include "core/tensor.h"
#include "train/bench/bench.h"

namespace diffverb {

/// A reverb of N lines at 48 kHz: one input, one output; T60 about 2 s; S peaking cuts a line.
DelayNetwork bench_network(std::int64_t lines, std::int64_t sections);
/// Makes A, B, C, D and, if asked, the sections leaves that require a gradient.
std::vector<at::Tensor> require_gradients(DelayNetwork& network, bool with_filters);

struct SolverBench {
  std::string name;
  std::int64_t lines = 0, bins = 0, sections = 0, networks = 1;
  bool with_peer = true;
  bool quick = false;  // the least of some runs, not the median of many
};
BenchResult bench_solver(const SolverBench& bench);

struct TimeBench {
  std::string name;
  std::int64_t lines = 0, samples = 0;
  bool quick = false;
};
BenchResult bench_time(const TimeBench& bench);

/// Several networks in one call of time_response, against as many calls.
BenchResult bench_time_batch(const std::string& name, std::int64_t networks, std::int64_t lines, std::int64_t samples);

/// The frequency solver with gradient against one batched LAPACK solve with autograd, the delays' part of G given.
std::vector<std::function<BenchResult()>> solver_benches();
/// The time-domain solver with gradient against a loop over samples with its adjoint, in C++ with the same flags (-O3).
std::vector<std::function<BenchResult()>> time_benches();

}  // namespace diffverb
