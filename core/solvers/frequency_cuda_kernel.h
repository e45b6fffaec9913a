#pragma once

#include "core/solvers/frequency_bin.h"

namespace diffverb {

/// Launches the solve of all bins of all networks on a cudaStream_t: p.h, and p.states where not null. Nothing waits for
/// the device, so it can be recorded in a graph. Returns CUDA's error text, null where none.
const char* launch_frequency_forward(const BinProblem<float>& p, void* stream);
const char* launch_frequency_forward(const BinProblem<double>& p, void* stream);

/// Launches the gradient from the states: `partial` [R, chunks, entries] is worked in, `sums` [R, entries] is the result
/// (BinEntries), the same for every run.
const char* launch_frequency_backward(const BinProblem<float>& p, const BinComplex<float>* grad_h, double* partial,
                                      double* sums, void* stream);
const char* launch_frequency_backward(const BinProblem<double>& p, const BinComplex<double>* grad_h, double* partial,
                                      double* sums, void* stream);

}  // namespace diffverb
