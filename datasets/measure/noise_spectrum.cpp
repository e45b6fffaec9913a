#include "datasets/measure/noise_spectrum.h"

#include <ATen/ops/arange.h>
#include <ATen/ops/fft_rfft.h>
#include <ATen/ops/hann_window.h>

#include <algorithm>
#include <cmath>

#include "core/error.h"

namespace diffverb {
namespace {

constexpr std::int64_t kLongestFrame = 8192, kShortestFrame = 1024;

}  // namespace

at::Tensor noise_spectrum(const at::Tensor& stretch, std::int64_t fft_size) {
  if (stretch.size(0) < kShortestFrame) throw ContractError("noise_spectrum: 1024 samples or more expected");
  std::int64_t frame = kShortestFrame;
  while (2 * frame <= std::min(kLongestFrame, stretch.size(0) / 3)) frame *= 2;
  const auto window = at::hann_window(frame, at::kDouble);
  const auto frames = stretch.unfold(0, frame, frame / 2) * window;  // [M, frame]
  const auto power = at::fft_rfft(frames).abs().square().mean(0) / window.square().sum();
  const auto at_bin =
      at::arange(fft_size / 2 + 1, at::kDouble) * (static_cast<double>(frame) / static_cast<double>(fft_size));
  const auto below = at_bin.floor().clamp_max(static_cast<double>(frame / 2 - 1));
  const auto index = below.to(at::kLong);
  const auto share = at_bin - below;
  return power.index_select(0, index) * (1 - share) + power.index_select(0, index + 1) * share;
}

}  // namespace diffverb
