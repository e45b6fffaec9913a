#include "runtime/spectral_norm.h"

#include <algorithm>
#include <cmath>
#include <cstddef>

namespace diffverb::runtime {
namespace {

/// M^T M.
std::vector<double> gram(const std::vector<double>& m, std::size_t n) {
  std::vector<double> g(n * n, 0.0);
  for (std::size_t k = 0; k < n; ++k) {
    const double* row = m.data() + k * n;
    for (std::size_t i = 0; i < n; ++i) {
      for (std::size_t j = 0; j <= i; ++j) g[i * n + j] += row[i] * row[j];
    }
  }
  for (std::size_t i = 0; i < n; ++i) {
    for (std::size_t j = 0; j < i; ++j) g[j * n + i] = g[i * n + j];
  }
  return g;
}

/// Q^T G Q of a symmetric G by reflections: a diagonal, what stands beside it, and the reflections themselves.
class Tridiagonal {
 public:
  Tridiagonal(std::vector<double> g, std::size_t n) : n_(n), diagonal_(n), beside_(n, 0.0) {
    std::vector<double> w(n);
    for (std::size_t k = 0; k + 2 < n; ++k) {
      std::vector<double> v(n, 0.0);
      double square = 0;
      for (std::size_t i = k + 1; i < n; ++i) square += g[i * n + k] * g[i * n + k];
      const double norm = std::sqrt(square);
      if (norm == 0) {
        reflections_.push_back(std::move(v));
        continue;
      }
      for (std::size_t i = k + 1; i < n; ++i) v[i] = g[i * n + k] / norm;
      const double sign = v[k + 1] < 0 ? -1 : 1;
      v[k + 1] += sign;
      const double scale = std::sqrt(1 / (1 + std::abs(g[(k + 1) * n + k]) / norm));
      for (std::size_t i = k + 1; i < n; ++i) v[i] *= scale;  // |v|^2 = 2: the reflection is I - v v^T
      reflect(g, v, w, k + 1);
      beside_[k] = -sign * norm;
      reflections_.push_back(std::move(v));
    }
    for (std::size_t i = 0; i < n; ++i) diagonal_[i] = g[i * n + i];
    if (n > 1) beside_[n - 2] = g[(n - 1) * n + n - 2];
  }

  /// An upper bound of the largest eigenvalue, exact to 1e-13 of it, by bisection between Gershgorin's bounds.
  double largest() const {
    double low = *std::max_element(diagonal_.begin(), diagonal_.end()), high = low;
    for (std::size_t i = 0; i < n_; ++i)
      high = std::max(high, diagonal_[i] + std::abs(beside_[i]) + (i > 0 ? std::abs(beside_[i - 1]) : 0));
    while (high - low > 1e-14 * high) {
      const double middle = 0.5 * (low + high);
      if (middle <= low || middle >= high) break;
      (none_above(middle) ? high : low) = middle;
    }
    return high * (1 + 1e-14 * std::sqrt(static_cast<double>(n_)));
  }

  /// Its eigenvector, by inverse iteration beside `largest`; within a cluster any of them.
  std::vector<double> vector_of(double largest) const {
    const double shift = largest * (1 + 1e-12);
    std::vector<double> pivots(n_), x(n_);
    for (std::size_t i = 0; i < n_; ++i)
      pivots[i] = shift - diagonal_[i] - (i > 0 ? beside_[i - 1] * beside_[i - 1] / pivots[i - 1] : 0);
    for (std::size_t i = 0; i < n_; ++i) x[i] = 1 + 0.1 * std::sin(static_cast<double>(i));
    for (int turn = 0; turn < 3; ++turn) {
      for (std::size_t i = 1; i < n_; ++i) x[i] += beside_[i - 1] / pivots[i - 1] * x[i - 1];
      x[n_ - 1] /= pivots[n_ - 1];
      for (std::size_t i = n_ - 1; i-- > 0;) x[i] = (x[i] + beside_[i] * x[i + 1]) / pivots[i];
      double square = 0;
      for (const double value : x) square += value * value;
      for (double& value : x) value /= std::sqrt(square);
    }
    for (std::size_t k = reflections_.size(); k-- > 0;) {
      double sum = 0;
      for (std::size_t i = k + 1; i < n_; ++i) sum += reflections_[k][i] * x[i];
      for (std::size_t i = k + 1; i < n_; ++i) x[i] -= sum * reflections_[k][i];
    }
    return x;
  }

