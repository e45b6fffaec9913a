#include "train/flat_adam.h"

#include <ATen/ops/_fused_adam.h>
#include <ATen/ops/_fused_adamw.h>
#include <ATen/ops/linalg_vector_norm.h>

#include <cmath>

#include "core/device/cuda_module.h"
#include "core/device/device.h"

namespace diffverb {

FlatAdam::FlatAdam(FlatParameters& parameters, const AdamOptions& options)
    : parameters_(parameters), options_(options), first_(parameters.zeros()), second_(parameters.zeros()) {
  if (first_.empty() || !on_gpu(first_[0])) return;
  numbers_ = torch::zeros({3}, torch::TensorOptions().dtype(torch::kFloat32).device(first_[0].device()));
}

void FlatAdam::set_rate(double rate) {
  rate_ = rate;
  ++steps_;
  if (!numbers_.defined()) return;
  const auto t = static_cast<double>(steps_);
  const std::vector<double> numbers = {rate, 1 / (1 - std::pow(options_.beta1, t)),
                                       1 / std::sqrt(1 - std::pow(options_.beta2, t))};
  copy_without_waiting(numbers_, torch::tensor(numbers, torch::kFloat32));
}

torch::Tensor FlatAdam::gradient_norm() const {
  torch::Tensor norm;
  for (const auto& buffer : parameters_.buffers()) {
    const auto part = at::linalg_vector_norm(buffer.gradients, 2, at::nullopt, false, torch::kFloat64);
    norm = norm.defined() ? torch::hypot(norm.to(part.device()), part) : part;
  }
  return norm.defined() ? norm : torch::zeros({}, torch::kFloat64);
}

torch::Tensor FlatAdam::apply() {
  const torch::NoGradGuard no_grad;
  const torch::Tensor norm = gradient_norm();
  for (const auto& group : parameters_.groups()) {
    if (!numbers_.defined()) {
      step_group(group, norm);
    } else if (parameters_.buffers()[group.buffer].values.scalar_type() == torch::kFloat32) {
      step_group_on_gpu<float>(group, norm);
    } else {
      step_group_on_gpu<double>(group, norm);
    }
  }
  return norm;
}

template <typename Scalar>
void FlatAdam::step_group_on_gpu(const FlatParameters::Group& group, const torch::Tensor& norm) {
  const auto& buffer = parameters_.buffers()[group.buffer];
  AdamPass<Scalar> pass;
  pass.values = buffer.values.data_ptr<Scalar>() + group.begin;
  pass.gradients = buffer.gradients.const_data_ptr<Scalar>() + group.begin;
  pass.first = first_[group.buffer].data_ptr<Scalar>() + group.begin;
  pass.second = second_[group.buffer].data_ptr<Scalar>() + group.begin;
  pass.size = group.size;
  pass.norm = norm.const_data_ptr<double>();
  pass.numbers = numbers_.const_data_ptr<float>();
  pass.beta1 = options_.beta1;
  pass.beta2 = options_.beta2;
  pass.epsilon = options_.epsilon;
  pass.decay = group.decays ? options_.weight_decay : 0;
  pass.rate_scale = group.rate_scale;
  pass.clip_norm = options_.clip_norm;
  pass.decoupled = options_.decoupled;
  cuda_module()->adam(pass);
}

void FlatAdam::step_group(const FlatParameters::Group& group, const torch::Tensor& norm) {
  const auto part = [&](const torch::Tensor& flat) {
    return std::vector<torch::Tensor>{flat.narrow(0, group.begin, group.size)};
  };
  const auto& buffer = parameters_.buffers()[group.buffer];
  auto values = part(buffer.values), gradients = part(buffer.gradients);
  auto first = part(first_[group.buffer]), second = part(second_[group.buffer]);
  const torch::Tensor bad = torch::isfinite(norm).logical_not().to(torch::kFloat32);
  std::optional<torch::Tensor> shrink;
  if (options_.clip_norm > 0) shrink = (norm / options_.clip_norm).clamp_min(1).to(torch::kFloat32);
  const double decay = group.decays ? options_.weight_decay : 0;
  const double rate = rate_ * group.rate_scale;
  const std::vector<torch::Tensor> count{torch::full({}, static_cast<double>(steps_), torch::kFloat32)};
  if (options_.decoupled) {
    at::_fused_adamw_(values, gradients, first, second, {}, count, rate, options_.beta1, options_.beta2, decay,
                      options_.epsilon, false, false, shrink, bad);
  } else {
    at::_fused_adam_(values, gradients, first, second, {}, count, rate, options_.beta1, options_.beta2, decay,
                     options_.epsilon, false, false, shrink, bad);
  }
}

}  // namespace diffverb
