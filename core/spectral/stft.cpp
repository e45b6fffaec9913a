#include "core/spectral/stft.h"

#include <ATen/ops/hann_window.h>
#include <ATen/ops/stft.h>
#include <ATen/ops/view_as_real.h>

#include <vector>

#include "core/error.h"

namespace diffverb {

Padding padding_of(const std::string& word) {
  if (word == "zero") return Padding::kZero;
  if (word == "reflect") return Padding::kReflect;
  throw ContractError("padding must be zero or reflect, got '" + word + "'");
}

at::Tensor stft(const at::Tensor& signal, std::int64_t fft_size, std::int64_t hop_size, Padding padding) {
  if (fft_size < 2 || fft_size % 2 != 0)
    throw ContractError("stft: fft_size must be even and at least 2, got " + std::to_string(fft_size));
  if (hop_size < 1 || hop_size > fft_size)
    throw ContractError("stft: hop_size must be in [1, fft_size = " + std::to_string(fft_size) + "], got " +
                        std::to_string(hop_size));
  if (signal.dim() < 1 || signal.numel() == 0) throw ContractError("stft: the signal must be [..., T] with T >= 1");
  const std::int64_t length = signal.size(-1);
  if (padding == Padding::kReflect && length <= fft_size / 2)
    throw ContractError("stft: reflect padding needs more than fft_size / 2 = " + std::to_string(fft_size / 2) +
                        " samples, got " + std::to_string(length));

  const auto window = at::hann_window(fft_size, signal.options().requires_grad(false));
  const auto rows = signal.reshape({-1, length});
  const auto result = at::stft(rows, fft_size, hop_size, fft_size, window, /*center=*/true,
                               padding == Padding::kZero ? "constant" : "reflect", /*normalized=*/false,
                               /*onesided=*/true, /*return_complex=*/true);
  std::vector<std::int64_t> shape = signal.sizes().vec();
  shape.back() = result.size(1);
  shape.push_back(result.size(2));
  return result.reshape(shape);
}

at::Tensor power_spectrogram(const at::Tensor& signal, std::int64_t fft_size, std::int64_t hop_size, Padding padding) {
  return at::view_as_real(stft(signal, fft_size, hop_size, padding)).square().sum(-1);
}

}  // namespace diffverb
