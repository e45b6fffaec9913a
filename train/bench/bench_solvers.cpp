#include "train/bench/bench_solvers.h"

#include <ATen/ops/arange.h>
#include <ATen/ops/complex.h>
#include <ATen/ops/eye.h>
#include <ATen/ops/linalg_solve.h>
#include <ATen/ops/ones.h>
#include <ATen/ops/ones_like.h>
#include <ATen/ops/polar.h>
#include <ATen/ops/stack.h>
#include <ATen/ops/tensor.h>
#include <ATen/ops/zeros.h>
#include <torch/csrc/autograd/autograd.h>

#include <algorithm>
#include <cmath>
#include <numbers>

#include "core/error.h"
#include "core/filters/peaking.h"
#include "core/matrices/haar.h"
#include "core/seed.h"
#include "core/solvers/solvers.h"
#include "core/tensor.h"
#include "train/bench/bench_timing.h"
#include "train/bench/plain_network.h"

namespace diffverb {

DelayNetwork bench_network(std::int64_t lines, std::int64_t sections) {
  Random random(1, "bench");
  DelayNetwork network;
  network.a = (0.97 * haar_orthogonal(lines, 1, true)).to(at::kFloat).contiguous();
  network.b = normal_matrix(lines, 1, 2).to(at::kFloat);
  network.c = normal_matrix(1, lines, 3).to(at::kFloat);
  network.d = at::ones({1, 1});
  std::vector<double> delays, centres;
  for (std::int64_t j = 0; j < lines; ++j) delays.push_back(static_cast<double>(random.integer(500, 2500)));
  for (std::int64_t s = 0; s < sections; ++s)
    centres.push_back(63 * std::exp2(8.0 * static_cast<double>(s) / static_cast<double>(sections)));
  network.delays = at::tensor(delays, at::kDouble);
  const auto cuts = -0.5 * normal_matrix(lines, std::max<std::int64_t>(sections, 1), 4).abs();
  network.line_sos = sections > 0 ? peaking_sos(cuts, centres, 1.4, 48000) : at::zeros({lines, 0, 5}, at::kDouble);
  network.sample_rate_hz = 48000;
  return network;
}

std::vector<at::Tensor> require_gradients(DelayNetwork& network, bool with_filters) {
  std::vector<at::Tensor*> tensors{&network.a, &network.b, &network.c, &network.d};
  if (with_filters) tensors.push_back(&network.line_sos);
  std::vector<at::Tensor> leaves;
  for (at::Tensor* tensor : tensors) {
    *tensor = tensor->detach().clone().set_requires_grad(true);
    leaves.push_back(*tensor);
  }
  return leaves;
}

namespace {

/// The same response by one batched solve; the delays' part of G is given, which spares the peer its sines.
at::Tensor response_by_linalg(const DelayNetwork& network, const at::Tensor& delay_gain, const at::Tensor& inverse_z) {
  auto gain = delay_gain;  // [K, N] complex64
  for (std::int64_t s = 0; s < network.sections(); ++s) {
    const auto q = network.line_sos.select(1, s).to(at::kComplexDouble);  // float32 is too coarse for 1 + a1 + a2
    const auto one_z = inverse_z.unsqueeze(1), two_z = one_z * one_z;
    const auto num = q.select(1, 0) + q.select(1, 1) * one_z + q.select(1, 2) * two_z;
    const auto den = 1 + q.select(1, 3) * one_z + q.select(1, 4) * two_z;
    gain = gain * (num / den).to(at::kComplexFloat);
  }
  const auto a = network.a.to(at::kComplexFloat), b = network.b.to(at::kComplexFloat),
             c = network.c.to(at::kComplexFloat);
  const auto system =
      at::eye(network.lines(), a.options().requires_grad(false)).unsqueeze(0) - a.unsqueeze(0) * gain.unsqueeze(1);
  const auto x = at::linalg_solve(system, b.unsqueeze(0).expand({gain.size(0), -1, -1}));
  return (c.unsqueeze(0).matmul(gain.unsqueeze(2) * x) + network.d.to(at::kComplexFloat)).permute({1, 2, 0});
}

/// Networks that differ in their matrices.
std::vector<DelayNetwork> some_networks(std::int64_t count, std::int64_t lines, std::int64_t sections,
                                        std::vector<at::Tensor>& leaves) {
  std::vector<DelayNetwork> networks;
  for (std::int64_t r = 0; r < count; ++r) {
    DelayNetwork network = bench_network(lines, sections);
    network.a = network.a * (1 - 0.1 * static_cast<double>(r) / static_cast<double>(count));
    for (const auto& leaf : require_gradients(network, sections > 0)) leaves.push_back(leaf);
    networks.push_back(network);
  }
  return networks;
}

/// Both in turns; a quick bench takes two turns and the least of each side, because what disturbs the machine only adds.
void time_both(const std::function<void()>& ours, const std::function<void()>& peer, bool with_peer, bool quick,
               BenchResult& result) {
  if (!quick && with_peer) return time_in_turns(ours, peer, 5, result);
  result.ours_ms = milliseconds(ours);
  if (with_peer) result.peer_ms = milliseconds(peer);
  for (int turn = 0; turn < 2; ++turn) {
    for (int k = 0; k < 5; ++k) result.ours_ms = std::min(result.ours_ms, milliseconds(ours));
    if (with_peer) result.peer_ms = std::min(*result.peer_ms, milliseconds(peer));
  }
  if (!with_peer) result.peer.clear();
}

}  // namespace

BenchResult bench_solver(const SolverBench& bench) {
  std::vector<at::Tensor> leaves;
  const auto networks = some_networks(bench.networks, bench.lines, bench.sections, leaves);
  const std::int64_t bins = bench.bins;
  const auto omega = at::arange(bins, at::kDouble) * (std::numbers::pi / static_cast<double>(bins - 1));
  const auto inverse_z = at::polar(at::ones_like(omega), -omega);
  const auto angle = -omega.unsqueeze(1) * networks[0].delays.unsqueeze(0);
  const auto delay_gain = at::polar(at::ones_like(angle), angle).to(at::kComplexFloat);
  const auto weight = at::complex(normal_matrix(bench.networks, bins, 5), normal_matrix(bench.networks, bins, 6))
                          .to(at::kComplexFloat)
                          .reshape({bench.networks, 1, 1, bins});

  std::vector<at::Tensor> own, other;
  const auto run = [&](std::vector<at::Tensor>& results, const std::function<at::Tensor()>& response) {
    const auto h = response();
    results = torch::autograd::grad({h}, leaves, {weight});
    results.push_back(h.detach());
  };
  const auto ours = [&] {
    run(own, [&] {
      return networks.size() == 1 ? frequency_response(networks[0], omega).unsqueeze(0)
                                  : frequency_response(networks, omega);
    });
  };
  const auto peer = [&] {
    run(other, [&] {
      std::vector<at::Tensor> each;
      for (const auto& network : networks) each.push_back(response_by_linalg(network, delay_gain, inverse_z));
      return at::stack(each);
    });
  };
  BenchResult result;
  result.name = bench.name;
  result.size = "N=" + std::to_string(bench.lines) + " K=" + std::to_string(bins) + " I=1 " +
                (bench.sections > 0 ? "S=" + std::to_string(bench.sections) + " " : std::string()) +
                (bench.networks > 1 ? "R=" + std::to_string(bench.networks) + " " : std::string()) + "c64";
  result.peer = "at::linalg_solve with autograd";
  time_both(ours, peer, bench.with_peer, bench.quick, result);
  if (bench.with_peer) require_equal(bench.name, own, other);
  return result;
}

BenchResult bench_time(const TimeBench& bench) {
  DelayNetwork network = bench_network(bench.lines, 0);
  const auto leaves = require_gradients(network, false);
  const auto input = normal_matrix(1, bench.samples, 7).to(at::kFloat),
             weight = normal_matrix(1, bench.samples, 8).to(at::kFloat);
  std::vector<at::Tensor> own, other;
  const auto ours = [&] {
    const auto y = time_response(network, input);
    own = torch::autograd::grad({y}, leaves, {weight});
    own.push_back(y.detach());
  };
  const auto peer = [&] { other = play_sample_by_sample(network, input, weight); };
  BenchResult result;
  result.name = bench.name;
  result.size = "N=" + std::to_string(bench.lines) + " T=" + std::to_string(bench.samples) + " I=1 f32";
  result.peer = "C++ loop over samples, with adjoint";
  time_both(ours, peer, true, bench.quick, result);
  require_equal(bench.name, own, other);
  return result;
}

BenchResult bench_time_batch(const std::string& name, std::int64_t networks, std::int64_t lines, std::int64_t samples) {
  std::vector<at::Tensor> leaves, own, other;
  const auto all = some_networks(networks, lines, 0, leaves);
  const auto input = normal_matrix(1, samples, 7).to(at::kFloat);
  const auto weight = normal_matrix(networks, samples, 8).to(at::kFloat).unsqueeze(1);
  const auto run = [&](std::vector<at::Tensor>& results, const at::Tensor& y) {
    results = torch::autograd::grad({y}, leaves, {weight});
    results.push_back(y.detach());
  };
  const auto ours = [&] { run(own, time_response(all, input)); };
  const auto peer = [&] {
    std::vector<at::Tensor> each;
    for (const auto& network : all) each.push_back(time_response(network, input));
    run(other, at::stack(each));
  };
  BenchResult result;
  result.name = name;
  result.size =
      "N=" + std::to_string(lines) + " T=" + std::to_string(samples) + " I=1 R=" + std::to_string(networks) + " f32";
  result.peer = "the same networks one by one";
  time_both(ours, peer, true, true, result);
  require_equal(name, own, other);
  return result;
}

std::vector<std::function<BenchResult()>> solver_benches() {
  std::vector<std::function<BenchResult()>> benches;
  for (const std::int64_t lines : {8, 16, 32})
    benches.push_back([lines] { return bench_solver({"solver", lines, 48001}); });
  benches.push_back([] { return bench_solver({"solver", 16, 48001, 10}); });
  return benches;
}

std::vector<std::function<BenchResult()>> time_benches() {
  return {[] { return bench_time({"time", 16, 96000}); }};
}

}  // namespace diffverb
