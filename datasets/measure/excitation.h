#pragma once

#include <cstdint>

#include "core/tensor.h"

namespace diffverb {

// What excites a room. Each function returns [N] float64 with a largest magnitude of 1 or below.

/// Synchronised exponential sine sweep: the harmonics that a distortion makes of it are copies of it, earlier by L ln n.
///
///   x(t) = sin(2 pi low L e^{t / L}),   0 <= t < T = L ln(high / low),   low L a whole number
///
/// so that T is `seconds` to within ln(high / low) / (2 low). Both ends are faded by a raised cosine.
///
/// Source   A. Farina, AES 108th Convention, 2000; A. Novak et al., J. Audio Eng. Soc. 63 (10), 2015 (synchronised)
at::Tensor exponential_sweep(double rate_hz, double seconds, double low_hz, double high_hz, double fade_s);

/// L of that sweep: the time in which its frequency rises by e, in seconds.
double sweep_constant_s(double seconds, double low_hz, double high_hz);

/// Optimised time-stretched pulse: every frequency at equal energy, delayed in proportion to the frequency.
///
///   X(k) = W(k) e^{-j 4 pi m k^2 / N^2},   m = 0.45 N, turned so that it stands in the middle of its N samples
///
/// W: 1 from low to high, down to 0 a third of an octave beyond (band_window, inverse.h).
///
/// Source   N. Aoshima, J. Acoust. Soc. Am. 69, 1981; Y. Suzuki et al., J. Acoust. Soc. Am. 97, 1995 (optimised)
at::Tensor time_stretched_pulse(double rate_hz, double seconds, double low_hz, double high_hz, double fade_s);

/// Maximum-length sequence of 2^order - 1 samples, +1 and -1: its circular autocorrelation is N at 0 and -1 elsewhere.
///
/// Source   M. R. Schroeder, J. Acoust. Soc. Am. 66, 1979. Throws a ContractError unless order is 2 to 24.
at::Tensor maximum_length_sequence(int order);

/// The least order whose sequence lasts `seconds`.
int sequence_order(double rate_hz, double seconds);

/// A short linear chirp from low to high under a Hann window: what a clock is read from.
at::Tensor pilot_chirp(double rate_hz, double seconds, double low_hz, double high_hz);

}  // namespace diffverb
