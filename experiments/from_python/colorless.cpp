// The training of colorless.py in C++: the same starts, bins, steps and stop, with the library's solver. The batches come
// from the same generator and so are the same. README.md has the question and the result.
#include <ATen/Context.h>
#include <ATen/Parallel.h>
#include <ATen/ops/_fused_adam.h>
#include <ATen/ops/arange.h>
#include <ATen/ops/diag.h>
#include <ATen/ops/pow.h>
#include <ATen/ops/randperm.h>
#include <ATen/ops/tensor.h>
#include <ATen/ops/zeros.h>
#include <ATen/ops/zeros_like.h>
#include <torch/csrc/autograd/autograd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <fstream>
#include <iostream>
#include <limits>
#include <numbers>
#include <sstream>

#include "core/error.h"
#include "core/matrices/matrix_exponential.h"
#include "core/solvers/solvers.h"
#include "core/tensor.h"

namespace diffverb {
namespace {

using at::Tensor;

constexpr std::int64_t kBins = 480000, kBatch = 2000, kEpochs = 20;

struct Start {
  std::string run;
  Tensor delays, b, c, a;  // float64 but for what is trained
};

/// A line a state: run, file, N, delays, b, c and the raw matrix by columns.
std::vector<Start> read_starts(const std::string& path) {
  std::ifstream file(path);
  if (!file) throw DataError(path + ": cannot be read");
  std::vector<Start> starts;
  for (std::string line; std::getline(file, line);) {
    std::istringstream words(line);
    Start start;
    std::string state;
    std::int64_t n = 0;
    words >> start.run >> state >> n;
    if (state != "parameters_init.mat") continue;
    std::vector<double> v(static_cast<std::size_t>(std::max<std::int64_t>(n, 0) * (n + 3)));
    for (double& value : v) words >> value;
    if (n < 2 || !words)
      throw DataError(path + ": the state of " + start.run + " is not N, N delays, b, c, N x N numbers");
    const auto all = at::tensor(v, at::kDouble);
    const auto single = [&](const Tensor& t) { return t.to(at::kFloat).contiguous(); };
    start.delays = all.slice(0, 0, n);
    start.b = single(all.slice(0, n, 2 * n));
    start.c = single(all.slice(0, 2 * n, 3 * n));
    start.a = single(all.slice(0, 3 * n).reshape({n, n}).t());
    starts.push_back(start);
  }
  if (starts.empty()) throw DataError(path + ": no line of a parameters_init.mat");
  return starts;
}

struct Terms {
  Tensor spectral, sparsity;
};

class Training {
 public:
  explicit Training(const Start& start)
      : omega_(at::arange(kBins, at::kDouble) * (std::numbers::pi / static_cast<double>(kBins))),
        decay_(at::pow(0.9999, start.delays).to(at::kFloat)),
        b_(start.b),
        c_(start.c),
        a_(start.a) {
    const std::int64_t n = a_.size(0);
    network_.delays = start.delays;
    network_.line_sos = at::zeros({n, 0, 5}, at::kDouble);
    network_.d = at::zeros({n, 1});
    network_.sample_rate_hz = 48000;
    const auto energy = responses(matrix(), omega_).sum(0).abs().square().mean().pow(0.25);
    b_ = b_ / energy;
    c_ = c_ / energy;
    for (auto* tensor : {&a_, &b_, &c_}) tensor->set_requires_grad(true);
  }

  /// Both terms over all bins.
  std::vector<double> whole() const { return values(omega_); }

  /// Steps until the validation loss stands still; returns epochs and steps.
  std::pair<int, int> run(std::uint64_t seed) {
    at::manual_seed(seed);
    const auto order = at::randperm(kBins);
    const auto training = order.slice(0, 0, kBins * 8 / 10), validation = order.slice(0, kBins * 8 / 10);
    const auto validation_omega = omega_.index_select(0, validation);
    double last = std::numeric_limits<double>::infinity();
    int still = 0, steps = 0, epoch = 0;
    while (epoch < kEpochs && still < 5) {
      const auto shuffled = training.index_select(0, at::randperm(training.numel()));
      for (const auto& batch : shuffled.split(kBatch)) {
        step(omega_.index_select(0, batch), epoch < 10 ? 1e-3 : 1e-4);
        ++steps;
      }
      ++epoch;
      const auto both = values(validation_omega);
      const double value = both[0] + both[1];
      still = std::abs(last - value) <= 1e-4 ? still + 1 : 0;
      last = value;
    }
    return {epoch, steps};
  }

 private:
  Tensor matrix() const {
    const auto upper = a_.triu(1);
    return matrix_exponential(upper - upper.t());
  }