 private:
  /// G -> (I - v v^T) G (I - v v^T) where v begins at `first`.
  void reflect(std::vector<double>& g, const std::vector<double>& v, std::vector<double>& w, std::size_t first) const {
    double sum = 0;
    for (std::size_t i = first; i < n_; ++i) {
      w[i] = 0;
      for (std::size_t j = first; j < n_; ++j) w[i] += g[j * n_ + i] * v[j];
      sum += w[i] * v[i];
    }
    for (std::size_t i = first; i < n_; ++i) w[i] -= 0.5 * sum * v[i];
    for (std::size_t i = first; i < n_; ++i) {
      for (std::size_t j = first; j < n_; ++j) g[i * n_ + j] -= v[i] * w[j] + w[i] * v[j];
    }
  }

  /// No eigenvalue reaches x: every pivot of x I - T is positive (Sylvester).
  bool none_above(double x) const {
    double pivot = 1;
    for (std::size_t i = 0; i < n_; ++i) {
      pivot = x - diagonal_[i] - (i > 0 ? beside_[i - 1] * beside_[i - 1] / pivot : 0);
      if (!(pivot > 0)) return false;
    }
    return true;
  }

  std::size_t n_;
  std::vector<double> diagonal_, beside_;
  std::vector<std::vector<double>> reflections_;
};

struct Leading {
  double norm = 0;
  std::vector<double> right;  // [n] the singular vector
};

Leading leading_singular(const std::vector<double>& m, std::size_t n) {
  const Tridiagonal t(gram(m, n), n);
  const double largest = t.largest();
  if (!(largest > 0)) return {0, std::vector<double>(n, 0.0)};
  return {std::sqrt(largest), t.vector_of(largest)};
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
  const auto size = static_cast<std::size_t>(n);
  return std::sqrt(std::max(Tridiagonal(gram(matrix, size), size).largest(), 0.0));
}

bool norm_is_below(const std::vector<double>& matrix, int size, double limit) {
  const auto n = static_cast<std::size_t>(size);
  // Cholesky's factor of limit^2 I - M^T M exists where that is positive definite; the margin is some n roundings.
  std::vector<double> p = gram(matrix, n);
  for (double& value : p) value = -value;
  for (std::size_t i = 0; i < n; ++i) p[i * n + i] += limit * limit * (1 - 1e-11);
  for (std::size_t k = 0; k < n; ++k) {
    if (!(p[k * n + k] > 0)) return false;
    for (std::size_t i = k + 1; i < n; ++i) {
      const double factor = p[k * n + i] / p[k * n + k];
      for (std::size_t j = i; j < n; ++j) p[i * n + j] -= factor * p[k * n + j];
    }
  }
  return true;
}

std::vector<double> balance(std::vector<double> m, int size) {
  const auto n = static_cast<std::size_t>(size);
  osborne(m, n);
  Leading leading = leading_singular(m, n);
  double step = 0.25;
  // Costs n^3 a step; a network this large and this far from orthogonal falls to the other tests.
  const int steps = size <= 64 ? 200 : leading.norm < 2 ? 20 : 0;
  for (int i = 0; i < steps && step > 1e-4 && leading.norm >= 1 - 1e-7; ++i) {
    std::vector<double> left(n, 0.0), scale(n);
    for (std::size_t r = 0; r < n; ++r) {
      for (std::size_t c = 0; c < n; ++c) left[r] += m[r * n + c] * leading.right[c] / leading.norm;
    }
    // d norm / d log t_i = norm (left_i^2 - right_i^2).
    for (std::size_t r = 0; r < n; ++r)
      scale[r] = std::exp(-step * (left[r] * left[r] - leading.right[r] * leading.right[r]));
    std::vector<double> next = m;
    rescale(next, n, scale);
    Leading next_leading = leading_singular(next, n);
    if (next_leading.norm < leading.norm) {
      m = std::move(next);
      leading = std::move(next_leading);
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
