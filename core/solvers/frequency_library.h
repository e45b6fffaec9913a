#pragma once

#include "core/network/delay_network.h"
#include "core/tensor.h"

namespace diffverb {

/// What frequency_response() returns, by LibTorch's operators: for devices that have no kernel of ours. One batched
/// solve over the bins, differentiated by autograd; the kernels take a tenth of the memory and time.
at::Tensor frequency_response_by_library(const DelayNetwork& network, const at::Tensor& omega_rad, double radius);

}  // namespace diffverb
