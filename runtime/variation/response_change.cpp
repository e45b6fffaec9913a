#include "runtime/variation/response_change.h"

#include <algorithm>
#include <cmath>
#include <cstddef>

#include "runtime/network_check.h"
#include "runtime/resampling.h"
#include "runtime/variation/octave_bands.h"

namespace diffverb::runtime {
namespace {

using Rows = std::vector<std::vector<double>>;

double within(double value, double least, double most, double neutral) {
  return std::isfinite(value) ? std::clamp(value, least, most) : neutral;
}

Rows doubles_of(const std::vector<std::vector<float>>& rows) {
  Rows out;
  for (const auto& row : rows) out.emplace_back(row.begin(), row.end());
  return out;
}

/// Decay times of the octaves of a sound that is then played `size` times as long: so that at each frequency it ends up
/// with what it had there, times the variation's factor. [K] times what they are.
std::vector<double> wanted_factors(const OctaveRates& rates, const Variation& variation) {
  std::vector<double> wanted;
  for (std::size_t k = 0; k < rates.hz.size(); ++k) {
    const double hz = rates.hz[k] / variation.size, then = value_at(rates.hz, rates.rate, hz);
    const double moved = then > 0 && rates.rate[k] > 0 ? rates.rate[k] / then : 1;
    wanted.push_back(moved * decay_factor(variation, hz) / variation.size);
  }
  return wanted;
}

/// At the new rate, `size` times as long, as loud altogether as before.
std::vector<std::vector<float>> resized(const Rows& rows, double from_hz, double rate_hz, double size) {
  std::vector<std::vector<float>> out;
  std::vector<float> all;
  for (const auto& row : rows) all.insert(all.end(), row.begin(), row.end());
  all = resample_responses(all, rows[0].size(), from_hz, rate_hz * size);
  const auto length = static_cast<std::ptrdiff_t>(all.size() / rows.size());
  const auto level = static_cast<float>(std::sqrt(size));
  for (auto from = all.begin(); from != all.end(); from += length) {
    for (float& value : out.emplace_back(from, from + length)) value *= level;
  }
  return out;
}

bool decays_otherwise(const Variation& variation) {
  return variation.decay != 1 || variation.damping != 0 || variation.size != 1;
}

}  // namespace

Variation within_ranges(const Variation& v) {
  return {within(v.decay, 0.1, 4, 1), within(v.size, 0.5, 2, 1), within(v.damping, -1, 1, 0),
          within(v.early_late_db, -24, 24, 0), within(v.modulation, 0, 2, 1)};
}

std::vector<std::vector<float>> change_response(const std::vector<std::vector<float>>& rows, double from_hz,
                                                double rate_hz, const Variation& variation, const OctaveRates& rates) {
  Rows changed = doubles_of(rows);
  if (decays_otherwise(variation)) {
    OctaveRates from{octave_centres(from_hz), {}};
    for (const double hz : from.hz) from.rate.push_back(value_at(rates.hz, rates.rate, hz));
    OctaveRates to = from;
    const std::vector<double> wanted = wanted_factors(from, variation);
    for (std::size_t k = 0; k < to.rate.size(); ++k) to.rate[k] /= wanted[k];
    changed = with_rates(changed, from_hz, from, to, 0);
  }
  return resized(changed, from_hz, rate_hz, variation.size);
}

std::vector<std::vector<float>> vary_response(const std::vector<std::vector<float>>& channels, double from_hz,
                                              double rate_hz, const Variation& asked) {
  const auto is_rate = [](double hz) { return hz >= 8000 && hz <= 384000; };
  const bool even =
      std::all_of(channels.begin(), channels.end(), [&](const auto& row) { return row.size() == channels[0].size(); });
  if (!is_rate(from_hz) || !is_rate(rate_hz) || !even) return {};
  const Variation variation = within_ranges(asked);
  if (channels.empty() || channels[0].empty()) return channels;
  Rows rows = doubles_of(channels);
  if (decays_otherwise(variation)) {
    const OctaveRates measured = measure_octaves(rows, from_hz);
    const double longest = NetworkLimits::kEarlySamples * from_hz / (rate_hz * variation.size);
    rows = with_decay_times(rows, from_hz, measured, wanted_factors(measured, variation),
                            static_cast<std::size_t>(longest));
  }
  auto out = resized(rows, from_hz, rate_hz, variation.size);
  if (variation.early_late_db == 0) return out;
  const std::size_t onset = onset_of(doubles_of(out));
  for (auto& row : out) {
    for (std::size_t n = onset; n < row.size(); ++n)
      row[n] *= static_cast<float>(early_late_gain(variation.early_late_db, static_cast<double>(n - onset) / rate_hz));
  }
  return out;
}

}  // namespace diffverb::runtime
