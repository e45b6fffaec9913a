#include "core/network/signal_flow.h"

#include <ATen/ops/linspace.h>
#include <ATen/ops/ones.h>
#include <ATen/ops/scalar_tensor.h>
#include <ATen/ops/tensor.h>
#include <ATen/ops/view_as_real.h>
#include <gtest/gtest.h>

#include <cmath>

#include "core/error.h"
#include "core/solvers/solvers.h"
#include "core/tensor.h"
#include "tests/core/solvers/network_fixture.h"

namespace diffverb {
namespace {

constexpr double kRate = 48000;

at::Tensor number(double value) { return at::scalar_tensor(value, at::kDouble); }

at::Tensor heard(const DelayNetwork& network) {
  return frequency_response(network, at::linspace(0.01, 3.1, 101, at::kDouble), 1.001);
}

TEST(SignalFlow, SaysWhatTheAlgebraOfNetworksSays) {
  SignalFlow flow(1, kRate);
  const auto first =
      flow.allpass(flow.input(0), 0.5, [&](const auto& v) { return flow.allpass(flow.delay(v, 31), 0.3, 7); });
  const auto second = flow.delay(first, 11);
  const auto network = flow.network({second + 0.25 * first}, at::kDouble);

  const auto nested = allpass(number(0.5), allpass(number(0.3), number(7), kRate), number(31));
  const auto late = series(nested, delay_line(number(11), kRate, at::kDouble));
  EXPECT_LT(relative_error(heard(network), heard(late) + 0.25 * heard(nested)), 1e-12);
}

TEST(SignalFlow, ClosesLoopsThroughDelaysAndThroughGains) {
  SignalFlow flow(2, kRate);
  const auto loop = flow.loop(), direct = flow.loop();
  const auto line = flow.delay(flow.input(0) + loop, 20);
  flow.close(loop, 0.7 * line + direct);
  flow.close(direct, 0.25 * loop + flow.input(1));  // without delay: loop = (0.7 line + u1) / 0.75
  const auto network = flow.network({line, loop}, at::kDouble);
  EXPECT_NEAR(network.a[0][0].item<double>(), 0.7 / 0.75, 1e-12);
  EXPECT_NEAR(network.b[0][1].item<double>(), 1 / 0.75, 1e-12);
  EXPECT_NEAR(network.d[1][1].item<double>(), 1 / 0.75, 1e-12);
}

TEST(SignalFlow, TapsAndFiltersAreLinesOfTheirOwn) {
  SignalFlow flow(1, kRate);
  const auto damping = at::tensor({0.4, 0.0, 0.0, -0.6, 0.0}, at::kDouble).reshape({1, 5});
  const auto loop = flow.loop();
  const auto line = flow.delay(flow.input(0) + loop, 40);
  flow.close(loop, 0.8 * flow.filter(line, damping));
  const auto network = flow.network({line + 0.5 * flow.tap(line, 13)}, at::kDouble);
  EXPECT_EQ(network.lines(), 3);
  const auto ir = impulse_response(network, 100)[0][0];
  EXPECT_EQ(ir[13].item<double>(), 0.5);
  EXPECT_EQ(ir[40].item<double>(), 1);
  EXPECT_NEAR(ir[53].item<double>(), 0.5 * 0.8 * 0.4, 1e-15);  // once round the loop
  EXPECT_NEAR(ir[80].item<double>(), 0.8 * (0.4 + 0.5 * 0.4 * std::pow(0.6, 27)), 1e-15);
  EXPECT_LT(relative_error(impulse_response_by_fft(network, 8192).reshape({-1}).narrow(0, 0, 100), ir), 1e-6);
}

TEST(SignalFlow, GradientsReachGainsDelaysAndFilters) {
  expect_gradient(
      [&](const std::vector<at::Tensor>& x) {
        SignalFlow flow(1, kRate);
        const auto loop = flow.loop();
        const auto in = flow.allpass(flow.input(0) + loop, x[0], x[1]);
        const auto line = flow.delay(in, x[2]);
        flow.close(loop, x[3] * flow.filter(line, x[4]));
        const auto network = flow.network({line, flow.tap(line, x[5]) - in}, at::kDouble);
        return at::view_as_real(heard(network)).square().sum();
      },
      {number(0.4), number(9.3), number(33.7), number(0.5),
       at::tensor({0.5, 0.1, 0.0, -0.3, 0.05}, at::kDouble).reshape({1, 5}), number(12.1)},
      1e-6);
}

TEST(SignalFlow, NamesWhatIsWrong) {
  SignalFlow flow(1, kRate);
  EXPECT_THROW(flow.input(1), ContractError);
  const auto loop = flow.loop();
  EXPECT_THROW(flow.network({flow.delay(loop, 5)}), ContractError) << "left open";
  flow.close(loop, loop + flow.input(0));
  EXPECT_THROW(flow.network({flow.delay(loop, 5)}), ContractError) << "feeds itself in full";
  EXPECT_THROW(flow.close(loop, flow.input(0)), ContractError) << "closed twice";
  EXPECT_THROW(flow.close(flow.input(0), flow.input(0)), ContractError);
  EXPECT_THROW(flow.tap(flow.input(0), 3), ContractError);
  EXPECT_THROW(flow.delay(at::ones({2}) * flow.input(0), 5), ContractError);
}

}  // namespace
}  // namespace diffverb
