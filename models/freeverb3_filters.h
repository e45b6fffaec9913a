#pragma once

#include <torch/types.h>

namespace diffverb::freeverb3 {

/// Freeverb3's filters as sections [1, 5], with gradients to the frequencies. Source: freeverb/efilter.cpp, biquad.cpp.

/// (1 - z^-1) / (1 - gain z^-1): a cut of what is below hz (class dccut).
torch::Tensor dc_cut(const torch::Tensor& hz, double rate);
/// First order by the bilinear transform, 3 dB down at hz (class iir_1st, setLPF_BW).
torch::Tensor low_pass(const torch::Tensor& hz, double rate);
/// Second order with a bandwidth in octaves (class biquad, setLPF_RBJ and setAPF_RBJ).
torch::Tensor low_pass(const torch::Tensor& hz, double octaves, double rate);
torch::Tensor all_pass(const torch::Tensor& hz, double octaves, double rate);

}  // namespace diffverb::freeverb3
