// What the engine plays of moving delays and turning matrices is what the time solver plays.
#include <ATen/ops/empty.h>
#include <ATen/ops/tensor.h>
#include <ATen/ops/zeros.h>
#include <gtest/gtest.h>

#include <cmath>
#include <numbers>
#include <vector>

#include "core/network/line_motion.h"
#include "core/solvers/solvers.h"
#include "runtime/render.h"
#include "runtime/weights.h"
#include "tests/runtime/moving_networks.h"
#include "train/network_config.h"

namespace diffverb {
namespace {

constexpr std::int64_t kFrames = 6000;

/// Quiet first, then louder than where the level ends.
std::vector<std::vector<float>> sound(int channels) {
  auto rows = runtime::testing::noise(channels, kFrames, 3);
  for (auto& row : rows) {
    for (std::size_t n = 0; n < row.size(); ++n)
      row[n] *= static_cast<float>(std::pow(10, -3 + 4.0 * static_cast<double>(n) / kFrames));
  }
  return rows;
}

/// A at every sample, as weights.h defines it.
at::Tensor matrices_over_time(const runtime::DelayNetworkWeights& w) {
  const auto matrix = [&](std::vector<float> values) {
    return at::tensor(values).reshape({w.lines, w.lines}).to(at::kDouble);
  };
  const auto left = matrix(w.turn_left), right = matrix(w.turn_right);
  const auto turns = at::zeros({kFrames + 1, w.lines, w.lines}, at::kDouble);
  auto at = turns.accessor<double, 3>();
  const auto sine = [](double hz, double seconds, double phase) {
    return std::sin(2 * std::numbers::pi * (hz * seconds + phase));
  };
  for (std::int64_t n = 0; n <= kFrames; ++n) {
    const double t = static_cast<double>(n) / w.sample_rate_hz;
    for (int p = 0; p < static_cast<int>(w.turning.size()); ++p) {
      const runtime::TurningPair& f = w.turning[static_cast<std::size_t>(p)];
      const double r = f.radius * (1 - f.radius_depth * (1 + sine(f.radius_rate_hz, t, f.radius_phase_turns)) / 2);
      const double angle =
          2 * std::numbers::pi *
          (f.angle_turns + f.turn_hz * t + f.angle_depth_turns * sine(f.angle_rate_hz, t, f.angle_phase_turns));
      const bool alone = 2 * p + 1 == w.lines;
      at[n][2 * p][2 * p] = alone ? r : r * std::cos(angle);
      if (alone) continue;
      at[n][2 * p][2 * p + 1] = -r * std::sin(angle);
      at[n][2 * p + 1][2 * p] = r * std::sin(angle);
      at[n][2 * p + 1][2 * p + 1] = r * std::cos(angle);
    }
  }
  return left.matmul(turns).matmul(right);
}

void expect_the_solver(const runtime::DelayNetworkWeights& w) {
  const auto loaded = runtime::make_model(w);
  ASSERT_EQ(loaded.error, "");
  const auto input = sound(w.inputs);
  const auto played = runtime::render(loaded.model, input, 0);
  runtime::DelayNetworkWeights still = w;
  still.delay_motions.clear(), still.turning.clear(), still.turn_left.clear(), still.turn_right.clear();
  const DelayNetwork network = to_network(still).to(at::kDouble);
  at::Tensor signal = at::empty({w.inputs, kFrames}, at::kDouble);
  for (int i = 0; i < w.inputs; ++i) signal[i] = at::tensor(input[static_cast<std::size_t>(i)]).to(at::kDouble);
  std::vector<LineMotion> motions;
  for (const runtime::DelayMotion& m : w.delay_motions)
    motions.push_back({m.line, m.depth_samples, m.rate_hz, m.phase_turns, m.noise_phase_turns});
  Varying varying;
  varying.delays = delay_trajectories(network, motions, kFrames, loudness_level(signal, w.sample_rate_hz));
  if (!w.turning.empty()) varying.matrices = matrices_over_time(w), varying.hop_samples = 1;
  const at::Tensor expected = varying_time_response(network, signal, varying);
  const double peak = expected.abs().max().item<double>();
  EXPECT_GT(peak, 0);
  for (int o = 0; o < w.outputs; ++o) {
    const auto heard = at::tensor(played[static_cast<std::size_t>(o)]).to(at::kDouble);
    EXPECT_LT((heard.slice(0, 0, kFrames) - expected[o]).abs().max().item<double>(), 1e-5 * peak);
  }
}

TEST(OracleMovingEngine, PlaysWhatTheTimeSolverPlays) {
  auto moving = runtime::testing::random_network({6, 2, 2, 2, 0, 0, 12, 300}, 1);
  runtime::testing::add_motions(moving, 2, 20, 2);
  expect_the_solver(moving);
  for (const auto kind : {runtime::testing::Turn::kBetweenTwo, runtime::testing::Turn::kEigenvalues}) {
    auto turning = runtime::testing::turning_network({5, 1, 2, 1, 0, 0, 9, 200}, kind, 0.02f, 3);
    expect_the_solver(turning);
    runtime::testing::add_motions(turning, 1, 6, 4);
    expect_the_solver(turning);
  }
}

}  // namespace
}  // namespace diffverb
