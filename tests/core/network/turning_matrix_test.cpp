#include "core/network/turning_matrix.h"

#include <ATen/ops/eye.h>
#include <ATen/ops/full_like.h>
#include <ATen/ops/linalg_eigvals.h>
#include <ATen/ops/linalg_svdvals.h>
#include <ATen/ops/ones.h>
#include <ATen/ops/tensor.h>
#include <ATen/ops/zeros.h>
#include <ATen/ops/zeros_like.h>
#include <gtest/gtest.h>

#include <numbers>
#include <vector>

#include "core/error.h"
#include "core/matrices/haar.h"
#include "core/solvers/solvers.h"
#include "core/tensor.h"
#include "tests/core/solvers/network_fixture.h"

namespace diffverb {
namespace {

constexpr double kPi = std::numbers::pi;

/// Everything moves, each pair at paces of its own.
TurningMatrix moving_matrix(std::int64_t lines, std::uint64_t seed) {
  auto turning = still_matrix(haar_orthogonal(lines, seed, false), haar_orthogonal(lines, seed + 1, false));
  const std::int64_t pairs = turning.pairs();
  turning.radius = uniform({pairs}, 0.7, 1, seed + 2);
  turning.radius_depth = uniform({pairs}, 0.1, 0.9, seed + 3);
  turning.radius_rate_hz = uniform({pairs}, 1, 9, seed + 4);
  turning.radius_phase_turns = uniform({pairs}, 0, 1, seed + 5);
  turning.angle_turns = uniform({pairs}, 0, 0.5, seed + 6);
  turning.angle_depth_turns = uniform({pairs}, 0.01, 0.2, seed + 7);
  turning.angle_rate_hz = uniform({pairs}, 1, 9, seed + 8);
  turning.angle_phase_turns = uniform({pairs}, 0, 1, seed + 9);
  turning.turn_hz = uniform({pairs}, -3, 3, seed + 10);
  return turning;
}

/// The definition, one number after another.
at::Tensor plain_matrix(const TurningMatrix& turning, double t) {
  const std::int64_t n = turning.lines();
  const auto value = [](const at::Tensor& x, std::int64_t p) { return x[p].item<double>(); };
  auto middle = at::zeros({n, n}, at::kDouble);
  for (std::int64_t p = 0; p < turning.pairs(); ++p) {
    const auto sine = [&](const at::Tensor& hz, const at::Tensor& phase) {
      return std::sin(2 * kPi * (value(hz, p) * t + value(phase, p)));
    };
    const double r =
        value(turning.radius, p) *
        (1 - value(turning.radius_depth, p) * (1 + sine(turning.radius_rate_hz, turning.radius_phase_turns)) / 2);
    const double angle = 2 * kPi *
                         (value(turning.angle_turns, p) +
                          value(turning.angle_depth_turns, p) * sine(turning.angle_rate_hz, turning.angle_phase_turns) +
                          value(turning.turn_hz, p) * t);
    if (2 * p + 1 == n) {
      middle[2 * p][2 * p] = r;
      continue;
    }
    middle[2 * p][2 * p] = middle[2 * p + 1][2 * p + 1] = r * std::cos(angle);
    middle[2 * p][2 * p + 1] = -r * std::sin(angle);
    middle[2 * p + 1][2 * p] = r * std::sin(angle);
  }
  return turning.left.mm(middle).mm(turning.right);
}

TEST(TurningMatrix, IsItsDefinitionForEvenAndOddN) {
  for (const std::int64_t n : {1, 2, 5, 8}) {
    const auto turning = moving_matrix(n, 30 + n);
    const auto all = matrices_of(turning, 1000, 8000, 70);
    EXPECT_GE((all.size(0) - 1) * 70, 1000);
    for (const std::int64_t k : {0, 1, 9, 15})
      EXPECT_LT(largest(all[k] - plain_matrix(turning, static_cast<double>(70 * k) / 8000)), 1e-13) << n << " " << k;
    auto still = turning;
    for (auto* values : {&still.radius_depth, &still.angle_depth_turns, &still.turn_hz})
      *values = at::zeros_like(*values);
    EXPECT_LT(largest(matrices_of(still, 500, 8000, 100) - at_rest(turning)), 1e-14);
  }
}

TEST(TurningMatrix, ARotatingOneIsOrthogonalAtEverySample) {
  for (const std::int64_t n : {2, 7, 16}) {
    const auto matrix = haar_orthogonal(n, 3, false);
    const auto turning = rotating_orthogonal(matrix, uniform({(n + 1) / 2}, -7, 7, 4));
    EXPECT_LT(largest(at_rest(turning) - matrix), 4e-15);
    const auto all = matrices_of(turning, 3000, 8000, 1);
    EXPECT_LT(largest(all.bmm(all.transpose(1, 2)) - at::eye(n, at::kDouble)), 1e-13) << n;
    EXPECT_GT(largest(all[1000] - matrix), 0.1) << n;
  }
}

TEST(TurningMatrix, HasTheEigenvaluesThatAreAskedForAtEveryMoment) {
  for (const std::int64_t n : {6, 7}) {
    auto turning = moving_matrix(n, 50);
    turning.right = turning.left.t();
    turning.radius_rate_hz = turning.angle_rate_hz = at::full_like(turning.radius, 2.5);
    const auto all = matrices_of(turning, 4000, 8000, 100);
    for (const std::int64_t k : {0, 7, 31}) {
      const double t = static_cast<double>(100 * k) / 8000;
      auto found = at::linalg_eigvals(all[k]);
      for (std::int64_t p = 0; p < turning.pairs(); ++p) {
        const auto sine = [&](const at::Tensor& phase) {
          return std::sin(2 * kPi * (2.5 * t + phase[p].item<double>()));
        };
        const double r = turning.radius[p].item<double>() *
                         (1 - turning.radius_depth[p].item<double>() * (1 + sine(turning.radius_phase_turns)) / 2);
        const double angle = 2 * p + 1 == n
                                 ? 0
                                 : 2 * kPi *
                                       (turning.angle_turns[p].item<double>() +
                                        turning.angle_depth_turns[p].item<double>() * sine(turning.angle_phase_turns) +
                                        turning.turn_hz[p].item<double>() * t);
        const auto asked = c10::complex<double>(r * std::cos(angle), r * std::sin(angle));
        EXPECT_LT((found - asked).abs().min().item<double>(), 1e-12) << n << " " << k << " " << p;
      }
    }
    const auto norms = at::linalg_svdvals(all).amax(1);
    EXPECT_LE(largest(norms), largest(turning.radius) + 1e-12);
  }
}

TEST(TurningMatrix, AStraightLineBetweenHopsStaysWithinAMillionth) {
  for (const std::int64_t n : {4, 5}) {
    const auto turning = moving_matrix(n, 60);
    const std::int64_t hop = fine_hop(turning, 48000);
    ASSERT_GT(hop, 1);
    const auto coarse = matrices_of(turning, 24000, 48000, hop), fine = matrices_of(turning, 24000, 48000, 1);
    double worst = 0;
    for (std::int64_t k = 0; k + 1 < coarse.size(0) && (k + 1) * hop <= 24000; ++k) {
      const auto middle = (coarse[k] + coarse[k + 1]) / 2;
      const auto there = (fine[k * hop + hop / 2] + fine[k * hop + (hop + 1) / 2]) / 2;
      worst = std::max(worst, at::linalg_svdvals(middle - there).max().item<double>());
    }
    EXPECT_LT(worst, 1e-6);
    EXPECT_GT(worst, 1e-7) << "finer than it has to be";
  }
  EXPECT_EQ(fine_hop(still_matrix(at::eye(3, at::kDouble), at::eye(3, at::kDouble)), 48000), 4096);
}

/// What is in the lines at a sample: all that will come out of them, each line's delay long. s [N, T]
double energy_at(const at::Tensor& s, const at::Tensor& delays, std::int64_t sample) {
  double sum = 0;
  for (std::int64_t j = 0; j < s.size(0); ++j)
    sum += s[j].narrow(0, sample, static_cast<std::int64_t>(delays[j].item<double>())).square().sum().item<double>();
  return sum;
}

TEST(TurningMatrix, KeepsTheEnergyOfALosslessLoopForManySeconds) {
  const at::NoGradGuard no_grad;
  const double rate = 4000;
  const std::int64_t samples = 48000;  // 12 s, some 600 times round
  auto network = random_network({5, 1, 5, 0}, 70, at::kDouble, 40, 130);
  network.c = at::eye(5, at::kDouble), network.d.zero_();
  network.sample_rate_hz = rate;
  const auto turning = rotating_orthogonal(haar_orthogonal(5, 71, false), at::tensor({1.3, -0.7, 0.0}, at::kDouble));
  network.a = at_rest(turning);
  auto input = at::zeros({1, samples}, at::kDouble);
  input.slice(1, 0, 300) = uniform({1, 300}, -1, 1, 72);
  const auto drift = [&](std::int64_t hop) {
    const auto s = varying_time_response(network, input, {{}, matrices_of(turning, samples, rate, hop), hop});
    const double first = energy_at(s, network.delays, 1000);
    double worst = 0;
    for (const std::int64_t n : {1001, 5000, 20000, 33333, 47800})
      worst = std::max(worst, std::abs(energy_at(s, network.delays, n) / first - 1));
    return worst;
  };
  EXPECT_LT(drift(1), 1e-11);  // orthogonal at every sample: nothing is lost
  EXPECT_LT(drift(fine_hop(turning, rate)),
            2 * 1e-6 * 900);  // and a millionth a pass at most at the hop that is played
  auto still = turning;
  still.turn_hz = at::zeros_like(turning.turn_hz);
  const auto moving = varying_time_response(network, input, {{}, matrices_of(turning, samples, rate, 1), 1});
  const auto standing = varying_time_response(network, input, {{}, matrices_of(still, samples, rate, 1), 1});
  EXPECT_GT(relative_error(moving, standing), 0.1) << "it should be heard that it turns";
}

TEST(TurningMatrix, GradientsOfItsTrajectoriesPassThroughTheSound) {
  for (const std::int64_t n : {4, 5}) {
    const auto turning = moving_matrix(n, 80);
    auto network = random_network({n, 1, 2, 1}, 81, at::kDouble, 4, 12);
    network.sample_rate_hz = 400;  // so that something turns within the input
    const auto input = uniform({1, 90}, -1, 1, 82);
    const std::vector<at::Tensor> all = {turning.left,         turning.right,          turning.radius,
                                         turning.radius_depth, turning.angle_turns,    turning.angle_depth_turns,
                                         turning.turn_hz,      turning.radius_rate_hz, turning.angle_rate_hz};
    expect_gradient(
        [&](const std::vector<at::Tensor>& x) {
          auto here = turning;
          here.left = x[0], here.right = x[1], here.radius = x[2], here.radius_depth = x[3], here.angle_turns = x[4];
          here.angle_depth_turns = x[5], here.turn_hz = x[6], here.radius_rate_hz = x[7], here.angle_rate_hz = x[8];
          return varying_time_response(network, input, {{}, matrices_of(here, 90, 400, 2), 2}).square().sum();
        },
        all, 1e-6);
  }
}

TEST(TurningMatrix, ListenersHearTheLoopAndAreNotHeard) {
  for (const std::int64_t n : {4, 5}) {
    for (const std::int64_t outside : {1, 2, 3}) {
      auto turning = moving_matrix(n, 90);
      if (n % 2 == 1) turning.radius_depth[turning.pairs() - 1] = 0;
      const auto rows = uniform({outside, n}, -1, 1, 91);
      const auto more = with_listeners(turning, rows);
      more.check();
      const auto all = matrices_of(more, 700, 8000, 50), loop = matrices_of(turning, 700, 8000, 50);
      EXPECT_LT(largest(all.slice(1, 0, n).slice(2, 0, n) - loop), 1e-13);
      EXPECT_LT(largest(all.slice(1, n).slice(2, 0, n) - rows), 1e-13);
      EXPECT_EQ(largest(all.slice(2, n)), 0);
    }
  }
  const auto odd = moving_matrix(5, 92);
  EXPECT_THROW(with_listeners(odd, at::ones({1, 5}, at::kDouble)), ContractError);
}

TEST(TurningMatrix, NamesWhatIsWrong) {
  auto turning = moving_matrix(4, 95);
  EXPECT_THROW(rotating_orthogonal(turning.left, at::zeros({3}, at::kDouble)), ContractError);
  EXPECT_THROW(matrices_of(turning, 100, 8000, 0), ContractError);
  turning.radius_depth[0] = 1.5;
  EXPECT_THROW(matrices_of(turning, 100, 8000, 10), ContractError);
  turning.radius_depth[0] = 0.5;
  turning.right = at::eye(3, at::kDouble);
  EXPECT_THROW(turning.check(), ContractError);
}

}  // namespace
}  // namespace diffverb
