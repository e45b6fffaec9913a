#include "core/filters/absolute_sum.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <string>

#include "core/error.h"

namespace diffverb {
namespace {

using Matrix = std::array<double, 4>;  // row-major

Matrix product(const Matrix& x, const Matrix& y) {
  return {x[0] * y[0] + x[1] * y[2], x[0] * y[1] + x[1] * y[3], x[2] * y[0] + x[3] * y[2], x[2] * y[1] + x[3] * y[3]};
}

/// Of the largest entry of a vector.
double norm(const Matrix& m) { return std::max(std::abs(m[0]) + std::abs(m[1]), std::abs(m[2]) + std::abs(m[3])); }

/// A bound of sum over n >= 0 of |M^n|, M = [-a1 -a2; 1 0]. By doubling: S_2k = S_k (1 + |M^k|), until |M^k| <= 1/2, where
/// all that follows is a geometric series.
double sum_of_powers(double a1, double a2) {
  Matrix power{-a1, -a2, 1, 0};
  double sum = 1;
  for (int doublings = 0; doublings < 28; ++doublings) {
    const double size = norm(power);
    if (!std::isfinite(size)) break;
    if (size <= 0.5) return sum / (1 - size);
    sum *= 1 + size;
    power = product(power, power);
  }
  throw ContractError("absolute_sum: a section with a1 = " + std::to_string(a1) + ", a2 = " + std::to_string(a2) +
                      " does not decay, expected a stable one");
}

double of_section(const double* q) {
  constexpr double kFaint = 1e-9;
  const double following = sum_of_powers(q[3], q[4]);
  double sum = 0, last = 0, before = 0;  // h(n - 1), h(n - 2)
  for (long long n = 0;; ++n) {
    const double h = (n < 3 ? q[n] : 0.0) - q[3] * last - q[4] * before;
    sum += std::abs(h);
    before = last;
    last = h;
    // From n = 3 on the state (h(n), h(n - 1)) is all that drives it.
    if (n >= 2 && std::max(std::abs(last), std::abs(before)) * following <= kFaint * sum) break;
  }
  return sum * (1 + kFaint);
}

}  // namespace

double absolute_sum(const double* sos, int sections) {
  double all = 1;
  for (int s = 0; s < sections; ++s) all *= of_section(sos + 5 * s);
  return all;
}

}  // namespace diffverb
