#include "models/field/spread_points.h"

#include <ATen/ops/arange.h>
#include <ATen/ops/tensor.h>

#include <cmath>
#include <vector>

namespace diffverb {

SpreadPoints::SpreadPoints(std::int64_t dimensions, Random& random) {
  double root = 2;
  for (int k = 0; k < 60; ++k) root = std::pow(1 + root, 1.0 / static_cast<double>(dimensions + 1));
  std::vector<double> start, step;
  for (std::int64_t j = 1; j <= dimensions; ++j) {
    start.push_back(random.uniform());
    step.push_back(std::pow(root, -static_cast<double>(j)));
  }
  start_ = at::tensor(start, at::kDouble);
  step_ = at::tensor(step, at::kDouble);
}

at::Tensor SpreadPoints::draw(const at::Tensor& set, std::int64_t count) const {
  const at::Tensor k = at::arange(count, set.options()) + set * count;
  return (start_ + k.to(at::kDouble).unsqueeze(1) * step_).frac();
}

void SpreadPoints::move_to(at::Device device) {
  start_ = start_.to(device);
  step_ = step_.to(device);
}

}  // namespace diffverb
