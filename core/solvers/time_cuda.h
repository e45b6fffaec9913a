#pragma once

#include <array>

#include "core/solvers/time_tensors.h"

// time_tensors.h on a GPU, by the kernels of libdiffverb_cuda.so; delays are float64 there. Nothing here waits for the
// device.
namespace diffverb {

inline constexpr std::int64_t kMostTimeLinesOnCuda = 64;

TimeForward time_forward_on_cuda(const TimeTensors& tensors);
std::array<at::Tensor, 6> time_backward_on_cuda(const TimeTensors& tensors, const at::Tensor& grad_output,
                                                const at::Tensor& tape, const std::array<bool, 6>& wanted);

}  // namespace diffverb
