#include <algorithm>
#include <cmath>
#include <optional>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "core/acoustics/decay.h"
#include "core/error.h"

namespace diffverb::acoustics {
namespace {

constexpr int kMostRounds = 30;
constexpr double kSmallestDecayDb = 10;  // less than this above the noise is no decay
constexpr double kIntervalsPer10Db = 5;  // Lundeby: 3 to 10
constexpr double kLineAboveNoiseDb =
    6;  // the noise is subtracted first, so the line may come nearer than Lundeby's 5 to 10 dB
constexpr double kLineRangeDb = 20;     // Lundeby: 10 to 20
constexpr double kLongestLineDb = 200;  // where blocks are few
constexpr double kNoiseShare = 0.1;     // the last tenth is noise at first, and never less than that later
constexpr double kTiny = 1e-300;

struct Line {
  double level_db = 0;  // at t = 0
  double slope_db = 0;  // dB per sample, < 0
  double at(double samples) const { return level_db + slope_db * samples; }
  double power(double samples) const { return std::pow(10.0, at(samples) / 10); }
  // Mean power over [from, to).
  double mean_power(double from, double to) const {
    const double rate = -slope_db * std::log(10.0) / 10;
    return (power(from) - power(to)) / (rate * (to - from));
  }
};

// Cumulative energy: any block mean is one subtraction.
class Energy {
 public:
  explicit Energy(std::span<const double> response) : sums_(response.size() + 1, 0.0) {
    for (std::size_t i = 0; i < response.size(); ++i) sums_[i + 1] = sums_[i] + response[i] * response[i];
  }
  std::size_t size() const { return sums_.size() - 1; }
  double sum(std::size_t from, std::size_t to) const { return std::max(0.0, sums_[to] - sums_[from]); }
  double mean(std::size_t from, std::size_t to) const {
    return sum(from, to) / static_cast<double>(std::max<std::size_t>(1, to - from));
  }
  std::vector<double> blocks(std::size_t length) const {
    std::vector<double> means(size() / length);
    for (std::size_t k = 0; k < means.size(); ++k) means[k] = mean(k * length, (k + 1) * length);
    return means;
  }

