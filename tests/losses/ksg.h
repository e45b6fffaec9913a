#pragma once

#include <algorithm>
#include <cmath>
#include <vector>

namespace diffverb {

/// d ln Gamma(x) / dx for x > 0: upwards by the recurrence, then the asymptotic series.
inline double digamma(double x) {
  double sum = 0;
  for (; x < 10; ++x) sum -= 1 / x;
  const double s = 1 / (x * x);
  return sum + std::log(x) - 0.5 / x - s * (1. / 12 - s * (1. / 120 - s / 252));
}

/// Mutual information of two scalar variables by the k nearest neighbours of each pair (Kraskov, Stoegbauer and
/// Grassberger 2004, algorithm 1), nats. Shares nothing with the estimator under test.
inline double ksg(const std::vector<double>& x, const std::vector<double>& y, std::size_t k = 4) {
  const std::size_t n = x.size();
  std::vector<double> distances(n);
  double sum = 0;
  for (std::size_t i = 0; i < n; ++i) {
    for (std::size_t j = 0; j < n; ++j) distances[j] = std::max(std::abs(x[i] - x[j]), std::abs(y[i] - y[j]));
    distances[i] = INFINITY;
    std::nth_element(distances.begin(), distances.begin() + static_cast<std::ptrdiff_t>(k - 1), distances.end());
    const double radius = distances[k - 1];
    int near_x = 0, near_y = 0;
    for (std::size_t j = 0; j < n; ++j) {
      near_x += j != i && std::abs(x[i] - x[j]) < radius;
      near_y += j != i && std::abs(y[i] - y[j]) < radius;
    }
    sum += digamma(near_x + 1) + digamma(near_y + 1);
  }
  return digamma(static_cast<double>(k)) + digamma(static_cast<double>(n)) - sum / static_cast<double>(n);
}

}  // namespace diffverb
