#include "datasets/measure/denoise.h"

#include <ATen/ops/arange.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/constant_pad_nd.h>
#include <ATen/ops/fft_irfft.h>
#include <ATen/ops/fft_rfft.h>
#include <ATen/ops/hann_window.h>
#include <ATen/ops/zeros.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "datasets/measure/decay_in_noise.h"
#include "datasets/measure/inverse.h"

namespace diffverb {
namespace {

constexpr double kWindow_s = 0.0107;
constexpr std::int64_t kFrames = 9;  // that S is the mean of
constexpr double kBlock_s = 0.02;    // that a decay is followed in
constexpr std::int64_t kOverlap = 4;

/// The noise in each bin of a frame: the mean of the finer spectrum from half a bin below to half a bin above.
at::Tensor noise_in_bins(const at::Tensor& noise, std::int64_t bins) {
  const auto fine = static_cast<double>(noise.size(0) - 1);
  const auto sums = at::cat({at::zeros({1}, at::kDouble), noise.cumsum(0)});
  const auto k = at::arange(bins, at::kDouble);
  const double step = fine / static_cast<double>(bins - 1);
  const auto from = ((k - 0.5) * step).round().clamp(0, fine), to = ((k + 0.5) * step).round().clamp(0, fine) + 1;
  return (sums.index_select(0, to.to(at::kLong)) - sums.index_select(0, from.to(at::kLong))) / (to - from);
}

/// [M, F]: the energy of the decay over that of all that is there; the first `within` frames are of the response alone.
at::Tensor shares_of_decay(const at::Tensor& thirds, const at::Tensor& noise, std::int64_t within,
                           double frames_per_s) {
  const auto smooth =
      at::constant_pad_nd(thirds, {0, 0, kFrames / 2, kFrames / 2}).unfold(0, kFrames, 1).mean(2).clamp_min(1e-300);
  auto out = ((smooth - noise).clamp_min(0) / smooth).t().contiguous();  // [F, M]
  const std::int64_t frames = thirds.size(0), block = std::max<std::int64_t>(1, std::llround(kBlock_s * frames_per_s));
  const std::int64_t blocks = within / block;
  if (blocks == 0) return out.t();  // shorter than a block: no decay to follow
  const auto energies = thirds.slice(0, 0, blocks * block).reshape({blocks, block, -1}).mean(1).t().contiguous();
  const auto loudest = energies.sum(0).argmax().item<std::int64_t>();
  const auto steady = noise.contiguous();
  for (std::int64_t k = 0; k < energies.size(0); ++k) {
    const double* first = energies.const_data_ptr<double>() + k * blocks;
    const double power = steady.const_data_ptr<double>()[k];
    const DecayInNoise decay = find_decay_in_noise({first, first + blocks}, power, loudest);
    if (decay.knee == blocks) continue;
    double* share = out.mutable_data_ptr<double>() + k * frames;
    if (!decay.course) std::fill(share, share + frames, 1.0);
    for (std::int64_t m = decay.knee * block; decay.course && m < frames; ++m) {
      const double energy = decay.course->energy_at((static_cast<double>(m) + 0.5) / static_cast<double>(block) - 0.5);
      share[m] = energy / (energy + power);
    }
  }
  return out.t();
}

}  // namespace

at::Tensor denoised(const at::Tensor& response, const at::Tensor& noise, double rate_hz) {
  std::int64_t size = 64;
  while (static_cast<double>(size) < 0.75 * kWindow_s * rate_hz) size *= 2;
  const std::int64_t hop = size / kOverlap, samples = response.size(0);
  const auto window = at::hann_window(size, at::kDouble).sqrt();
  const std::int64_t frames = (samples + 2 * size) / hop;
  const auto padded = at::constant_pad_nd(response, {size, (frames - 1) * hop - samples});
  const auto spectra = at::fft_rfft(padded.unfold(0, size, hop) * window);  // [M, F]
  const auto steady = smoothed_by_thirds(noise_in_bins(noise, size / 2 + 1)) * window.square().sum();
  const auto gain = shares_of_decay(smoothed_by_thirds(spectra.abs().square()), steady, 1 + samples / hop,
                                    rate_hz / static_cast<double>(hop))
                        .sqrt();
  const auto parts = (at::fft_irfft(spectra * gain, size) * window).reshape({frames, kOverlap, hop});
  auto out = at::zeros({frames + kOverlap - 1, hop}, at::kDouble);
  for (std::int64_t j = 0; j < kOverlap; ++j) out.slice(0, j, j + frames).add_(parts.select(1, j));
  // The squares of the windows add up to half the overlap.
  return (out.reshape({-1}) * (2.0 / kOverlap)).slice(0, size, size + samples).clone();
}

}  // namespace diffverb
