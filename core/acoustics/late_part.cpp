#include "core/acoustics/late_part.h"

#include <algorithm>
#include <cmath>

#include "core/acoustics/tail.h"

namespace diffverb::acoustics {
namespace {

constexpr double kBlockSeconds = 0.005;

/// dB a block of the line through levels of the blocks; 0 for fewer than two.
double slope_db(const std::vector<double>& levels) {
  const auto n = static_cast<double>(levels.size());
  const double middle = (n - 1) / 2;
  double above = 0, below = 0;
  for (std::size_t k = 0; k < levels.size(); ++k) {
    const double x = static_cast<double>(k) - middle;
    above += x * levels[k];
    below += x * x;
  }
  return below > 0 ? above / below : 0;
}

std::size_t block_samples(double rate_hz) {
  return static_cast<std::size_t>(std::max(1L, std::lround(kBlockSeconds * rate_hz)));
}

LatePart late_part(std::span<const double> channel, const ChannelResult& result, double noise_begins_s,
                   const BandResult& band) {
  const auto whole = channel.subspan(result.extent.onset, result.extent.end - result.extent.onset);
  double end_s = static_cast<double>(whole.size()) / result.rate_hz;
  if (band.noise_floor_db) end_s = std::min(end_s, noise_begins_s - band.late_t60_s * kAboveNoiseDb / 60);
  const auto samples = [&](double seconds) {
    return std::min(whole.size(), static_cast<std::size_t>(std::max(0L, std::lround(seconds * result.rate_hz))));
  };
  const auto clean = whole.first(samples(end_s));
  const std::size_t from = samples(kTailFromSeconds), to = fallen_by(clean, kTailFallDb);
  return {to > from ? clean.subspan(from, to - from) : clean.first(0), result.rate_hz};
}

}  // namespace

LatePart late_part(std::span<const double> channel, const ChannelResult& result) {
  return late_part(channel, result, result.clean_s, result.broadband);
}

LatePart late_part(std::span<const double> channel, const ChannelResult& result, const BandResult& band) {
  return late_part(channel, result, band.truncation_s, band);
}

std::vector<double> block_levels_db(std::span<const double> samples, std::size_t block) {
  std::vector<double> levels(samples.size() / block);
  for (std::size_t k = 0; k < levels.size(); ++k) {
    double energy = 0;
    for (const double value : samples.subspan(k * block, block)) energy += value * value;
    levels[k] = energy > 1e-30 ? 10 * std::log10(energy) : -300;
  }
  return levels;
}

std::vector<double> without_decay(const LatePart& late) {
  const std::size_t block = block_samples(late.rate_hz);
  const double fall_db = slope_db(block_levels_db(late.samples, block)) / static_cast<double>(block);
  std::vector<double> flat(late.samples.begin(), late.samples.end());
  for (std::size_t n = 0; n < flat.size(); ++n) flat[n] *= std::pow(10.0, -fall_db * static_cast<double>(n) / 20);
  return flat;
}

double effective_seconds(std::span<const double> samples, double rate_hz) {
  const std::size_t block = block_samples(rate_hz);
  double sum = 0, squares = 0;
  for (const double level : block_levels_db(samples, block)) {
    const double energy = std::pow(10.0, level / 10);
    sum += energy;
    squares += energy * energy;
  }
  return squares > 0 ? sum * sum / squares * static_cast<double>(block) / rate_hz : 0;
}

}  // namespace diffverb::acoustics
