#pragma once

#include <vector>

#include "core/network/delay_network.h"
#include "core/tensor.h"

namespace diffverb {

/// What one writes first: the recursion sample by sample and its adjoint, in float32, without filters; the benchmark's
/// peer.
///
/// Reads    network of whole delays without sections, one input; input [1, T], output_gradient [O, T]
/// Returns  gradients of A, B, C, D, and the output [O, T]
std::vector<at::Tensor> play_sample_by_sample(const DelayNetwork& network, const at::Tensor& input,
                                              const at::Tensor& output_gradient);

}  // namespace diffverb
