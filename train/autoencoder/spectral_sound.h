#pragma once

#include "core/spectral/griffin_lim.h"
#include "core/tensor.h"
#include "models/spectral_autoencoder.h"

namespace diffverb {

/// How the sound of a spectral autoencoder's spectrograms is found: 100 iterations of averaged reflections.
GriffinLimOptions phase_options(const SpectralAutoencoder& model);

/// Magnitudes of a decoder's values in [0, 1]: 10^((clamp(value) - 1) span_db / 20).
at::Tensor magnitudes_of(const at::Tensor& values, double span_db);

/// griffin_lim() of pairs, magnitude [2 P, F, T], left, right, left, ..., as coherent as a diffuse field is over a
/// width (runtime/stereo_width.h).
///
/// Each channel's phases are sought for themselves. Then those of the right one become the left one's as far as they
/// are to be coherent, bin by bin, and 30 iterations of Griffin and Lim from there make a sound of them; more, or other
/// ones, would forget where they began. With a width of 0 the right channel is the left one.
GriffinLimResult griffin_lim_pairs(const at::Tensor& magnitude, const GriffinLimOptions& options, double rate_hz,
                                   double width);

}  // namespace diffverb
