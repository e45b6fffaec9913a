#include "train/optimizer/flat_adam.h"

#include <ATen/ops/_fused_adam.h>
#include <ATen/ops/_fused_adamw.h>
#include <ATen/ops/full.h>
#include <ATen/ops/hypot.h>
#include <ATen/ops/isfinite.h>
#include <ATen/ops/linalg_vector_norm.h>
#include <ATen/ops/tensor.h>
#include <ATen/ops/zeros.h>

#include <cmath>

#include "core/device/cuda_module.h"
#include "core/device/device.h"

namespace diffverb {

FlatAdam::FlatAdam(FlatParameters& parameters, const AdamOptions& options)
    : parameters_(parameters), options_(options), first_(parameters.zeros()), second_(parameters.zeros()) {
  if (first_.empty() || !on_gpu(first_[0])) return;
  numbers_ = at::zeros({3}, at::TensorOptions().dtype(at::kFloat).device(first_[0].device()));
}

void FlatAdam::set_rate(double rate) {
  rate_ = rate;
  ++steps_;
  if (!numbers_.defined()) return;
  const auto t = static_cast<double>(steps_);
  const std::vector<double> numbers = {rate, 1 / (1 - std::pow(options_.beta1, t)),
                                       1 / std::sqrt(1 - std::pow(options_.beta2, t))};
  copy_without_waiting(numbers_, at::tensor(numbers, at::kFloat));
}

at::Tensor FlatAdam::gradient_norm() const {
  at::Tensor norm;
  for (const auto& buffer : parameters_.buffers()) {
    const auto part = at::linalg_vector_norm(buffer.gradients, 2, at::nullopt, false, at::kDouble);
    norm = norm.defined() ? at::hypot(norm.to(part.device()), part) : part;
  }
  return norm.defined() ? norm : at::zeros({}, at::kDouble);
}

at::Tensor FlatAdam::apply() {
  const at::NoGradGuard no_grad;
  const at::Tensor norm = gradient_norm();
  for (const auto& group : parameters_.groups()) {
    if (!numbers_.defined()) {
      step_group(group, norm);
    } else if (parameters_.buffers()[group.buffer].values.scalar_type() == at::kFloat) {
      step_group_on_gpu<float>(group, norm);
    } else {
      step_group_on_gpu<double>(group, norm);
    }
  }
  return norm;
}

template <typename Scalar>
void FlatAdam::step_group_on_gpu(const FlatParameters::Group& group, const at::Tensor& norm) {
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

void FlatAdam::step_group(const FlatParameters::Group& group, const at::Tensor& norm) {
  const auto part = [&](const at::Tensor& flat) {
    return std::vector<at::Tensor>{flat.narrow(0, group.begin, group.size)};
  };
  const auto& buffer = parameters_.buffers()[group.buffer];
  auto values = part(buffer.values), gradients = part(buffer.gradients);
  auto first = part(first_[group.buffer]), second = part(second_[group.buffer]);
  const at::Tensor bad = at::isfinite(norm).logical_not().to(at::kFloat);
  std::optional<at::Tensor> shrink;
  if (options_.clip_norm > 0) shrink = (norm / options_.clip_norm).clamp_min(1).to(at::kFloat);
  const double decay = group.decays ? options_.weight_decay : 0;
  const double rate = rate_ * group.rate_scale;
  const std::vector<at::Tensor> count{at::full({}, static_cast<double>(steps_), at::kFloat)};
  if (options_.decoupled) {
    at::_fused_adamw_(values, gradients, first, second, {}, count, rate, options_.beta1, options_.beta2, decay,
                      options_.epsilon, false, false, shrink, bad);
  } else {
    at::_fused_adam_(values, gradients, first, second, {}, count, rate, options_.beta1, options_.beta2, decay,
                     options_.epsilon, false, false, shrink, bad);
  }
}

}  // namespace diffverb
