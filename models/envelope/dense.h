#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "core/seed.h"
#include "core/tensor.h"

namespace diffverb {

/// y = W x + b.
struct DenseLayer {
  at::Tensor weight;  // [out, in]
  at::Tensor bias;    // [out]
};

/// Dense layers with residual blocks between them:
///
///   x_0 = f(W_in x + b_in),  x_i+1 = x_i + B_i f(A_i x_i + a_i) + b_i,  y = W_out x_n + b_out
///
/// with f(x) = max(x, 0.1 x). Every block is the identity at first.
/// Source   He et al. 2016
class DenseNetwork {
 public:
  DenseNetwork(std::int64_t inputs, std::int64_t width, std::int64_t blocks, std::int64_t outputs);

  /// Uniform in +- 1 / sqrt(inputs of the layer); the last layer's times `output_scale`.
  void reset(Random& random, double output_scale);
  at::Tensor forward(const at::Tensor& x) const;  // [B, inputs] -> [B, outputs]
  /// prefix + "in.weight", "block1.a.weight", ..., "out.bias"
  void add_parameters(const std::string& prefix, std::map<std::string, at::Tensor>& to) const;

 private:
  struct Block {
    DenseLayer a, b;
  };
  DenseLayer in_, out_;
  std::vector<Block> blocks_;
};

}  // namespace diffverb
