#include "runtime/dense.h"

#include <algorithm>
#include <cstddef>

namespace diffverb::runtime {
namespace {

std::vector<float> dense(const DenseWeights& layer, const std::vector<float>& x) {
  std::vector<float> y(layer.bias);
  for (int row = 0; row < layer.outputs; ++row) {
    const float* weight = layer.weight.data() + static_cast<std::size_t>(row) * static_cast<std::size_t>(layer.inputs);
    double sum = 0;
    for (int i = 0; i < layer.inputs; ++i) sum += static_cast<double>(weight[i]) * x[static_cast<std::size_t>(i)];
    y[static_cast<std::size_t>(row)] += static_cast<float>(sum);
  }
  return y;
}

void leaky(std::vector<float>& x) {
  for (float& value : x) value = std::max(value, 0.1f * value);
}

}  // namespace

std::vector<float> run_network(std::span<const DenseWeights* const> layers, const std::vector<float>& input) {
  std::vector<float> x = dense(*layers.front(), input);
  leaky(x);
  for (std::size_t i = 1; i + 2 < layers.size(); i += 2) {
    std::vector<float> inner = dense(*layers[i], x);
    leaky(inner);
    inner = dense(*layers[i + 1], inner);
    for (std::size_t j = 0; j < x.size(); ++j) x[j] += inner[j];
  }
  return dense(*layers.back(), x);
}

}  // namespace diffverb::runtime
