// What every registered loss keeps to, whatever it measures. A new loss is tested without a line here.
#include <ATen/ops/arange.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/equal.h>
#include <ATen/ops/fft_rfft.h>
#include <ATen/ops/linspace.h>
#include <ATen/ops/ones_like.h>
#include <ATen/ops/pad.h>
#include <ATen/ops/pow.h>
#include <ATen/ops/randn.h>
#include <ATen/ops/tensor.h>
#include <ATen/ops/zeros_like.h>
#include <gtest/gtest.h>
#include <torch/csrc/autograd/autograd.h>

#include <cmath>
#include <limits>
#include <numbers>

#include "core/error.h"
#include "tests/losses/loss_fixture.h"

namespace diffverb {
namespace {

constexpr double kRateHz = 16000;
constexpr std::int64_t kLength = 8000;

at::Tensor hadamard4() {
  return at::tensor({1., 1., 1., 1., 1., -1., 1., -1., 1., 1., -1., -1., 1., -1., -1., 1.}, at::kDouble)
             .reshape({4, 4}) /
         2;
}

Response response_of(const at::Tensor& ir, const at::Tensor& matrix) {
  Response response(ir, kRateHz);
  response.set("feedback_matrix", matrix);
  response.set_transfer_function(at::fft_rfft(ir).unsqueeze(2));  // [B, C, 1, F]
  return response;
}

/// Modes that ring through a tail, one every third of an octave.
at::Tensor modes() {
  const auto time_s = at::arange(kLength, at::kDouble) / kRateHz;
  auto sum = at::zeros_like(time_s);
  for (double hz = 250; hz < 7000; hz *= std::cbrt(2.0)) sum += (time_s * (2 * std::numbers::pi * hz)).sin();
  return 0.05 * sum * at::pow(10.0, time_s * (-3 / 0.25));
}

/// A target, and an estimate that differs from it in everything: noise, decay, level, coherence, ringing modes and
/// matrix.
class ContractLosses : public testing::TestWithParam<std::string> {
 protected:
  at::Tensor target_ir = decaying_noise(1, 3, kLength, kRateHz, 0.25);
  at::Tensor target_matrix = hadamard4();
  at::Tensor ir =
      (decaying_noise(2, 3, kLength, kRateHz, 0.2) + decaying_noise(3, 1, kLength, kRateHz, 0.2)) * 0.5 + modes();
  at::Tensor matrix = hadamard4() + 0.1 * at::linspace(-1, 1, 16, at::kDouble).reshape({4, 4});
  std::unique_ptr<Loss> loss = make_loss(GetParam());

  Response target() const { return response_of(target_ir, target_matrix); }
  void SetUp() override { loss->prepare(target()); }

  struct Gradient {
    at::Tensor value, ir, matrix;  // a gradient is undefined where the loss does not read the tensor
  };
  Gradient gradient_at(const at::Tensor& at_ir, const at::Tensor& at_matrix) const {
    const auto x = at_ir.clone().set_requires_grad(true), a = at_matrix.clone().set_requires_grad(true);
    const auto value = loss->evaluate(response_of(x, a));
    const auto gradients = torch::autograd::grad({value}, {x, a}, {}, std::nullopt, false, /*allow_unused=*/true);
    return {value, gradients[0], gradients[1]};
  }
  bool reads_ir() const { return gradient_at(ir, matrix).ir.defined(); }
  bool reads_matrix() const { return gradient_at(ir, matrix).matrix.defined(); }

