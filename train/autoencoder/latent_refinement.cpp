#include "train/autoencoder/latent_refinement.h"

#include <ATen/Parallel.h>
#include <ATen/ops/zeros_like.h>
#include <torch/csrc/autograd/autograd.h>

#include <cmath>
#include <limits>

#include "core/fields.h"

namespace diffverb {
namespace {

constexpr double kMomentum = 0.9, kSquares = 0.98, kNearest = 0.999;

/// Steps on one response are too small to be shared: a second thread costs more than it brings.
class OneThread {
 public:
  OneThread() { at::set_num_threads(1); }
  ~OneThread() { at::set_num_threads(threads_); }
  OneThread(const OneThread&) = delete;
  OneThread& operator=(const OneThread&) = delete;

 private:
  int threads_ = at::get_num_threads();
};

}  // namespace

LatentRefinement::LatentRefinement(const std::vector<std::pair<std::string, double>>& losses, const Settings& settings)
    : settings_(settings) {
  for (const auto& [yaml, weight] : losses) {
    Fields fields = Fields::from_text(yaml);
    losses_.push_back({weight, family<Loss>().make(fields)});
  }
}

at::Tensor LatentRefinement::refine(const Response& target, const at::Tensor& start,
                                    const std::function<Response(const at::Tensor&)>& decode) {
  const OneThread alone;
  for (auto& [weight, loss] : losses_) loss->prepare(target);
  const double bound = settings_.bound;
  auto point = bound * (start.detach() / bound).clamp(-kNearest, kNearest).atanh();
  auto best = point.clone(), first = at::zeros_like(point), second = at::zeros_like(point);
  double least = std::numeric_limits<double>::infinity();
  for (int step = 0; step <= settings_.steps; ++step) {
    const auto x = point.detach().set_requires_grad(true);
    const Response out = decode(bound * (x / bound).tanh());
    at::Tensor total;
    for (const auto& [weight, loss] : losses_) {
      const auto value = weight * loss->evaluate(out);
      total = total.defined() ? total + value : value;
    }
    const double value = total.item<double>();
    if (value < least) {
      least = value;
      best = x.detach().clone();
    }
    if (step == settings_.steps) break;
    const auto gradient = torch::autograd::grad({total}, {x})[0];
    first = kMomentum * first + (1 - kMomentum) * gradient;
    second = kSquares * second + (1 - kSquares) * gradient.square();
    const double rate = settings_.rate * (1 - static_cast<double>(step) / settings_.steps);
    const auto mean = first / (1 - std::pow(kMomentum, step + 1)), square = second / (1 - std::pow(kSquares, step + 1));
    point = x.detach() - rate * mean / (square.sqrt() + 1e-8);
  }
  return (bound * (best / bound).tanh()).contiguous();
}

}  // namespace diffverb
