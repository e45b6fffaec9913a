#pragma once

#include <cstdint>
#include <map>
#include <string>

#include "core/seed.h"
#include "core/tensor.h"
#include "models/layers_conv.h"

namespace diffverb {

/// Batch norm as Keras 2.1.5 keeps it on TensorFlow: what reaches the next layer is (x - mean) / sqrt(variance +
/// epsilon) gamma + beta, handed on as a scale and a shift.
///
///   running mean     = momentum running + (1 - momentum) mean
///   running variance = momentum running + (1 - momentum) variance N / (N - 1) N / (N - 1 - epsilon)
///
/// TensorFlow's fused operator returns the unbiased variance, and Keras corrects it once more: hence both factors.
struct BatchNorm {
  double momentum = 0, epsilon = 0;
  at::Tensor gamma, beta;     // [C], learned
  at::Tensor mean, variance;  // [C], running

  /// Reads    the batch's statistics; training: those over all ranks (core/collective.h) are used and remembered, else
  ///          the running ones take their place
  /// Throws   ContractError for fewer than two numbers a channel in training
  Activation apply(const ConvOutput& in, bool training);
};

/// Convolution -> leaky ReLU -> batch norm, either of the last two on demand.
class ConvBlock {
 public:
  struct Options {
    ConvShape shape;
    double slope = 0.1;  // of the leaky ReLU; 1: none
    bool norm = true;
    double momentum = 0.99, epsilon = 1e-3;  // of the norm
  };

  /// Zeros and ones; reset() draws the kernel.
  ConvBlock(const Options& options, const at::TensorOptions& type);

  /// Keras's defaults: the kernel uniform in +- sqrt(6 / (fan in + fan out)), bias 0, norm the identity.
  void reset(Random& random);
  Activation forward(const Activation& in, bool training);

  const ConvShape& shape() const { return options_.shape; }
  bool has_norm() const { return options_.norm; }
  /// Adds this block's tensors: prefix + "kernel", "bias", "gamma", "beta"; prefix + "mean", "variance".
  void add_parameters(const std::string& prefix, std::map<std::string, at::Tensor>& to) const;
  void add_buffers(const std::string& prefix, std::map<std::string, at::Tensor>& to) const;

 private:
  Options options_;
  at::Tensor kernel_, bias_;
  BatchNorm norm_;
};

}  // namespace diffverb
