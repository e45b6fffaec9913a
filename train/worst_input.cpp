#include "train/worst_input.h"

#include <ATen/ops/cat.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/where.h>
#include <ATen/ops/zeros.h>
#include <torch/csrc/autograd/autograd.h>

#include <cmath>
#include <limits>
#include <string>

#include "core/seed.h"

namespace diffverb {
namespace {

constexpr double kShortStep = 0.3;  // of the input's size, where the gradient is largest

at::Tensor noise(const WorstInputSearch& search, int seed) {
  Random random(static_cast<std::uint64_t>(seed), "worst input");
  auto input = at::empty({search.inputs, search.samples}, at::kDouble);
  double* u = input.mutable_data_ptr<double>();
  for (std::int64_t i = 0; i < input.numel(); ++i) u[i] = random.uniform(-search.size, search.size);
  return input;
}

/// The input later, so that what it brought about at sample `index` comes at the end: there is more before it to add to.
at::Tensor put_off(const at::Tensor& input, std::int64_t index) {
  const std::int64_t by = input.size(1) - 1 - index;
  return at::cat({at::zeros({input.size(0), by}, input.options()), input.slice(1, 0, input.size(1) - by)}, 1);
}

}  // namespace

WorstInput find_worst_input(const std::function<at::Tensor(const at::Tensor&)>& play, const WorstInputSearch& search) {
  const at::AutoGradMode with_gradient(true);
  WorstInput worst;
  for (int seed = 0; seed < search.seeds; ++seed) {
    auto input = noise(search, seed + 1);
    for (int step = 0; step <= search.steps; ++step) {
      const auto leaf = input.detach().clone().set_requires_grad(true);
      const auto y = play(leaf).abs();
      const std::int64_t at = y.detach().argmax().item<std::int64_t>() % search.samples;
      const auto loudest = y.select(1, at).max();
      const double peak = loudest.item<double>();
      const auto gradient = torch::autograd::grad({loudest}, {leaf})[0];
      if (!std::isfinite(peak) || !gradient.isfinite().all().item<bool>())
        return {std::numeric_limits<double>::infinity(), input};
      if (peak > worst.peak) worst = {peak, input};
      const at::NoGradGuard no_grad;
      if (step % 2 == 0) {
        input = put_off(at::where(gradient.eq(0), input, search.size * gradient.sign()), at);
      } else {
        const double largest = gradient.abs().max().item<double>();
        if (largest > 0)
          input = (input + (kShortStep * search.size / largest) * gradient).clamp(-search.size, search.size);
      }
    }
  }
  return worst;
}

}  // namespace diffverb
