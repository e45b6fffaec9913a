#pragma once

#include <cstdint>

#include "core/tensor.h"

namespace diffverb {

/// The noise of a stretch in which nothing was played: mean power of Hann-windowed frames, half of each shared with the
/// next (Welch 1967), linear between their bins.
///
/// Reads    stretch [T] float64, T of 1024 or more
/// Returns  [fft_size / 2 + 1] float64: the expected |N(k)|^2 of one sample of such noise; of T samples T times that
at::Tensor noise_spectrum(const at::Tensor& stretch, std::int64_t fft_size);

}  // namespace diffverb
