#include "core/matrices/matrix_exponential.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>
#include <torch/csrc/autograd/autograd.h>

#include <cmath>

#include "core/error.h"
#include "core/matrices/haar.h"

namespace diffverb {
namespace {

double distance(const torch::Tensor& a, const torch::Tensor& b) {
  return (a - b).abs().max().item<double>() / b.abs().max().item<double>();
}

TEST(MatrixExponential, OfATurnIsItsRotation) {
  const double angle = 2.5;
  const auto x = torch::tensor({0.0, -angle, angle, 0.0}, torch::kFloat64).reshape({2, 2});
  const auto rotation =
      torch::tensor({std::cos(angle), -std::sin(angle), std::sin(angle), std::cos(angle)}, torch::kFloat64);
  EXPECT_LT(distance(matrix_exponential(x).flatten(), rotation), 1e-15);
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
      const auto ours = matrix_exponential_without_waiting(x), expected = at::linalg_matrix_exp(x);
      EXPECT_LT(distance(ours, expected), 1e-9) << n << " x " << n << ", " << norm;
      const auto gradient = torch::autograd::grad({ours}, {x}, {weight})[0];
      const auto slope = torch::autograd::grad({expected}, {x}, {weight})[0];
      EXPECT_LT(distance(gradient, slope), 1e-11) << n << " x " << n << ", " << norm;
    }
  }
  EXPECT_TRUE(matrix_exponential_without_waiting(at::full({2, 2}, 1e4, torch::kFloat64)).isnan().all().item<bool>());
}

TEST(MatrixExponential, OfASkewMatrixIsOrthogonalInSinglePrecisionToo) {
  const auto x = (5 * normal_matrix(16, 16, 3)).to(torch::kFloat32);
  const auto a = matrix_exponential(x - x.t());
  EXPECT_EQ(a.scalar_type(), torch::kFloat32);
  EXPECT_LT((a.mm(a.t()) - at::eye(16)).abs().max().item<double>(), 1e-6);
}

TEST(MatrixExponential, RefusesWhatIsNotSquareAndReal) {
  EXPECT_THROW(matrix_exponential(at::zeros({2, 3})), ContractError);
  EXPECT_THROW(matrix_exponential(at::zeros({2, 2, 2})), ContractError);
  EXPECT_THROW(matrix_exponential(at::zeros({2, 2}, torch::kInt64)), ContractError);
}

}  // namespace
}  // namespace diffverb
