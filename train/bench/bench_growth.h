#pragma once

#include <functional>
#include <vector>

#include "train/bench/bench.h"

namespace diffverb {

/// What a solve with its gradient costs as one size grows, the others staying: the rows whose plots are
/// experiments/benchmarks/growth.svg (plot.py there draws them from the JSON).
///
///   growth_lines, growth_bins, growth_networks            frequency_response, against at::linalg_solve with autograd
///   growth_time_lines, growth_time_samples                time_response, against a loop over samples in C++
///   growth_time_networks                                  several networks in one call, against as many calls
///
/// The peer is left out where its matrices alone take more than half a gigabyte: with autograd it is some times that.
std::vector<std::function<BenchResult()>> growth_benches();

}  // namespace diffverb
