#include "runtime/variation/section_fit.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <numbers>

#include "runtime/biquad.h"
#include "runtime/network_plan.h"

namespace diffverb::runtime {
namespace {

constexpr std::size_t kNumbers = 5;  // of a section
constexpr int kMostSteps = 40;
constexpr double kStay = 1e-4;          // what a number's change by its own size counts: sections that do nothing stay
constexpr double kGoodEnough = 1e-3;    // largest weighted error at which the fit ends
constexpr double kSlowest = 2e-3;       // relative change of the sum of squares at which it ends
constexpr double kHighest = 0.97;       // of the half rate, where poles from above are put
constexpr double kLeastSquare = 1e-30;  // of a magnitude, so that its logarithm exists

/// A section over s = (1 - z^-1) / (1 + z^-1): (n2 s^2 + n1 s + n0) / (s^2 + exp(d1) s + exp(d0)), stable for any numbers.
struct Analogue {
  double n0 = 1, n1 = 2, n2 = 1, d1 = std::numbers::ln2, d0 = 0;

  Analogue() = default;
  explicit Analogue(const Biquad& f) {
    const double high = 1 - f.a1 + f.a2;
    n0 = (f.b0 + f.b1 + f.b2) / high, n1 = 2 * (f.b0 - f.b2) / high, n2 = (f.b0 - f.b1 + f.b2) / high;
    d1 = std::log(2 * (1 - f.a2) / high), d0 = std::log((1 + f.a1 + f.a2) / high);
  }
  Biquad section() const {
    const double e1 = std::exp(d1), e0 = std::exp(d0), a0 = 1 + e1 + e0;
    return {(n2 + n1 + n0) / a0, 2 * (n0 - n2) / a0, (n2 - n1 + n0) / a0, 2 * (e0 - 1) / a0, (1 - e1 + e0) / a0};
  }
  /// log |H|^2 / 2 at s = j sqrt(x), and its slopes for the five numbers.
  double at(double x, double* slopes) const {
    const double e1 = std::exp(d1), e0 = std::exp(d0), even = n0 - n2 * x, rest = e0 - x;
    const double n = std::max(even * even + n1 * n1 * x, kLeastSquare), d = rest * rest + e1 * e1 * x;
    if (slopes) {
      slopes[0] = even / n, slopes[1] = n1 * x / n, slopes[2] = -even * x / n;
      slopes[3] = -e1 * e1 * x / d, slopes[4] = -rest * e0 / d;
    }
    return 0.5 * std::log(n / d);
  }
  std::array<double, kNumbers> numbers() const { return {n0, n1, n2, d1, d0}; }
  void step(const double* by) { n0 += by[0], n1 += by[1], n2 += by[2], d1 += by[3], d0 += by[4]; }
};

using Cascade = std::vector<Analogue>;

/// x of a frequency: tan^2(w / 2).
double place_of(double hz, double rate_hz) {
  const double t = std::tan(std::numbers::pi * std::min(hz / rate_hz, 0.4999));
  return t * t;
}

/// Weighted errors at all frequencies.
std::vector<double> errors_of(const Cascade& cascade, const std::vector<double>& places, const FilterTarget& target) {
  std::vector<double> errors(places.size());
  for (std::size_t f = 0; f < places.size(); ++f) {
    double sum = -target.log_gain[f];
    for (const Analogue& section : cascade) sum += section.at(places[f], nullptr);
    errors[f] = sum * target.weight[f];
  }
  return errors;
}

/// How much each number's distance from where it began counts.
std::vector<double> prior_of(const Cascade& cascade) {
  std::vector<double> prior;
  for (const Analogue& section : cascade) {
    const double gains = section.n0 * section.n0 + section.n1 * section.n1 + section.n2 * section.n2;
    for (int k = 0; k < 3; ++k) prior.push_back(kStay / std::max(gains, 1e-12));
    prior.insert(prior.end(), 2, kStay);
  }
  return prior;
}

/// What every number has moved, [sections * 5].
std::vector<double> moved_by(const Cascade& from, const Cascade& to) {
  std::vector<double> moved;
  for (std::size_t k = 0; k < from.size(); ++k) {
    const auto a = from[k].numbers(), b = to[k].numbers();
    for (std::size_t i = 0; i < kNumbers; ++i) moved.push_back(b[i] - a[i]);
  }
  return moved;
}

double cost_of(const std::vector<double>& moved, const std::vector<double>& prior) {
  double sum = 0;
  for (std::size_t i = 0; i < moved.size(); ++i) sum += prior[i] * moved[i] * moved[i];
  return sum;
}

double sum_of_squares(const std::vector<double>& values) {
  double sum = 0;
  for (const double value : values) sum += value * value;
  return sum;
}

/// J^T J and J^T e, row-major.
struct Normal {
  std::size_t size;
  std::vector<double> matrix, right;

  Normal(const Cascade& cascade, const std::vector<double>& places, const std::vector<double>& errors,
         const std::vector<double>& weight)
      : size(cascade.size() * kNumbers), matrix(size * size, 0.0), right(size, 0.0) {
    std::vector<double> row(size);
    for (std::size_t f = 0; f < places.size(); ++f) {
      for (std::size_t k = 0; k < cascade.size(); ++k) cascade[k].at(places[f], row.data() + kNumbers * k);
      for (double& value : row) value *= weight[f];
      for (std::size_t i = 0; i < size; ++i) {
        right[i] += row[i] * errors[f];
        for (std::size_t j = 0; j <= i; ++j) matrix[i * size + j] += row[i] * row[j];
      }
    }
  }

