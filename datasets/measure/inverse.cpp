#include "datasets/measure/inverse.h"

#include <ATen/ops/arange.h>
#include <ATen/ops/constant_pad_nd.h>
#include <ATen/ops/fft_irfft.h>
#include <ATen/ops/fft_rfft.h>
#include <ATen/ops/full.h>
#include <ATen/ops/real.h>

#include <algorithm>
#include <cmath>
#include <numbers>

namespace diffverb {
namespace {

constexpr double kLeastShare = 1e-7;              // of the regularisation against the spectrum around a bin
constexpr double kFaintest = 1e-8;                // of the spectrum against its largest
constexpr double kShareOfFilter = 1e-3;           // of a filter that may not be longer than twice what was played
constexpr double kHalfThird = 1.122462048309373;  // 2^(1/6)

}  // namespace

at::Tensor band_window(std::int64_t fft_size, double rate_hz, double low_hz, double high_hz) {
  const double third = kHalfThird * kHalfThird;
  const double nyquist_hz = rate_hz / 2, above = std::log(std::min(high_hz * third, nyquist_hz) / high_hz);
  const auto log_hz =
      (at::arange(fft_size / 2 + 1, at::kDouble) * (rate_hz / static_cast<double>(fft_size))).clamp_min(1e-9).log();
  const auto beyond_low = ((std::log(low_hz) - log_hz) / std::log(third)).clamp(0, 1);
  const auto beyond_high = ((log_hz - std::log(high_hz)) / std::max(above, 1e-9)).clamp(0, 1);
  const auto cosine = [](const at::Tensor& beyond) { return 0.5 + 0.5 * (beyond * std::numbers::pi).cos(); };
  return cosine(beyond_low) * cosine(beyond_high);
}

at::Tensor smoothed_by_octaves(const at::Tensor& power, double octaves) {
  const double half = std::exp2(octaves / 2);
  const std::int64_t bins = power.size(-1);
  const auto sums = at::constant_pad_nd(power.cumsum(-1), {1, 0});
  const auto k = at::arange(bins, at::kDouble);
  const auto from = (k / half).round(), to = ((k * half).round() + 1).clamp_max(static_cast<double>(bins));
  const auto sum_to = [&](const at::Tensor& index) { return sums.index_select(-1, index.to(at::kLong)); };
  return (sum_to(to) - sum_to(from)).clamp_min(0) / (to - from);
}

at::Tensor smoothed_by_thirds(const at::Tensor& power) { return smoothed_by_octaves(power, 1.0 / 3); }

at::Tensor regularised_inverse(const at::Tensor& spectrum, const at::Tensor& window, const at::Tensor& noise_share) {
  const auto power = at::real(spectrum * spectrum.conj());
  const auto around = smoothed_by_thirds(power);
  const auto epsilon = around.clamp_min(kFaintest * around.max().item<double>()) * noise_share.clamp_min(kLeastShare);
  return spectrum.conj() * (window / (power + epsilon).clamp_min(1e-300));
}

at::Tensor inverse_filter(const at::Tensor& excitation, double rate_hz, double low_hz, double high_hz) {
  const std::int64_t samples = excitation.size(0), fft_size = 2 * samples;
  const auto share = at::full({1}, kShareOfFilter, at::kDouble);
  const auto window =
      band_window(fft_size, rate_hz, low_hz * kHalfThird * kHalfThird, high_hz / (kHalfThird * kHalfThird));
  const auto inverse = regularised_inverse(at::fft_rfft(excitation, fft_size), window, share);
  return at::fft_irfft(inverse, fft_size).roll({samples}, {0});
}

}  // namespace diffverb
