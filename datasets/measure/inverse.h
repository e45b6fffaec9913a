#pragma once

#include <cstdint>

#include "core/tensor.h"

namespace diffverb {

/// What of the spectrum belongs to a measurement: 1 from low to high, a raised cosine of the logarithm of the frequency
/// down to 0 a third of an octave beyond (above, before the Nyquist frequency where that comes first).
///
/// Returns  [fft_size / 2 + 1] float64
at::Tensor band_window(std::int64_t fft_size, double rate_hz, double low_hz, double high_hz);

/// The mean over so much of an octave around each bin. Reads and returns [..., F] float64.
at::Tensor smoothed_by_octaves(const at::Tensor& power, double octaves);
at::Tensor smoothed_by_thirds(const at::Tensor& power);

/// The inverse of an excitation's spectrum, regularised (Kirkeby) by frequency and limited to a band.
///
///   G(f) = W(f) X*(f) / (|X(f)|^2 + epsilon(f)),   epsilon(f) = S(f) max(noise_share(f), 1e-7)
///
/// S: |X|^2 smoothed by thirds of an octave, so that a dip between two bins is not lifted; noise_share: noise over signal
/// in what was recorded, 0 where nothing is known (Wiener's filter where both are right). Where S itself falls 80 dB
/// below its largest, nothing was played: epsilon does not fall further.
///
/// Reads    spectrum [F] complex double, window [F], noise_share [F] or a scalar
/// Returns  [F] complex double
/// Source   O. Kirkeby, P. A. Nelson, J. Audio Eng. Soc. 47 (7/8), 1999
at::Tensor regularised_inverse(const at::Tensor& spectrum, const at::Tensor& window, const at::Tensor& noise_share);

/// The same as a sound of 2 N samples, for other programs: what was played, convolved with it, is a pulse at sample N. Its
/// band ends with the range instead of beyond it, as what was hardly played takes an inverse longer than this.
at::Tensor inverse_filter(const at::Tensor& excitation, double rate_hz, double low_hz, double high_hz);

}  // namespace diffverb
