#include "plugin/ui/view/late_decay.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <optional>
#include <vector>

#include "runtime/line_fit.h"

namespace diffverb::ui {
namespace {

constexpr double kTiny = 1e-300;
constexpr int kRounds = 8;
constexpr double kNoiseShare = 0.1;   // the last tenth is noise at first, and never less than that later
constexpr double kAboveNoiseDb = 6;   // where the late line ends
constexpr double kLineRangeDb = 25;   // and how far it reaches up
constexpr double kLeastDecayDb = 10;  // less than this above the noise is no decay
constexpr std::size_t kMostStretches = 200, kShortestStretch = 5;

double decibels(double energy) { return 10 * std::log10(energy + kTiny); }

double mean(std::span<const double> values) {
  return values.empty() ? 0 : std::accumulate(values.begin(), values.end(), 0.0) / static_cast<double>(values.size());
}

/// level(step) = at_start_db + slope_db step
struct Line {
  double at_start_db = 0, slope_db = 0;
  double power(double step) const { return std::pow(10.0, (at_start_db + slope_db * step) / 10); }
  double rate() const { return -slope_db * std::log(10.0) / 10; }
  double mean_power(double from, double to) const { return (power(from) - power(to)) / (rate() * (to - from)); }
};

// Means of stretches, so that a line goes through a few hundred smooth levels.
struct Stretches {
  std::size_t length;
  std::vector<double> energy;
  std::size_t loudest;

  explicit Stretches(std::span<const double> steps)
      : length(std::max(kShortestStretch, steps.size() / kMostStretches)) {
    for (std::size_t at = 0; at + length <= steps.size(); at += length)
      energy.push_back(mean(steps.subspan(at, length)));
    loudest = static_cast<std::size_t>(std::max_element(energy.begin(), energy.end()) - energy.begin());
  }

  // Least squares through the levels of the decay alone, of the last stretches that lie between two levels.
  std::optional<Line> late_line(double noise, double lowest, double highest) const {
    std::size_t stop = loudest;
    while (stop < energy.size() && energy[stop] > lowest) ++stop;
    std::size_t start = stop;
    while (start > loudest && (energy[start - 1] < highest || stop - start < 4)) --start;
    runtime::LineFit fit;
    for (std::size_t k = start; k < stop; ++k) {
      if (energy[k] <= noise) continue;
      fit.add((static_cast<double>(k) + 0.5) * static_cast<double>(length), decibels(energy[k] - noise));
    }
    if (!(fit.slope() < 0)) return std::nullopt;
    return Line{fit.at_zero(), fit.slope()};
  }
};

double crossing(const Line& line, double noise, double total) {
  if (!(noise > 0)) return total;
  return std::clamp((decibels(noise) - line.at_start_db) / line.slope_db, 0.0, total);
}

}  // namespace

LateDecay find_late_decay(std::span<const double> energy) {
  const Stretches stretches(energy);
  if (stretches.energy.size() < 4) return {};
  const double total = static_cast<double>(energy.size()), loudest = stretches.energy[stretches.loudest];
  const auto tenth = static_cast<std::size_t>((1 - kNoiseShare) * total);
  double noise = mean(energy.subspan(tenth)), behind = noise;
  const auto times = [](double db) { return std::pow(10.0, db / 10); };
  if (!(loudest > noise * times(kLeastDecayDb))) return {};

  LateDecay late;
  std::optional<Line> line = stretches.late_line(0, noise * times(kLeastDecayDb), loudest * 2);
  for (int round = 0; round < kRounds && line; ++round) {
    // Noise from 10 dB of decay behind the crossing on, less what the decay itself still carries there: a decay that runs
    // to the end of its response is not noise.
    const double safe = crossing(*line, behind, total) - 10 / line->slope_db;
    const auto from = static_cast<std::size_t>(std::min(safe, (1 - kNoiseShare) * total));
    behind = mean(energy.subspan(from));
    noise = std::max(0.0, behind - line->mean_power(static_cast<double>(from), total));
    if (noise < 0.1 * behind) noise = 0;
    const double lowest = noise > 0 ? noise * times(kAboveNoiseDb) : 0;
    const double floor = std::max(
        lowest,
        *std::min_element(stretches.energy.begin() + static_cast<long>(stretches.loudest), stretches.energy.end()));
    const auto next = stretches.late_line(noise, lowest, floor * times(kLineRangeDb));
    if (!next) break;
    line = next;
  }
  if (!line) return {};
  late.found = true;
  late.noise = noise;
  late.end = crossing(*line, noise, total);
  late.tail = line->power(late.end) / line->rate();
  late.range_db = decibels(loudest) - decibels(line->power(late.end));
  return late;
}

}  // namespace diffverb::ui
