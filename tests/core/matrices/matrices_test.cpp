#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include "core/error.h"
#include "core/matrices/haar.h"
#include "core/matrices/matrix.h"
#include "tests/core/solvers/network_fixture.h"

namespace diffverb {
namespace {

std::unique_ptr<FeedbackMatrix> make_matrix(const std::string& name, const std::string& yaml = "{}") {
  Fields fields = Fields::from_text(yaml);
  return family<FeedbackMatrix>().make(name, fields);
}

double distance_from_orthogonal(const torch::Tensor& a) {
  const auto wide = a.detach().to(torch::kFloat64);
  return largest(wide.mm(wide.t()) - at::eye(a.size(0), torch::kFloat64));
}

/// What every registered matrix keeps to; a new one is tested without a line here.
class ContractMatrices : public testing::TestWithParam<std::string> {};

TEST_P(ContractMatrices, IsOrthogonalWhereItSaysSo) {
  const auto matrix = make_matrix(GetParam());
  for (const std::int64_t lines : {1, 2, 4, 8, 16, 32, 64}) {
    for (const std::uint64_t seed : {1, 2, 3}) {
      matrix->reset(lines, seed, torch::kFloat32);
      const auto a = matrix->matrix();
      EXPECT_EQ(a.sizes(), (std::vector<std::int64_t>{lines, lines}));
      EXPECT_EQ(a.scalar_type(), torch::kFloat32);
      if (!matrix->is_orthogonal()) continue;
      EXPECT_LT(distance_from_orthogonal(a), 1e-5) << lines << " lines, seed " << seed;
      matrix->reset(lines, seed, torch::kFloat64);
      EXPECT_LT(distance_from_orthogonal(matrix->matrix()), 1e-12) << lines << " lines";
    }
  }
}

TEST_P(ContractMatrices, StaysOrthogonalWhereverAnOptimiserTakesIt) {
  const auto matrix = make_matrix(GetParam());
  if (!matrix->is_orthogonal()) return;
  matrix->reset(8, 1, torch::kFloat32);
  EXPECT_EQ(matrix->matrix().requires_grad(), !matrix->parameters().empty());
  torch::NoGradGuard no_grad;
  for (const double scale : {0.0, 1e-6, 1e-2, 1.0, 10.0, 100.0}) {
    std::uint64_t seed = 5;
    for (auto& [name, parameter] : matrix->parameters()) {
      auto target = parameter;
      target.copy_((scale * normal_matrix(target.numel(), 1, seed++)).reshape(target.sizes()));
    }
    EXPECT_LT(distance_from_orthogonal(matrix->matrix()), 1e-5) << "parameters of size " << scale;
  }
}

TEST_P(ContractMatrices, GivesTheGradientOfItsParameters) {
  const auto matrix = make_matrix(GetParam());
  matrix->reset(4, 7, torch::kFloat64);
  const auto weight = uniform({4, 4}, -1, 1, 8);
  for (auto& [name, parameter] : matrix->parameters()) {
    auto leaf = parameter;
    EXPECT_TRUE(leaf.is_leaf() && leaf.requires_grad()) << name;
    const auto gradient = torch::autograd::grad({(matrix->matrix() * weight).sum()}, {leaf})[0];
    torch::NoGradGuard no_grad;
    auto differences = at::zeros_like(leaf);
    for (std::int64_t i = 0; i < leaf.numel(); ++i) {
      auto& entry = leaf.mutable_data_ptr<double>()[i];
      const double kept = entry, h = 1e-5;
      const auto value = [&](double at) {
        entry = at;
        return (matrix->matrix() * weight).sum().item<double>();
      };
      differences.mutable_data_ptr<double>()[i] = (value(kept + h) - value(kept - h)) / (2 * h);
      entry = kept;
    }
    EXPECT_LT(relative_error(gradient, differences), 1e-6) << name;
    EXPECT_GT(largest(differences), 0) << name;
  }
}

TEST_P(ContractMatrices, DependsOnItsSeedAlone) {
  const auto one = make_matrix(GetParam()), two = make_matrix(GetParam());
  one->reset(16, 3, torch::kFloat32);
  at::rand({100});  // the global generator moves on
  two->reset(16, 3, torch::kFloat32);
  EXPECT_TRUE(at::equal(one->matrix(), two->matrix()));
}

TEST_P(ContractMatrices, RefusesUnknownKeysAndUseBeforeReset) {
  EXPECT_THROW(make_matrix(GetParam(), "{no_such_key: 1}"), ConfigError);
  EXPECT_THROW(make_matrix(GetParam())->matrix(), ContractError);
}

INSTANTIATE_TEST_SUITE_P(All, ContractMatrices, testing::ValuesIn(family<FeedbackMatrix>().names()),
                         [](const auto& info) { return info.param; });

TEST(Matrices, ExponentialStartsAtTheRotationThatWasDrawn) {
  for (const std::int64_t lines : {2, 3, 5, 16, 33}) {
    const auto matrix = make_matrix("orthogonal_exp");
    matrix->reset(lines, 9, torch::kFloat64);
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
  for (const std::string name : {"orthogonal_exp", "random_orthogonal", "householder", "cayley"}) {
    const auto matrix = make_matrix(name);
    matrix->reset(8, 1, torch::kFloat32);
    const auto first = matrix->matrix().detach().clone();
    matrix->reset(8, 2, torch::kFloat32);
    EXPECT_GT(largest(matrix->matrix() - first), 0.05) << name;
  }
}

TEST(Matrices, HadamardExistsForPowersOfTwoOnly) {
  const auto matrix = make_matrix("hadamard");
  for (const std::int64_t lines : {3, 6, 12, 24})
    EXPECT_THROW(matrix->reset(lines, 1, torch::kFloat32), ConfigError) << lines;
  matrix->reset(4, 1, torch::kFloat64);
  const auto expected =
      at::tensor({1., 1., 1., 1., 1., -1., 1., -1., 1., 1., -1., -1., 1., -1., -1., 1.}, torch::kFloat64)
          .reshape({4, 4}) /
      2;
  EXPECT_TRUE(at::equal(matrix->matrix(), expected));
}

TEST(Matrices, HouseholderOfOnesIsJotsMatrix) {
  const auto matrix = make_matrix("householder", "{init: ones}");
  matrix->reset(8, 1, torch::kFloat64);
  const auto expected = at::eye(8, torch::kFloat64) - at::ones({8, 8}, torch::kFloat64) * 0.25;
  EXPECT_LT(largest(matrix->matrix() - expected), 1e-15);
}

}  // namespace
}  // namespace diffverb
