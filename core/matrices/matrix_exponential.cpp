#include "core/matrices/matrix_exponential.h"

#include <ATen/ops/addmm.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/exp2.h>
#include <ATen/ops/eye.h>
#include <ATen/ops/linalg_matrix_exp.h>
#include <ATen/ops/where.h>
#include <torch/csrc/autograd/custom_function.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <sstream>
#include <vector>

#include "core/device/device.h"
#include "core/error.h"

namespace diffverb {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;
using Matrix = std::vector<double>;  // [n, n]

constexpr std::int64_t kMost = 32;
/// Largest column sum of what the polynomial is taken of: the remainder is that to the 13th over 13!.
constexpr double kLargest = 0.35;
constexpr int kMostSquares = 14;  // for sums up to 5,700

/// c += a b
void add_product(const Matrix& a, const Matrix& b, std::size_t n, Matrix& c) {
  for (std::size_t i = 0; i < n; ++i) {
    for (std::size_t k = 0; k < n; ++k) {
      const double factor = a[i * n + k];
      const double* from = b.data() + k * n;
      double* to = c.data() + i * n;
      for (std::size_t j = 0; j < n; ++j) to[j] += factor * from[j];
    }
  }
}

Matrix product(const Matrix& a, const Matrix& b, std::size_t n) {
  Matrix c(n * n, 0.0);
  add_product(a, b, n, c);
  return c;
}

Matrix transposed(const Matrix& a, std::size_t n) {
  Matrix t(n * n);
  for (std::size_t i = 0; i < n; ++i) {
    for (std::size_t j = 0; j < n; ++j) t[j * n + i] = a[i * n + j];
  }
  return t;
}

void add_scaled(const Matrix& x, double scale, Matrix& to) {
  for (std::size_t i = 0; i < x.size(); ++i) to[i] += scale * x[i];
}

/// 1 / k!
constexpr std::array<double, 13> kTaylor = [] {
  std::array<double, 13> c{1};
  for (int k = 1; k <= 12; ++k) c[k] = c[k - 1] / k;
  return c;
}();

/// The products that make an exponential, kept for the way back.
///
///   z_3 = c9 + c10 y + c11 y^2 + c12 y^3,   z_b = c_3b + c_(3b+1) y + c_(3b+2) y^2 + y^3 z_(b+1),   T = z_0
class Exponential {
 public:
  Exponential(const Matrix& x, std::size_t n) : n_(n), y_(x) {
    double largest = 0;
    for (std::size_t j = 0; j < n; ++j) {
      double sum = 0;
      for (std::size_t i = 0; i < n; ++i) sum += std::abs(x[i * n + j]);
      largest = std::max(largest, sum);
    }
    const int halvings =
        std::isfinite(largest) && largest > kLargest ? static_cast<int>(std::ceil(std::log2(largest / kLargest))) : 0;
    scale_ = std::ldexp(1.0, -halvings);
    for (double& value : y_) value *= scale_;
    y2_ = product(y_, y_, n);
    y3_ = product(y2_, y_, n);
    for (int b = 3; b >= 0; --b) {
      z_[b].assign(n * n, 0.0);
      for (std::size_t i = 0; i < n; ++i) z_[b][i * n + i] = kTaylor[3 * b];
      add_scaled(y_, kTaylor[3 * b + 1], z_[b]);
      add_scaled(y2_, kTaylor[3 * b + 2], z_[b]);
      if (b == 3) {
        add_scaled(y3_, kTaylor[12], z_[b]);
      } else {
        add_product(y3_, z_[b + 1], n, z_[b]);
      }
    }
    squares_.push_back(z_[0]);
    for (int k = 0; k < halvings; ++k) squares_.push_back(product(squares_.back(), squares_.back(), n));
  }

  const Matrix& value() const { return squares_.back(); }

