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

/// What is said of the bins so far.
struct Tally {
  std::size_t counted = 0, isolated = 0, levels = 0;
  double loudest = 0, loudest_hz = 0;  // power over the median
  double square_db = 0;                // sum of squared deviations
  double log_share = 0;                // sum of ln(power / mean)
};

/// The bins from `first` to `last` against their neighbours from `low` to `high`.
void count_bins(const std::vector<double>& power, std::size_t low, std::size_t high, std::size_t first,
                std::size_t last, double bin_hz, Tally& tally) {
  static const double threshold = std::pow(10.0, kAboveDb / 10);
  std::vector<double> neighbours(power.begin() + static_cast<std::ptrdiff_t>(low),
                                 power.begin() + static_cast<std::ptrdiff_t>(high));
  double mean_db = 0, mean = 0, count = 0;
  for (const double value : neighbours) {
    if (!(value > 0)) continue;
    mean_db += 10 * std::log10(value);
    mean += value;
    ++count;
  }
  const auto middle = neighbours.begin() + static_cast<std::ptrdiff_t>(neighbours.size() / 2);
  std::nth_element(neighbours.begin(), middle, neighbours.end());
  if (!(*middle > 0)) return;
  mean_db /= count;
  mean /= count;
  for (std::size_t k = first; k < last; ++k) {
    ++tally.counted;
    if (power[k] > threshold * *middle) ++tally.isolated;
    if (power[k] > tally.loudest * *middle) {
      tally.loudest = power[k] / *middle;
      tally.loudest_hz = static_cast<double>(k) * bin_hz;
    }
    if (!(power[k] > 0)) continue;
    const double deviation_db = 10 * std::log10(power[k]) - mean_db;
    tally.square_db += deviation_db * deviation_db;
    tally.log_share += std::log(power[k] / mean);
    ++tally.levels;
  }
}

}  // namespace

std::optional<LateSpectrum> measure_late_spectrum(std::span<const double> late, double rate_hz) {
  if (!(rate_hz > 0)) throw ContractError("late_modes_pct: rate_hz must be positive, got " + std::to_string(rate_hz));
  if (late.size() < 64) return std::nullopt;
  const RealFft fft(fast_fft_length(late.size()));
  const double bin_hz = rate_hz / static_cast<double>(fft.size());
  const double half = std::exp2(1.0 / 6);
  if (kFromHz * (half - 1 / half) / bin_hz < kFewestBins) return std::nullopt;
  const auto spectrum = fft(late);
  std::vector<double> power(spectrum.size());
  std::transform(spectrum.begin(), spectrum.end(), power.begin(), [](const auto& bin) { return std::norm(bin); });
  const double top_hz = std::min(kToHz, 0.45 * rate_hz);
  Tally tally;
  for (double centre = kFromHz; centre < top_hz; centre *= std::exp2(kMedianStep)) {
    const auto low = static_cast<std::size_t>(centre / half / bin_hz);
    const auto high = std::min(power.size(), static_cast<std::size_t>(centre * half / bin_hz) + 1);
    const auto first = static_cast<std::size_t>(std::ceil(centre / bin_hz));
    const auto last = static_cast<std::size_t>(std::ceil(std::min(top_hz, centre * std::exp2(kMedianStep)) / bin_hz));
    count_bins(power, low, high, first, std::min(last, power.size()), bin_hz, tally);
  }
  if (tally.counted == 0 || tally.levels == 0) return std::nullopt;
  return LateSpectrum{100.0 * static_cast<double>(tally.isolated) / static_cast<double>(tally.counted),
                      10 * std::log10(tally.loudest), tally.loudest_hz,
                      std::sqrt(tally.square_db / static_cast<double>(tally.levels)),
                      std::exp(tally.log_share / static_cast<double>(tally.levels))};
}

std::optional<double> late_modes_pct(std::span<const double> late, double rate_hz) {
  const auto spectrum = measure_late_spectrum(late, rate_hz);
  if (!spectrum) return std::nullopt;
  return spectrum->isolated_pct;
}

}  // namespace diffverb::acoustics