  static void expect_finite(const Gradient& g) {
    EXPECT_TRUE(std::isfinite(g.value.item<double>())) << g.value.item<double>();
    EXPECT_TRUE(g.ir.defined() || g.matrix.defined()) << "the loss depends on nothing";
    if (g.ir.defined()) {
      EXPECT_TRUE(g.ir.isfinite().all().item<bool>());
    }
    if (g.matrix.defined()) {
      EXPECT_TRUE(g.matrix.isfinite().all().item<bool>());
    }
  }
};

TEST_P(ContractLosses, ReturnsAScalar) {
  const auto value = loss->evaluate(response_of(ir, matrix));
  EXPECT_EQ(value.dim(), 0);
  EXPECT_TRUE(std::isfinite(value.item<double>()));
}

TEST_P(ContractLosses, HasItsStatedValueAtTheTargetAndMoreElsewhere) {
  const auto elsewhere_tensor = loss->evaluate(response_of(ir, matrix));
  const double elsewhere = elsewhere_tensor.item<double>();
  // A loss in single precision may also estimate something of the target (edc: the noise floor that it takes off), and
  // be a little off.
  const double share = elsewhere_tensor.scalar_type() == at::kFloat ? 2e-2 : 1e-9;
  const double tolerance = share * std::abs(elsewhere - loss->value_at_target());
  EXPECT_NEAR(loss->evaluate(target()).item<double>(), loss->value_at_target(), tolerance);
  EXPECT_GT(elsewhere, loss->value_at_target());
}

TEST_P(ContractLosses, GradientIsTheSlopeInFiniteDifferences) {
  const Gradient g = gradient_at(ir, matrix);
  // A loss that computes in single precision says so by the type that it returns.
  const bool single = g.value.scalar_type() == at::kFloat;
  const double step = single ? 3e-3 : 1e-6, tolerance = single ? 1e-2 : 1e-6;
  double largest = 0;
  for (int trial = 0; trial < 4; ++trial) {
    auto generator = at::make_generator<at::CPUGeneratorImpl>(100 + trial);
    // The first way is the steepest that changes every number by the same share of itself; the others are random.
    const auto way = [&](const at::Tensor& gradient, const at::Tensor& x) -> at::Tensor {
      if (!gradient.defined()) return at::zeros_like(x);
      const auto v = x.abs() * (trial == 0 ? gradient.sign() : at::randn(x.sizes(), generator, at::kDouble));
      return v * (x.norm() / v.norm().clamp_min(std::numeric_limits<double>::min()));
    };
    const auto v = way(g.ir, ir), w = way(g.matrix, matrix);
    const double ahead = loss->evaluate(response_of(ir + step * v, matrix + step * w)).item<double>();
    const double behind = loss->evaluate(response_of(ir - step * v, matrix - step * w)).item<double>();
    const double measured = (ahead - behind) / (2 * step);
    double stated = 0;
    if (g.ir.defined()) stated += (g.ir * v).sum().item<double>();
    if (g.matrix.defined()) stated += (g.matrix * w).sum().item<double>();
    if (trial == 0) largest = std::abs(stated);
    EXPECT_NEAR(measured, stated, tolerance * largest) << "direction " << trial;
  }
  EXPECT_GT(largest, 0) << "a gradient that is zero everywhere teaches nothing";
}

TEST_P(ContractLosses, ValueAndGradientAreFiniteAtSilence) {
  expect_finite(gradient_at(at::zeros_like(ir), at::zeros_like(matrix)));
}

TEST_P(ContractLosses, ValueAndGradientAreFiniteForASingleSampleAndAtFullScale) {
  auto sample = at::zeros_like(ir), middle = at::zeros_like(ir);
  sample.select(2, 0).fill_(1);
  middle.select(2, kLength / 2).fill_(1);
  const auto square = (at::arange(kLength, at::kDouble) * 0.4).sin().sign().expand_as(ir);
  for (const auto type : {at::kDouble, at::kFloat}) {
    loss->prepare(response_of(target_ir.to(type), target_matrix.to(type)));
    for (const at::Tensor& x : {sample, middle, at::ones_like(ir), square})
      expect_finite(gradient_at(x.to(type), matrix.to(type)));
  }
}

TEST_P(ContractLosses, ValueAndGradientAreFiniteAtTheTarget) { expect_finite(gradient_at(target_ir, target_matrix)); }

TEST_P(ContractLosses, ValueAndGradientAreFiniteInSinglePrecision) {
  loss->prepare(response_of(target_ir.to(at::kFloat), target_matrix.to(at::kFloat)));
  const auto x = ir.to(at::kFloat), a = matrix.to(at::kFloat);
  const Gradient g = gradient_at(x, a);
  expect_finite(g);
  expect_finite(gradient_at(at::zeros_like(x), at::zeros_like(a)));
  loss->prepare(target());
  const double in_double = loss->evaluate(response_of(ir, matrix)).item<double>();
  EXPECT_NEAR(g.value.item<double>(), in_double, 1e-4 * std::abs(in_double));
}

TEST_P(ContractLosses, ValueAndGradientAreFiniteForSoftAndLoudResponses) {
  for (const double gain : {1e-5, 1e4}) {
    loss->prepare(response_of((target_ir * gain).to(at::kFloat), target_matrix.to(at::kFloat)));
    expect_finite(gradient_at((ir * gain).to(at::kFloat), matrix.to(at::kFloat)));
  }
}

/// Shapes that a loss may refuse with a ContractError (too short for a decay, one response at a time), but not answer
/// with nonsense.
TEST_P(ContractLosses, AnswersOrRefusesOtherShapes) {
  const auto measure = [&](const at::Tensor& h, const at::Tensor& g) {
    try {
      loss->prepare(response_of(g, target_matrix));
      expect_finite(gradient_at(h, matrix));
    } catch (const ContractError& refused) {
      EXPECT_NE(std::string(refused.what()).find(GetParam()), std::string::npos)
          << "says who refuses: " << refused.what();
    }
  };
  measure(decaying_noise(3, 8, kLength, kRateHz, 0.2), decaying_noise(4, 8, kLength, kRateHz, 0.25));
  measure(at::cat({ir, target_ir}), at::cat({target_ir, ir}));          // B = 2
  measure(ir.slice(2, 0, 800), target_ir.slice(2, 0, 800));             // 50 ms
  measure(ir.slice(2, 0, 10), target_ir.slice(2, 0, 10));               // shorter than any window
  measure(ir.slice(1, 0, 1), target_ir.slice(1, 0, 1));                 // mono
  measure(ir.transpose(1, 2).contiguous().transpose(1, 2), target_ir);  // not contiguous
  measure(ir, at::zeros_like(ir));                                      // nothing to compare with
}

TEST_P(ContractLosses, IsTheSameInEveryRun) {
  const Gradient first = gradient_at(ir, matrix), second = gradient_at(ir, matrix);
  EXPECT_EQ(first.value.item<double>(), second.value.item<double>());
  if (first.ir.defined()) {
    EXPECT_TRUE(at::equal(first.ir, second.ir));
  }
  if (first.matrix.defined()) {
    EXPECT_TRUE(at::equal(first.matrix, second.matrix));
  }
}

TEST_P(ContractLosses, CanBePreparedAgainForAnotherTarget) {
  const double before = loss->evaluate(response_of(ir, matrix)).item<double>();
  loss->prepare(response_of(decaying_noise(7, 4, 6000, kRateHz, 0.15), target_matrix));
  loss->prepare(target());
  EXPECT_EQ(loss->evaluate(response_of(ir, matrix)).item<double>(), before);
}

TEST_P(ContractLosses, RefusesUnequalShapesAndRates) {
  if (reads_ir()) {
    const auto longer = at::pad(ir, {0, 2}), more = at::cat({ir, ir}, 1);
    EXPECT_THROW(loss->evaluate(response_of(longer, matrix)), ContractError);
    EXPECT_THROW(loss->evaluate(response_of(more, matrix)), ContractError);
    Response other = response_of(ir, matrix);
    other.set_sample_rate_hz(2 * kRateHz);
    EXPECT_THROW(loss->evaluate(other), ContractError);
    EXPECT_THROW(make_loss(GetParam())->evaluate(response_of(ir, matrix)), ContractError) << "nothing was prepared";
  }
  if (reads_matrix()) {
    EXPECT_THROW(loss->evaluate(response_of(ir, matrix.slice(0, 0, 3))), ContractError);
    EXPECT_THROW(loss->evaluate(Response(ir, kRateHz)), ContractError) << "no feedback matrix";
  }
}

TEST_P(ContractLosses, ComesBackFromItsResolvedYaml) {
  Fields fields = Fields::from_text("{}");
  auto first = family<Loss>().make(GetParam(), fields);
  const std::string resolved = fields.resolved_yaml();
  Fields again = Fields::from_text(resolved);
  auto second = family<Loss>().make(GetParam(), again);
  EXPECT_EQ(again.resolved_yaml(), resolved);
  const auto h = response_of(ir, matrix);
  EXPECT_EQ((*first)(h, target()).item<double>(), (*second)(h, target()).item<double>());
}

TEST_P(ContractLosses, RefusesAKeyThatItDoesNotKnow) {
  EXPECT_THROW(make_loss(GetParam(), "no_such_key: 1"), ConfigError);
}

INSTANTIATE_TEST_SUITE_P(Contract, ContractLosses, testing::ValuesIn(family<Loss>().names()),
                         [](const auto& info) { return info.param; });

}  // namespace
}  // namespace diffverb
