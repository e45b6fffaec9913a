#include "core/spectral/stft.h"

#include <ATen/ops/_fft_c2r.h>
#include <ATen/ops/_fft_r2c.h>
#include <ATen/ops/constant_pad_nd.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/hann_window.h>
#include <ATen/ops/reflection_pad1d.h>
#include <ATen/ops/view_as_real.h>
#include <ATen/ops/zeros.h>
#include <c10/util/accumulate.h>
#include <torch/csrc/autograd/custom_function.h>

#include <vector>

#include "core/error.h"
#include "core/spectral/istft.h"
#include "core/tensor.h"

namespace diffverb {
namespace {

constexpr std::int64_t kNoScaling = 0;

void check(const at::Tensor& signal, std::int64_t fft_size, std::int64_t hop_size, Padding padding,
           std::int64_t win_length) {
  if (fft_size < 2 || fft_size % 2 != 0)
    throw ContractError("stft: fft_size must be even and at least 2, got " + std::to_string(fft_size));
  if (hop_size < 1 || hop_size > fft_size)
    throw ContractError("stft: hop_size must be in [1, fft_size = " + std::to_string(fft_size) + "], got " +
                        std::to_string(hop_size));
  if (win_length < 0 || win_length > fft_size)
    throw ContractError("stft: win_length must be in [1, fft_size = " + std::to_string(fft_size) +
                        "], or 0 for the whole transform, got " + std::to_string(win_length));
  if (signal.dim() < 1 || signal.numel() == 0) throw ContractError("stft: the signal must be [..., T] with T >= 1");
  if (padding == Padding::kReflect && signal.size(-1) <= fft_size / 2)
    throw ContractError("stft: reflect padding needs more than fft_size / 2 = " + std::to_string(fft_size / 2) +
                        " samples, got " + std::to_string(signal.size(-1)));
}

/// [rows, T + fft_size]
at::Tensor padded_rows(const at::Tensor& signal, std::int64_t fft_size, Padding padding) {
  const auto rows = signal.reshape({-1, signal.size(-1)});
  const std::int64_t half = fft_size / 2;
  return padding == Padding::kZero ? at::constant_pad_nd(rows, {half, half}) : at::reflection_pad1d(rows, {half, half});
}

/// [rows, K, F] of [rows, T + fft_size]
at::Tensor frame_spectra(const at::Tensor& padded, const at::Tensor& window, std::int64_t hop_size) {
  return at::_fft_r2c(padded.unfold(1, window.size(0), hop_size) * window, {2}, kNoScaling, /*onesided=*/true);
}

/// w(n) sum_f 2 Re(D(f) e^{j 2 pi f n / L}), [..., L] of D [..., F], which is overwritten.
at::Tensor frames_of_slopes(const at::Tensor& slopes, const at::Tensor& window) {
  // The inverse real transform counts every bin between the first and the last twice: that is the 2 of the formula.
  const std::int64_t size = window.size(0);
  slopes.select(-1, 0).mul_(2);
  slopes.select(-1, size / 2).mul_(2);
  return at::_fft_c2r(slopes, {slopes.dim() - 1}, kNoScaling, size).mul_(window);
}

/// Power of the frames' spectra with its gradient by one real inverse transform; autograd's own needs a complex one and
/// adds the frames up sample by sample.
///
///   P = |X|^2,   dx(n) = w(n) sum_f 2 Re( X(f) e^{j 2 pi f n / L} ) dP(f)
class FramePower : public torch::autograd::Function<FramePower> {
 public:
  static at::Tensor forward(torch::autograd::AutogradContext* context, const at::Tensor& padded,
                            const at::Tensor& window, std::int64_t hop_size) {
    const auto spectra = frame_spectra(padded, window, hop_size);
    context->save_for_backward({spectra, window});
    context->saved_data["hop_size"] = hop_size;
    context->saved_data["length"] = padded.size(1);
    return at::view_as_real(spectra).square().sum(-1);
  }

  static torch::autograd::variable_list backward(torch::autograd::AutogradContext* context,
                                                 torch::autograd::variable_list gradients) {
    const auto saved = context->get_saved_variables();
    const auto& window = saved[1];
    const std::int64_t hop_size = context->saved_data["hop_size"].toInt();
    const auto frames = frames_of_slopes(saved[0] * gradients[0], window);
    return {overlap_add(frames, hop_size, context->saved_data["length"].toInt()), at::Tensor(), at::Tensor()};
  }
};

/// [..., F, K] of [rows, K, F], without moving it
at::Tensor with_shape_of(const at::Tensor& signal, const at::Tensor& frames) {
  std::vector<std::int64_t> shape = signal.sizes().vec();
  shape.back() = frames.size(1);
  shape.push_back(frames.size(2));
  return frames.reshape(shape).transpose(-1, -2);
}

}  // namespace

Padding padding_of(const std::string& word) {
  if (word == "zero") return Padding::kZero;
  if (word == "reflect") return Padding::kReflect;
  throw ContractError("padding must be zero or reflect, got '" + word + "'");
}

at::Tensor stft_window(const at::Tensor& signal, std::int64_t fft_size, std::int64_t hop_size, Padding padding,
                       std::int64_t win_length) {
  check(signal, fft_size, hop_size, padding, win_length);
  const std::int64_t length = win_length > 0 ? win_length : fft_size, before = (fft_size - length) / 2;
  const auto window = at::hann_window(length, signal.options().requires_grad(false));
  return length == fft_size ? window : at::constant_pad_nd(window, {before, fft_size - length - before});
}

at::Tensor stft(const at::Tensor& signal, std::int64_t fft_size, std::int64_t hop_size, Padding padding,
                std::int64_t win_length) {
  const auto window = stft_window(signal, fft_size, hop_size, padding, win_length);
  return with_shape_of(signal, frame_spectra(padded_rows(signal, fft_size, padding), window, hop_size));
}

at::Tensor power_spectrogram(const at::Tensor& signal, std::int64_t fft_size, std::int64_t hop_size, Padding padding,
                             std::int64_t win_length) {
  const auto window = stft_window(signal, fft_size, hop_size, padding, win_length);
  return with_shape_of(signal, FramePower::apply(padded_rows(signal, fft_size, padding), window, hop_size));
}

at::Tensor power_gradient(const at::Tensor& slopes, const at::Tensor& chosen, at::IntArrayRef sizes,
                          std::int64_t hop_size) {
  const std::int64_t fft_size = 2 * (slopes.size(1) - 1), samples = sizes.back();
  const auto real = slopes.options().dtype(c10::toRealValueType(slopes.scalar_type()));
  const auto window = stft_window(at::empty({samples}, real), fft_size, hop_size, Padding::kZero, fft_size);
  const std::int64_t count = 1 + samples / hop_size, rows = c10::multiply_integers(sizes) / samples;
  if (slopes.size(0) == 0) return at::zeros(sizes, real);
  auto frames = frames_of_slopes(slopes.clone(), window);
  if (chosen.defined()) frames = at::zeros({rows * count, fft_size}, real).index_copy_(0, chosen, frames);
  const auto sum = overlap_add(frames.reshape({rows, count, fft_size}), hop_size, samples + fft_size);
  return sum.slice(1, fft_size / 2, fft_size / 2 + samples).reshape(sizes);
}

}  // namespace diffverb
