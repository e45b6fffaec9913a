#include "datasets/measure/noise_spectrum.h"

#include <ATen/ops/arange.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/fft_rfft.h>
#include <ATen/ops/hann_window.h>

#include <algorithm>
#include <cmath>

#include "core/error.h"

namespace diffverb {
namespace {

constexpr std::int64_t kLongestFrame = 8192, kShortestFrame = 1024;
constexpr double kHumDb = 12, kHighestLine_hz = 400, kShortestForHum_s = 0.5;

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

Hum find_hum(const at::Tensor& stretch, double rate_hz) {
  Hum out;
  const std::int64_t samples = stretch.size(0);
  if (static_cast<double>(samples) < kShortestForHum_s * rate_hz) return out;
  const auto power = at::fft_rfft((stretch - stretch.mean()) * at::hann_window(samples, at::kDouble)).abs().square();
  const double bin_hz = rate_hz / static_cast<double>(samples);
  const auto bin = [&](double hz) { return static_cast<std::int64_t>(std::llround(hz / bin_hz)); };
  for (const double base_hz : {50.0, 60.0}) {
    for (double hz = base_hz; hz <= std::min(kHighestLine_hz, 0.45 * rate_hz); hz += base_hz) {
      const auto line = power.slice(0, std::max<std::int64_t>(0, bin(hz) - 2), bin(hz) + 3).max();
      const auto beside =
          at::cat({power.slice(0, bin(hz - 20), bin(hz - 6)), power.slice(0, bin(hz + 6), bin(hz + 20))});
      // The largest of five bins of noise alone stands about 5 dB above their median.
      const double above_db =
          10 * std::log10(std::max(1e-300, line.item<double>()) / std::max(1e-300, beside.median().item<double>()));
      if (above_db >= kHumDb && above_db > out.above_db) out = {base_hz, above_db};
    }
  }
  return out;
}

}  // namespace diffverb
