#include "core/acoustics/band_balance.h"

#include <algorithm>
#include <cmath>
#include <numbers>
#include <vector>

#include "core/acoustics/fft.h"
#include "core/acoustics/octave_mean.h"

namespace diffverb::acoustics {
namespace {

constexpr double kFromHz = 200, kToHz = 5000;
constexpr double kNeighboursFromHz = 125, kNeighboursToHz = 8000;
constexpr std::size_t kNeighbours = 2;  // on either side

std::optional<double> ratio(const std::optional<double>& above, const std::optional<double>& below) {
  return above && below ? std::optional(*above / *below) : std::nullopt;
}

/// The power spectrum of the late part.
struct Spectrum {
  std::vector<double> sums;  // of |X|^2 below each bin
  double bin_hz = 0;

  explicit Spectrum(const LatePart& late) {
    const RealFft fft(fast_fft_length(late.samples.size()));
    bin_hz = late.rate_hz / static_cast<double>(fft.size());
    const auto bins = fft(late.samples);
    sums.assign(bins.size() + 1, 0.0);
    for (std::size_t k = 0; k < bins.size(); ++k) sums[k + 1] = sums[k] + std::norm(bins[k]);
  }
  /// Mean |X|^2, dB; nothing where the band holds no bin or no energy.
  std::optional<double> level_db(double from_hz, double to_hz) const {
    const auto from = static_cast<std::size_t>(std::ceil(from_hz / bin_hz));
    const std::size_t to = std::min(sums.size() - 1, static_cast<std::size_t>(std::ceil(to_hz / bin_hz)));
    if (to <= from || !(sums[to] > sums[from])) return std::nullopt;
    return 10 * std::log10((sums[to] - sums[from]) / static_cast<double>(to - from));
  }
};

/// The values on either side of each, in order.
std::vector<double> beside(const std::vector<BandBalance::Band>& bands, std::size_t at) {
  std::vector<double> out;
  for (std::size_t k = at - std::min(at, kNeighbours); k < std::min(bands.size(), at + kNeighbours + 1); ++k) {
    if (k != at) out.push_back(bands[k].value);
  }
  std::sort(out.begin(), out.end());
  return out;
}

double median(const std::vector<double>& sorted) {
  return 0.5 * (sorted[(sorted.size() - 1) / 2] + sorted[sorted.size() / 2]);
}

/// The lower of the middle ones: a band that decays slowly is heard through the skirts of the filters beside it.
double lower_median(const std::vector<double>& sorted) { return sorted[(sorted.size() - 1) / 2]; }

}  // namespace

BandBalance measure_band_balance(const ChannelResult& result, const LatePart& late) {
  BandBalance out;
  const auto mid = octave_mean(result.octaves, decay_s);
  out.bass_ratio = ratio(octave_mean(result.octaves, decay_s, 125, 250), mid);
  out.treble_ratio = ratio(octave_mean(result.octaves, decay_s, 2000, 4000), mid);
  std::vector<BandBalance::Band> levels, times;
  if (!late.samples.empty()) {
    const Spectrum spectrum(late);
    const auto low = spectrum.level_db(125, 500), middle = spectrum.level_db(500, 2000);
    if (low && middle) out.low_mid_db = *low - *middle;
    const double seconds = effective_seconds(late.samples, late.rate_hz);
    for (const Band& band : make_bands(BandWidth::kThirdOctave, late.rate_hz, kNeighboursFromHz, kNeighboursToHz)) {
      const auto level = spectrum.level_db(band.low_hz, band.high_hz);
      if (!level) continue;
      const double independent = std::max(1.0, (band.high_hz - band.low_hz) * seconds);
      levels.push_back({band.nominal_hz, *level, 10 / std::numbers::ln10 / std::sqrt(independent)});
    }
  }
  for (const BandResult& band : result.thirds) {
    if (band.hz >= kNeighboursFromHz && band.hz <= kNeighboursToHz && band.t_s())
      times.push_back({band.hz, *band.t_s(), 0});
  }
  for (std::size_t k = 0; levels.size() > kNeighbours && k < levels.size(); ++k) {
    if (levels[k].hz < kFromHz || levels[k].hz > kToHz) continue;
    BandBalance::Band one{levels[k].hz, levels[k].value - median(beside(levels, k)), levels[k].noise};
    if (!out.loudest || one.value - 3 * one.noise > out.loudest->value - 3 * out.loudest->noise) out.loudest = one;
  }
  for (std::size_t k = 0; times.size() > kNeighbours && k < times.size(); ++k) {
    if (times[k].hz < kFromHz || times[k].hz > kToHz) continue;
    const BandBalance::Band one{times[k].hz, times[k].value / lower_median(beside(times, k)), 0};
    if (!out.longest || one.value > out.longest->value) out.longest = one;
  }
  return out;
}

}  // namespace diffverb::acoustics
