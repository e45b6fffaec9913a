#pragma once

#include "core/tensor.h"

namespace diffverb {

/// A response without the steady noise that is known to be in it: Wiener's filter over time and frequency.
///
///   gain(m, k) = max(0, S(m, k) - 1.1 N(k)) / S(m, k)
///
/// S: power of frames of about 11 ms (square root of a Hann window, a quarter of it apart), its mean over a third of an
/// octave and nine frames; N: the noise's. Where the decay has sunk into the noise it ends in silence: a decay time has to
/// be measured before.
///
/// Reads    response [T] float64; noise [F] float64: expected power of one sample of the noise, from 0 to half the rate
/// Returns  [T]
/// Source   N. Wiener 1949; J. S. Lim, A. V. Oppenheim, Proc. IEEE 67 (12), 1979 (spectral subtraction)
at::Tensor denoised(const at::Tensor& response, const at::Tensor& noise, double rate_hz);

}  // namespace diffverb
