#include "core/network/loop_gain.h"

#include <Eigen/LU>
#include <algorithm>
#include <cmath>

#include "core/network/loops.h"

namespace diffverb {
namespace {

/// |det A| of a lossless loop stays within rounding of 1.
constexpr double kRounding = 1e-3;
/// The determinants are taken a little outside of the circle, where the shortest delay has this gain: a lossless loop has
/// its zeros on the circle, and the sign of a determinant there would be that of its rounding.
constexpr double kInside = 0.99;

/// The cascade of a line at z = 1 or -1.
double filter_gain(const double* q, int sections, double z) {
  double gain = 1;
  for (int s = 0; s < sections; ++s, q += 5) gain *= (q[0] + z * q[1] + q[2]) / (1 + z * q[3] + q[4]);
  return gain;
}

}  // namespace

std::string growing_loop(const double* a, const double* delays, const double* sos, int lines, int sections) {
  for (const auto& group : loops_of(a, lines)) {
    const int n = static_cast<int>(group.size());
    Eigen::MatrixXd inner(n, n), at_dc(n, n), at_nyquist(n, n);
    bool whole = true;
    double shortest = 0;  // of those that delay
    for (const int j : group) {
      if (delays[j] > 0 && (shortest == 0 || delays[j] < shortest)) shortest = delays[j];
    }
    if (shortest == 0) continue;  // filters do not form a loop
    bool all_delay = true;
    for (int j = 0; j < n; ++j) {
      const double delay = delays[group[j]], *filter = sos + 5 * static_cast<std::size_t>(group[j]) * sections;
      whole &= delay == std::round(delay);
      all_delay &= delay > 0;
      const double outside = std::pow(kInside, delay / shortest);
      const double low = outside * filter_gain(filter, sections, 1);
      const double high = outside * filter_gain(filter, sections, -1) * (std::fmod(delay, 2) == 0 ? 1 : -1);
      for (int i = 0; i < n; ++i) {
        inner(i, j) = a[group[i] * lines + group[j]];
        at_dc(i, j) = (i == j) - inner(i, j) * low;
        at_nyquist(i, j) = (i == j) - inner(i, j) * high;
      }
    }
    const std::string where = n == 1
                                  ? "the loop of line " + std::to_string(group[0])
                                  : "the loop of " + std::to_string(n) + " lines with line " + std::to_string(group[0]);
    if (sections == 0 && all_delay && std::abs(inner.determinant()) > 1 + kRounding)
      return where + " grows: |det A| is " + std::to_string(std::abs(inner.determinant())) + ", expected at most 1";
    if (at_dc.determinant() < 0) return where + " grows at 0 Hz";
    if (whole && at_nyquist.determinant() < 0) return where + " grows at half the sample rate";
  }
  return "";
}

}  // namespace diffverb
