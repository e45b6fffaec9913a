#pragma once

#include <cstddef>
#include <span>
#include <vector>

namespace diffverb {

/// How the spectrum of a response fluctuates: what two copies of one share, whatever their level, sign, delay and rate.
///
///   s(k) = max(20 log10 |X(k)|, -40 dB below its mean) less its mean over +- 16 bins, |s| = 1,  100 Hz < f < 3.5 kHz
///
/// of the first quarter second from the onset. Empty where there is nothing to compare.
std::vector<float> spectral_signature(std::span<const float> response, double rate_hz);

/// For each signature those before it that it is most like: at most `most` with a product above `least`, the most alike
/// first. Empty signatures are like none.
std::vector<std::vector<std::size_t>> most_alike(const std::vector<std::vector<float>>& signatures, double least = 0.7,
                                                 std::size_t most = 4);

/// Largest |normalised cross-correlation| over lags of up to 4 ms, to a quarter sample, of two responses' first half
/// second from their onsets, both at 16 kHz. In [0, 1].
double largest_correlation(std::span<const float> a, double a_rate_hz, std::span<const float> b, double b_rate_hz);

}  // namespace diffverb
