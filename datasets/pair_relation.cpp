#include "datasets/pair_relation.h"

#include <ATen/ops/fft_irfft.h>
#include <ATen/ops/fft_rfft.h>
#include <ATen/ops/linspace.h>
#include <ATen/ops/real.h>
#include <ATen/ops/where.h>
#include <ATen/ops/zeros.h>
#include <ATen/ops/zeros_like.h>

#include <algorithm>
#include <cmath>
#include <numbers>

#include "core/acoustics/fft.h"
#include "core/acoustics/preparation.h"

namespace diffverb {
namespace {

constexpr double kFade_s = 0.05;      // at both ends: an edge would correlate with an edge
constexpr double kFaintest = 1e-8;    // of a dry sound's largest bin: below, nothing was played
constexpr double kQuartile = 0.1015;  // of a squared normal number
constexpr double kEnvelopes = 3, kShareOfEnvelopes = 1.5;
constexpr double kBlock_s = 0.005;
constexpr double kWindow_s = 0.1;    // around the largest correlation
constexpr double kLookBack_s = 0.2;  // from the largest sample of a response to its onset
constexpr double kDivision = 1e-2;   // epsilon of the division, of the mean power
constexpr double kNoiseMargin = 25;  // what belongs to a response stands above the median of e by this much

std::int64_t fast_length(std::int64_t at_least) {
  return static_cast<std::int64_t>(acoustics::fast_fft_length(static_cast<std::size_t>(at_least)));
}

at::Tensor faded(const at::Tensor& sound, double rate_hz) {
  const std::int64_t fade = std::min<std::int64_t>(std::llround(kFade_s * rate_hz), sound.size(1) / 4);
  auto out = sound.clone();
  const auto rise = 0.5 - 0.5 * at::linspace(0, std::numbers::pi, fade, at::kDouble).cos();
  out.slice(1, 0, fade).mul_(rise);
  out.slice(1, out.size(1) - fade).mul_(rise.flip(0));
  return out;
}

/// Index `i` of a circular sequence of N lags as a lag.
std::int64_t lag_of(std::int64_t i, std::int64_t wet_samples, std::int64_t n) { return i < wet_samples ? i : i - n; }

/// The stretch of `count` lags from `first` on, which may be below 0.
at::Tensor lags(const at::Tensor& circular, std::int64_t first, std::int64_t count) {
  return circular.roll(-first, 0).slice(0, 0, count);
}

/// The power of all channels in blocks.
at::Tensor envelope(const at::Tensor& sound, std::int64_t block) {
  const std::int64_t blocks = sound.size(1) / block;
  return sound.slice(1, 0, blocks * block).square().sum(0).reshape({blocks, block}).sum(1);
}

/// Of all lags, what share of unrelated sounds' correlation stands in `window` from `first` on.
double share_of_envelopes(const at::Tensor& dry, const at::Tensor& wet, std::int64_t first, std::int64_t window,
                          std::int64_t block) {
  const auto v = envelope(dry, block), w = envelope(wet, block);
  const std::int64_t n = fast_length(v.size(0) + w.size(0) + 2);
  const auto c = at::fft_irfft(at::fft_rfft(w, n) * at::fft_rfft(v, n).conj(), n);
  const std::int64_t from =
      static_cast<std::int64_t>(std::floor(static_cast<double>(first) / static_cast<double>(block)));
  return (lags(c, from, window / block + 1).sum() / c.sum()).item<double>();
}

}  // namespace

Arrival find_arrival(const at::Tensor& dry, const at::Tensor& wet, double rate_hz) {
  const at::NoGradGuard no_grad;
  const std::int64_t n = fast_length(dry.size(1) + wet.size(1));
  const auto d = at::fft_rfft(faded(dry, rate_hz), n), w = at::fft_rfft(faded(wet, rate_hz), n);
  at::Tensor evidence = at::zeros({n}, at::kDouble), response = at::zeros({n}, at::kDouble);
  for (std::int64_t i = 0; i < d.size(0); ++i) {
    const auto power = at::real(d[i] * d[i].conj());
    const auto played = power > kFaintest * power.max();
    for (std::int64_t o = 0; o < w.size(0); ++o) {
      const auto cross = w[o] * d[i].conj();
      const auto size = cross.abs();
      const auto phase =
          at::where((played.logical_and(size > 0)), cross / size.clamp_min(1e-300), at::zeros_like(cross));
      evidence += at::fft_irfft(phase, n).square();
      response += at::fft_irfft(cross / (power + kDivision * power.mean()), n).square();
    }
  }
  const auto window = std::llround(kWindow_s * rate_hz), before = window / 2;
  const std::int64_t peak = lag_of(evidence.argmax().item<std::int64_t>(), wet.size(1), n);
  const auto around = std::get<0>(lags(evidence, peak - before, window).sort());
  Arrival out;
  out.peak = around[window - 1].item<double>() / (around[window / 4].item<double>() / kQuartile);
  out.unrelated_peak = kEnvelopes * 2 * std::log(static_cast<double>(n));
  const std::int64_t start = peak - window / 4;
  const double count = static_cast<double>(n), width = static_cast<double>(window);
  out.share = (lags(evidence, start, window).sum() / evidence.sum()).item<double>();
  out.unrelated_share =
      kShareOfEnvelopes * share_of_envelopes(dry, wet, start, window, std::llround(kBlock_s * rate_hz)) +
      (6 * std::sqrt(2 * width) + 2 * std::log(count)) / count;

  const std::int64_t first = peak - before - std::llround(kLookBack_s * rate_hz);
  const auto near = lags(response, first, peak - before + window - first).contiguous();
  const double noise = response.median().item<double>();
  const std::int64_t top = near.argmax().item<std::int64_t>();
  const double limit =
      std::max(acoustics::kOnsetShare * acoustics::kOnsetShare * near[top].item<double>(), kNoiseMargin * noise);
  const std::int64_t from = std::max<std::int64_t>(0, top - std::llround(kLookBack_s * rate_hz));
  const auto* values = near.const_data_ptr<double>();
  out.delay_samples =
      first + (std::find_if(values + from, values + top, [&](double v) { return v >= limit; }) - values);
  return out;
}

}  // namespace diffverb
