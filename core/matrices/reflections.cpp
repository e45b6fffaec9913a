#include "core/matrices/reflections.h"

#include <ATen/ops/eye.h>
#include <ATen/ops/linalg_solve_triangular.h>
#include <ATen/ops/zeros.h>

#include <cmath>
#include <vector>

#include "core/seed.h"

namespace diffverb {
namespace {

/// Nothing beside any other length, and no division by zero: its square is still a normal number.
constexpr double kNoLength = 1e-150;

}  // namespace

at::Tensor reflection_product(const at::Tensor& vectors) {
  const std::int64_t n = vectors.size(0), k = vectors.size(1);
  const auto options = vectors.options().requires_grad(false);
  const auto identity = at::eye(n, options);
  if (k == 0) return identity;
  const auto v = vectors + kNoLength * at::eye(n, k, options);
  const auto w = v * (2 / v.square().sum(0)).sqrt();
  const auto upper = w.t().mm(w).triu(1) + at::eye(k, options);
  return identity - w.mm(at::linalg_solve_triangular(upper, w.t(), /*upper=*/true));
}

at::Tensor reflection_vectors(std::int64_t lines, std::uint64_t seed) {
  Random random(seed, "reflections");
  auto vectors = at::zeros({lines, lines - 1}, at::kDouble);
  auto* v = vectors.mutable_data_ptr<double>();
  for (std::int64_t n = 0; n < lines - 1; ++n) {
    double power = 0;
    for (std::int64_t i = n; i < lines; ++i) {
      const double x = random.normal();
      v[i * (lines - 1) + n] = x;
      power += x * x;
    }
    double& first = v[n * (lines - 1) + n];
    first += std::copysign(std::sqrt(power), first);
  }
  return vectors;
}

at::Tensor listed_orthogonal(std::int64_t lines, const std::function<double()>& draw) {
  auto matrix = at::eye(lines, at::kDouble);
  auto* h = matrix.mutable_data_ptr<double>();
  std::vector<double> x(static_cast<std::size_t>(lines));
  for (std::int64_t range = lines; range > 0; --range) {
    double power = 0;
    for (std::int64_t i = 0; i < range; ++i) {
      x[i] = draw();
      power += x[i] * x[i];
    }
    const double first = x[0], sign = first >= 0 ? 1.0 : -1.0;
    x[0] += sign * std::sqrt(power);
    const double length = std::sqrt((power - first * first + x[0] * x[0]) / 2);
    for (std::int64_t i = 0; i < range; ++i) x[i] /= length;
    for (std::int64_t column = 0; column < lines; ++column) {
      double dot = 0;
      for (std::int64_t i = 0; i < range; ++i) dot += h[i * lines + column] * x[i];
      for (std::int64_t i = 0; i < range; ++i) h[i * lines + column] = sign * (h[i * lines + column] - dot * x[i]);
    }
  }
  return matrix;
}

}  // namespace diffverb
