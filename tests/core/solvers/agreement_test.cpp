// The frequency solver, the time solver and the engine that plays the exported weights are three programs for one
// network.
#include <ATen/ops/zeros.h>
#include <gtest/gtest.h>

#include "core/solvers/solvers.h"
#include "core/tensor.h"
#include "runtime/engine.h"
#include "tests/core/solvers/network_fixture.h"

namespace diffverb {
namespace {

DelayNetwork decaying_network(at::ScalarType dtype, bool whole) {
  auto network = random_network({6, 2, 2, 2}, 211, dtype, 20, 90, whole);
  network.a = network.a * 0.6;  // 1e-12 after 8192 samples
  return network;
}

at::Tensor play_by_engine(const DelayNetwork& network, std::int64_t samples) {
  runtime::DelayNetworkWeights weights;
  const auto floats = [](const at::Tensor& t) {
    const auto flat = t.detach().to(at::kFloat).contiguous();
    return std::vector<float>(flat.const_data_ptr<float>(), flat.const_data_ptr<float>() + flat.numel());
  };
  weights.sample_rate_hz = network.sample_rate_hz;
  weights.lines = static_cast<int>(network.lines());
  weights.inputs = static_cast<int>(network.inputs());
  weights.outputs = static_cast<int>(network.outputs());
  weights.line_sections = static_cast<int>(network.sections());
  weights.A = floats(network.a);
  weights.B = floats(network.b);
  weights.C = floats(network.c);
  weights.D = floats(network.d);
  for (std::int64_t j = 0; j < network.lines(); ++j)
    weights.delays.push_back(static_cast<std::int32_t>(network.delays[j].item<double>()));
  const auto sos = network.line_sos.contiguous();
  weights.line_sos.assign(sos.const_data_ptr<double>(), sos.const_data_ptr<double>() + sos.numel());
  const auto loaded = runtime::make_model(std::move(weights));
  if (!loaded) throw std::runtime_error(loaded.error);
  runtime::Engine engine;
  const std::string problem = engine.prepare(loaded.model, network.sample_rate_hz);
  if (!problem.empty()) throw std::runtime_error(problem);
  auto out = at::zeros({network.outputs(), network.inputs(), samples});
  for (std::int64_t i = 0; i < network.inputs(); ++i) {
    engine.reset();
    auto input = at::zeros({network.inputs(), samples});
    input[i][0] = 1;
    auto output = at::zeros({network.outputs(), samples});
    std::vector<const float*> in;
    std::vector<float*> to;
    for (std::int64_t k = 0; k < network.inputs(); ++k) in.push_back(input.const_data_ptr<float>() + k * samples);
    for (std::int64_t o = 0; o < network.outputs(); ++o) to.push_back(output.mutable_data_ptr<float>() + o * samples);
    engine.process(in.data(), to.data(), static_cast<int>(samples));
    out.select(1, i).copy_(output);
  }
  return out;
}

TEST(SolverAgreement, HoldsForWholeDelaysBetweenFrequencyAndTime) {
  const auto network = decaying_network(at::kDouble, true);
  EXPECT_LT(relative_error(impulse_response_by_fft(network, 8192), impulse_response(network, 8192)), 1e-10);
}

TEST(SolverAgreement, HoldsForFractionalDelaysThroughTheSharedInterpolator) {
  const auto network = with_whole_delays(decaying_network(at::kDouble, false));
  EXPECT_LT(relative_error(impulse_response_by_fft(network, 8192), impulse_response(network, 8192)), 1e-10);
}

TEST(SolverAgreement, HoldsInFloat32) {
  for (const bool whole : {true, false}) {
    const auto network = with_whole_delays(decaying_network(at::kFloat, whole));
    EXPECT_LT(relative_error(impulse_response_by_fft(network, 8192), impulse_response(network, 8192)), 1e-5);
  }
}

TEST(SolverAgreement, HoldsWithTheEngineThatPlaysTheWeights) {
  for (const bool whole : {true, false}) {
    const auto network = with_whole_delays(decaying_network(at::kFloat, whole));
    const auto played = play_by_engine(network, 8192);
    EXPECT_LT(relative_error(played, impulse_response(network, 8192)), 1e-5);
    EXPECT_LT(relative_error(played, impulse_response_by_fft(network, 8192)), 1e-5);
  }
}

TEST(SolverAgreement, HoldsForATailLongerThanTheTransformWhenItsAliasIsDamped) {
  auto network = random_network({4, 1, 1, 1}, 221, at::kDouble, 20, 60);
  network.a = network.a * 1.2;
  const auto exact = impulse_response(network, 1024);
  EXPECT_GT(relative_error(impulse_response_by_fft(network, 1024), exact), 1e-6)
      << "the tail does not alias: nothing is tested";
  EXPECT_LT(relative_error(impulse_response_by_fft(network, 1024, 160), exact), 1e-7);
}

TEST(SolverAgreement, HoldsForTheGradients) {
  const auto network = decaying_network(at::kDouble, true);
  const auto weight = uniform({2, 2, 4096}, -1, 1, 231);
  std::vector<std::vector<at::Tensor>> gradients;
  for (const bool by_time : {true, false}) {
    std::vector<at::Tensor> x;
    for (const auto& t : {network.a, network.b, network.c, network.d, network.line_sos})
      x.push_back(t.clone().set_requires_grad(true));
    const auto played = with_tensors(network, x);
    const auto h = by_time ? impulse_response(played, 4096) : impulse_response_by_fft(played, 4096);
    gradients.push_back(torch::autograd::grad({(h * weight).sum()}, x));
  }
  for (std::size_t i = 0; i < 5; ++i)
    EXPECT_LT(relative_error(gradients[1][i], gradients[0][i]), 1e-7) << "argument " << i;
}

}  // namespace
}  // namespace diffverb
