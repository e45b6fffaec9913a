// neural_volterra: frames that are views, what the network plays, kernels that change with the level.
#include "models/neural_volterra.h"

#include <ATen/ops/arange.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/equal.h>
#include <ATen/ops/ones.h>
#include <ATen/ops/zeros.h>
#include <gtest/gtest.h>

#include <cmath>

#include "core/error.h"
#include "tests/core/solvers/network_fixture.h"

namespace diffverb {
namespace {

NeuralVolterra make(const std::string& keys) {
  Fields fields = Fields::from_text("{" + keys + "}");
  return NeuralVolterra(fields);
}

TEST(FrameSignal, SharesTheStorageOfTheSignal) {
  const auto padded = with_history(uniform({2, 1, 1000}, -1, 1, 1), 128);
  const auto frames = frame_signal(padded, 128);
  EXPECT_EQ(frames.sizes().vec(), (std::vector<std::int64_t>{2, 1, 1000, 128}));
  EXPECT_TRUE(frames.storage().is_alias_of(padded.storage()));
  EXPECT_EQ(frames.storage().nbytes(), 2 * 1127 * sizeof(double));
  EXPECT_EQ(frames.stride(2), 1);
  EXPECT_EQ(frames.stride(3), 1);
}

TEST(FrameSignal, EachSampleSeesItselfAndThe127BeforeIt) {
  const auto frames = frame_signal(with_history(at::arange(1000, at::kDouble), 128), 128);
  for (const std::int64_t n : {0, 1, 126, 127, 128, 999}) {
    auto expected = at::arange(n - 127, n + 1, at::kDouble).clamp_min(0);
    EXPECT_TRUE(at::equal(frames[n], expected)) << n;
  }
  EXPECT_THROW(frame_signal(at::zeros({127}), 128), ContractError);
}

/// The network from its formula, sample by sample.
at::Tensor play_plainly(const TermModel::Parts& parts, const at::Tensor& x, double rate_hz) {
  const FrameNetwork& net = parts.networks[0];
  const std::int64_t samples = x.size(2), units = net.kernels.size(0), frame = net.kernels.size(2);
  auto y = at::zeros({net.output.size(0), samples}, at::kDouble);
  std::vector<double> power(net.state_ms.size(), 0.0);
  for (std::int64_t n = 0; n < samples; ++n) {
    double square = 0;
    for (std::int64_t i = 0; i < x.size(1); ++i)
      square += std::pow(x[0][i][n].item<double>(), 2) / static_cast<double>(x.size(1));
    for (std::size_t k = 0; k < power.size(); ++k)
      power[k] += (1 - std::exp(-1000 / (net.state_ms[k] * rate_hz))) * (square - power[k]);
    for (std::int64_t h = 0; h < units; ++h) {
      double z = net.bias[h].item<double>(), gain = 1, offset = 0;
      for (std::int64_t i = 0; i < x.size(1); ++i) {
        for (std::int64_t d = 0; d < std::min(frame, n + 1); ++d)
          z += net.kernels[h][i][frame - 1 - d].item<double>() * x[0][i][n - d].item<double>();
      }
      for (std::size_t k = 0; k < power.size(); ++k) {
        gain += net.scale[h][static_cast<std::int64_t>(k)].item<double>() * std::sqrt(power[k]);
        offset += net.shift[h][static_cast<std::int64_t>(k)].item<double>() * std::sqrt(power[k]);
      }
      const double unit = std::max(gain * z + offset, 0.0) - std::max(net.bias[h].item<double>(), 0.0);
      for (std::int64_t o = 0; o < y.size(0); ++o) y[o][n] += net.output[o][h].item<double>() * unit;
    }
  }
  return y;
}

/// Gives scale and shift values to hear.
void condition(const NeuralVolterra& model) {
  const at::NoGradGuard no_grad;
  for (const auto& [name, leaf] : model.parameters()) {
    if (name == "scale" || name == "shift") leaf.copy_(uniform(leaf.sizes().vec(), -0.8, 0.8, 4));
  }
}

TEST(NeuralVolterra, PlaysItsFormula) {
  const at::NoGradGuard no_grad;
  for (const char* states : {"[]", "[3]", "[2, 40]"}) {
    const auto model =
        make(std::string("sample_rate_hz: 8000, inputs: 2, outputs: 2, frame: 9, hidden: 5, state_ms: ") + states);
    condition(model);
    const auto x = uniform({1, 2, 120}, -1, 1, 3);
    EXPECT_LT(relative_error(model.play(x)[0], play_plainly(model.parts(), x, 8000)), 1e-5) << states;
  }
}

TEST(NeuralVolterra, IsTheSeedsNetworkAsItStands) {
  const auto model = make("");
  EXPECT_EQ(model.parameters().at("hidden").sizes().vec(), (std::vector<std::int64_t>{64, 1, 128}));
  EXPECT_EQ(model.parameters().at("output").sizes().vec(), (std::vector<std::int64_t>{1, 64}));
  EXPECT_EQ(model.frame(), 128);
}

TEST(NeuralVolterra, HearsTheLastFrameAndNothingElse) {
  const at::NoGradGuard no_grad;
  const auto model = make("");
  auto x = uniform({1, 1, 1000}, -1, 1, 3);
  const auto before = model.play(x);
  x[0][0][400] += 0.5;
  const auto change = (model.play(x) - before)[0][0].abs();
  EXPECT_EQ(largest(change.slice(0, 0, 400)), 0);
  EXPECT_GT(change[400].item<double>(), 0);
  EXPECT_GT(change[400 + 127].item<double>(), 0);
  EXPECT_LT(largest(change.slice(0, 400 + 128)), 1e-12);
}

TEST(NeuralVolterra, SilenceStaysSilentAndItIsNotLinear) {
  const at::NoGradGuard no_grad;
  const auto model = make("state_ms: [10]");
  EXPECT_EQ(largest(model.play(at::zeros({1, 1, 300}, at::kDouble))), 0);
  const auto x = uniform({1, 1, 1000}, -1, 1, 3);
  EXPECT_GT(relative_error(model.play(2 * x), 2 * model.play(x)), 0.01);
}

TEST(NeuralVolterra, StaysWithinTheBoundOfItsWeights) {
  const at::NoGradGuard no_grad;
  for (const char* states : {"[]", "[2, 40]"}) {
    const auto model = make(std::string("sample_rate_hz: 8000, frame: 9, hidden: 5, state_ms: ") + states);
    condition(model);
    for (const double peak : {0.1, 1.0, 10.0})
      EXPECT_LE(largest(model.play(peak * uniform({1, 1, 4000}, -1, 1, 5).sign())), model.bound(peak)) << states;
  }
  // One unit that never rests reaches it.
  const auto one = make("frame: 3, hidden: 1");
  auto parameters = one.parameters();
  parameters.at("hidden").copy_(uniform({1, 1, 3}, -1, 1, 6));
  parameters.at("bias").zero_();
  const auto worst = 2 * parameters.at("hidden").sign();
  EXPECT_NEAR(largest(one.play(worst)), one.bound(2), 1e-12);
}

TEST(NeuralVolterra, StreamedWithItsHistoryIsTheWhole) {
  const at::NoGradGuard no_grad;
  const auto model = make("frame: 16, hidden: 8");
  const std::int64_t samples = FrameNetwork::kBlock + 300, cut = 7001;  // over the end of a block too
  const auto x = uniform({2, 1, samples}, -1, 1, 3);
  const auto whole = model.play(x);
  const auto second = model.play(x.slice(2, cut - 15)).slice(2, 15);
  EXPECT_LT(largest(at::cat({model.play(x.slice(2, 0, cut)), second}, 2) - whole), 1e-12);
}

TEST(NeuralVolterra, ItsKernelsGrowWithTheLevelWhereTheyAreConditioned) {
  const at::NoGradGuard no_grad;
  const auto model = make("sample_rate_hz: 8000, frame: 4, hidden: 1, state_ms: [50]");
  auto parameters = model.parameters();
  parameters.at("hidden").fill_(1);  // a sum of four samples, as long as it is positive
  parameters.at("bias").zero_();
  parameters.at("output").fill_(1);
  parameters.at("scale").fill_(2);
  // A constant of 0.5: its level becomes 0.5, the kernel grows from 1 to 1 + 2 0.5.
  const auto y = model.play(0.5 * at::ones({1, 1, 8000}, at::kDouble))[0][0];
  const double share = 1 - std::exp(-1000.0 / (50 * 8000));
  EXPECT_NEAR(y[0].item<double>(), 0.5 * (1 + 2 * 0.5 * std::sqrt(share)), 1e-5);
  EXPECT_NEAR(y[7999].item<double>(), 4 * 0.5 * 2, 1e-5);
}

TEST(NeuralVolterra, RefusesWhatItCannotBe) {
  EXPECT_THROW(make("state_ms: [0]"), ConfigError);
  EXPECT_THROW(make("state_ms: [1, 2, 3, 4, 5, 6, 7, 8, 9]"), ConfigError);
  EXPECT_THROW(make("frame: 0"), ConfigError);
  EXPECT_THROW(make("").play(at::zeros({1, 2, 10}, at::kDouble)), ContractError);
}

}  // namespace
}  // namespace diffverb
