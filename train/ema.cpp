#include "train/ema.h"

#include <algorithm>

namespace diffverb {

Ema::Ema(FlatParameters& parameters, double decay) : parameters_(parameters), decay_(decay) {
  for (const auto& buffer : parameters_.buffers()) averages_.push_back(buffer.values.clone());
}

void Ema::update(std::int64_t step) {
  const torch::NoGradGuard no_grad;
  const auto t = static_cast<double>(step);
  const double decay = std::min(decay_, (1 + t) / (10 + t));
  for (std::size_t i = 0; i < averages_.size(); ++i) averages_[i].lerp_(parameters_.buffers()[i].values, 1 - decay);
}

void Ema::swap() {
  const torch::NoGradGuard no_grad;
  for (std::size_t i = 0; i < averages_.size(); ++i) {
    torch::Tensor values = parameters_.buffers()[i].values;
    const torch::Tensor kept = values.clone();
    values.copy_(averages_[i]);
    averages_[i].copy_(kept);
  }
}

}  // namespace diffverb
