#include "train/bench/bench_precision.h"

#include <ATen/ops/arange.h>
#include <ATen/ops/complex.h>
#include <torch/csrc/autograd/autograd.h>

#include <cmath>
#include <numbers>
#include <string>

#include "core/matrices/haar.h"
#include "core/solvers/solvers.h"
#include "core/tensor.h"
#include "train/bench/bench_solvers.h"
#include "train/bench/bench_timing.h"

namespace diffverb {
namespace {

constexpr std::int64_t kLines = 16, kBins = 48001, kSamples = 480000;
const double kDamping = std::pow(10.0, 30.0 / 20 / static_cast<double>(2 * (kBins - 1)));

DelayNetwork network_near(double distance, at::ScalarType dtype) {
  DelayNetwork network = bench_network(kLines, 0);
  network.a = ((1 - distance) * haar_orthogonal(kLines, 1, true)).to(at::kFloat);
  for (auto* tensor : {&network.a, &network.b, &network.c, &network.d}) *tensor = tensor->to(dtype);
  return network;
}

/// The answer in float64, and the gradients of its product with `weight`.
struct Answer {
  at::Tensor value;
  std::vector<at::Tensor> gradients;
};

template <typename Solve>
Answer answer(double distance, at::ScalarType dtype, const at::Tensor& weight, const Solve& solve) {
  DelayNetwork network = network_near(distance, dtype);
  const auto leaves = require_gradients(network, false);
  const auto value = solve(network);
  Answer out;
  for (const auto& gradient : torch::autograd::grad({value}, leaves, {weight.to(value.scalar_type())}))
    out.gradients.push_back(gradient.to(at::kDouble));
  out.value = value.detach().to(value.is_complex() ? at::kComplexDouble : at::kDouble);
  return out;
}

template <typename Solve>
void compare(double distance, const at::Tensor& weight, const Solve& solve, double& error, double& gradient_error) {
  const auto single = answer(distance, at::kFloat, weight, solve), exact = answer(distance, at::kDouble, weight, solve);
  error = largest_difference({single.value}, {exact.value});
  gradient_error = largest_difference(single.gradients, exact.gradients);
}

}  // namespace

SolverErrors solver_errors(double distance) {
  const auto omega = at::arange(kBins, at::kDouble) * (std::numbers::pi / static_cast<double>(kBins - 1));
  const auto weight = at::complex(normal_matrix(1, kBins, 5), normal_matrix(1, kBins, 6)).reshape({1, 1, kBins});
  const auto input = normal_matrix(1, kSamples, 7), output_weight = normal_matrix(1, kSamples, 8);
  SolverErrors errors;
  compare(
      distance, weight, [&](const DelayNetwork& network) { return frequency_response(network, omega); },
      errors.response, errors.response_gradient);
  compare(
      distance, weight, [&](const DelayNetwork& network) { return frequency_response(network, omega, kDamping); },
      errors.damped, errors.damped_gradient);
  compare(
      distance, output_weight,
      [&](const DelayNetwork& network) { return time_response(network, input.to(network.a.scalar_type())); },
      errors.output, errors.output_gradient);
  return errors;
}

std::vector<std::function<BenchResult()>> precision_benches() {
  std::vector<std::function<BenchResult()>> benches;
  for (int power = 2; power <= 7; ++power) {
    benches.push_back([power] {
      BenchResult result;
      SolverErrors e;
      result.name = "precision";
      result.size = "N=16 K=48001 T=480000 A=(1-1e-" + std::to_string(power) + ")U f32";
      result.ours_ms = milliseconds([&] { e = solver_errors(std::pow(10.0, -power)); });
      result.figures = {{"response", e.response}, {"response_gradient", e.response_gradient},
                        {"damped", e.damped},     {"damped_gradient", e.damped_gradient},
                        {"output", e.output},     {"output_gradient", e.output_gradient}};
      return result;
    });
  }
  return benches;
}

}  // namespace diffverb