  /// [N, K]: every line's own part of the output.
  Tensor responses(const Tensor& u, const Tensor& omega) const {
    DelayNetwork network = network_;
    network.a = u * decay_;
    network.b = b_.unsqueeze(1);
    network.c = at::diag(c_);
    return frequency_response(network, omega).squeeze(1);
  }

  Terms terms(const Tensor& omega) const {
    const auto u = matrix();
    const auto h = responses(u, omega);
    const double n = static_cast<double>(u.size(0));
    return {(h.abs() - 1).square().mean() + (h.sum(0).abs() - 1).square().mean(),
            -(u.abs().sum() - n * std::sqrt(n)) / (n * (std::sqrt(n) - 1))};
  }

  std::vector<double> values(const Tensor& omega) const {
    const at::NoGradGuard no_grad;
    const auto t = terms(omega);
    return {t.spectral.item<double>(), t.sparsity.item<double>()};
  }

  void step(const Tensor& omega, double rate) {
    const auto t = terms(omega);
    auto gradients = torch::autograd::grad({t.spectral + t.sparsity}, {a_, b_, c_});
    const at::NoGradGuard no_grad;
    for (auto& gradient : gradients)
      gradient = gradient.contiguous();  // the one of a diagonal is not, and Adam takes it as it lies
    count_.add_(1);
    at::_fused_adam_({a_, b_, c_}, gradients, first_, second_, {}, {count_, count_, count_}, rate, 0.9, 0.999, 0, 1e-8,
                     false, false);
  }

  Tensor omega_, decay_, b_, c_, a_;
  DelayNetwork network_;
  std::vector<Tensor> first_{at::zeros_like(a_), at::zeros_like(b_), at::zeros_like(c_)},
      second_{at::zeros_like(a_), at::zeros_like(b_), at::zeros_like(c_)};
  Tensor count_ = at::zeros({});
};

void print_statistics(const char* name, const std::vector<std::vector<double>>& values) {
  double mean[2], deviation[2];
  for (std::size_t k = 0; k < 2; ++k) {
    double sum = 0, square = 0;
    for (const auto& v : values) sum += v[k];
    mean[k] = sum / static_cast<double>(values.size());
    for (const auto& v : values) square += (v[k] - mean[k]) * (v[k] - mean[k]);
    deviation[k] = std::sqrt(square / static_cast<double>(values.size()));
  }
  std::printf("%s: spectral %.4f +- %.4f, sparsity %.4f +- %.4f\n", name, mean[0], deviation[0], mean[1], deviation[1]);
}

void run(const std::string& states, std::size_t runs, int threads) {
  at::set_num_threads(threads);
  auto starts = read_starts(states);
  starts.resize(std::min(runs, starts.size()));
  std::vector<std::vector<double>> before, after;
  double epochs = 0, seconds = 0;
  std::vector<double> step_ms;
  for (std::size_t k = 0; k < starts.size(); ++k) {
    Training training(starts[k]);
    before.push_back(training.whole());
    const auto begin = std::chrono::steady_clock::now();
    const auto [made, steps] = training.run(k);
    const std::chrono::duration<double> took = std::chrono::steady_clock::now() - begin;
    after.push_back(training.whole());
    epochs += made;
    seconds += took.count();
    step_ms.push_back(1e3 * took.count() / steps);
    std::cerr << starts[k].run << ": spectral " << after[k][0] << ", sparsity " << after[k][1] << ", " << made
              << " epochs, " << step_ms[k] << " ms a step\n";
  }
  print_statistics("before", before);
  print_statistics("after", after);
  std::sort(step_ms.begin(), step_ms.end());
  const auto count = static_cast<double>(starts.size());
  std::printf("epochs %.2f, %.3f ms a step, %.2f s a network\n", epochs / count, step_ms[step_ms.size() / 2],
              seconds / count);
}

}  // namespace
}  // namespace diffverb

int main(int argc, char** argv) {
  CLI::App app("Trains colourless delay networks as Dal Santo et al. (diff-fdn-colorless) do");
  std::string states;
  std::size_t runs = 25;
  int threads = 1;
  app.add_option("--states", states, "The runs' states: name, file, N, delays, b, c, A a line")->required();
  app.add_option("--runs", runs, "How many of them")->check(CLI::PositiveNumber);
  app.add_option("--threads", threads, "Of the solver")->check(CLI::PositiveNumber);
  CLI11_PARSE(app, argc, argv);
  try {
    diffverb::run(states, runs, threads);
  } catch (const std::exception& error) {
    std::cerr << "colorless: " << error.what() << "\n";
    return 2;
  }
}
