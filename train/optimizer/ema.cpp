#include "train/optimizer/ema.h"

#include <ATen/ops/tensor.h>
#include <ATen/ops/zeros.h>

#include <algorithm>

#include "core/device/device.h"

namespace diffverb {

namespace {

void exchange(at::Tensor one, at::Tensor other) {
  const at::Tensor kept = one.clone();
  one.copy_(other);
  other.copy_(kept);
}

}  // namespace

Ema::Ema(FlatParameters& parameters, const std::map<std::string, at::Tensor>& buffers, double decay)
    : parameters_(parameters), decay_(decay) {
  for (const auto& buffer : parameters_.buffers()) averages_.push_back(buffer.values.clone());
  for (const auto& [name, buffer] : buffers) {
    if (!buffer.is_floating_point()) continue;
    buffers_.emplace(name, buffer);
    buffer_averages_.emplace(name, buffer.detach().clone());
  }
}

void Ema::set_step(std::int64_t step) {
  const auto t = static_cast<double>(step);
  share_ = 1 - std::min(decay_, (1 + t) / (10 + t));
  if (averages_.empty() || !averages_[0].is_cuda()) return;
  if (!share_on_gpu_.defined()) share_on_gpu_ = at::zeros({}, averages_[0].options().dtype(at::kDouble));
  copy_without_waiting(share_on_gpu_, at::tensor(share_, at::kDouble));
}

void Ema::apply() {
  const at::NoGradGuard no_grad;
  const auto move = [&](at::Tensor& average, const at::Tensor& value) {
    if (share_on_gpu_.defined()) {
      average.lerp_(value, share_on_gpu_.to(average.scalar_type()));
    } else {
      average.lerp_(value, share_);
    }
  };
  for (std::size_t i = 0; i < averages_.size(); ++i) move(averages_[i], parameters_.buffers()[i].values);
  for (auto& [name, average] : buffer_averages_) move(average, buffers_.at(name));
}

void Ema::swap() {
  const at::NoGradGuard no_grad;
  for (std::size_t i = 0; i < averages_.size(); ++i) exchange(parameters_.buffers()[i].values, averages_[i]);
  for (auto& [name, average] : buffer_averages_) exchange(buffers_.at(name), average);
}

}  // namespace diffverb
