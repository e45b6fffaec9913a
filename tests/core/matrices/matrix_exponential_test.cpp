#include "core/matrices/matrix_exponential.h"

#include <ATen/ops/eye.h>
#include <ATen/ops/full.h>
#include <ATen/ops/linalg_matrix_exp.h>
#include <ATen/ops/tensor.h>
#include <ATen/ops/zeros.h>
#include <gtest/gtest.h>
#include <torch/csrc/autograd/autograd.h>

#include <cmath>

#include "core/error.h"
#include "core/matrices/haar.h"
#include "core/tensor.h"

namespace diffverb {
namespace {

double distance(const at::Tensor& a, const at::Tensor& b) {
  return (a - b).abs().max().item<double>() / b.abs().max().item<double>();
}

TEST(MatrixExponential, OfATurnIsItsRotation) {
  const double angle = 2.5;
  const auto x = at::tensor({0.0, -angle, angle, 0.0}, at::kDouble).reshape({2, 2});
  const auto rotation = at::tensor({std::cos(angle), -std::sin(angle), std::sin(angle), std::cos(angle)}, at::kDouble);
  EXPECT_LT(distance(matrix_exponential(x).flatten(), rotation), 4e-15);
}

TEST(MatrixExponential, IsLibtorchsAndSoIsItsGradientForEverySizeAndNorm) {
  for (const std::int64_t n : {1, 2, 5, 16, 32, 40}) {
    for (const double norm : {0.0, 1e-3, 0.3, 3.0}) {
      const auto x = (norm * normal_matrix(n, n, 1)).set_requires_grad(true);
      const auto weight = normal_matrix(n, n, 2);
      const auto ours = matrix_exponential(x), expected = at::linalg_matrix_exp(x);
      EXPECT_LT(distance(ours, expected), 1e-12) << n << " x " << n << ", " << norm;
      const auto gradient = torch::autograd::grad({ours}, {x}, {weight})[0];
      const auto slope = torch::autograd::grad({expected}, {x}, {weight})[0];
      EXPECT_LT(distance(gradient, slope), 1e-12) << n << " x " << n << ", " << norm;
    }
  }
}

TEST(MatrixExponential, WithoutWaitingIsTheSameForEveryNorm) {
  for (const std::int64_t n : {1, 2, 16, 64}) {
    for (const double norm : {0.0, 1e-3, 0.3, 3.0, 40.0}) {
      const auto s = norm / static_cast<double>(n) * normal_matrix(n, n, 4);
      const auto x = (s - s.t()).set_requires_grad(true);
      const auto weight = normal_matrix(n, n, 5);
      // LibTorch's own is good to ten digits alone where the norm is small.
      const bool small = n <= 32;
      const auto ours = matrix_exponential_without_waiting(x);
      const auto expected = small ? matrix_exponential(x) : at::linalg_matrix_exp(x);
      EXPECT_LT(distance(ours, expected), small ? 1e-12 : 1e-9) << n << " x " << n << ", " << norm;
      const auto gradient = torch::autograd::grad({ours}, {x}, {weight})[0];
      const auto slope = torch::autograd::grad({expected}, {x}, {weight})[0];
      EXPECT_LT(distance(gradient, slope), small ? 1e-12 : 1e-9) << n << " x " << n << ", " << norm;
    }
  }
  EXPECT_TRUE(matrix_exponential_without_waiting(at::full({2, 2}, 1e4, at::kDouble)).isnan().all().item<bool>());
}

TEST(MatrixExponential, OfASkewMatrixIsOrthogonalInSinglePrecisionToo) {
  const auto x = (5 * normal_matrix(16, 16, 3)).to(at::kFloat);
  const auto a = matrix_exponential(x - x.t());
  EXPECT_EQ(a.scalar_type(), at::kFloat);
  EXPECT_LT((a.mm(a.t()) - at::eye(16)).abs().max().item<double>(), 1e-6);
}

TEST(MatrixExponential, RefusesWhatIsNotSquareAndReal) {
  EXPECT_THROW(matrix_exponential(at::zeros({2, 3})), ContractError);
  EXPECT_THROW(matrix_exponential(at::zeros({2, 2, 2})), ContractError);
  EXPECT_THROW(matrix_exponential(at::zeros({2, 2}, at::kLong)), ContractError);
}

}  // namespace
}  // namespace diffverb
