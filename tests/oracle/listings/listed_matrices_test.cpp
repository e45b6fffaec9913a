#include <ATen/ops/atanh.h>
#include <ATen/ops/linalg_det.h>
#include <ATen/ops/ones.h>
#include <ATen/ops/tensor.h>
#include <gtest/gtest.h>

#include "core/matrices/reflections.h"
#include "core/seed.h"
#include "tests/core/matrices/matrix_fixture.h"
#include "tests/oracle/listings/listings.h"

namespace diffverb {
namespace {

using listings::to_tensor;

at::Tensor with(const std::string& name, std::int64_t lines, const std::map<std::string, at::Tensor>& values) {
  const auto matrix = make_matrix(name);
  matrix->reset(lines, 1, at::kDouble);
  at::NoGradGuard no_grad;
  for (auto& [key, parameter] : matrix->parameters()) {
    auto target = parameter;
    target.copy_(values.at(key));
  }
  return matrix->matrix();
}

TEST(OracleListings, RandomOrthogonalFromTheSameNormalDraws) {
  Random ours(7), theirs(7);
  const auto expected = to_tensor(listings::random_orthogonal<9>([&] { return theirs.normal(); }));
  EXPECT_LT(largest(listed_orthogonal(9, [&] { return ours.normal(); }) - expected), 1e-14);
  EXPECT_LT(distance_from_orthogonal(expected), 1e-13);
  Random stream(3, "random_orthogonal");  // what the registered matrix draws
  const auto registered = to_tensor(listings::random_orthogonal<6>([&] { return stream.normal(); }));
  EXPECT_LT(largest(matrix_of("random_orthogonal", 6, 3, "{method: listing}") - registered), 1e-14);
}

TEST(OracleListings, HadamardBySylvester) {
  EXPECT_LT(largest(matrix_of("hadamard", 1, 1) - to_tensor(listings::hadamard_sylvester<1>())), 1e-15);
  EXPECT_LT(largest(matrix_of("hadamard", 16, 1) - to_tensor(listings::hadamard_sylvester<16>())), 1e-15);
}

TEST(OracleListings, HouseholderFromTheSameVector) {
  std::array<double, 7> vector;
  Random random(5);
  for (double& value : vector) value = random.uniform();
  const auto v = at::tensor(std::vector<double>(vector.begin(), vector.end()), at::kDouble);
  EXPECT_LT(largest(with("householder", 7, {{"v", v}}) - to_tensor(listings::householder(vector))), 4e-15);
}

TEST(OracleListings, ConferenceByLegendre) {
  EXPECT_LT(largest(matrix_of("conference", 6, 1) - to_tensor(listings::conference<6>())), 1e-15);
  EXPECT_LT(largest(matrix_of("conference", 14, 1) - to_tensor(listings::conference<14>())), 1e-15);
  EXPECT_LT(largest(matrix_of("conference", 62, 1) - to_tensor(listings::conference<62>())), 1e-15);
  // Where Legendre's symbol does not serve: 9 is no prime, and the listing's matrix is not orthogonal.
  EXPECT_GT(distance_from_orthogonal(to_tensor(listings::conference<10>())), 0.1);
  EXPECT_LT(distance_from_orthogonal(matrix_of("conference", 10, 1)), 1e-14);
}

TEST(OracleListings, AbsorbentFromTheSameRotationAndGains) {
  Random random(6);
  auto rotation = listings::random_orthogonal<5>([&] { return random.normal(); });
  if (at::linalg_det(to_tensor(rotation)).item<double>() < 0) {
    for (double& value : rotation[0]) value = -value;  // ours are rotations
  }
  std::array<double, 5> gains;
  for (double& gain : gains) gain = random.uniform(-0.95, 0.95);
  const auto g = at::tensor(std::vector<double>(gains.begin(), gains.end()), at::kDouble);
  const auto ours = with("absorbent_allpass", 10,
                         {{"p", at::atanh(g / 0.999)}, {"s", logarithm_of_rotation(to_tensor(rotation)) / 2}});
  EXPECT_LT(largest(ours - to_tensor(listings::absorbent<10>(rotation, gains))), 1e-12);
}

TEST(OracleListings, IdentityAmountFromTheSameNormalDrawsUpToTheSignsThatMakeItsZeroTheIdentity) {
  const auto normals = normal_matrix(6, 6, 3);
  const auto draw = [&](std::int64_t n, std::int64_t i) { return normals[i][n].item<double>(); };
  const auto signs = -at::ones({6, 1}, at::kDouble);
  for (const double amount : {0.0, 0.3, 2.0}) {
    const auto expected = signs * to_tensor(listings::identity_amount<6>(amount, draw));
    const auto ours = matrix_of("identity_amount", 6, 3, "{amount: " + std::to_string(amount) + "}");
    EXPECT_LT(largest(ours - expected), 1e-14) << amount;
  }
  // The listing's own knob at 0: -1 on the diagonal.
  EXPECT_NEAR(to_tensor(listings::identity_amount<6>(0, draw))[0][0].item<double>(), -1, 1e-15);
}

}  // namespace
}  // namespace diffverb
