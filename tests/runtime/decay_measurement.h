#pragma once

#include <algorithm>
#include <cmath>
#include <complex>
#include <cstddef>
#include <numbers>
#include <vector>

#include "runtime/transform.h"

namespace diffverb::runtime::testing {

/// A sound's spectrum, padded to a power of two at least twice as long.
inline std::vector<std::complex<double>> spectrum_of(const std::vector<float>& sound) {
  std::size_t bins = 2;
  while (bins < 2 * sound.size()) bins *= 2;
  std::vector<std::complex<double>> values(bins, 0.0);
  std::copy(sound.begin(), sound.end(), values.begin());
  transform(values, false);
  return values;
}

/// The decay time of an octave in seconds: the band's analytic signal from its part of the spectrum alone, its Schroeder
/// integral, a line from -5 to -35 dB, or to another end. 0 where it does not fall so far. Reads: the spectrum_of a sound.
inline double t60_of(const std::vector<std::complex<double>>& spectrum, double rate_hz, double centre_hz,
                     double end_db = -35) {
  const double bin_hz = rate_hz / static_cast<double>(spectrum.size());
  const auto low = static_cast<std::size_t>(centre_hz / 1.52 / bin_hz),
             high = static_cast<std::size_t>(centre_hz * 1.52 / bin_hz);
  std::size_t bins = 2;
  while (bins < high - low) bins *= 2;
  std::vector<std::complex<double>> values(bins, 0.0);
  for (std::size_t i = low; i < std::min(high, spectrum.size() / 2); ++i) {
    const double octaves = std::abs(std::log2(std::max(static_cast<double>(i) * bin_hz, 1e-3) / centre_hz));
    values[i - low] = spectrum[i] * (octaves < 0.4   ? 1
                                     : octaves > 0.6 ? 0
                                                     : 0.5 + 0.5 * std::cos((octaves - 0.4) * 5 * std::numbers::pi));
  }
  transform(values, true);
  const std::size_t used = bins / 2;  // behind it is what the padding left silent
  std::vector<double> level(used);
  double sum = 0;
  for (std::size_t n = used; n-- > 0;) level[n] = sum += std::norm(values[n]);
  double count = 0, t = 0, y = 0, tt = 0, ty = 0;
  bool reached = false;
  for (std::size_t n = 0; n < used; ++n) {
    const double db = 10 * std::log10(std::max(level[n] / sum, 1e-30));
    const double time = static_cast<double>(n) / (static_cast<double>(bins) * bin_hz);
    reached = reached || db < end_db;
    if (db > -5 || db < end_db) continue;
    count += 1, t += time, y += db, tt += time * time, ty += time * db;
  }
  const double slope = (count * ty - t * y) / (count * tt - t * t);
  return reached && slope < 0 ? -60 / slope : 0;
}

/// Mean |H|^2 between two frequencies, in dB.
inline double band_level_db(const std::vector<std::complex<double>>& spectrum, double rate_hz, double low_hz,
                            double high_hz) {
  const double bin_hz = rate_hz / static_cast<double>(spectrum.size());
  const auto from = static_cast<std::size_t>(std::ceil(low_hz / bin_hz)),
             to = std::min(spectrum.size() / 2, static_cast<std::size_t>(high_hz / bin_hz));
  double sum = 0;
  for (std::size_t i = from; i <= to; ++i) sum += std::norm(spectrum[i]);
  return 10 * std::log10(std::max(sum / static_cast<double>(to - from + 1), 1e-30));
}

}  // namespace diffverb::runtime::testing