 private:
  std::vector<double> sums_;
};

// Least squares through the levels of blocks [from, to), less the noise. Blocks that noise alone explains are left out.
std::optional<Line> fit_line(const std::vector<double>& blocks, std::size_t length, std::size_t from, std::size_t to,
                             double noise) {
  double n = 0, sx = 0, sy = 0, sxx = 0, sxy = 0;
  for (std::size_t k = from; k < to; ++k) {
    if (blocks[k] - noise <= 0.25 * noise || blocks[k] <= kTiny) continue;
    const double x = (static_cast<double>(k) + 0.5) * static_cast<double>(length);
    const double y = 10 * std::log10(blocks[k] - noise);
    n += 1;
    sx += x;
    sy += y;
    sxx += x * x;
    sxy += x * y;
  }
  const double determinant = n * sxx - sx * sx;
  if (n < 2 || !(determinant > 0)) return std::nullopt;
  const double slope = (n * sxy - sx * sy) / determinant;
  if (!(slope < 0)) return std::nullopt;
  return Line{(sy - slope * sx) / n, slope};
}

std::size_t peak_block(const std::vector<double>& blocks) {
  return static_cast<std::size_t>(std::max_element(blocks.begin(), blocks.end()) - blocks.begin());
}

// Blocks that the late line goes through: from the last one above `upper` to the first below `lower` after it.
std::pair<std::size_t, std::size_t> late_stretch(const std::vector<double>& blocks, double lower, double upper) {
  const std::size_t peak = peak_block(blocks);
  std::size_t stop = peak + 1;
  while (stop < blocks.size() && blocks[stop] >= lower) ++stop;
  std::size_t start = stop;
  while (start > peak && blocks[start - 1] < upper) --start;
  return {start, stop};
}

// First estimate: noise from the last tenth, line from the peak to 10 dB above it.
std::optional<Line> first_line(const Energy& energy, std::size_t length, double noise) {
  const std::vector<double> blocks = energy.blocks(length);
  if (blocks.size() < 4) return std::nullopt;
  const std::size_t peak = peak_block(blocks);
  if (blocks[peak] < noise * std::pow(10.0, kSmallestDecayDb / 10)) return std::nullopt;
  std::size_t stop = peak + 1;
  while (stop < blocks.size() && blocks[stop] > 10 * noise) ++stop;
  // A decay that is over within a block or two still needs two points.
  stop = std::min(blocks.size(), std::max(stop, peak + 2));
  return fit_line(blocks, length, peak, stop, 0);
}

double crossing_of(const Line& line, double noise, std::size_t total) {
  return noise > 0 ? (10 * std::log10(noise) - line.level_db) / line.slope_db : 2.0 * static_cast<double>(total);
}

double noise_behind(const Energy& energy, const Line& line, double noise) {
  const double total = static_cast<double>(energy.size());
  const double crossing = crossing_of(line, noise, energy.size());
  const double safe = crossing - 10 / line.slope_db;
  const double from = std::floor(std::clamp(safe, 0.0, (1 - kNoiseShare) * total));
  const double measured = energy.mean(static_cast<std::size_t>(from), energy.size());
  return std::max(0.0, measured - line.mean_power(from, total));
}

std::optional<Line> late_line(const Energy& energy, const Line& previous, double noise, std::size_t shortest,
                              std::size_t longest) {
  const double interval = -10 / previous.slope_db / kIntervalsPer10Db;
  const auto length =
      static_cast<std::size_t>(std::clamp(interval, static_cast<double>(shortest), static_cast<double>(longest)));
  const std::vector<double> blocks = energy.blocks(length);
  if (blocks.size() < 4) return std::nullopt;
  const double last = std::max(noise, energy.mean(energy.size() - length, energy.size()) * 0.25);
  const double lower = (last + kTiny) * std::pow(10.0, kLineAboveNoiseDb / 10);
  double range = kLineRangeDb;
  auto [start, stop] = late_stretch(blocks, lower, lower * std::pow(10.0, range / 10));
  // A steep decay has few blocks within 20 dB: take a longer stretch rather than a line through two points.
  for (const std::size_t peak = peak_block(blocks); stop - start < 5 && start > peak && range < kLongestLineDb;) {
    range += 5;
    std::tie(start, stop) = late_stretch(blocks, lower, lower * std::pow(10.0, range / 10));
  }
  return fit_line(blocks, length, start, stop, noise);
}

// A line through levels in dB lies below the mean power, the more so the fewer degrees of freedom a block has. Its
// level is set by energy instead: what it carries over the last 20 dB before the noise equals what was measured there.
Line match_energy(const Energy& energy, Line line, double noise, double crossing) {
  const double stop = std::min(crossing, static_cast<double>(energy.size()));
  const double start = std::max(0.0, stop + kLineRangeDb / line.slope_db);
  const auto from = static_cast<std::size_t>(start), to = static_cast<std::size_t>(stop);
  if (to < from + 2) return line;
  const double ratio = (energy.mean(from, to) - noise) / line.mean_power(start, stop);
  line.level_db += 10 * std::log10(std::clamp(ratio, 0.5, 2.0));
  return line;
}

}  // namespace

NoiseFloor find_noise_floor(std::span<const double> response, double rate_hz, double centre_hz) {
  if (!(rate_hz > 0)) throw ContractError("find_noise_floor: rate_hz must be positive, got " + std::to_string(rate_hz));
  const Energy energy(response);
  const std::size_t total = energy.size();
  const double block_s = centre_hz > 0 ? 0.010 + 0.8 / centre_hz : 0.030;
  const std::size_t longest = std::max<std::size_t>(1, total / 30);
  const auto shortest = std::min(longest, static_cast<std::size_t>(std::max(1.0, 0.5 * block_s * rate_hz)));
  const auto first_length = std::clamp<std::size_t>(static_cast<std::size_t>(block_s * rate_hz), 1, longest);
  if (total < 32 || !(energy.sum(0, total) > kTiny)) return {};
  const auto tenth = static_cast<std::size_t>((1 - kNoiseShare) * static_cast<double>(total));
  double noise = energy.mean(tenth, total);
  std::optional<Line> line = first_line(energy, first_length, noise);
  if (!line) return {};
  double crossing = 0;
  for (int round = 0; round < kMostRounds; ++round) {
    noise = noise_behind(energy, *line, noise);
    const std::optional<Line> next = late_line(energy, *line, noise, shortest, longest);
    if (next) line = next;
    const double before = crossing;
    crossing = crossing_of(*line, noise, total);
    if (!next || std::abs(crossing - before) < 1e-4 * rate_hz) break;
  }
  line = match_energy(energy, *line, noise, crossing);
  crossing = crossing_of(*line, noise, total);
  NoiseFloor floor;
  floor.truncation_samples = static_cast<std::size_t>(std::clamp(crossing, 0.0, static_cast<double>(total)));
  if (floor.truncation_samples < 16) return {};
  floor.found = true;
  floor.power = noise;
  floor.late_t60_s = -60 / line->slope_db / rate_hz;
  floor.power_at_truncation = line->power(static_cast<double>(floor.truncation_samples));
  return floor;
}

}  // namespace diffverb::acoustics
