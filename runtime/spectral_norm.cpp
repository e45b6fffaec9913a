#include "runtime/spectral_norm.h"

#include <algorithm>
#include <cmath>
#include <cstddef>

namespace diffverb::runtime {
namespace {

struct Leading {
  double value = 0;           // largest eigenvalue of M^T M
  std::vector<double> right;  // [n] its eigenvector
};

/// Cyclic Jacobi on M^T M, with the eigenvectors where asked.
Leading leading_singular(const std::vector<double>& m, int size, bool vectors) {
  const auto n = static_cast<std::size_t>(size);
  std::vector<double> g(n * n, 0.0), v(vectors ? n * n : 0, 0.0);
  for (std::size_t k = 0; k < n; ++k) {
    for (std::size_t i = 0; i < n; ++i) {
      for (std::size_t j = 0; j < n; ++j) g[i * n + j] += m[k * n + i] * m[k * n + j];
    }
    if (vectors) v[k * n + k] = 1;
  }
  for (int sweep = 0; sweep < 30; ++sweep) {
    double off = 0, on = 0;
    for (std::size_t i = 0; i < n; ++i) {
      on += g[i * n + i] * g[i * n + i];
      for (std::size_t j = 0; j < i; ++j) off += g[i * n + j] * g[i * n + j];
    }
    if (!(off > 1e-28 * on)) break;
    for (std::size_t p = 0; p < n; ++p) {
      for (std::size_t q = p + 1; q < n; ++q) {
        if (g[p * n + q] == 0) continue;
        const double theta = (g[q * n + q] - g[p * n + p]) / (2 * g[p * n + q]);
        const double t = std::copysign(1.0, theta) / (std::abs(theta) + std::hypot(theta, 1.0));
        const double c = 1 / std::hypot(t, 1.0), s = t * c;
        for (std::size_t k = 0; k < n; ++k) {
          const double a = g[k * n + p], b = g[k * n + q];
          g[k * n + p] = c * a - s * b;
          g[k * n + q] = s * a + c * b;
        }
        for (std::size_t k = 0; k < n; ++k) {
          const double a = g[p * n + k], b = g[q * n + k];
          g[p * n + k] = c * a - s * b;
          g[q * n + k] = s * a + c * b;
        }
        for (std::size_t k = 0; vectors && k < n; ++k) {
          const double a = v[k * n + p], b = v[k * n + q];
          v[k * n + p] = c * a - s * b;
          v[k * n + q] = s * a + c * b;
        }
      }
    }
  }
  Leading leading;
  std::size_t best = 0;
  for (std::size_t i = 0; i < n; ++i) {
    // Gershgorin on what is left off the diagonal keeps this an upper bound.
    double radius = 0;
    for (std::size_t j = 0; j < n; ++j) radius += j == i ? 0 : std::abs(g[i * n + j]);
    if (g[i * n + i] + radius > leading.value) {
      leading.value = g[i * n + i] + radius;
      best = i;
    }
  }
  for (std::size_t k = 0; vectors && k < n; ++k) leading.right.push_back(v[k * n + best]);
  return leading;
}

/// M -> T M T^-1 for T = diag(scale).
void rescale(std::vector<double>& m, std::size_t n, const std::vector<double>& scale) {
  for (std::size_t i = 0; i < n; ++i) {
    for (std::size_t j = 0; j < n; ++j) m[i * n + j] *= scale[i] / scale[j];
  }
}

void osborne(std::vector<double>& m, std::size_t n) {
  for (int sweep = 0; sweep < 100; ++sweep) {
    double change = 0;
    for (std::size_t i = 0; i < n; ++i) {
      double row = 0, column = 0;
      for (std::size_t j = 0; j < n; ++j) {
        if (j == i) continue;
        row += m[i * n + j] * m[i * n + j];
        column += m[j * n + i] * m[j * n + i];
      }
      if (row == 0 || column == 0) continue;
      const double t = std::pow(column / row, 0.25);
      change = std::max(change, std::abs(std::log(t)));
      for (std::size_t j = 0; j < n; ++j) {
        if (j == i) continue;
        m[i * n + j] *= t;
        m[j * n + i] /= t;
      }
    }
    if (change < 1e-9) break;
  }
}

}  // namespace

double spectral_norm(const std::vector<double>& matrix, int n) {
  return std::sqrt(leading_singular(matrix, n, false).value);
}

std::vector<double> balance(std::vector<double> m, int size) {
  const auto n = static_cast<std::size_t>(size);
  osborne(m, n);
  double norm = spectral_norm(m, size);
  double step = 0.25;
  // Costs n^3 a step; a network this large and this far from orthogonal falls to the other tests.
  const int steps = size <= 64 ? 200 : norm < 2 ? 20 : 0;
  for (int i = 0; i < steps && step > 1e-4 && norm >= 1 - 1e-7; ++i) {
    const Leading leading = leading_singular(m, size, true);
    std::vector<double> left(n, 0.0), scale(n);
    for (std::size_t r = 0; r < n; ++r) {
      for (std::size_t c = 0; c < n; ++c) left[r] += m[r * n + c] * leading.right[c] / norm;
    }
    // d norm / d log t_i = norm (left_i^2 - right_i^2).
    for (std::size_t r = 0; r < n; ++r)
      scale[r] = std::exp(-step * (left[r] * left[r] - leading.right[r] * leading.right[r]));
    std::vector<double> next = m;
    rescale(next, n, scale);
    const double next_norm = spectral_norm(next, size);
    if (next_norm < norm) {
      m = std::move(next);
      norm = next_norm;
    } else {
      step *= 0.5;
    }
  }
  return m;
}

double perron_bound(const std::vector<double>& m, int size) {
  const auto n = static_cast<std::size_t>(size);
  std::vector<double> x(n, 1.0), next(n);
  double bound = 0;
  for (int i = 0; i < 500; ++i) {
    bound = 0;
    double sum = 0;
    for (std::size_t r = 0; r < n; ++r) {
      double y = 0;
      for (std::size_t c = 0; c < n; ++c) y += std::abs(m[r * n + c]) * x[c];
      bound = std::max(bound, y / x[r]);
      next[r] = y + 1e-3 * x[r];  // the shift makes the iteration converge for cyclic matrices too
      sum += next[r];
    }
    for (std::size_t r = 0; r < n; ++r) x[r] = std::max(next[r] / sum, 1e-200);
  }
  return bound;
}

}  // namespace diffverb::runtime
