#pragma once

#include "core/tensor.h"

namespace diffverb {

/// A response without the steady noise that is known to be in it, its decay carried on below that noise.
///
///   gain(m, k) = sqrt(S / (S + N)),   S(m, k) = max(0, P(m, k) - N(k))   while the decay is the stronger one,
///                                     S(m, k) = a_k e^{-b_k m}           behind (decay_in_noise.h)
///
/// P: power of frames of about 11 ms (square root of a Hann window, a quarter of it apart), its mean over a third of an
/// octave and nine frames; N: the noise's. The root keeps the energy of the decay at each moment, so that decay times and
/// clarity are those of the response; Wiener's S / (S + N) has the least error, here by 0.1 to 0.2 dB, and ends a decay
/// too early. Behind the knee the sound is the noise in the shape of the decay: an estimate from what was heard before.
/// Where a frequency's decay does not stand 10 dB above its noise, everything stays as it was measured.
///
/// Reads    response [T] float64; noise [F] float64: expected power of one sample of the noise, from 0 to half the rate
/// Returns  [T]
/// Source   M. Berouti et al., ICASSP 1979 (power subtraction); W. T. Chu, J. Acoust. Soc. Am. 63, 1978 (noise subtracted
///          from a decay)
at::Tensor denoised(const at::Tensor& response, const at::Tensor& noise, double rate_hz);

}  // namespace diffverb
