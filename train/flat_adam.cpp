#include "train/flat_adam.h"

#include <ATen/ops/_fused_adam.h>
#include <ATen/ops/_fused_adamw.h>
#include <ATen/ops/linalg_vector_norm.h>

namespace diffverb {

FlatAdam::FlatAdam(FlatParameters& parameters, const AdamOptions& options)
    : parameters_(parameters), options_(options), first_(parameters.zeros()), second_(parameters.zeros()) {}

torch::Tensor FlatAdam::step(double rate) {
  const torch::NoGradGuard no_grad;
  torch::Tensor norm = torch::zeros({}, torch::kFloat64);
  for (const auto& buffer : parameters_.buffers()) {
    const auto part = at::linalg_vector_norm(buffer.gradients, 2, at::nullopt, false, torch::kFloat64);
    norm = torch::hypot(norm.to(part.device()), part);
  }
  const torch::Tensor bad = torch::isfinite(norm).logical_not().to(torch::kFloat32);
  std::optional<torch::Tensor> shrink;
  if (options_.clip_norm > 0) shrink = (norm / options_.clip_norm).clamp_min(1).to(torch::kFloat32);
  ++steps_;
  for (const auto& group : parameters_.groups()) {
    const auto part = [&](const torch::Tensor& flat) {
      return std::vector<torch::Tensor>{flat.narrow(0, group.begin, group.size)};
    };
    const auto& buffer = parameters_.buffers()[group.buffer];
    auto values = part(buffer.values), gradients = part(buffer.gradients);
    auto first = part(first_[group.buffer]), second = part(second_[group.buffer]);
    const std::vector<torch::Tensor> count{torch::full(
        {}, static_cast<double>(steps_), torch::TensorOptions().dtype(torch::kFloat32).device(norm.device()))};
    const double decay = group.decays ? options_.weight_decay : 0;
    const double group_rate = rate * group.rate_scale;
    if (options_.decoupled) {
      at::_fused_adamw_(values, gradients, first, second, {}, count, group_rate, options_.beta1, options_.beta2, decay,
                        options_.epsilon, false, false, shrink, bad);
    } else {
      at::_fused_adam_(values, gradients, first, second, {}, count, group_rate, options_.beta1, options_.beta2, decay,
                       options_.epsilon, false, false, shrink, bad);
    }
  }
  return norm;
}

}  // namespace diffverb
