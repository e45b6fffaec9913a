#include <ATen/ops/linspace.h>
#include <ATen/ops/scalar_tensor.h>
#include <ATen/ops/stack.h>
#include <ATen/ops/tensor.h>
#include <ATen/ops/zeros.h>
#include <gtest/gtest.h>

#include "core/solvers/solvers.h"
#include "core/tensor.h"
#include "models/plate_tank.h"
#include "tests/core/solvers/network_fixture.h"
#include "tests/models/plain_reverb.h"

namespace diffverb {
namespace {

using Rows = std::vector<std::vector<double>>;

at::Tensor rows(const Rows& values) {
  std::vector<at::Tensor> all;
  for (const auto& row : values) all.push_back(at::tensor(row, at::kDouble));
  return at::stack(all);
}

at::Tensor noise_burst(std::int64_t samples, std::int64_t burst) {
  auto input = at::zeros({2, samples}, at::kDouble);
  input.narrow(1, 0, burst).copy_(uniform({2, burst}, -1, 1, 5));
  return input;
}

struct PlainPlate {
  double decay = 0.5, modulated = 0.7, second = 0.5, excursion = 0;
  int earlier = 0;
  PlainSection damping[2];
  double hz[2] = {1, 1}, turns[2] = {0, 0.25};
};

/// Figure 1 of Dattorro 1997 from after the input diffusers to before the gain of the outputs, with table 2.
Rows plain_tank(const std::vector<double>& x, PlainPlate p) {
  PlainAllpass moving[2] = {{672, p.modulated}, {908, p.modulated}}, dense[2] = {{1800, -p.second}, {2656, -p.second}};
  Tape delay[2], last[2];
  const std::int64_t delays[2] = {4453, 4217}, lasts[2] = {3720, 3163};
  Rows y(2);
  for (std::size_t n = 0; n < x.size(); ++n) {
    const double ends[2] = {last[0].ago(lasts[0]), last[1].ago(lasts[1])};
    for (int side = 0; side < 2; ++side) {
      const double turn = p.hz[side] * static_cast<double>(n) / 29761 + p.turns[side];
      const double length =
          static_cast<double>(moving[side].samples) + p.excursion * std::sin(2 * std::numbers::pi * turn);
      const double spread = moving[side].step(x[n] + p.decay * ends[1 - side], moving[side].v.between(length));
      const double delayed = delay[side].ago(delays[side]);
      delay[side].push(spread);
      last[side].push(dense[side].step(p.decay * p.damping[side].step(delayed)));
    }
    // The newest value is one ago now.
    const auto at = [&](const Tape& tape, std::int64_t samples) { return tape.ago(samples + 1 - p.earlier); };
    y[0].push_back(at(delay[1], 266) + at(delay[1], 2974) - at(dense[1].v, 1913) + at(last[1], 1996) -
                   at(delay[0], 1990) - at(dense[0].v, 187) - at(last[0], 1066));
    y[1].push_back(at(delay[0], 353) + at(delay[0], 3627) - at(dense[0].v, 1228) + at(last[0], 2673) -
                   at(delay[1], 2111) - at(dense[1].v, 335) - at(last[1], 121));
  }
  return y;
}

std::vector<double> plain_diffuser(std::vector<double> x) {
  PlainAllpass all[4] = {{142, -0.75}, {107, -0.75}, {379, -0.625}, {277, -0.625}};
  for (auto& value : x) {
    for (auto& allpass : all) value = allpass.step(value);
  }
  return x;
}

at::Tensor plain_dattorro(const at::Tensor& input, double excursion) {
  const auto u = input.accessor<double, 2>();
  std::vector<double> x;
  double low = 0;
  for (std::int64_t n = 0; n < input.size(1); ++n) {
    low = 0.9995 * 0.5 * (u[0][n] + u[1][n]) + 0.0005 * low;
    x.push_back(low);
  }
  PlainPlate plate{.excursion = excursion};
  for (auto& damping : plate.damping) damping = {.b0 = 1 - 0.0005, .a1 = -0.0005};
  return 0.6 * rows(plain_tank(plain_diffuser(x), plate));
}

TEST(Dattorro, AtRestPlaysThePublishedPlateSampleBySample) {
  const auto model = make_reverb("dattorro", "{sample_rate_hz: 29761}");
  const auto input = noise_burst(40000, 3000);
  const auto heard = time_response(model->network(29761, at::kDouble), input);
  EXPECT_LT(relative_error(heard, plain_dattorro(input, 0)), 1e-9);
}

TEST(Dattorro, MovesAsALoopWithTheSameInterpolationDoes) {
  const auto model = make_reverb("dattorro", "{sample_rate_hz: 29761}");
  const auto input = noise_burst(40000, 3000);
  const auto heard = model->play(input), expected = plain_dattorro(input, 8);
  EXPECT_LT(relative_error(heard, expected), 1e-9);
  EXPECT_GT(relative_error(heard, plain_dattorro(input, 0)), 1e-2);  // or it stood still
}

TEST(Dattorro, FirstEchoesAreThoseOfTheTapTable) {
  const auto model = make_reverb("dattorro",
                                 "{sample_rate_hz: 29761, bandwidth: 1, damping: 0, input_diffusion_1: 0, "
                                 "input_diffusion_2: 0, decay_diffusion_1: 0, "
                                 "decay_diffusion_2: 0}");
  const auto ir = impulse_response(model->network(29761), 8000).sum(1);
  const auto before = [](std::int64_t diffused, std::int64_t tank) { return 142 + 107 + 379 + 277 + diffused + tank; };
  EXPECT_NEAR(ir[0][before(908, 266)].item<double>(), 0.6, 1e-6);
  EXPECT_NEAR(ir[1][before(672, 353)].item<double>(), 0.6, 1e-6);
  EXPECT_NEAR(ir[0][before(672, 1990)].item<double>(), -0.6, 1e-6);
  EXPECT_NEAR(ir[1][before(908, 2111)].item<double>(), -0.6, 1e-6);
  EXPECT_NEAR(ir[0][before(672, 4453 + 187)].item<double>(), -0.3, 1e-6);
  EXPECT_EQ(ir.narrow(1, 0, before(908, 266)).slice(0, 0, 1).abs().max().item<double>(), 0);
}

TEST(PlateTank, InputDiffusersLetAllFrequenciesThroughAlike) {
  SignalFlow flow(1, 48000);
  const auto g = at::scalar_tensor(0.75, at::kDouble), h = at::scalar_tensor(0.625, at::kDouble);
  const auto network = flow.network({plate_diffuser(flow, flow.input(0), g, h)}, at::kDouble);
  const auto response = frequency_response(with_whole_delays(network), at::linspace(0.01, 3.1, 301, at::kDouble));
  EXPECT_LT(largest(response.abs() - 1), 1e-9);
}

TEST(Strev, AtRestPlaysFreeverb3sTankSampleBySample) {
  const auto model = make_reverb("strev", "{sample_rate_hz: 29761}");
  const auto input = noise_burst(30000, 3000);
  const auto u = input.accessor<double, 2>();
  const double rate = 29761, pi = std::numbers::pi, decay = std::pow(10.0, -3 * 3888 / rate);
  const double w = 2 * pi * 10 / rate,
               cut = (std::sqrt(3.) - 2 * std::sin(w)) / (std::sin(w) + std::sqrt(3.) * std::cos(w));
  const auto low = [&](double hz) {
    const double t = std::tan(pi * hz / rate), b = t / (1 + t);
    return PlainSection{.b0 = b, .b1 = b, .a1 = -(1 - t) / (1 + t)};
  };
  PlainSection block{.b0 = 1, .b1 = -1, .a1 = -cut}, tone = low(10000);
  std::vector<double> x;
  for (std::int64_t n = 0; n < input.size(1); ++n) x.push_back(tone.step(block.step((u[0][n] + u[1][n]) / 2)));
  PlainPlate plate{.decay = decay, .modulated = std::min(0.5, decay + 0.15), .second = 0.7, .earlier = 1};
  for (auto& damping : plate.damping) damping = low(4000);
  auto y = plain_tank(plain_diffuser(x), plate);
  for (auto& row : y) {
    auto output = low(10000);
    for (auto& value : row) value = output.step(value);
  }
  EXPECT_LT(relative_error(time_response(model->network(rate, at::kDouble), input), rows(y)), 1e-9);
}

}  // namespace
}  // namespace diffverb
