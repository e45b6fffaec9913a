#include "runtime/variation/response_decay.h"

#include <algorithm>
#include <cmath>
#include <numbers>
#include <random>

#include "runtime/variation/octave_bands.h"

namespace diffverb::runtime {
namespace {

using Rows = std::vector<std::vector<double>>;

constexpr double kBlock_s = 0.01, kAboveNoise = 10, kEndShare = 0.1;  // kAboveNoise: a ratio of energies
constexpr double kDepth = 9.21;                                       // nepers in 80 dB
constexpr double kMostGain = 300;  // nepers: by then there is nothing left to be lifted
constexpr double kLowDamping_hz = 500, kHighDamping_hz = 2000;
constexpr double kBefore_s = 0.064, kAfter_s = 0.096;

/// Energy of rows in blocks of 10 ms from a sample on.
std::vector<double> block_energies(const Rows& rows, std::size_t from, std::size_t block) {
  std::vector<double> energies;
  for (std::size_t n = from; n < rows[0].size(); n += block) {
    double sum = 0;
    for (const auto& row : rows) {
      for (std::size_t i = n; i < std::min(n + block, row.size()); ++i) sum += row[i] * row[i];
    }
    energies.push_back(sum);
  }
  return energies;
}

std::size_t block_of(double rate_hz) { return std::max<std::size_t>(1, static_cast<std::size_t>(kBlock_s * rate_hz)); }

/// The blocks before the noise at the end comes within 10 dB.
std::size_t blocks_above_noise(const std::vector<double>& energies) {
  const auto tail =
      std::max<std::size_t>(1, static_cast<std::size_t>(kEndShare * static_cast<double>(energies.size())));
  double noise = 0;
  for (std::size_t i = energies.size() - tail; i < energies.size(); ++i)
    noise += energies[i] / static_cast<double>(tail);
  const std::size_t loudest =
      static_cast<std::size_t>(std::max_element(energies.begin(), energies.end()) - energies.begin());
  std::size_t end = loudest;
  while (end < energies.size() && energies[end] > kAboveNoise * noise) ++end;
  return end;
}

/// Bands of all rows: [K][P][T].
std::vector<Rows> bands_of(const Rows& rows, double rate_hz) {
  std::vector<Rows> bands;
  for (const auto& row : rows) {
    auto split = split_octaves(row, rate_hz);
    bands.resize(split.size());
    for (std::size_t k = 0; k < split.size(); ++k) bands[k].push_back(std::move(split[k]));
  }
  return bands;
}

/// White noise of a power of 1, always the same for a row.
std::vector<double> noise_row(std::size_t samples, unsigned row) {
  std::mt19937 random(row + 1);
  std::vector<double> noise(samples);
  for (double& value : noise)  // uniform: the standard fixes the generator, not the normal distribution
    value = std::numbers::sqrt3 * (2 * (static_cast<double>(random()) / 4294967295.0) - 1);
  return noise;
}

double power_of(const std::vector<double>& row, std::size_t from, std::size_t to) {
  double sum = 0;
  for (std::size_t n = from; n < to; ++n) sum += row[n] * row[n];
  return to > from ? sum / static_cast<double>(to - from) : 0;
}

/// A band from `knee` on as noise that decays at `rate` (a sample) from the band's power before it.
void go_on_as_noise(std::vector<double>& band, const std::vector<double>& noise, std::size_t onset, std::size_t knee,
                    std::size_t fade, double rate) {
  const std::size_t from = std::max(onset, knee > 2 * fade ? knee - 2 * fade : 0);
  const double middle = 0.5 * static_cast<double>(from + knee);
  const double level = std::sqrt(power_of(band, from, knee) / std::max(power_of(noise, 0, noise.size()), 1e-300));
  const std::size_t begin = knee > fade ? knee - fade : 0;
  for (std::size_t n = begin; n < band.size(); ++n) {
    const double share =
        std::min(1.0, static_cast<double>(n - begin) / static_cast<double>(fade)) * std::numbers::pi / 2;
    const double own = level * std::exp(-rate * (static_cast<double>(n) - middle)) * noise[n];
    band[n] = std::cos(share) * band[n] + std::sin(share) * own;  // equal powers: they have nothing in common
  }
}

/// Adds exp(-change t) times the band, t from the onset on.
void add_weighted(std::vector<double>& to, const std::vector<double>& band, double change, std::size_t onset) {
  for (std::size_t n = 0; n < to.size(); ++n)
    to[n] += n <= onset ? band[n] : band[n] * std::exp(std::min(kMostGain, -change * static_cast<double>(n - onset)));
}

}  // namespace

std::size_t onset_of(const Rows& rows) {
  double peak = 0;
  for (const auto& row : rows) {
    for (const double value : row) peak = std::max(peak, std::abs(value));
  }
  std::size_t onset = rows[0].size();
  for (const auto& row : rows) {
    const auto found = std::find_if(row.begin(), row.end(), [peak](double v) { return std::abs(v) > 0.1 * peak; });
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

OctaveRates measure_octaves(const Rows& rows, double rate_hz) {
  OctaveRates found{octave_centres(rate_hz), {}};
  const std::size_t onset = onset_of(rows), block = block_of(rate_hz);
  for (const Rows& band : bands_of(rows, rate_hz)) {
    std::vector<double> energies = block_energies(band, onset, block);
    energies.resize(blocks_above_noise(energies));
    const auto rate = energies.empty() ? std::nullopt : decay_rate(energies, static_cast<double>(block) / rate_hz);
    found.rate.push_back(rate.value_or(0));
  }
  return found;
}

Rows with_rates(const Rows& rows, double rate_hz, const OctaveRates& from, const OctaveRates& to, std::size_t onset) {
  const std::vector<double> centres = octave_centres(rate_hz);
  const std::vector<Rows> bands = bands_of(rows, rate_hz);
  Rows out(rows.size(), std::vector<double>(rows[0].size(), 0.0));
  for (std::size_t k = 0; k < bands.size(); ++k) {
    const double change = value_at(to.hz, to.rate, centres[k]) - value_at(from.hz, from.rate, centres[k]);
    for (std::size_t p = 0; p < rows.size(); ++p) add_weighted(out[p], bands[k][p], change / rate_hz, onset);
  }
  return out;
}

Rows with_decay_times(const Rows& rows, double rate_hz, const OctaveRates& measured, const std::vector<double>& wanted,
                      std::size_t longest) {
  const std::size_t onset = onset_of(rows), block = block_of(rate_hz), fade = 2 * block;
  std::size_t samples = rows[0].size();
  for (std::size_t k = 0; k < wanted.size(); ++k) {
    if (!(measured.rate[k] > 0) || !(wanted[k] > 1)) continue;
    const double needed = kDepth * wanted[k] / measured.rate[k] * rate_hz;
    samples = std::max(samples, std::min(longest, onset + static_cast<std::size_t>(needed)));
  }
  std::vector<Rows> bands = bands_of(rows, rate_hz);
  Rows out(rows.size(), std::vector<double>(samples, 0.0)), noises;
  for (std::size_t p = 0; p < rows.size(); ++p) noises.push_back(noise_row(samples, static_cast<unsigned>(p)));
  const std::vector<Rows> noise_bands = bands_of(noises, rate_hz);
  for (std::size_t k = 0; k < bands.size(); ++k) {
    const bool changes = measured.rate[k] > 0 && wanted[k] != 1;
    const double rate = measured.rate[k] / rate_hz, change = changes ? rate / wanted[k] - rate : 0;
    const std::size_t knee = onset + blocks_above_noise(block_energies(bands[k], onset, block)) * block;
    for (std::size_t p = 0; p < rows.size(); ++p) {
      std::vector<double>& band = bands[k][p];
      band.resize(samples, 0.0);
      if (change < 0 && knee > onset && knee < samples)
        go_on_as_noise(band, noise_bands[k][p], onset, knee, fade, rate);
      add_weighted(out[p], band, change, onset);
    }
  }
  return out;
}

}  // namespace diffverb::runtime
