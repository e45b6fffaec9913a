#include "train/bench/bench_gpu_parts.h"

#include <ATen/ops/arange.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/empty_like.h>
#include <ATen/ops/mm.h>
#include <ATen/ops/pow.h>
#include <ATen/ops/rand.h>
#include <torch/csrc/autograd/autograd.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <numbers>
#include <string>

#include "core/device/cuda_module.h"
#include "core/device/device.h"
#include "core/error.h"
#include "core/matrices/haar.h"
#include "core/solvers/solvers.h"
#include "core/tensor.h"
#include "train/bench/bench_roofline.h"
#include "train/bench/bench_solvers.h"
#include "train/bench/bench_timing.h"
#include "train/fit/stepped_fit.h"
#include "train/optimizer/step_graph.h"

namespace diffverb {
namespace {

constexpr int kTurns = 5, kRuns = 20;
constexpr std::int64_t kLines = 16;

/// Of `work` many times with one wait at the end, fastest of the turns.
double least_ms(const std::function<void()>& work, int runs = kRuns) {
  double least = std::numeric_limits<double>::infinity();
  for (int turn = 0; turn < kTurns; ++turn) {
    cuda_module()->synchronize();
    const double ms = milliseconds([&] {
      for (int k = 0; k < runs; ++k) work();
      cuda_module()->synchronize();
    });
    least = std::min(least, ms / runs);
  }
  return least;
}

/// Recorded before it is timed.
double graph_ms(const StepGraph::Step& step) {
  StepGraph graph(step);
  for (int k = 0; k < 5; ++k) graph.run({});
  if (!graph.is_recorded()) throw NumericError("bench gpu: the step was not recorded");
  return least_ms([&] { graph.run({}); });
}

struct Card {
  double flops_per_ms = 0, bytes_per_ms = 0;
};

Card measure(at::Device device) {
  const bool small = device.is_cpu();
  const std::int64_t side = small ? 256 : 8192, count = small ? 1 << 20 : 1 << 28;
  const auto options = at::TensorOptions().device(device);
  const auto a = at::rand({side, side}, options), b = at::rand({side, side}, options);
  auto product = at::empty({side, side}, options);
  at::mm_out(product, a, b);
  Card card;
  const auto cube = static_cast<double>(side * side * side);
  card.flops_per_ms = 2 * cube / least_ms([&] { at::mm_out(product, a, b); }, 3);
  const auto from = at::rand({count}, options);
  auto to = at::empty_like(from);
  card.bytes_per_ms = 8.0 * static_cast<double>(count) / least_ms([&] { to.copy_(from); }, 3);
  return card;
}

DelayNetwork network_on(at::Device device, std::vector<at::Tensor>& leaves) {
  DelayNetwork network = bench_network(kLines, 0);
  for (auto* t : {&network.a, &network.b, &network.c, &network.d, &network.delays, &network.line_sos})
    *t = t->to(device);
  network.is_sound = true;  // a step that is timed looks at nothing
  for (auto& leaf : require_gradients(network, false)) leaves.push_back(leaf);
  return network;
}

}  // namespace

BenchResult bench_gpu_frequency(at::Device device, std::int64_t bins, std::int64_t networks) {
  std::vector<at::Tensor> leaves;
  std::vector<DelayNetwork> batch;
  for (std::int64_t r = 0; r < networks; ++r) batch.push_back(network_on(device, leaves));
  const auto omega =
      at::arange(bins, at::TensorOptions().dtype(at::kDouble).device(device)) * (std::numbers::pi / (bins - 1.0));
  const auto weight = at::rand({networks, 1, 1, bins}, at::TensorOptions().dtype(at::kComplexFloat).device(device));
  BenchResult result;
  result.name = "gpu";
  result.size = "N=16 K=" + std::to_string(bins) + " I=1 R=" + std::to_string(networks) + " c64 graph";
  result.ours_ms = graph_ms([&](const Response&) {
    const auto h = frequency_response(batch, omega);
    const auto gradients = torch::autograd::grad({h}, leaves, {weight});
    return gradients[0].flatten()[0].clone();
  });
  const Card card = measure(device);
  const double all = static_cast<double>(bins * networks);
  const double operations_ms = solver_operations(kLines) * all / card.flops_per_ms,
               bytes_ms = 16 * all / card.bytes_per_ms;
  result.peer = operations_ms > bytes_ms ? "bound of the card: operations" : "bound of the card: bytes";
  result.peer_ms = std::max(operations_ms, bytes_ms);
  result.figures = {{"over_bound", result.ours_ms / *result.peer_ms},
                    {"gflops_per_s", solver_operations(kLines) * all / result.ours_ms / 1e6},
                    {"card_gflops_per_s", card.flops_per_ms / 1e6},
                    {"card_gbytes_per_s", card.bytes_per_ms / 1e6}};
  return result;
}

BenchResult bench_gpu_time(at::Device device, std::int64_t samples) {
  const auto input = normal_matrix(1, samples, 7).to(at::kFloat), weight = normal_matrix(1, samples, 8).to(at::kFloat);
  std::vector<at::Tensor> leaves, others;
  const DelayNetwork there = network_on(device, leaves), here = network_on(at::kCPU, others);
  const auto input_there = input.to(device), weight_there = weight.to(device);
  BenchResult result;
  result.name = "gpu";
  result.size = "N=16 T=" + std::to_string(samples) + " I=1 f32 time graph";
  std::vector<at::Tensor> own, other;
  result.ours_ms = graph_ms([&](const Response&) {
    const auto y = time_response(there, input_there);
    own = torch::autograd::grad({y}, leaves, {weight_there});
    own.push_back(y.detach());
    return own[0].flatten()[0].clone();
  });
  for (auto& tensor : own) tensor = tensor.cpu();
  std::vector<double> runs;
  for (int k = 0; k < 6; ++k) {
    const double ms = milliseconds([&] {
      const auto y = time_response(here, input);
      other = torch::autograd::grad({y}, others, {weight});
      other.push_back(y.detach());
    });
    if (k > 0) runs.push_back(ms);
  }
  result.peer = "the CPU's kernel, one thread";
  result.peer_ms = median(runs);
  require_equal("gpu", own, other, 1e-3);
  return result;
}

BenchResult bench_gpu_fit(at::Device device, double seconds) {
  constexpr double kRateHz = 48000, kT60S = 0.8;
  const auto samples = static_cast<std::int64_t>(seconds * kRateHz);
  const auto time_s = at::arange(samples, at::kDouble) / kRateHz;
  auto ir = normal_matrix(1, samples, 11) * (at::pow(10.0, time_s * (-3 / kT60S)) + 1e-4);
  ir[0][0] = 5;
  const auto fit = [&](const char* graph) {
    return SteppedFit({"model.lines=16", "train.steps=1000000", "train.rate=0.02", std::string("train.graph=") + graph},
                      ir, kRateHz, 1, device);
  };
  SteppedFit graph = fit("true"), launches = fit("false");
  BenchResult result;
  result.name = "gpu";
  char text[64];
  std::snprintf(text, sizeof text, "fit step N=16 %.3g s 48 kHz graph", seconds);
  result.size = text;
  for (int k = 0; k < 20; ++k) {
    const double own = graph.sum_of(graph.step()), other = launches.sum_of(launches.step());
    if (!(std::abs(own - other) <= 1e-3 * std::abs(other)))
      throw NumericError("bench gpu: step " + std::to_string(k) + " of a fit has the loss " + std::to_string(own) +
                         " as a graph, " + std::to_string(other) + " launch by launch");
  }
  result.ours_ms = least_ms([&] { graph.step(); });
  result.peer_ms = least_ms([&] { launches.step(); });
  result.peer = "the same, launch by launch";
  return result;
}

}  // namespace diffverb
