#pragma once

#include <complex>
#include <vector>

namespace diffverb::runtime {

/// Fourier transform of 2^m numbers in place, not scaled; for what is computed once, off the audio thread.
void transform(std::vector<std::complex<double>>& values, bool inverse);
/// The same of 2^a 3^b 5^c numbers.
void transform_smooth(std::vector<std::complex<double>>& values, bool inverse);

}  // namespace diffverb::runtime
