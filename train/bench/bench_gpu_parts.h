#pragma once

#include "core/tensor.h"
#include "train/bench/bench.h"

// What `diffverb bench gpu` measures of the solvers and of a fit, on a device of choice: tests run them on the host in a
// GPU's place (StandInForGpu).
namespace diffverb {

/// The frequency solver, N = 16, one input and one output, forward and gradient, as a recorded graph.
///
/// The peer is the bound of the card: the longer of the operations that the algorithm cannot do without (bench_roofline.h)
/// at the card's measured float32 rate (a large product of matrices, without TF32), and of 16 bytes a bin (H written, its
/// gradient read) at its measured bandwidth (a large copy). "over_bound" is ours by that.
BenchResult bench_gpu_frequency(at::Device device, std::int64_t bins, std::int64_t networks);

/// The time-domain solver, N = 16, forward and gradient, as a recorded graph, against the CPU's kernel.
BenchResult bench_gpu_time(at::Device device, std::int64_t samples);

/// A step of `diffverb fit` as one graph, against the same launch by launch. Throws NumericError where their losses are
/// not equal to 1e-3 after 20 steps.
BenchResult bench_gpu_fit(at::Device device, double seconds);

}  // namespace diffverb
