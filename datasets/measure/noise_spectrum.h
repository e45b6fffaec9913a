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

/// How far the mains' lines (50 or 60 Hz and their harmonics to 400 Hz) stand above the noise beside them.
///
/// Reads    stretch [T] float64
/// Returns  the base frequency and the largest of its lines over the median from 6 to 20 Hz beside it, dB; 0 Hz where no
///          line stands 12 dB above it or the stretch is shorter than half a second
struct Hum {
  double base_hz = 0, above_db = 0;
};
Hum find_hum(const at::Tensor& stretch, double rate_hz);

}  // namespace diffverb
