#include "runtime/variation/matrix_losses.h"

#include <algorithm>
#include <cmath>
#include <cstddef>

namespace diffverb::runtime {
namespace {

constexpr double kOrthogonal = 1e-3;  // how well columns must be, against their norms
constexpr double kNull = 1e-7;        // of the largest eigenvalue
constexpr double kSmallest = 1e-6;    // of the largest p
constexpr int kMostLines = 96, kMostSweeps = 30;

using Matrix = std::vector<double>;

/// Column norms in the energy p, over the root of p; empty where the columns are not orthogonal.
std::vector<double> losses_with(const Matrix& a, std::size_t n, const std::vector<double>& p) {
  std::vector<double> squares(n, 0.0), losses(n);
  for (std::size_t j = 0; j < n; ++j) {
    for (std::size_t i = 0; i < n; ++i) squares[j] += p[i] * a[i * n + j] * a[i * n + j];
  }
  for (std::size_t j = 0; j < n; ++j) {
    for (std::size_t k = 0; k < j; ++k) {
      double product = 0;
      for (std::size_t i = 0; i < n; ++i) product += p[i] * a[i * n + j] * a[i * n + k];
      if (!(std::abs(product) <= kOrthogonal * std::sqrt(squares[j] * squares[k]))) return {};
    }
    if (!(squares[j] > 0)) return {};
    losses[j] = std::sqrt(squares[j] / p[j]);
  }
  return losses;
}

/// Eigenvectors of a symmetric matrix as columns, its eigenvalues on its diagonal. By Jacobi's rotations.
Matrix eigenvectors(Matrix& g, std::size_t n) {
  Matrix v(n * n, 0.0);
  for (std::size_t i = 0; i < n; ++i) v[i * n + i] = 1;
  for (int sweep = 0; sweep < kMostSweeps; ++sweep) {
    double beside = 0, on = 0;
    for (std::size_t i = 0; i < n; ++i) {
      on += g[i * n + i] * g[i * n + i];
      for (std::size_t j = 0; j < i; ++j) beside += g[i * n + j] * g[i * n + j];
    }
    if (beside <= 1e-26 * on) break;
    for (std::size_t i = 1; i < n; ++i) {
      for (std::size_t j = 0; j < i; ++j) {
        if (g[i * n + j] == 0) continue;
        const double theta = (g[i * n + i] - g[j * n + j]) / (2 * g[i * n + j]);
        const double t = std::copysign(1.0, theta) / (std::abs(theta) + std::sqrt(theta * theta + 1));
        const double c = 1 / std::sqrt(t * t + 1), s = t * c;
        const auto turn = [&](double& x, double& y) {
          const double old = x;
          x = c * old + s * y, y = c * y - s * old;
        };
        for (std::size_t k = 0; k < n; ++k) turn(g[i * n + k], g[j * n + k]);
        for (std::size_t k = 0; k < n; ++k) turn(g[k * n + i], g[k * n + j]);
        for (std::size_t k = 0; k < n; ++k) turn(v[k * n + i], v[k * n + j]);
      }
    }
  }
  return v;
}

/// The vector of the null space that is nearest to all ones.
std::vector<double> null_vector(const Matrix& a, std::size_t n) {
  Matrix g(n * n);
  for (std::size_t i = 0; i < n; ++i) {
    for (std::size_t l = 0; l < n; ++l) {
      double product = 0, squares = 0;
      for (std::size_t j = 0; j < n; ++j) {
        const double both = a[i * n + j] * a[l * n + j];
        product += both, squares += both * both;
      }
      g[i * n + l] = product * product - squares;
    }
  }
  const Matrix v = eigenvectors(g, n);
  double largest = 0;
  for (std::size_t k = 0; k < n; ++k) largest = std::max(largest, g[k * n + k]);
  std::vector<double> p(n, 0.0);
  for (std::size_t k = 0; k < n; ++k) {
    if (g[k * n + k] > kNull * largest) continue;
    double sum = 0;
    for (std::size_t i = 0; i < n; ++i) sum += v[i * n + k];
    for (std::size_t i = 0; i < n; ++i) p[i] += sum * v[i * n + k];
  }
  return p;
}

}  // namespace

std::vector<double> matrix_losses(const Matrix& a, int size) {
  const auto n = static_cast<std::size_t>(size);
  if (std::vector<double> losses = losses_with(a, n, std::vector<double>(n, 1.0)); !losses.empty()) return losses;
  if (size > kMostLines) return {};
  const std::vector<double> p = null_vector(a, n);
  const double largest = *std::max_element(p.begin(), p.end());
  if (!(*std::min_element(p.begin(), p.end()) > kSmallest * largest)) return {};
  return losses_with(a, n, p);
}

}  // namespace diffverb::runtime
