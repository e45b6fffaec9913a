#pragma once

#include <cstdint>
#include <optional>

#include "core/tensor.h"

namespace diffverb {

/// Adds frames [rows, K, L] up where they came from: [rows, length], the adjoint of unfold.
at::Tensor overlap_add(const at::Tensor& frames, std::int64_t hop_size, std::int64_t length);

/// The signal whose short-time transform (stft, stft.h) is nearest to a spectrum in the least-squares sense.
///
///   x(n) = sum_k w(n - k hop + L/2) y_k(n - k hop + L/2) / sum_k w(n - k hop + L/2)^2,   y_k the inverse transform of
///   frame k, L = fft_size, w the periodic Hann window
///
/// Reads    spectrum [..., fft_size / 2 + 1, K] complex, on any device; at 0 Hz and at half the rate the imaginary part
///          counts for nothing
/// Returns  [..., samples]; samples = hop_size (K - 1) unless given
/// Gradient of the spectrum
/// Throws   ContractError unless F = fft_size / 2 + 1, 1 <= hop_size <= fft_size / 2 and
///          hop_size (K - 1) <= samples < hop_size K, samples >= 1
/// Source   Griffin and Lim 1984, equation 6
at::Tensor istft(const at::Tensor& spectrum, std::int64_t fft_size, std::int64_t hop_size,
                 std::optional<std::int64_t> samples = std::nullopt);

}  // namespace diffverb
