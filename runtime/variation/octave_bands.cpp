#include "runtime/variation/octave_bands.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <complex>
#include <numbers>

#include "runtime/line_fit.h"
#include "runtime/transform.h"

namespace diffverb::runtime {
namespace {

constexpr double kFrom_db = -5, kTo_db = -35, kLeast_db = -20, kAboveEnd_db = 10;

/// The share of band k at a frequency: raised cosines of half an octave around the edges between bands.
double share_of(std::size_t k, const std::vector<double>& centres, double hz) {
  const auto passed = [hz](double centre) {  // the edge above this centre
    const double octaves = std::log2(hz / centre) - 0.5;
    return 0.5 + 0.5 * std::sin(std::numbers::pi * std::clamp(2 * octaves, -0.5, 0.5));
  };
  if (hz <= 0) return k == 0 ? 1 : 0;
  const double low = k == 0 ? 1 : passed(centres[k - 1]), high = k + 1 == centres.size() ? 0 : passed(centres[k]);
  return low - high;
}

/// `bins`: of the transform, 2^m; beyond the sound there is silence.
std::vector<std::vector<float>> split(std::span<const float> sound, std::size_t bins, double rate_hz,
                                      const std::vector<double>& centres) {
  std::vector<std::complex<double>> spectrum(bins, 0.0), part;
  std::copy(sound.begin(), sound.end(), spectrum.begin());
  transform(spectrum, false);
  std::vector<std::vector<float>> bands;
  for (std::size_t k = 0; k < centres.size(); k += 2) {  // two at once: real bands, the second as the imaginary part
    part = spectrum;
    for (std::size_t i = 0; i < bins; ++i) {
      const double hz = static_cast<double>(std::min(i, bins - i)) * rate_hz / static_cast<double>(bins);
      part[i] *= std::complex(share_of(k, centres, hz), k + 1 < centres.size() ? share_of(k + 1, centres, hz) : 0);
    }
    transform(part, true);
    for (std::size_t b = 0; b < 2 && k + b < centres.size(); ++b) {
      std::vector<float>& band = bands.emplace_back(sound.size());
      for (std::size_t n = 0; n < band.size(); ++n)
        band[n] = static_cast<float>((b == 0 ? part[n].real() : part[n].imag()) / static_cast<double>(bins));
    }
  }
  return bands;
}

}  // namespace

std::vector<double> octave_centres(double rate_hz) {
  std::vector<double> centres{62.5};
  while (centres.back() < 16000 && 2 * centres.back() < 0.45 * rate_hz) centres.push_back(2 * centres.back());
  return centres;
}

double value_at(std::span<const double> hz, std::span<const double> values, double at_hz) {
  const auto above = static_cast<std::size_t>(std::lower_bound(hz.begin(), hz.end(), at_hz) - hz.begin());
  if (above == 0) return values.front();
  if (above == hz.size()) return values.back();
  const double share = std::log(at_hz / hz[above - 1]) / std::log(hz[above] / hz[above - 1]);
  return values[above - 1] + share * (values[above] - values[above - 1]);
}

std::optional<double> decay_rate(std::span<const double> energies, double step_s) {
  std::vector<double> level(energies.size());
  double sum = 0;
  for (std::size_t i = energies.size(); i-- > 0;) level[i] = sum += energies[i];
  if (!(sum > 0)) return std::nullopt;
  for (double& value : level) value = value > 0 ? 10 * std::log10(value / sum) : -400;
  const double end_db = std::max(kTo_db, level[energies.size() - 1 - energies.size() / 20] + kAboveEnd_db);
  if (end_db > kLeast_db) return std::nullopt;
  LineFit fit;
  for (std::size_t i = 0; i < level.size(); ++i) {
    if (level[i] > kFrom_db || level[i] < end_db) continue;
    fit.add(static_cast<double>(i) * step_s, level[i]);
  }
  const double slope_db = fit.slope();
  return slope_db < 0 ? std::optional(-slope_db * std::numbers::ln10 / 20) : std::nullopt;
}

std::vector<std::vector<float>> split_octaves(std::span<const float> sound, double rate_hz,
                                              const std::vector<double>& centres) {
  return split(sound, std::bit_ceil(sound.size() + sound.size() / 8 + 4096), rate_hz, centres);
}

std::vector<std::vector<float>> split_period(std::span<const float> period, double rate_hz,
                                             const std::vector<double>& centres) {
  return split(period, period.size(), rate_hz, centres);
}

}  // namespace diffverb::runtime
