#include "core/acoustics/two_slopes.h"

#include <algorithm>
#include <cmath>
#include <vector>

namespace diffverb::acoustics {
namespace {

constexpr double kNeededRangeDb = 30;
constexpr double kStartDb = -3;
constexpr double kAboveEndDb = 5;
constexpr double kDeepestDb = -65;
constexpr int kPoints = 100;
constexpr int kGrid = 48;
constexpr double kLeastSingleDb = 0.7;
constexpr double kLeastGain = 2.5;
constexpr double kLeastRatio = 1.6;
constexpr double kLeastShareDb = 8;
const double kNepersPer60Db = 6 * std::log(10.0);

struct Curve {
  std::vector<double> time_s;
  std::vector<double> energy;  // relative to the onset
};

struct Fit {
  double residual_db = 1e9;
  double early_s = 0, late_s = 0, a = 0, b = 0;
};

Curve sample_curve(const Decay& decay) {
  const double stop_db = std::max(kDeepestDb, -decay.range_db + kAboveEndDb);
  const auto index = [&](double db) {
    const double level = decay.energy[0] * std::pow(10.0, db / 10);
    const auto it = std::partition_point(decay.energy.begin(), decay.energy.end(), [&](double e) { return e > level; });
    return static_cast<double>(it - decay.energy.begin());
  };
  const double start = index(kStartDb), stop = index(stop_db);
  Curve curve;
  for (int k = 0; k < kPoints; ++k) {
    const double sample =
        std::min(start + (stop - start) * k / (kPoints - 1), static_cast<double>(decay.energy.size() - 1));
    curve.time_s.push_back(sample / decay.rate_hz);
    curve.energy.push_back(decay.energy[static_cast<std::size_t>(sample)] / decay.energy[0]);
  }
  return curve;
}

using Exponential = std::vector<double>;  // e^{-13.8 t / T60} at the curve's points

Exponential exponential(const Curve& curve, double t60_s) {
  Exponential values;
  values.reserve(curve.time_s.size());
  for (const double time : curve.time_s) values.push_back(std::exp(-kNepersPer60Db * time / t60_s));
  return values;
}

double residual_db(const Curve& curve, double a, const Exponential& u, double b, const Exponential& v) {
  double sum = 0;
  for (std::size_t k = 0; k < curve.energy.size(); ++k) {
    const double error = 10 * std::log10((a * u[k] + b * v[k]) / curve.energy[k]);
    sum += error * error;
  }
  return std::sqrt(sum / static_cast<double>(curve.energy.size()));
}

// Best amplitudes for given decay times: least squares of the relative error, which for small errors is that in dB.
bool solve_amplitudes(const Curve& curve, const Exponential& u, const Exponential& v, Fit& fit) {
  double uu = 0, uv = 0, vv = 0, u1 = 0, v1 = 0;
  for (std::size_t k = 0; k < curve.energy.size(); ++k) {
    const double weight = 1 / curve.energy[k];
    const double p = u[k] * weight, q = v[k] * weight;
    uu += p * p;
    uv += p * q;
    vv += q * q;
    u1 += p;
    v1 += q;
  }
  const double determinant = uu * vv - uv * uv;
  if (!(determinant > 1e-12 * uu * vv)) return false;
  fit.a = (u1 * vv - v1 * uv) / determinant;
  fit.b = (v1 * uu - u1 * uv) / determinant;
  return fit.a > 0 && fit.b > 0;
}

// Least squares of the level in dB: exact for one exponential.
Fit fit_single(const Curve& curve) {
  double n = 0, sx = 0, sy = 0, sxx = 0, sxy = 0;
  for (std::size_t k = 0; k < curve.time_s.size(); ++k) {
    const double x = curve.time_s[k], y = std::log(curve.energy[k]);
    n += 1;
    sx += x;
    sy += y;
    sxx += x * x;
    sxy += x * y;
  }
  Fit fit;
  const double slope = (n * sxy - sx * sy) / (n * sxx - sx * sx);
  if (!(slope < 0)) return fit;
  fit.early_s = -kNepersPer60Db / slope;
  fit.a = std::exp((sy - slope * sx) / n);
  const Exponential line = exponential(curve, fit.early_s);
  fit.residual_db = residual_db(curve, fit.a, line, 0, line);
  return fit;
}

std::vector<double> geometric(double from, double to) {
  std::vector<double> values;
  for (int i = 0; i < kGrid; ++i) values.push_back(from * std::pow(to / from, static_cast<double>(i) / (kGrid - 1)));
  return values;
}

Fit search(const Curve& curve, double early_from, double early_to, double late_from, double late_to) {
  const std::vector<double> early = geometric(early_from, early_to), late = geometric(late_from, late_to);
  std::vector<Exponential> late_curves;
  for (const double t60_s : late) late_curves.push_back(exponential(curve, t60_s));
  Fit best;
  for (const double early_s : early) {
    const Exponential early_curve = exponential(curve, early_s);
    for (std::size_t j = 0; j < late.size(); ++j) {
      Fit fit;
      fit.early_s = early_s;
      fit.late_s = late[j];
      if (fit.late_s < 1.05 * fit.early_s || !solve_amplitudes(curve, early_curve, late_curves[j], fit)) continue;
      fit.residual_db = residual_db(curve, fit.a, early_curve, fit.b, late_curves[j]);
      if (fit.residual_db < best.residual_db) best = fit;
    }
  }
  return best;
}

}  // namespace

TwoSlopes find_two_slopes(const Decay& decay) {
  TwoSlopes result;
  if (decay.energy.empty() || decay.range_db < kNeededRangeDb) return result;
  const Curve curve = sample_curve(decay);
  if (curve.time_s.back() <= curve.time_s.front()) return result;
  const Fit single = fit_single(curve);
  if (!(single.early_s > 0)) return result;
  result.single_residual_db = single.residual_db;
  result.double_residual_db = single.residual_db;
  if (single.residual_db < kLeastSingleDb) return result;
  Fit best = search(curve, single.early_s / 12, single.early_s, single.early_s / 2, single.early_s * 6);
  if (!(best.early_s > 0)) return result;
  const double step = 1.2;
  best = search(curve, best.early_s / step, best.early_s * step, best.late_s / step, best.late_s * step);
  result.early_t60_s = best.early_s;
  result.late_t60_s = best.late_s;
  result.level_db = 10 * std::log10(best.b / best.a);
  result.double_residual_db = best.residual_db;
  result.knee_s = std::log(best.a / best.b) / (kNepersPer60Db * (1 / best.early_s - 1 / best.late_s));
  const double last = curve.time_s.back();
  const double early_share_db = 60 * (result.knee_s - curve.time_s.front()) / best.early_s;
  const double late_share_db = 60 * (last - result.knee_s) / best.late_s;
  result.found = single.residual_db > kLeastGain * best.residual_db && best.late_s > kLeastRatio * best.early_s &&
                 early_share_db > kLeastShareDb && late_share_db > kLeastShareDb;
  return result;
}

}  // namespace diffverb::acoustics
