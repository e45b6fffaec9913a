#include <ATen/ops/equal.h>
#include <ATen/ops/eye.h>
#include <ATen/ops/linalg_det.h>
#include <ATen/ops/ones.h>
#include <ATen/ops/tensor.h>
#include <gtest/gtest.h>

#include "core/error.h"
#include "tests/core/matrices/matrix_fixture.h"

namespace diffverb {
namespace {

TEST(Matrices, ExponentialStartsAtTheRotationThatWasDrawn) {
  for (const std::int64_t lines : {2, 3, 5, 16, 33}) {
    const auto matrix = make_matrix("orthogonal_exp");
    matrix->reset(lines, 9, at::kDouble);
    EXPECT_LT(largest(matrix->matrix() - haar_orthogonal(lines, 9, true)), 1e-11) << lines << " lines";
  }
}

TEST(Matrices, RotationsHaveDeterminantOneAndDrawsOfBothSignsOccur) {
  int reflections = 0;
  for (std::uint64_t seed = 0; seed < 40; ++seed) {
    EXPECT_NEAR(at::linalg_det(haar_orthogonal(5, seed, true)).item<double>(), 1, 1e-12);
    reflections += at::linalg_det(haar_orthogonal(5, seed, false)).item<double>() < 0;
  }
  EXPECT_GT(reflections, 8);
  EXPECT_LT(reflections, 32);
}

TEST(Matrices, DrawsFillTheOrthogonalGroupEvenly) {
  // Of an even draw of N x N, every entry has mean 0 and variance 1 / N, and the trace has variance 1.
  constexpr int kDraws = 2000;
  double trace = 0, trace_square = 0, corner = 0, corner_square = 0;
  for (std::uint64_t seed = 0; seed < kDraws; ++seed) {
    const auto q = haar_orthogonal(4, seed, false);
    const double t = q.trace().item<double>(), c = q[0][0].item<double>();
    trace += t, trace_square += t * t, corner += c, corner_square += c * c;
  }
  EXPECT_NEAR(trace / kDraws, 0, 0.1);
  EXPECT_NEAR(trace_square / kDraws, 1, 0.15);
  EXPECT_NEAR(corner / kDraws, 0, 0.05);
  EXPECT_NEAR(corner_square / kDraws, 0.25, 0.03);
}

TEST(Matrices, DifferWithTheSeed) {
  for (const std::string& name : family<FeedbackMatrix>().names()) {
    if (name == "hadamard" || name == "conference") continue;  // there is one of each
    EXPECT_GT(largest(matrix_of(name, 8, 1) - matrix_of(name, 8, 2)), 0.05) << name;
  }
}

TEST(Matrices, HadamardExistsForPowersOfTwoOnly) {
  const auto matrix = make_matrix("hadamard");
  for (const std::int64_t lines : {3, 6, 12, 24})
    EXPECT_THROW(matrix->reset(lines, 1, at::kFloat), ConfigError) << lines;
  matrix->reset(4, 1, at::kDouble);
  const auto expected =
      at::tensor({1., 1., 1., 1., 1., -1., 1., -1., 1., 1., -1., -1., 1., -1., -1., 1.}, at::kDouble).reshape({4, 4}) /
      2;
  EXPECT_TRUE(at::equal(matrix->matrix(), expected));
}

TEST(Matrices, HouseholderOfOnesIsJotsMatrix) {
  const auto matrix = make_matrix("householder", "{init: ones}");
  matrix->reset(8, 1, at::kDouble);
  const auto expected = at::eye(8, at::kDouble) - at::ones({8, 8}, at::kDouble) * 0.25;
  EXPECT_LT(largest(matrix->matrix() - expected), 1e-15);
}

}  // namespace
}  // namespace diffverb
