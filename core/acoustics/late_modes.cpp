#include "core/acoustics/late_modes.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <string>
#include <vector>

#include "core/acoustics/fft.h"
#include "core/error.h"

namespace diffverb::acoustics {
namespace {

constexpr double kFromHz = 200;
constexpr double kToHz = 4000;
constexpr double kAboveDb = 12;
constexpr double kMedianStep = 1.0 / 24;  // octaves; the median over a third octave changes little within that
constexpr double kFewestBins = 5;

}  // namespace

std::optional<double> late_modes_pct(std::span<const double> late, double rate_hz) {
  if (!(rate_hz > 0)) throw ContractError("late_modes_pct: rate_hz must be positive, got " + std::to_string(rate_hz));
  if (late.size() < 64) return std::nullopt;
  const RealFft fft(fast_fft_length(late.size()));
  const double bin_hz = rate_hz / static_cast<double>(fft.size());
  const double half = std::exp2(1.0 / 6);
  if (kFromHz * (half - 1 / half) / bin_hz < kFewestBins) return std::nullopt;
  const auto spectrum = fft(late);
  std::vector<double> power(spectrum.size());
  std::transform(spectrum.begin(), spectrum.end(), power.begin(), [](const auto& bin) { return std::norm(bin); });
  const double threshold = std::pow(10.0, kAboveDb / 10);
  const double top_hz = std::min(kToHz, 0.45 * rate_hz);
  std::size_t counted = 0, isolated = 0;
  std::vector<double> neighbours;
  for (double centre = kFromHz; centre < top_hz; centre *= std::exp2(kMedianStep)) {
    const auto low = static_cast<std::size_t>(centre / half / bin_hz);
    const auto high = std::min(power.size(), static_cast<std::size_t>(centre * half / bin_hz) + 1);
    neighbours.assign(power.begin() + static_cast<std::ptrdiff_t>(low),
                      power.begin() + static_cast<std::ptrdiff_t>(high));
    const auto middle = neighbours.begin() + static_cast<std::ptrdiff_t>(neighbours.size() / 2);
    std::nth_element(neighbours.begin(), middle, neighbours.end());
    if (!(*middle > 0)) continue;
    const auto first = static_cast<std::size_t>(std::ceil(centre / bin_hz));
    const auto last = static_cast<std::size_t>(std::ceil(std::min(top_hz, centre * std::exp2(kMedianStep)) / bin_hz));
    for (std::size_t k = first; k < std::min(last, power.size()); ++k) {
      ++counted;
      if (power[k] > threshold * *middle) ++isolated;
    }
  }
  if (counted == 0) return std::nullopt;
  return 100.0 * static_cast<double>(isolated) / static_cast<double>(counted);
}

}  // namespace diffverb::acoustics
