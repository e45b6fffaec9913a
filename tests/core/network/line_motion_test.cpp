#include "core/network/line_motion.h"

#include <ATen/ops/arange.h>
#include <ATen/ops/equal.h>
#include <ATen/ops/fft_irfft.h>
#include <ATen/ops/fft_rfft.h>
#include <ATen/ops/full.h>
#include <ATen/ops/hann_window.h>
#include <ATen/ops/scalar_tensor.h>
#include <ATen/ops/zeros.h>
#include <gtest/gtest.h>

#include <numbers>

#include "core/error.h"
#include "core/solvers/solvers.h"
#include "core/tensor.h"
#include "tests/core/solvers/network_fixture.h"

namespace diffverb {
namespace {

constexpr double kPi = std::numbers::pi;

DelayNetwork network_of(double first_delay = 20) {
  auto network = random_network({4, 1, 2, 1}, 3, at::kDouble, 15, 40);
  network.delays[0] = first_delay;
  return network;
}

TEST(LineMotion, IsASineWhereItIsQuietNoiseWhereItIsLoudAndABlendBetween) {
  const LineMotion motion{.line = 0, .depth_samples = 1, .rate_hz = 7, .phase_turns = 0.1, .noise_phase_turns = 0.4};
  const std::int64_t samples = 900;
  for (const double loud : {0.0, 0.3, 1.0}) {
    const auto m = motion_of(motion, samples, 3000, at::full({samples}, loud, at::kDouble));
    for (const std::int64_t n : {0, 1, 77, 500, 899}) {
      const double t = static_cast<double>(n) / 3000, np = 2 * kPi * (7 * t + 0.4);
      const double sine = std::sin(2 * kPi * (7 * t + 0.1));
      const double noise = (std::sin(np) + std::sin(2 * np) / 2 + std::sin(3 * np) / 3) / 3;
      EXPECT_NEAR(m[n].item<double>(), (1 - loud) * sine + loud * noise, 1e-12) << loud << " " << n;
    }
    EXPECT_LE(largest(m), 1.0);
  }
  EXPECT_TRUE(at::equal(motion_of(motion, samples, 3000), motion_of(motion, samples, 3000, at::zeros({samples}))));
}

TEST(LineMotion, MovesItsLinesAndLeavesTheOthers) {
  const auto network = network_of();
  const LineMotion slow{.line = 2, .depth_samples = 3.0, .rate_hz = 100},
      fast{.line = 2, .depth_samples = 0.5, .rate_hz = 900, .phase_turns = 0.3};
  const auto delays = delay_trajectories(network, {slow, fast}, 400);
  EXPECT_EQ(delays.sizes(), (std::vector<std::int64_t>{4, 400}));
  for (const std::int64_t j : {0, 1, 3}) EXPECT_EQ(largest(delays[j] - network.delays[j]), 0) << j;
  const auto expected = network.delays[2] + 3.0 * motion_of(slow, 400, 48000) + 0.5 * motion_of(fast, 400, 48000);
  EXPECT_LT(largest(delays[2] - expected), 1e-12);
  EXPECT_EQ(largest(delay_trajectories(network, {}, 5) - network.delays.unsqueeze(1)), 0);
}

TEST(LineMotion, GradientsReachTheDepthAndTheDelaysThroughTheSound) {
  const auto network = network_of();
  const auto input = uniform({1, 300}, -1, 1, 9), level = uniform({300}, 0, 1, 10);
  expect_gradient(
      [&](const std::vector<at::Tensor>& x) {
        DelayNetwork moving = network;
        moving.delays = x[1];
        Varying varying;
        varying.delays = delay_trajectories(moving,
                                            {{.line = 0, .depth_samples = x[0], .rate_hz = 400},
                                             {.line = 3, .depth_samples = 2 * x[0], .rate_hz = 250}},
                                            300, level);
        return varying_time_response(moving, input, varying).square().sum();
      },
      // Small steps: where a delay passes a whole sample the interpolation has a corner.
      {at::scalar_tensor(2.3, at::kDouble), network.delays + 0.37}, 1e-5, 1e-7);
}

TEST(LineMotion, TheLevelFollowsTheLoudnessInDecibels) {
  auto input = at::zeros({2, 96000}, at::kDouble);
  const auto sine = (at::arange(96000, at::kDouble) * (2 * kPi * 1000 / 48000)).sin();
  input[0] = sine * 0.1;  // the mean square of both is 0.0025: -26 dB
  const auto level = loudness_level(input, 48000);
  EXPECT_NEAR(level[-1].item<double>(), (40 - 26.02) / 30, 0.01);
  EXPECT_LT(level[100].item<double>(), level[4800].item<double>());
  EXPECT_EQ(largest(loudness_level(1e-4 * input, 48000)), 0);
  EXPECT_EQ(loudness_level(20 * input, 48000)[-1].item<double>(), 1);
}

TEST(LineMotion, ShortDelaysAsFiltersPlayTheSame) {
  for (const double samples : {1.0, 2.0, 3.0}) {
    auto network = network_of(samples);
    network.a[0][0] = 0;  // as a filter it may not hear itself
    const auto other = with_short_delays_as_filters(network);
    EXPECT_EQ(other.delays[0].item<double>(), samples < 3 ? 0 : 3);
    const auto input = uniform({1, 400}, -1, 1, 8);
    EXPECT_LT(relative_error(time_response(other, input), time_response(network, input)), 1e-12) << samples;
  }
}

TEST(LineMotion, AWanderIsLowPassedNoiseThatStaysWithinItsDepth) {
  // A minute at 200 Hz, of corner 2 Hz: power falls by 12 dB and more two octaves above, and it does not repeat.
  const std::int64_t samples = 12000;
  const auto wandering = [&](std::uint64_t seed) {
    auto sum = at::zeros({samples}, at::kDouble);
    for (const auto& part : wander(3, 5.0, 2, 12, seed)) {
      EXPECT_EQ(part.line, 3);
      sum = sum + part.depth_samples.tensor() * motion_of(part, samples, 200);
    }
    return sum;
  };
  const auto m = wandering(1);
  EXPECT_LE(largest(m), 5);
  EXPECT_GT(m.square().mean().sqrt().item<double>(), 0.12 * 5);
  const auto power = at::fft_rfft(m * at::hann_window(samples, at::kDouble)).abs().square();  // bins of 1/60 Hz
  const auto sum = [&](double from_hz, double to_hz) {
    return power.slice(0, std::lround(from_hz * 60), std::lround(to_hz * 60)).sum().item<double>();
  };
  EXPECT_GT(sum(0.2, 2) / sum(2, 4.2), 2);
  EXPECT_LT(sum(4.2, 100), 1e-3 * sum(0.2, 4.2));
  const auto centred = m - m.mean();
  const auto own = at::fft_irfft(at::fft_rfft(centred, 2 * samples).abs().square()).slice(0, 0, samples / 2);
  EXPECT_LT(largest(own.slice(0, 1000)), 0.7 * own[0].item<double>()) << "it repeats";
  EXPECT_GT(largest(m - wandering(2)), 1);
  const auto one = wander(0, 5.0, 2, 1, 1);
  ASSERT_EQ(one.size(), 1);
  EXPECT_DOUBLE_EQ(one[0].rate_hz, 2);
  EXPECT_DOUBLE_EQ(one[0].depth_samples.tensor().item<double>(), 5);
  EXPECT_THROW(wander(0, 1.0, 2, 0, 1), ContractError);
}

TEST(LineMotion, NamesWhatIsWrong) {
  auto network = network_of();
  EXPECT_THROW(delay_trajectories(network, {{.line = 4}}, 10), ContractError);
  EXPECT_THROW(delay_trajectories(network, {{.line = 1}}, 10, at::zeros({9})), ContractError);
  EXPECT_THROW(delay_trajectories(network, {{.line = 1}}, 10, at::full({10}, 1.5)), ContractError);
  EXPECT_THROW(delay_trajectories(network, {{.line = 1, .depth_samples = at::zeros({2})}}, 10), ContractError);
  network.delays[1] = 0;
  EXPECT_THROW(delay_trajectories(network, {{.line = 1}}, 10), ContractError);
}

}  // namespace
}  // namespace diffverb