  void add_prior(const std::vector<double>& prior, const std::vector<double>& moved) {
    for (std::size_t i = 0; i < size; ++i) matrix[i * size + i] += prior[i], right[i] += prior[i] * moved[i];
  }

  /// The step that lowers the errors, each number's damped by its own curvature (Marquardt). By Cholesky's factors.
  std::vector<double> step(double damping) const {
    std::vector<double> l = matrix, x(size);
    for (std::size_t i = 0; i < size; ++i) l[i * size + i] = l[i * size + i] * (1 + damping) + 1e-12;
    for (std::size_t i = 0; i < size; ++i) {
      for (std::size_t j = 0; j <= i; ++j) {
        double sum = l[i * size + j];
        for (std::size_t k = 0; k < j; ++k) sum -= l[i * size + k] * l[j * size + k];
        l[i * size + j] = i == j ? std::sqrt(std::max(sum, 1e-14)) : sum / l[j * size + j];
      }
    }
    for (std::size_t i = 0; i < size; ++i) {
      double sum = -right[i];
      for (std::size_t k = 0; k < i; ++k) sum -= l[i * size + k] * x[k];
      x[i] = sum / l[i * size + i];
    }
    for (std::size_t i = size; i-- > 0;) {
      for (std::size_t k = i + 1; k < size; ++k) x[i] -= l[k * size + i] * x[k];
      x[i] /= l[i * size + i];
    }
    return x;
  }
};

double largest_of(const std::vector<double>& values) {
  double largest = 0;
  for (const double value : values) largest = std::max(largest, std::abs(value));
  return largest;
}

/// Numerator and denominator moved apart or together, so that their ratio in dB is `power` times as large: exact for
/// shelves and peaks whose zeros are their poles with another width or place.
void raise(Analogue& section, double power) {
  const double gain = section.n2, e1 = section.n1 / gain, e0 = section.n0 / gain;
  if (power == 1 || !(gain > 0 && e1 > 0 && e0 > 0)) return;
  const auto apart = [power](double zero, double& pole) {
    const double middle = 0.5 * (std::log(zero) + pole), half = 0.5 * (std::log(zero) - pole);
    pole = middle - power * half;
    return std::exp(middle + power * half);
  };
  section.n2 = std::pow(gain, power);
  section.n1 = section.n2 * apart(e1, section.d1);
  section.n0 = section.n2 * apart(e0, section.d0);
}

}  // namespace

double log_gain(const Biquad& f, double hz, double rate_hz) {
  const double w = 2 * std::numbers::pi * hz / rate_hz, half = std::sin(0.5 * w), x = half * half;
  const auto square = [x](double b0, double b1, double b2) {
    const double sum = b0 + b1 + b2;
    return sum * sum + x * (-4 * (b0 * b1 + b1 * b2 + 4 * b0 * b2) + x * 16 * b0 * b2);
  };
  return std::max(-40.0, 0.5 * std::log(std::max(square(f.b0, f.b1, f.b2), 1e-300) / square(1, f.a1, f.a2)));
}

Biquad move_section(const Biquad& section, double from_hz, double to_hz, double power) {
  if (is_identity(section) || (from_hz == to_hz && power == 1)) return section;
  Analogue moved(section);
  const double old = std::atan(std::exp(0.5 * moved.d0)), highest = kHighest * std::numbers::pi / 2;
  const double now = std::min(old * from_hz / to_hz, highest), scale = std::tan(now) / std::tan(old);
  moved.n1 *= scale, moved.d1 += std::log(scale);
  moved.n0 *= scale * scale, moved.d0 += 2 * std::log(scale);
  raise(moved, power);
  return moved.section();
}

double fit_sections(std::vector<Biquad>& sections, double rate_hz, const FilterTarget& target) {
  Cascade cascade;
  for (const Biquad& section : sections) cascade.emplace_back(section);
  std::vector<double> places;
  for (const double hz : target.hz) places.push_back(place_of(hz, rate_hz));
  std::vector<double> errors = errors_of(cascade, places, target);
  const Cascade first = cascade;
  const std::vector<double> prior = prior_of(first);
  double sum = sum_of_squares(errors), damping = 1e-3;
  for (int step = 0; step < kMostSteps && largest_of(errors) > kGoodEnough && damping < 1e6; ++step) {
    Normal normal(cascade, places, errors, target.weight);
    normal.add_prior(prior, moved_by(first, cascade));
    double lower = sum;
    for (; damping < 1e6; damping *= 8) {
      Cascade next = cascade;
      const std::vector<double> by = normal.step(damping);
      for (std::size_t k = 0; k < next.size(); ++k) next[k].step(by.data() + kNumbers * k);
      // Stable for any numbers, but not in double precision: a pole may land on the unit circle.
      if (!std::all_of(next.begin(), next.end(), [](const Analogue& a) { return is_stable(a.section()); })) continue;
      std::vector<double> next_errors = errors_of(next, places, target);
      lower = sum_of_squares(next_errors) + cost_of(moved_by(first, next), prior);
      if (!(lower < sum)) continue;  // a step that leads to no number too
      cascade = std::move(next), errors = std::move(next_errors);
      damping = std::max(damping / 6, 1e-9);
      break;
    }
    if (!(lower < sum * (1 - kSlowest))) break;
    sum = lower;
  }
  for (std::size_t k = 0; k < sections.size(); ++k) sections[k] = cascade[k].section();
  return largest_of(errors);
}

}  // namespace diffverb::runtime
