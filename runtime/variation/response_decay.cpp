#include "runtime/variation/response_decay.h"

#include <algorithm>
#include <cmath>
#include <numbers>

#include "runtime/variation/octave_bands.h"

namespace diffverb::runtime {
namespace {

constexpr double kMostGain = 300;    // nepers: by then there is nothing left to be lifted
constexpr std::size_t kExact = 256;  // samples after which a product of gains begins anew
constexpr double kLowDamping_hz = 500, kHighDamping_hz = 2000;
constexpr double kBefore_s = 0.064, kAfter_s = 0.096;

}  // namespace

void add_weighted(std::vector<float>& to, std::span<const float> band, double change, std::size_t onset) {
  const std::size_t size = std::min(to.size(), band.size());
  for (std::size_t n = 0; n < std::min(onset, size); ++n) to[n] += band[n];
  const double each = std::exp(-change);
  for (std::size_t begin = onset; begin < size; begin += kExact) {
    double gain = std::exp(std::min(kMostGain, -change * static_cast<double>(begin - onset)));
    for (std::size_t n = begin; n < std::min(begin + kExact, size); ++n, gain *= each)
      to[n] = static_cast<float>(to[n] + gain * band[n]);
  }
}

std::size_t onset_of(const std::vector<std::vector<float>>& rows) {
  float peak = 0;
  for (const auto& row : rows) {
    for (const float value : row) peak = std::max(peak, std::abs(value));
  }
  std::size_t onset = rows[0].size();
  for (const auto& row : rows) {
    const auto found = std::find_if(row.begin(), row.end(), [peak](float v) { return std::abs(v) > 0.1f * peak; });
    onset = std::min(onset, static_cast<std::size_t>(found - row.begin()));
  }
  return onset == rows[0].size() ? 0 : onset;
}

double decay_factor(const Variation& variation, double hz) {
  const double octaves = std::log2(hz / kLowDamping_hz) / std::log2(kHighDamping_hz / kLowDamping_hz);
  const double share = 0.5 - 0.5 * std::cos(std::numbers::pi * std::clamp(octaves, 0.0, 1.0));
  return variation.decay * std::pow(4.0, -variation.damping * share);
}

double early_late_gain(double early_late_db, double seconds) {
  const double share = std::clamp((seconds - kBefore_s) / (kAfter_s - kBefore_s), 0.0, 1.0);
  return std::pow(10, early_late_db / 20 * (0.5 - 0.5 * std::cos(std::numbers::pi * share)));
}

std::vector<std::vector<float>> with_rates(const std::vector<std::vector<float>>& rows, double rate_hz,
                                           const OctaveRates& from, const OctaveRates& to) {
  const std::vector<double> centres = octave_centres(rate_hz);
  std::vector<std::vector<float>> out(rows.size(), std::vector<float>(rows[0].size(), 0.0f));
  const SplitRows bands = split_octaves(rows, rate_hz, centres);
  for (std::size_t k = 0; k < centres.size(); ++k) {
    const double change = value_at(to.hz, to.rate, centres[k]) - value_at(from.hz, from.rate, centres[k]);
    for (std::size_t p = 0; p < rows.size(); ++p) add_weighted(out[p], bands[p][k], change / rate_hz, 0);
  }
  return out;
}

}  // namespace diffverb::runtime