  Matrix gradient(Matrix g) const {
    for (std::size_t k = squares_.size() - 1; k-- > 0;) {  // of a square
      const Matrix t = transposed(squares_[k], n_);
      Matrix next = product(t, g, n_);
      add_product(g, t, n_, next);
      g = std::move(next);
    }
    const Matrix yt = transposed(y_, n_), y2t = transposed(y2_, n_), y3t = transposed(y3_, n_);
    Matrix dy(n_ * n_, 0.0), dy2(n_ * n_, 0.0), dy3(n_ * n_, 0.0);
    for (int b = 0; b <= 3; ++b) {
      add_scaled(g, kTaylor[3 * b + 1], dy);
      add_scaled(g, kTaylor[3 * b + 2], dy2);
      if (b == 3) {
        add_scaled(g, kTaylor[12], dy3);
      } else {
        add_product(g, transposed(z_[b + 1], n_), n_, dy3);
        g = product(y3t, g, n_);
      }
    }
    add_product(dy3, yt, n_, dy2);
    add_product(y2t, dy3, n_, dy);
    add_product(dy2, yt, n_, dy);
    add_product(yt, dy2, n_, dy);
    for (double& value : dy) value *= scale_;
    return dy;
  }

 private:
  std::size_t n_;
  double scale_ = 1;
  Matrix y_, y2_, y3_;
  std::array<Matrix, 4> z_;
  std::vector<Matrix> squares_;
};

Matrix to_matrix(const at::Tensor& x) {
  const auto values = x.to(at::kDouble).contiguous();
  return {values.const_data_ptr<double>(), values.const_data_ptr<double>() + values.numel()};
}

at::Tensor to_tensor(const Matrix& m, const at::Tensor& like) {
  auto out = at::empty(like.sizes(), like.options().dtype(at::kDouble).requires_grad(false));
  std::copy(m.begin(), m.end(), out.mutable_data_ptr<double>());
  return out.to(like.scalar_type());
}

class SmallExponential : public torch::autograd::Function<SmallExponential> {
 public:
  static at::Tensor forward(AutogradContext* context, const at::Tensor& x) {
    context->save_for_backward({x});
    return to_tensor(Exponential(to_matrix(x), static_cast<std::size_t>(x.size(0))).value(), x);
  }
  static variable_list backward(AutogradContext* context, const variable_list& gradients) {
    if (at::GradMode::is_enabled())
      throw ContractError("matrix_exponential: a gradient of the gradient is not supported (create_graph)");
    const auto x = context->get_saved_variables()[0];
    // Made again rather than kept: a dozen products of matrices that fit into the first cache.
    const Exponential exponential(to_matrix(x), static_cast<std::size_t>(x.size(0)));
    return {to_tensor(exponential.gradient(to_matrix(gradients[0])), x)};
  }
};

}  // namespace

at::Tensor matrix_exponential_without_waiting(const at::Tensor& x) {
  const at::Tensor wide = x.to(at::kDouble), largest = wide.detach().abs().sum(0).amax();
  // How often to halve is known to the device alone: every square is taken, and those that are wanted are kept.
  const at::Tensor halvings = (largest / kLargest).log2().ceil().clamp(0, kMostSquares);
  const at::Tensor y = wide * at::exp2(-halvings), y2 = y.mm(y), y3 = y2.mm(y);
  const at::Tensor identity = at::eye(x.size(0), wide.options().requires_grad(false));
  at::Tensor power;
  for (int b = 3; b >= 0; --b) {
    at::Tensor part = identity * kTaylor[3 * b] + y * kTaylor[3 * b + 1] + y2 * kTaylor[3 * b + 2];
    power = b == 3 ? part + y3 * kTaylor[12] : at::addmm(part, y3, power);
  }
  for (int k = 0; k < kMostSquares; ++k) power = at::where(halvings > k, power.mm(power), power);
  // Beyond that the polynomial would be wrong: no number is better than a wrong one.
  const double limit = std::ldexp(kLargest, kMostSquares);
  return power.masked_fill(largest > limit, std::numeric_limits<double>::quiet_NaN()).to(x.scalar_type());
}

at::Tensor matrix_exponential(const at::Tensor& x) {
  if (x.dim() != 2 || x.size(0) != x.size(1) || (x.scalar_type() != at::kFloat && x.scalar_type() != at::kDouble)) {
    std::ostringstream message;
    message << "matrix_exponential: the matrix must be [N, N], float32 or float64, got " << x.sizes() << ' '
            << x.dtype();
    throw ContractError(message.str());
  }
  if (on_gpu(x)) return matrix_exponential_without_waiting(x);
  if (!x.device().is_cpu() || x.size(0) > kMost) return at::linalg_matrix_exp(x);
  return SmallExponential::apply(x);
}

}  // namespace diffverb
