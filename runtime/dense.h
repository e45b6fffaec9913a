#pragma once

#include <span>
#include <vector>

namespace diffverb::runtime {

/// A layer y = W x + b, row-major.
struct DenseWeights {
  int inputs = 0, outputs = 0;
  std::vector<float> weight;  // [outputs, inputs]
  std::vector<float> bias;    // [outputs]
};

/// Dense layers with residual blocks between them, in the order in, a, b, a, b, ..., out:
///
///     x_0 = f(in x), x_i+1 = x_i + b_i f(a_i x_i), y = out x_n,  f(x) = max(x, 0.1 x)
///
/// Source   He et al. 2016
std::vector<float> run_network(std::span<const DenseWeights* const> layers, const std::vector<float>& x);

}  // namespace diffverb::runtime
