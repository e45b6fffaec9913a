#pragma once

#include "core/solvers/time_sums.h"

namespace diffverb {

/// Launches the recursion of all networks on a cudaStream_t: a persistent block of threads each. Nothing waits for the
/// device, so it can be recorded in a graph. Returns CUDA's error text, null where none.
const char* launch_time_forward(const TimeBlocks<float>& p, void* stream);
const char* launch_time_forward(const TimeBlocks<double>& p, void* stream);

/// Launches the adjoint and the sums of the gradient, the same for every run: `sums` [R, N + O, N + I] = [A B; C D]
/// (time_sums.h), worked out in `partial` [R, blocks of kTimeSumSamples, N + O, N + I], and `sos` [R, N, S, 5].
const char* launch_time_backward(const TimeBlocks<float>& p, double* partial, double* sums, double* sos, void* stream);
const char* launch_time_backward(const TimeBlocks<double>& p, double* partial, double* sums, double* sos, void* stream);

}  // namespace diffverb
