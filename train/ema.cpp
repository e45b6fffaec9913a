#include "train/ema.h"

#include <algorithm>

namespace diffverb {

namespace {

void exchange(torch::Tensor one, torch::Tensor other) {
  const torch::Tensor kept = one.clone();
  one.copy_(other);
  other.copy_(kept);
}

}  // namespace

Ema::Ema(FlatParameters& parameters, const std::map<std::string, torch::Tensor>& buffers, double decay)
    : parameters_(parameters), decay_(decay) {
  for (const auto& buffer : parameters_.buffers()) averages_.push_back(buffer.values.clone());
  for (const auto& [name, buffer] : buffers) {
    if (!buffer.is_floating_point()) continue;
    buffers_.emplace(name, buffer);
    buffer_averages_.emplace(name, buffer.detach().clone());
  }
}

void Ema::update(std::int64_t step) {
  const torch::NoGradGuard no_grad;
  const auto t = static_cast<double>(step);
  const double decay = std::min(decay_, (1 + t) / (10 + t));
  for (std::size_t i = 0; i < averages_.size(); ++i) averages_[i].lerp_(parameters_.buffers()[i].values, 1 - decay);
  for (auto& [name, average] : buffer_averages_) average.lerp_(buffers_.at(name), 1 - decay);
}

void Ema::swap() {
  const torch::NoGradGuard no_grad;
  for (std::size_t i = 0; i < averages_.size(); ++i) exchange(parameters_.buffers()[i].values, averages_[i]);
  for (auto& [name, average] : buffer_averages_) exchange(buffers_.at(name), average);
}

}  // namespace diffverb
