#pragma once

#include <complex>
#include <vector>

namespace diffverb::runtime {

/// Fourier transform of 2^a 3^b 5^c numbers in place, not scaled; for what is computed off the audio thread.
void transform(std::vector<std::complex<double>>& values, bool inverse);

}  // namespace diffverb::runtime
