#include "core/acoustics/echo_density.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <numbers>
#include <string>

#include "core/error.h"

namespace diffverb::acoustics {

EchoDensity measure_echo_density(std::span<const double> response, double rate_hz) {
  if (!(rate_hz > 0))
    throw ContractError("measure_echo_density: rate_hz must be positive, got " + std::to_string(rate_hz));
  const auto half = static_cast<std::ptrdiff_t>(std::max(2.0, EchoDensity::window_s * rate_hz / 2));
  std::vector<double> window(static_cast<std::size_t>(2 * half + 1));
  for (std::ptrdiff_t i = -half; i <= half; ++i) {
    const double phase = std::numbers::pi * static_cast<double>(i) / static_cast<double>(half + 1);
    window[static_cast<std::size_t>(i + half)] = 0.5 + 0.5 * std::cos(phase);
  }
  const double gaussian_share = std::erfc(1 / std::numbers::sqrt2);
  const auto total = static_cast<std::ptrdiff_t>(response.size());
  EchoDensity density;
  for (std::size_t k = 0;; ++k) {
    const auto centre =
        static_cast<std::ptrdiff_t>(std::lround(static_cast<double>(k) * EchoDensity::step_s * rate_hz));
    // Windows are cut at the onset, but a window that the end of the response would cut tells nothing.
    if (centre + half >= total) break;
    const std::ptrdiff_t from = std::max<std::ptrdiff_t>(0, centre - half);
    double weight = 0, energy = 0, beyond = 0;
    for (std::ptrdiff_t i = from; i <= centre + half; ++i) {
      const double w = window[static_cast<std::size_t>(i - centre + half)];
      const double value = response[static_cast<std::size_t>(i)];
      weight += w;
      energy += w * value * value;
    }
    const double variance = energy / weight;
    for (std::ptrdiff_t i = from; i <= centre + half; ++i) {
      const double value = response[static_cast<std::size_t>(i)];
      if (value * value > variance) beyond += window[static_cast<std::size_t>(i - centre + half)];
    }
    const double eta = beyond / weight / gaussian_share;
    density.profile.push_back(eta);
    if (!density.mixing_time_s && eta >= kMixed) density.mixing_time_s = static_cast<double>(k) * EchoDensity::step_s;
  }
  return density;
}

std::optional<double> time_of_density_s(const EchoDensity& density, double eta) {
  for (std::size_t k = 0; k < density.profile.size(); ++k) {
    if (density.profile[k] >= eta) return static_cast<double>(k) * EchoDensity::step_s;
  }
  return std::nullopt;
}

std::optional<double> mean_echo_density(const EchoDensity& density, double from_s, double to_s) {
  double sum = 0;
  int count = 0;
  for (std::size_t k = 0; k < density.profile.size(); ++k) {
    const double time = static_cast<double>(k) * EchoDensity::step_s;
    if (time < from_s || time >= to_s) continue;
    sum += density.profile[k];
    ++count;
  }
  if (count == 0) return std::nullopt;
  return sum / count;
}

}  // namespace diffverb::acoustics
