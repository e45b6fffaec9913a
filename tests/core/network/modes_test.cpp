#include "core/network/modes.h"

#include <ATen/ops/tensor.h>
#include <gtest/gtest.h>

#include <Eigen/Eigenvalues>
#include <algorithm>

#include "core/error.h"
#include "core/solvers/solvers.h"
#include "core/tensor.h"
#include "tests/core/solvers/network_fixture.h"

namespace diffverb {
namespace {

/// Poles from the state space: every sample in every line is a state. Without filters.
std::vector<std::complex<double>> eigenvalues(const DelayNetwork& network) {
  std::vector<Eigen::Index> last;
  Eigen::Index size = 0;
  for (std::int64_t j = 0; j < network.lines(); ++j) {
    size += static_cast<Eigen::Index>(network.delays[j].item<double>());
    last.push_back(size - 1);
  }
  Eigen::MatrixXd state = Eigen::MatrixXd::Zero(size, size);
  for (std::size_t i = 0; i < last.size(); ++i) {
    const Eigen::Index first = i == 0 ? 0 : last[i - 1] + 1;
    for (Eigen::Index k = first + 1; k <= last[i]; ++k) state(k, k - 1) = 1;
    for (std::size_t j = 0; j < last.size(); ++j)
      state(first, last[j]) += network.a[static_cast<std::int64_t>(i)][static_cast<std::int64_t>(j)].item<double>();
  }
  const auto values = Eigen::EigenSolver<Eigen::MatrixXd>(state, false).eigenvalues();
  return {values.begin(), values.end()};
}

TEST(Modes, AreTheEigenvaluesOfTheStateSpace) {
  const auto network = random_network({5, 1, 1, 0}, 3, at::kDouble, 5, 40);
  const auto modes = modes_of(network);
  auto expected = eigenvalues(network);
  std::size_t count = 0;
  for (const Mode& mode : modes) count += mode.pole.imag() == 0 ? 1 : 2;
  EXPECT_EQ(count, expected.size());
  for (const Mode& mode : modes) {
    double nearest = 1;
    for (const auto& value : expected) nearest = std::min(nearest, std::abs(value - mode.pole));
    EXPECT_LT(nearest, 1e-9) << mode.pole;
  }
}

TEST(Modes, AddUpToTheImpulseResponse) {
  for (const std::int64_t sections : {0, 2}) {
    const auto network = random_network({4, 2, 2, sections}, 7, at::kDouble, 20, 90);
    const auto ir = impulse_response(network, 600);
    const auto modes = modes_of(network, {.output = 1, .input = 1});
    const auto sum = at::tensor(response_of(modes, 600));
    EXPECT_LT(largest((sum - ir[1][1]).slice(0, 1)), 1e-7 * largest(ir[1][1])) << sections << " sections";
  }
}

TEST(Modes, OfACombAreItsHarmonics) {
  auto network = random_network({1, 1, 1, 0}, 3);
  network.a.fill_(0.8), network.b.fill_(1), network.c.fill_(1), network.d.zero_();
  network.delays.fill_(100);
  const auto modes = modes_of(network);
  ASSERT_EQ(modes.size(), 51U);  // 0 Hz, 49 pairs, half the rate
  for (std::size_t k = 0; k < modes.size(); ++k) {
    EXPECT_NEAR(modes[k].hz, 480.0 * static_cast<double>(k), 1e-6);
    EXPECT_NEAR(modes[k].t60_s, 100 / 48000.0 * 3 / -std::log10(0.8), 1e-9);
  }
}

TEST(Modes, RefuseWhatTheyCannotDo) {
  auto network = random_network({3, 1, 1, 0}, 4);
  EXPECT_THROW(modes_of(network, {.output = 1}), ContractError);
  EXPECT_THROW(modes_of(network, {.most_poles = 10}), ContractError);
  network.delays[0] = 4.5;
  EXPECT_THROW(modes_of(network), ContractError);
}

}  // namespace
}  // namespace diffverb
