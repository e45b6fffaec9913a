#include "train/bench/bench_roofline.h"

#include <ATen/Parallel.h>
#include <ATen/ops/arange.h>
#include <ATen/ops/complex.h>
#include <ATen/ops/ones.h>
#include <ATen/ops/zeros.h>
#include <torch/csrc/autograd/autograd.h>

#include <algorithm>
#include <atomic>
#include <numbers>

#include "core/matrices/haar.h"
#include "core/solvers/solvers.h"
#include "core/tensor.h"
#include "train/bench/bench_solvers.h"
#include "train/bench/bench_timing.h"
#include "train/bench/roofline_kernel.h"

namespace diffverb {
namespace {

constexpr std::int64_t kBins = 48001, kArray = std::int64_t{1} << 26;

double least_ms(int runs, const std::function<void()>& work) {
  double least = milliseconds(work);
  for (int i = 1; i < runs; ++i) least = std::min(least, milliseconds(work));
  return least;
}

/// Operations a second, in units of 1e9, on all threads; measured once.
struct Peak {
  double ms = 0, gflops = 0;
};
const Peak& peak() {
  static const Peak measured = [] {
    const int threads = bench_threads();
    std::atomic<std::int64_t> operations = 0;
    const auto run = [&] {
      operations = 0;
      at::parallel_for(0, threads, 1, [&](std::int64_t begin, std::int64_t end) {
        for (std::int64_t t = begin; t < end; ++t) operations += multiply_adds(8'000'000);
      });
    };
    Peak out;
    out.ms = least_ms(9, run);
    out.gflops = static_cast<double>(operations) / out.ms / 1e6;
    return out;
  }();
  return measured;
}

BenchResult bench_multiply_adds() {
  BenchResult result;
  result.name = "roofline";
  result.size = "f32 multiply-adds in registers";
  result.ours_ms = peak().ms;
  result.figures = {{"gflops_per_s", peak().gflops}};
  return result;
}

BenchResult bench_triad() {
  const auto a = at::ones({kArray}), b = at::ones({kArray});
  auto out = at::zeros({kArray});
  const std::int64_t threads = bench_threads(), part = (kArray / threads + 63) / 64 * 64;
  const double ms = least_ms(5, [&] {
    at::parallel_for(0, threads, 1, [&](std::int64_t first, std::int64_t last) {
      for (std::int64_t t = first; t < last; ++t) {
        const std::int64_t begin = std::min(t * part, kArray), size = std::min(part, kArray - begin);
        triad(a.const_data_ptr<float>() + begin, b.const_data_ptr<float>() + begin, 3.0f,
              static_cast<std::size_t>(size), out.data_ptr<float>() + begin);
      }
    });
  });
  BenchResult result;
  result.name = "roofline";
  result.size = "triad of 3 x 268 MB f32";
  result.ours_ms = ms;
  result.figures = {{"gbytes_per_s", 3.0 * 4 * static_cast<double>(kArray) / ms / 1e6}};
  return result;
}

BenchResult bench_share(std::int64_t lines) {
  DelayNetwork network = bench_network(lines, 0);
  const auto omega = at::arange(kBins, at::kDouble) * (std::numbers::pi / static_cast<double>(kBins - 1));
  const auto leaves = require_gradients(network, false);
  const auto weight =
      at::complex(normal_matrix(1, kBins, 5), normal_matrix(1, kBins, 6)).to(at::kComplexFloat).reshape({1, 1, kBins});
  const auto step = [&] {
    const auto h = frequency_response(network, omega);
    torch::autograd::grad({h}, leaves, {weight});
  };
  step();
  BenchResult result;
  result.name = "roofline";
  result.size = "N=" + std::to_string(lines) + " K=" + std::to_string(kBins) + " I=1 c64";
  result.ours_ms = least_ms(60, step);  // milliseconds each: one of them is undisturbed on a busy machine too
  const double gflops =
      solver_operations(static_cast<double>(lines)) * static_cast<double>(kBins) / result.ours_ms / 1e6;
  result.figures = {{"gflops_per_s", gflops}, {"share_of_peak", gflops / peak().gflops}};
  return result;
}

}  // namespace

double solver_operations(double n) {
  const double first = 2 * n + 2 * (n - 1) + 3 * (n - 1) * (n - 1);
  const double others = 8 * (n - 1) * (n - 2) * (2 * n - 3) / 6 + 3 * (n - 1) * (n - 2);
  const double substitute = 8 * n * (n - 1) + 6 * n;
  return first + others + 2 * substitute - 14 * (n - 1) - 4 + 4 * n + 6 * n + 4 * n * n + 5 * n;
}

std::vector<std::function<BenchResult()>> roofline_benches() {
  std::vector<std::function<BenchResult()>> benches = {bench_multiply_adds, bench_triad};
  for (const std::int64_t lines : {8, 16, 32, 64}) benches.push_back([lines] { return bench_share(lines); });
  return benches;
}

}  // namespace diffverb
