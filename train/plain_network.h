#pragma once

#include <torch/types.h>

#include <vector>

#include "core/network/delay_network.h"

namespace diffverb {

/// What one writes first: the recursion sample by sample and its adjoint, in float32, without filters; the benchmark's
/// peer.
///
/// Reads    network of whole delays without sections, one input; input [1, T], output_gradient [O, T]
/// Returns  gradients of A, B, C, D, and the output [O, T]
std::vector<torch::Tensor> play_sample_by_sample(const DelayNetwork& network, const torch::Tensor& input,
                                                 const torch::Tensor& output_gradient);

}  // namespace diffverb
