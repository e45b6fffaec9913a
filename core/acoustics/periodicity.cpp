#include "core/acoustics/periodicity.h"

#include <algorithm>
#include <cmath>
#include <complex>
#include <vector>

#include "core/acoustics/fft.h"

namespace diffverb::acoustics {
namespace {

constexpr double kFromHz = 200, kToHz = 8000;
constexpr double kHighestOfRate = 0.45;
constexpr double kShortestFineSeconds = 0.005, kShortestEnvelopeSeconds = 0.020, kLongestSeconds = 0.5;
constexpr double kBlockSeconds = 0.005;

/// |X|^2 over its mean within a sixth of an octave either way, between from_hz and to_hz; 0 elsewhere.
std::vector<double> whitened_power(const std::vector<std::complex<double>>& spectrum, double bin_hz, double from_hz,
                                   double to_hz) {
  const double half = std::exp2(1.0 / 6);
  std::vector<double> sums(spectrum.size() + 1, 0.0), out(spectrum.size(), 0.0);
  for (std::size_t k = 0; k < spectrum.size(); ++k) sums[k + 1] = sums[k] + std::norm(spectrum[k]);
  for (auto k = static_cast<std::size_t>(std::ceil(from_hz / bin_hz)); k < spectrum.size(); ++k) {
    const auto x = static_cast<double>(k);
    if (x * bin_hz > to_hz) break;
    const auto low = static_cast<std::size_t>(x / half);
    const std::size_t high = std::min(spectrum.size(), static_cast<std::size_t>(x * half) + 1);
    const double mean = (sums[high] - sums[low]) / static_cast<double>(high - low);
    if (mean > 0) out[k] = std::norm(spectrum[k]) / mean;
  }
  return out;
}

/// The largest of c(lag) from `first` to `last`, over the smallest at shorter lags: what falls slowly from lag 0 on is no
/// repetition. In units of what noise has at lag 0, as it has less to sum at longer ones.
template <class Correlation>
Repetition largest(const Correlation& c, std::size_t first, std::size_t last, std::size_t count) {
  Repetition out;
  double least = 1;
  for (std::size_t lag = 1; lag <= last; ++lag) {
    const double value = c(lag) * std::sqrt(static_cast<double>(count) / static_cast<double>(count - lag));
    least = std::clamp(value, 0.0, least);
    if (lag < first || value - least <= out.peak) continue;
    out.peak = std::min(1.0, value - least);
    out.period_s = static_cast<double>(lag);
  }
  return out;
}

/// Half of a stretch, or kLongestSeconds.
std::size_t last_lag(std::size_t count, double step_s) {
  return std::min(count / 2, static_cast<std::size_t>(std::lround(kLongestSeconds / step_s)));
}

/// Of white noise with `samples` independent values, among `lags` independent lags.
double noise_peak(double samples, double lags) { return std::sqrt(2 * std::log(std::max(2.0, lags)) / samples); }

Repetition fine_repetition(const std::vector<double>& flat, double rate_hz) {
  const double to_hz = std::min(kToHz, kHighestOfRate * rate_hz);
  const RealFft fft(fast_fft_length(2 * flat.size()));  // twice: nothing comes round to the beginning
  const auto power = whitened_power(fft(flat), rate_hz / static_cast<double>(fft.size()), kFromHz, to_hz);
  // Power is even, so its inverse transform is the forward one: mirrored into a real signal of full length.
  std::vector<double> mirrored(fft.size(), 0.0);
  for (std::size_t k = 0; k < power.size(); ++k) mirrored[k] = mirrored[(fft.size() - k) % fft.size()] = power[k];
  const auto correlation = fft(mirrored);
  const double whole = correlation[0].real();
  if (!(whole > 0)) return {};
  const auto first = static_cast<std::size_t>(std::ceil(kShortestFineSeconds * rate_hz));
  const std::size_t last = last_lag(flat.size(), 1 / rate_hz);
  Repetition out =
      largest([&](std::size_t lag) { return std::abs(correlation[lag].real()) / whole; }, first, last, flat.size());
  out.period_s /= rate_hz;
  const double bandwidth = 2 * (to_hz - kFromHz), longest_s = static_cast<double>(last) / rate_hz;
  out.noise_peak = noise_peak(bandwidth * effective_seconds(flat, rate_hz), bandwidth * longest_s);
  return out;
}

/// Less the mean of as many on either side as there are, half of kLongestSeconds at most: decays of several slopes are no
/// repetition.
std::vector<double> less_running_mean(const std::vector<double>& levels) {
  const auto widest = static_cast<std::size_t>(std::lround(kLongestSeconds / kBlockSeconds / 2));
  std::vector<double> sums(levels.size() + 1, 0.0), out(levels.size());
  for (std::size_t k = 0; k < levels.size(); ++k) sums[k + 1] = sums[k] + levels[k];
  for (std::size_t k = 0; k < levels.size(); ++k) {
    const std::size_t side = std::min({widest, k, levels.size() - 1 - k});
    out[k] = levels[k] - (sums[k + side + 1] - sums[k - side]) / static_cast<double>(2 * side + 1);
  }
  return out;
}

Repetition envelope_repetition(const std::vector<double>& flat, double rate_hz) {
  const auto block = static_cast<std::size_t>(std::lround(kBlockSeconds * rate_hz));
  std::vector<double> levels = block_levels_db(flat, block);
  for (std::size_t k = 0; k + 1 < levels.size(); ++k) levels[k] = 0.5 * (levels[k] + levels[k + 1]);
  levels.pop_back();
  const std::vector<double> wave = less_running_mean(levels);
  double whole = 0;
  for (const double value : wave) whole += value * value;
  if (!(whole > 0)) return {};
  const auto first = static_cast<std::size_t>(std::ceil(kShortestEnvelopeSeconds / kBlockSeconds));
  const std::size_t last = last_lag(wave.size(), kBlockSeconds);
  Repetition out = largest(
      [&](std::size_t lag) {
        double sum = 0;
        for (std::size_t k = 0; k + lag < wave.size(); ++k) sum += wave[k] * wave[k + lag];
        return sum / whole;
      },
      first, last, wave.size());
  out.period_s *= kBlockSeconds;
  constexpr double kSmoothed = 1.5;  // 1 + 2 * 0.5^2: two blocks share half of their energy
  const auto count = static_cast<double>(wave.size());
  out.noise_peak = noise_peak(count / kSmoothed, static_cast<double>(last));
  return out;
}

}  // namespace

std::optional<Periodicity> measure_periodicity(const LatePart& late) {
  if (late.samples.empty() || late.seconds() < kShortestPeriodicSeconds) return std::nullopt;
  const std::vector<double> flat = without_decay(late);
  Periodicity out{fine_repetition(flat, late.rate_hz), envelope_repetition(flat, late.rate_hz)};
  if (!(out.fine.noise_peak > 0)) return std::nullopt;
  return out;
}

}  // namespace diffverb::acoustics
