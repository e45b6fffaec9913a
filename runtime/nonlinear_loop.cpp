#include "runtime/nonlinear_loop.h"

#include <algorithm>
#include <cmath>
#include <cstddef>

namespace diffverb::runtime {

double NonlinearLoop::strength() const {
  const std::size_t lines = square.size(), ranks = static_cast<std::size_t>(rank);
  double largest = 0, products = 0;
  for (const float g : square) largest = std::max(largest, std::abs(static_cast<double>(g)));
  for (std::size_t r = 0; r < ranks; ++r) {
    double u = 0, p = 0, q = 0;
    for (std::size_t j = 0; j < lines; ++j) {
      u += std::pow(static_cast<double>(out[j * ranks + r]), 2);
      p += std::pow(static_cast<double>(left[r * lines + j]), 2);
      q += std::pow(static_cast<double>(right[r * lines + j]), 2);
    }
    products += std::sqrt(u * p * q);
  }
  return largest * std::max(std::abs(alpha_min), std::abs(alpha_max)) + products;
}

double largest_gain(double gain, double strength, double limit, int lines) {
  const double end = limit * std::sqrt(static_cast<double>(lines));  // beyond it limit sqrt(lines) / x is below 1
  const double a = gain > 0 ? 2 * gain * gain / (3 * end * end) : 0;
  const auto value = [&](double x) { return gain / std::sqrt(1 + a * x * x) + strength * x; };
  const auto slope = [&](double x) { return strength - gain * a * x * std::pow(1 + a * x * x, -1.5); };
  // F is concave up to x = 1 / sqrt(2 a), and convex, so largest at an end, from there on.
  double low = 0, high = a > 0 ? std::min(end, 1 / std::sqrt(2 * a)) : end;
  double best = std::max(value(high), value(end));
  if (slope(high) < 0) {
    for (int pass = 0; pass < 100; ++pass) {
      const double middle = 0.5 * (low + high);
      (slope(middle) > 0 ? low : high) = middle;
    }
  }
  best = std::max(best, value(high));
  return best;
}

}  // namespace diffverb::runtime
