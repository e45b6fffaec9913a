#pragma once

#include "core/tensor.h"

namespace diffverb {

/// H(z) = (1 - p) / (1 - p z^-1): unit gain at 0 Hz, the damping of the classical reverberators.
///
/// Reads    pole: a number in [0, 1)
/// Returns  [1, 5] b0 b1 b2 a1 a2, float64
/// Gradient to the pole
at::Tensor one_pole_sos(const at::Tensor& pole);

/// The pole whose low-pass is 3 dB down at cutoff_hz: p = 2 - cos w - sqrt((2 - cos w)^2 - 1).
/// Gradient to the cutoff
at::Tensor one_pole_at(const at::Tensor& cutoff_hz, double sample_rate_hz);

/// The pole whose low-pass has `ratio` of its gain at 0 Hz at this frequency: a line's damping from the decay times that
/// it is to have at both.
///
/// Reads    ratio: any shape, in (0, 1]
/// Source   Jot and Chaigne 1991
at::Tensor one_pole_for_ratio(const at::Tensor& ratio, const at::Tensor& hz, double sample_rate_hz);

/// A number whose power is the pole for one sample at `made_for_hz`, as a pole at another rate: the same time constant.
at::Tensor pole_at_rate(const at::Tensor& pole, double made_for_hz, double sample_rate_hz);

/// Linkwitz-Riley's crossover of fourth order: two Butterworth sections twice. Both outputs add up to an allpass.
///
/// Reads    corner_hz: a number in (0, half the rate)
/// Returns  [2, 5]
/// Source   Linkwitz 1976
at::Tensor linkwitz_riley_sos(const at::Tensor& corner_hz, bool high, double sample_rate_hz);

}  // namespace diffverb
