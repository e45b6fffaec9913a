#pragma once

#include <cstdint>
#include <string>

#include "core/tensor.h"

namespace diffverb {

/// What stands beyond both ends of a signal whose frames are centred on multiples of the hop.
///
/// kZero suits an impulse response: it is silent before it begins. kReflect is what auraloss and librosa do; it mirrors
/// an onset at sample 0 into the first frame.
enum class Padding { kZero, kReflect };

/// "zero" or "reflect". Throws ContractError on another word
Padding padding_of(const std::string& word);

/// Short-time Fourier transform with a periodic Hann window in the middle of the transform.
///
///   S(f, k) = sum_{n=0}^{L-1} w(n) x(n + k hop - L/2) e^{-j 2 pi f n / L},   L = fft_size
///   w(n) = 1/2 - 1/2 cos(2 pi (n - n0) / W) for 0 <= n - n0 < W, else 0;   n0 = (L - W) / 2 rounded down
///
/// Reads    signal [..., T], float32 or float64, on any device; win_length W, 0: as long as the transform
/// Returns  [..., fft_size / 2 + 1, 1 + T / hop_size] complex; not scaled
/// Throws   ContractError unless T >= 1, fft_size is even and >= 2, 1 <= hop_size <= fft_size, W <= fft_size, and with
///          kReflect T > fft_size / 2
at::Tensor stft(const at::Tensor& signal, std::int64_t fft_size, std::int64_t hop_size, Padding padding,
                std::int64_t win_length = 0);

/// |stft|^2, [..., fft_size / 2 + 1, 1 + T / hop_size]; its gradient is analytic (once: it cannot be
/// differentiated again) and finite where the signal is silent.
at::Tensor power_spectrogram(const at::Tensor& signal, std::int64_t fft_size, std::int64_t hop_size, Padding padding,
                             std::int64_t win_length = 0);

/// The way back from power_spectrogram with kZero, of some frames alone: the gradient of the signal where that of the
/// powers is given with the spectra.
///
///   x'(n) = sum_k w(n - k hop + L/2) sum_f 2 Re( D(f, k) e^{j 2 pi f (n - k hop + L/2) / L} ),   D = S dP
///
/// Reads    slopes D [n, fft_size / 2 + 1] complex, of the frames `chosen` [n] among all rows one behind another
///          (row times frames of a row + k), or of all of them where it is undefined; sizes: of the signal, [..., T]
/// Returns  a tensor of these sizes
/// Throws   ContractError as power_spectrogram does
at::Tensor power_gradient(const at::Tensor& slopes, const at::Tensor& chosen, at::IntArrayRef sizes,
                          std::int64_t hop_size);

/// The window of both, [fft_size] of the signal's type; throws as they do.
at::Tensor stft_window(const at::Tensor& signal, std::int64_t fft_size, std::int64_t hop_size, Padding padding,
                       std::int64_t win_length);

}  // namespace diffverb
