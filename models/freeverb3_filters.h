#pragma once

#include "core/tensor.h"

namespace diffverb::freeverb3 {

/// Freeverb3's filters as sections [1, 5], with gradients to the frequencies. Source: freeverb/efilter.cpp, biquad.cpp.

/// (1 - z^-1) / (1 - gain z^-1): a cut of what is below hz (class dccut).
at::Tensor dc_cut(const at::Tensor& hz, double rate);
/// First order by the bilinear transform, 3 dB down at hz (class iir_1st, setLPF_BW).
at::Tensor low_pass(const at::Tensor& hz, double rate);
/// Second order with a bandwidth in octaves (class biquad, setLPF_RBJ and setAPF_RBJ).
at::Tensor low_pass(const at::Tensor& hz, double octaves, double rate);
at::Tensor all_pass(const at::Tensor& hz, double octaves, double rate);

}  // namespace diffverb::freeverb3
