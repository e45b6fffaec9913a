#pragma once

#include <array>

#include "core/solvers/frequency_tensors.h"

// frequency_tensors.h on a GPU, by the kernels of libdiffverb_cuda.so. Nothing here waits for the device.
namespace diffverb {

inline constexpr std::int64_t kMostLinesOnCuda = 64;

FrequencyForward frequency_forward_on_cuda(const FrequencyTensors& tensors, bool keep);
std::array<at::Tensor, 6> frequency_backward_on_cuda(const FrequencyTensors& tensors, const at::Tensor& grad_h,
                                                     const at::Tensor& states, const FrequencyNeeds& needs);

}  // namespace diffverb
