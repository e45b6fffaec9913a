#include "datasets/measure/decay_in_noise.h"

#include <algorithm>
#include <cmath>
#include <numeric>

namespace diffverb {
namespace {

constexpr std::int64_t kMeanOf = 3;                       // blocks, of which a knee is looked for
constexpr double kFitFrom = 31.6, kLeastAboveNoise = 10;  // ratios of energy, 15 and 10 dB
constexpr double kLeastRate = 0.01;                       // of a decay, a block
constexpr int kFitRounds = 20;
constexpr double kLongestStep = 0.5;

/// Weighted least squares of a straight line y = a - b n. Returns {a, b}; {0, 0} where nothing has weight.
struct Line {
  double sum = 0, n = 0, nn = 0, y = 0, ny = 0;
  void add(double at, double value, double weight) {
    sum += weight;
    n += weight * at;
    nn += weight * at * at;
    y += weight * value;
    ny += weight * at * value;
  }
  DecayInNoise::Course solved() const {
    const double determinant = sum * nn - n * n;
    if (!(determinant > 0)) return {};
    return {(nn * y - n * ny) / determinant, (n * y - sum * ny) / determinant};
  }
};

/// Gauss and Newton: the model's derivatives by a and -b n are the model itself, so that each step is a line through
/// (x - model) / model at the weight of model^2 / spread^2.
std::optional<DecayInNoise::Course> fitted(const std::vector<double>& signal, double noise, std::int64_t from,
                                           std::int64_t to) {
  if (to - from < kMeanOf) return {};
  Line start;
  for (std::int64_t n = from; n < to; ++n) {
    const double x = std::max(signal[static_cast<std::size_t>(n)], 0.1 * noise);
    start.add(static_cast<double>(n), std::log(x), std::pow(x / (x + noise), 2));
  }
  DecayInNoise::Course course = start.solved();
  for (int round = 0; round < kFitRounds; ++round) {
    Line step;
    for (std::int64_t n = from; n < to; ++n) {
      const double model = course.energy_at(static_cast<double>(n));
      step.add(static_cast<double>(n), signal[static_cast<std::size_t>(n)] / model - 1,
               std::pow(model / (model + noise), 2));
    }
    const auto change = step.solved();
    // The line's values at both ends stay within a step, whatever n counts from.
    const double most = std::max(std::abs(change.log_energy - change.rate * static_cast<double>(from)),
                                 std::abs(change.log_energy - change.rate * static_cast<double>(to)));
    const double share = std::min(1.0, kLongestStep / std::max(1e-300, most));
    course.log_energy += share * change.log_energy;
    course.rate += share * change.rate;
  }
  if (!std::isfinite(course.log_energy) || !(course.rate > kLeastRate)) return {};
  return course;
}

}  // namespace

double DecayInNoise::Course::energy_at(double block) const { return std::exp(log_energy - rate * block); }

DecayInNoise find_decay_in_noise(const std::vector<double>& energies, double noise, std::int64_t loudest) {
  const auto blocks = static_cast<std::int64_t>(energies.size());
  std::vector<double> signal(energies);
  for (double& x : signal) x -= noise;
  const auto mean_from = [&](std::int64_t n) {
    const auto first = signal.begin() + static_cast<std::ptrdiff_t>(n);
    return std::accumulate(first, first + kMeanOf, 0.0) / static_cast<double>(kMeanOf);
  };
  DecayInNoise out;
  out.knee = blocks;
  std::int64_t from = loudest + 1;
  double most = 0;
  for (std::int64_t n = loudest; n + kMeanOf <= blocks; ++n) {
    const double mean = mean_from(n);
    if (mean < noise) {
      out.knee = n;
      break;
    }
    if (n > loudest) most = std::max(most, mean);
    if (mean > kFitFrom * noise) from = n + 1;
  }
  if (out.knee == blocks || most < kLeastAboveNoise * noise) return out;
  const std::int64_t behind = std::max<std::int64_t>(kMeanOf, (out.knee - from) / 2);
  out.course = fitted(signal, noise, from, std::min(blocks, out.knee + behind));
  return out;
}

}  // namespace diffverb
