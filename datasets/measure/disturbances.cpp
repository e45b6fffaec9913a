#include "datasets/measure/disturbances.h"

#include <ATen/ops/fft_irfft.h>
#include <ATen/ops/fft_rfft.h>
#include <ATen/ops/linspace.h>

#include <algorithm>
#include <cmath>
#include <numbers>

#include "core/acoustics/fft.h"
#include "datasets/measure/inverse.h"

namespace diffverb {
namespace {

constexpr double kDisturbanceFrame_s = 0.01, kAround_s = 0.5;
constexpr double kUnusual = 16;     // of a frame's energy against the median around it
constexpr double kFaintest = 1e-8;  // of the spectrum against its largest: below, it is not made flat

/// Energies of frames.
std::vector<double> energies_of(const at::Tensor& x, std::int64_t frame) {
  const auto sums = x.unfold(0, frame, frame).square().sum(1).contiguous();
  return {sums.const_data_ptr<double>(), sums.const_data_ptr<double>() + sums.size(0)};
}

std::vector<double> running_median(const std::vector<double>& x, std::int64_t around) {
  std::vector<double> out, window;
  const auto size = static_cast<std::int64_t>(x.size());
  for (std::int64_t m = 0; m < size; ++m) {
    // As many on either side, and at the ends as many as elsewhere.
    const std::int64_t from = std::clamp<std::int64_t>(m - around, 0, std::max<std::int64_t>(0, size - 2 * around - 1));
    window.assign(x.begin() + from, x.begin() + std::min(size, from + 2 * around + 1));
    const auto middle = window.begin() + static_cast<std::ptrdiff_t>(window.size() / 2);
    std::nth_element(window.begin(), middle, window.end());
    out.push_back(*middle);
  }
  return out;
}

}  // namespace

Disturbances find_disturbances(const at::Tensor& unexplained, double rate_hz, double least_energy) {
  Disturbances out;
  const std::int64_t samples = unexplained.size(0), frame = std::llround(kDisturbanceFrame_s * rate_hz);
  if (samples < 8 * frame) return out;
  out.looked_for = true;
  const auto size = static_cast<std::int64_t>(acoustics::fast_fft_length(static_cast<std::size_t>(samples)));
  auto cut = unexplained.clone();  // without a jump at its ends, which would be a click
  const auto rise = 0.5 - 0.5 * at::linspace(0, std::numbers::pi, 2 * frame, at::kDouble).cos();
  cut.slice(0, 0, 2 * frame).mul_(rise);
  cut.slice(0, samples - 2 * frame).mul_(rise.flip(0));
  const auto spectrum = at::fft_rfft(cut, size);
  const auto smooth = smoothed_by_thirds(spectrum.abs().square());
  const auto flat =
      at::fft_irfft(spectrum / smooth.clamp_min(std::max(1e-300, kFaintest * smooth.max().item<double>())).sqrt(), size)
          .slice(0, 0, samples);
  const auto energies = energies_of(flat, frame), as_recorded = energies_of(unexplained, frame);
  const auto usual = running_median(energies, std::llround(kAround_s / kDisturbanceFrame_s));
  double noise = 0, sum = 0;
  std::size_t last = 0;
  for (std::size_t m = 0; m < energies.size(); ++m) {
    noise += usual[m];
    if (energies[m] <= kUnusual * usual[m] || as_recorded[m] < least_energy) continue;
    sum += energies[m] - usual[m];
    const double from_s = static_cast<double>(m) * kDisturbanceFrame_s,
                 above_db = 10 * std::log10(energies[m] / usual[m]);
    if (!out.found.empty() && m - last <= 5) {
      out.found.back().to_s = from_s + kDisturbanceFrame_s;
      out.found.back().above_db = std::max(out.found.back().above_db, above_db);
    } else {
      out.found.push_back({from_s, from_s + kDisturbanceFrame_s, above_db});
    }
    last = m;
  }
  out.share = sum / std::max(1e-300, noise);
  return out;
}

}  // namespace diffverb
