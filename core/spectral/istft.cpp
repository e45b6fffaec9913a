#include "core/spectral/istft.h"

#include <ATen/ops/constant_pad_nd.h>
#include <ATen/ops/fft_irfft.h>
#include <ATen/ops/hann_window.h>
#include <ATen/ops/unfold_backward.h>
#include <ATen/ops/zeros.h>

#include <string>
#include <vector>

#include "core/error.h"
#include "core/tensor.h"

namespace diffverb {
namespace {

std::int64_t checked_samples(const at::Tensor& spectrum, std::int64_t fft_size, std::int64_t hop_size,
                             std::optional<std::int64_t> samples) {
  if (fft_size < 2 || fft_size % 2 != 0)
    throw ContractError("istft: fft_size must be even and at least 2, got " + std::to_string(fft_size));
  if (hop_size < 1 || hop_size > fft_size / 2)
    throw ContractError("istft: hop_size must be in [1, fft_size / 2 = " + std::to_string(fft_size / 2) + "], got " +
                        std::to_string(hop_size));
  if (!spectrum.is_complex() || spectrum.dim() < 2 || spectrum.size(-2) != fft_size / 2 + 1 || spectrum.numel() == 0)
    throw ContractError("istft: the spectrum must be complex, [..., " + std::to_string(fft_size / 2 + 1) +
                        ", K] with K >= 1");
  const std::int64_t frames = spectrum.size(-1), least = hop_size * (frames - 1);
  const std::int64_t count = samples.value_or(least);
  if (count < std::max<std::int64_t>(least, 1) || count >= hop_size * frames)
    throw ContractError("istft: " + std::to_string(frames) + " frames with a hop of " + std::to_string(hop_size) +
                        " make " + std::to_string(least) + " to " + std::to_string(hop_size * frames - 1) +
                        " samples (at least 1), got " + std::to_string(count));
  return count;
}

}  // namespace

at::Tensor overlap_add(const at::Tensor& frames, std::int64_t hop_size, std::int64_t length) {
  const std::int64_t rows = frames.size(0), count = frames.size(1), size = frames.size(2);
  if (size % hop_size != 0) return at::unfold_backward(frames, {rows, length}, 1, size, hop_size);
  // Whole hops a frame: a few additions of long runs instead of a sum for each sample.
  const std::int64_t parts = size / hop_size;
  auto sum = at::zeros({rows, count + parts - 1, hop_size}, frames.options().requires_grad(false));
  for (std::int64_t part = 0; part < parts; ++part)
    sum.narrow(1, part, count).add_(frames.narrow(2, part * hop_size, hop_size));
  auto flat = sum.reshape({rows, -1});
  return flat.size(1) >= length ? flat.narrow(1, 0, length) : at::constant_pad_nd(flat, {0, length - flat.size(1)});
}

at::Tensor istft(const at::Tensor& spectrum, std::int64_t fft_size, std::int64_t hop_size,
                 std::optional<std::int64_t> samples) {
  const std::int64_t count = checked_samples(spectrum, fft_size, hop_size, samples);
  const std::int64_t frames = spectrum.size(-1), length = hop_size * (frames - 1) + fft_size;
  const auto rows = spectrum.reshape({-1, spectrum.size(-2), frames}).transpose(1, 2);
  const auto real = at::TensorOptions(spectrum.device()).dtype(at::toRealValueType(spectrum.scalar_type()));
  const auto window = at::hann_window(fft_size, real);
  const auto sum = overlap_add(at::fft_irfft(rows, fft_size, 2) * window, hop_size, length);
  const auto power =
      overlap_add(window.square().expand({1, frames, fft_size}), hop_size, length).narrow(1, fft_size / 2, count);
  std::vector<std::int64_t> shape = spectrum.sizes().vec();
  shape.pop_back();
  shape.back() = count;
  return (sum.narrow(1, fft_size / 2, count) / power).reshape(shape);
}

}  // namespace diffverb
