#include "models/sine_field.h"

#include <ATen/ops/allclose.h>
#include <ATen/ops/arange.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/equal.h>
#include <ATen/ops/scalar_tensor.h>
#include <ATen/ops/tensor.h>
#include <ATen/ops/zeros.h>
#include <gtest/gtest.h>
#include <torch/csrc/autograd/autograd.h>

#include <cmath>
#include <numbers>

#include "core/device/operator_watch.h"
#include "core/error.h"
#include "tests/core/solvers/network_fixture.h"

namespace diffverb {
namespace {

using std::numbers::pi;

at::Tensor doubles(const std::vector<double>& values) { return at::tensor(values, at::kDouble); }

SineNetwork small_network(std::int64_t inputs) {
  Random random(3);
  return SineNetwork({.inputs = inputs, .width = 8, .layers = 3, .omega_0 = 1.3}, random, at::kDouble);
}

SineField field_of(const std::string& yaml) {
  Fields fields = Fields::from_text(yaml);
  return SineField(fields);
}

/// The weights of a field with one layer of sines: p = sum_j a_j sin(k_j . xi + w_j tau + phase_j).
void set_waves(SineField& field, const at::Tensor& waves, const at::Tensor& phases, const at::Tensor& amplitudes) {
  const at::NoGradGuard no_grad;
  auto parameters = field.parameters();
  parameters.at("layer_1.weight").copy_(waves);
  parameters.at("layer_1.bias").copy_(phases);
  parameters.at("layer_2.weight").copy_(amplitudes.unsqueeze(0));
}

TEST(SineNetwork, DerivativesAreThoseOfDoubleAutograd) {
  const std::int64_t inputs = 4;
  const SineNetwork network = small_network(inputs);
  const auto x = uniform({6, inputs}, -2, 2, 5).set_requires_grad(true);
  const auto value = network.value(x);
  const auto gradient = torch::autograd::grad({value.sum()}, {x}, {}, true, true)[0];  // [P, D]
  for (std::int64_t d = 0; d < inputs; ++d) {
    const auto second = torch::autograd::grad({gradient.select(1, d).sum()}, {x}, {}, true)[0].select(1, d);
    auto only = at::zeros({inputs}, at::kDouble);
    only[d] = 1;
    const SineJet jet = network.jet(x.detach(), only);
    EXPECT_TRUE(at::allclose(jet.value, value, 1e-12, 1e-14));
    EXPECT_TRUE(at::allclose(jet.gradient[d], gradient.select(1, d), 1e-10, 1e-13)) << d;
    EXPECT_TRUE(at::allclose(jet.second, second, 1e-10, 1e-13)) << d;
    EXPECT_GT(largest(second), 1e-4) << "nothing was compared";
  }
}

TEST(SineNetwork, SecondDerivativesAddUpWithTheirCoefficients) {
  const SineNetwork network = small_network(2);
  const auto x = uniform({5, 2}, -2, 2, 6);
  const auto second = [&](double a, double b) { return network.jet(x, doubles({a, b})).second; };
  EXPECT_TRUE(at::allclose(second(-1, 2.5), -1 * second(1, 0) + 2.5 * second(0, 1), 1e-10, 1e-14));
}

TEST(SineNetwork, GradientOfTheResidualIsThatOfFiniteDifferences) {
  const SineNetwork network = small_network(3);
  const auto x = uniform({7, 3}, -2, 2, 7), c = doubles({-1, -1, 1});
  const auto score = [&] {
    const SineJet jet = network.jet(x, c);
    return jet.second.square().sum() + jet.gradient.square().sum() + jet.value.sum();
  };
  std::map<std::string, at::Tensor> parameters;
  network.add_parameters(parameters);
  score().backward();
  const at::NoGradGuard no_grad;
  for (const auto& [name, leaf] : parameters) {
    const auto way = uniform(leaf.sizes().vec(), 0.5, 1, 8), start = leaf.clone();
    const auto at_step = [&](double step) {
      leaf.copy_(start + step * way);
      return score().item<double>();
    };
    const double h = 1e-5, difference = (at_step(h) - at_step(-h)) / (2 * h);
    leaf.copy_(start);
    const double expected = (leaf.grad() * way).sum().item<double>();
    EXPECT_NEAR(difference, expected, 1e-6 * (leaf.grad() * way).abs().sum().item<double>()) << name;
    EXPECT_GT(largest(leaf.grad()), 0) << name;
  }
}

TEST(SpreadPoints, FillEveryCellOfTheSquareAlikeAndGoOnSetAfterSet) {
  Random random(2);
  const SpreadPoints points(2, random);
  const auto set = [](std::int64_t number) { return at::scalar_tensor(number, at::kLong); };
  const auto drawn = points.draw(set(0), 1600);
  EXPECT_TRUE(at::allclose(drawn, at::cat({points.draw(set(0), 800), points.draw(set(1), 800)}), 0, 1e-12));
  const auto cell = (drawn * 4).floor();
  for (int i = 0; i < 4; ++i) {
    for (int j = 0; j < 4; ++j)
      EXPECT_NEAR((cell.select(1, 0).eq(i) * cell.select(1, 1).eq(j)).sum().item<double>(), 100, 4);
  }
}

TEST(SineField, PlaneWavesSolveTheWaveEquationWhateverTheirAmplitudes) {
  const std::string room = "size_m: [3, 2, 2.5], layers: 1, width: 40, points: 300, ";
  for (const auto& [start, solves] : {std::pair("waves", true), std::pair("uniform", false)}) {
    SineField field = field_of("{" + room + "start: " + start + "}");
    field.place_microphones(doubles({1, 1, 1}).unsqueeze(0), 10, 2000);
    const at::NoGradGuard no_grad;
    field.parameters().at("layer_2.weight").copy_(uniform({1, 40}, -1, 1, 4));
    const double residual = largest(field.forward({}).get("wave_residual"));
    EXPECT_EQ(residual < 1e-4, solves) << start << " " << residual;
  }
}

/// The mode of a string of length 1: cos (rigid ends) or sin (held ones) of n pi x, times cos(w t).
SineField string_mode(int n, bool held, double seconds) {
  SineField field = field_of("{size_m: [1], speed_m_s: 100, high_hz: 200, seconds: " + std::to_string(seconds) +
                             ", layers: 1, width: 2, points: 50, wall_points: 40, start_points: 30, reflection: [" +
                             (held ? "-1" : "1") + "]}");
  const double k = 2 * pi * 200 / 100, kappa = n * pi / k, half = n * pi * 100 * seconds / 2;
  const double phase = n * pi / 2 + (held ? 0 : pi / 2);  // from the middle of the string
  set_waves(field, doubles({kappa, -kappa, kappa, kappa}).view({2, 2}), doubles({phase - half, phase + half}),
            doubles({0.5, 0.5}));
  field.place_microphones(doubles({0.3, 0.8}).unsqueeze(1), 30, 1500);
  return field;
}

TEST(SineField, ModesOfAStringLeaveNothingOfAnyResidualAndAreHeardAsTheClosedFormSays) {
  const at::NoGradGuard no_grad;
  for (const bool held : {true, false}) {
    SineField field = string_mode(3, held, 0.02);
    const auto response = field.forward({});
    EXPECT_LT(largest(response.get("wave_residual")), 2e-6);
    EXPECT_LT(largest(response.get("wall_residual")), 1e-5);
    const auto start = response.get("start_residual");  // it begins at its widest, and at rest
    EXPECT_GT(largest(start.slice(0, 0, 30)), 0.5);
    EXPECT_LT(largest(start.slice(0, 30, 60)), 1e-5);
    const auto time = at::arange(30, at::kDouble) / 1500;
    for (int m = 0; m < 2; ++m) {
      const double x = m == 0 ? 0.3 : 0.8, shape = held ? std::sin(3 * pi * x) : std::cos(3 * pi * x);
      EXPECT_LT(largest(response.ir()[0][m] - shape * (3 * pi * 100 * time).cos()), 2e-5);
    }
    EXPECT_TRUE(at::equal(response.ir()[0], field.pressure(doubles({0.3, 0.8}).unsqueeze(1), 30, 1500)));
  }
}

TEST(SineField, AWallThatReflectsAPartIsSolvedByTheWaveAndItsEcho) {
  SineField field = field_of(
      "{size_m: [1], speed_m_s: 100, high_hz: 200, seconds: 0.02, layers: 1, width: 2, wall_points: 40, "
      "reflection: [1, 0.4]}");
  const double end = pi * 200 / 100;  // xi of the right wall
  set_waves(field, doubles({0.7, -0.7, -0.7, -0.7}).view({2, 2}), doubles({0, 2 * 0.7 * end}), doubles({1, 0.4}));
  field.place_microphones(doubles({0.5}).unsqueeze(1), 4, 1500);
  const auto residual = field.forward({}).get("wall_residual").detach().view({20, 2});
  EXPECT_LT(largest(residual.select(1, 1)), 1e-5);
  EXPECT_GT(largest(residual.select(1, 0)), 0.1) << "the left wall is none of this wave's";
}

TEST(SineField, LeavesOutTheWaveEquationRoundTheSource) {
  const std::string room = "size_m: [1, 1], start: uniform, points: 400, source_radius_m: 0.3";
  SineField with = field_of("{" + room + ", source_m: [0.5, 0.5]}"), without = field_of("{" + room + "}");
  const at::NoGradGuard no_grad;
  at::Tensor residual[2];
  for (SineField* field : {&with, &without}) {
    field->place_microphones(doubles({0.1, 0.1}).unsqueeze(0), 4, 1500);
    field->parameters().at("layer_4.weight").fill_(1);
    residual[field == &without] = field->forward({}).get("wave_residual");
  }
  const auto left_out = residual[0].eq(0);
  EXPECT_NEAR(left_out.sum().item<double>(), 400 * pi * 0.09, 8);
  EXPECT_TRUE(at::equal(residual[0], residual[1] * left_out.logical_not()));
}

TEST(SineField, TheTargetOfEveryResidualIsZero) {
  SineField field = field_of("{size_m: [1, 2], points: 5, wall_points: 6, start_points: 7}");
  field.place_microphones(doubles({0.1, 0.1}).unsqueeze(0), 4, 1500);
  Response target(at::zeros({1, 1, 4}), 1500);
  field.add_features(target);
  const Response response = field.forward({});
  for (const char* name : {"wave_residual", "wall_residual", "start_residual"}) {
    EXPECT_EQ(target.get(name).sizes(), response.get(name).sizes()) << name;
    EXPECT_EQ(largest(target.get(name)), 0) << name;
  }
}

TEST(SineField, AsksForTheWaveEquationAtOtherPointsEachTime) {
  SineField field = field_of("{size_m: [1, 2], start: uniform}");
  field.place_microphones(doubles({0.1, 0.1}).unsqueeze(0), 4, 1500);
  const at::NoGradGuard no_grad;
  const auto first = field.forward({}).get("wave_residual");
  EXPECT_FALSE(at::equal(first, field.forward({}).get("wave_residual")));
  field.buffers().at("sets_drawn").zero_();
  EXPECT_TRUE(at::equal(first, field.forward({}).get("wave_residual")));
}

TEST(SineField, AStepAsksTheDeviceForNothing) {
  SineField field = field_of("{size_m: [1, 2], source_m: [0.5, 0.5], wall_points: 16, start_points: 16}");
  field.place_microphones(doubles({0.1, 0.1}).unsqueeze(0), 4, 1500);
  const OperatorWatch watch;
  const Response response = field.forward({});
  at::Tensor sum = response.ir().square().sum();
  for (const char* name : {"wave_residual", "wall_residual", "start_residual"})
    sum = sum + response.get(name).square().sum();
  sum.backward();
  EXPECT_GT(watch.count(), 100u) << "a watch that sees nothing proves nothing";
  std::string waiting;
  for (const std::string& name : watch.waiting()) waiting += name + " ";
  EXPECT_EQ(waiting, "");
}

TEST(SineField, RefusesWhatIsNoRoom) {
  for (const char* yaml : {"{}", "{size_m: []}", "{size_m: [1, 1, 1, 1]}", "{size_m: [0]}",
                           "{size_m: [1, 1], source_m: [1]}", "{size_m: [1, 1], reflection: [1, 1, 1]}"})
    EXPECT_THROW(field_of(yaml), ConfigError) << yaml;
  SineField field = field_of("{size_m: [1, 1]}");
  EXPECT_THROW(field.forward({}), ContractError);
  EXPECT_THROW(field.place_microphones(doubles({0.1}).unsqueeze(0), 4, 1500), ContractError);
}

}  // namespace
}  // namespace diffverb
