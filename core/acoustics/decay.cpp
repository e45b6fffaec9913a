#include "core/acoustics/decay.h"

#include <algorithm>
#include <cmath>
#include <string>

#include "core/error.h"

namespace diffverb::acoustics {
namespace {

const double kNepersPer60Db = 6 * std::log(10.0);
constexpr std::size_t kMostPoints = 4000;  // of a regression: more change nothing but the time it takes

double level_db(const Decay& decay, std::size_t sample) {
  return 10 * std::log10(decay.energy[sample] / decay.energy[0]);
}

// First sample at or below a level; the curve is non-increasing, so bisection finds it. size() where it never gets
// there.
std::size_t first_below(const Decay& decay, double db) {
  const double energy = decay.energy[0] * std::pow(10.0, db / 10);
  const auto it =
      std::partition_point(decay.energy.begin(), decay.energy.end(), [&](double value) { return value > energy; });
  return static_cast<std::size_t>(it - decay.energy.begin());
}

}  // namespace

Decay measure_decay(std::span<const double> response, double rate_hz, double centre_hz) {
  Decay decay;
  decay.rate_hz = rate_hz;
  decay.floor = find_noise_floor(response, rate_hz, centre_hz);
  if (!decay.floor.found) return decay;
  const std::size_t stop = decay.floor.truncation_samples;
  // The exponential's mean square integrates to power * T60 * rate / (6 ln 10) beyond the truncation.
  decay.tail = decay.floor.power_at_truncation * decay.floor.late_t60_s * rate_hz / kNepersPer60Db;
  decay.energy.resize(stop + 1);
  decay.energy[stop] = decay.tail;
  double raw = decay.tail;
  for (std::size_t i = stop; i-- > 0;) {
    raw += response[i] * response[i] - decay.floor.power;
    // Where noise swings above the decay the sum may dip; a decay curve never rises with time.
    decay.energy[i] = std::max(raw, decay.energy[i + 1]);
  }
  if (!(decay.energy[stop] > 0) || !std::isfinite(decay.energy[0])) {
    decay.energy.clear();
    decay.floor = {};
    return decay;
  }
  decay.range_db = -level_db(decay, stop);
  return decay;
}

Decay integrate_decay(std::span<const double> response, double rate_hz) {
  if (!(rate_hz > 0)) throw ContractError("integrate_decay: rate_hz must be positive, got " + std::to_string(rate_hz));
  constexpr double kDeepest = 1e-20;
  Decay decay;
  decay.rate_hz = rate_hz;
  std::size_t stop = response.size() * 9 / 10;
  if (response.size() < 10) return decay;
  decay.energy.resize(response.size());
  double sum = 0;
  for (std::size_t i = response.size(); i-- > 0;) decay.energy[i] = sum += response[i] * response[i];
  if (!(sum > 0) || !std::isfinite(sum)) {
    decay.energy.clear();
    return decay;
  }
  while (stop > 0 && decay.energy[stop] < kDeepest * sum) --stop;
  decay.energy.resize(stop + 1);
  decay.floor.truncation_samples = stop;
  decay.floor.found = true;
  decay.range_db = -level_db(decay, stop);
  return decay;
}

std::vector<double> decay_curve_db(const Decay& decay, std::size_t step) {
  std::vector<double> curve;
  if (decay.energy.empty()) return curve;
  step = std::max<std::size_t>(1, step);
  curve.reserve(decay.energy.size() / step + 1);
  for (std::size_t i = 0; i < decay.energy.size(); i += step) curve.push_back(level_db(decay, i));
  return curve;
}

double energy_after(const Decay& decay, double seconds) {
  if (decay.energy.empty()) return 0;
  const double sample = std::max(0.0, seconds * decay.rate_hz);
  const double last = static_cast<double>(decay.energy.size() - 1);
  if (sample >= last)
    return decay.tail * std::exp(-kNepersPer60Db * (sample - last) / (decay.rate_hz * decay.floor.late_t60_s));
  const auto index = static_cast<std::size_t>(sample);
  const double share = sample - static_cast<double>(index);
  return decay.energy[index] + share * (decay.energy[index + 1] - decay.energy[index]);
}

std::optional<double> decay_time_s(const Decay& decay, double start_db, double stop_db, double needed_range_db) {
  if (decay.energy.empty() || decay.range_db < needed_range_db) return std::nullopt;
  const std::size_t start = first_below(decay, start_db);
  const std::size_t stop = first_below(decay, stop_db);
  if (stop >= decay.energy.size() || stop < start + 4) return std::nullopt;
  const std::size_t step = std::max<std::size_t>(1, (stop - start) / kMostPoints);
  double n = 0, sx = 0, sy = 0, sxx = 0, sxy = 0;
  for (std::size_t i = start; i <= stop; i += step) {
    const double x = static_cast<double>(i - start);
    const double y = level_db(decay, i);
    n += 1;
    sx += x;
    sy += y;
    sxx += x * x;
    sxy += x * y;
  }
  const double slope = (n * sxy - sx * sy) / (n * sxx - sx * sx);
  if (!(slope < 0)) return std::nullopt;
  return -60 / slope / decay.rate_hz;
}

std::optional<double> early_decay_time_s(const Decay& decay) { return decay_time_s(decay, -0.1, -10, kRangeForEdtDb); }

std::optional<double> t20_s(const Decay& decay) { return decay_time_s(decay, -5, -25, kRangeForT20Db); }

std::optional<double> t30_s(const Decay& decay) { return decay_time_s(decay, -5, -35, kRangeForT30Db); }

}  // namespace diffverb::acoustics
