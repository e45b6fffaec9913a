#pragma once

#include <vector>

#include "core/tensor.h"
#include "train/optimizer/flat_parameters.h"

namespace diffverb {

struct AdamOptions {
  double beta1 = 0.9, beta2 = 0.999, epsilon = 1e-8;
  double weight_decay = 0;
  bool decoupled = true;  // AdamW; false: the decay is added to the gradient
  double clip_norm = 0;   // 0: gradients as they are
};

/// Adam and AdamW over flat buffers, one fused pass for all parameters that are stepped alike.
///
///   g <- g min(1, clip / |g|)          |g| over all parameters
///   m <- b1 m + (1 - b1) g;  v <- b2 v + (1 - b2) g^2
///   p <- p - rate scale (m / (1 - b1^t)) / (sqrt(v / (1 - b2^t)) + epsilon) - rate scale decay p
///
/// The same result for the same number of threads. A gradient that is not finite changes nothing: step() then returns a
/// norm that is not finite. On a GPU a pass of our own (flat_adam.cu).
///
/// Source   Kingma and Ba 2015; Loshchilov and Hutter 2019
class FlatAdam {
 public:
  FlatAdam(FlatParameters& parameters, const AdamOptions& options);

  /// Returns  |g| before clipping, a float64 scalar on the parameters' device, for whoever reads it and when
  at::Tensor step(double rate) {
    set_rate(rate);
    return apply();
  }
  /// The two halves of step(): what the host decides, and what the device does. A CUDA graph repeats the second.
  void set_rate(double rate);
  at::Tensor apply();
  std::int64_t steps() const { return steps_; }
  void set_steps(std::int64_t steps) { steps_ = steps; }

  std::vector<at::Tensor>& first() { return first_; }    // m, laid out like the buffers
  std::vector<at::Tensor>& second() { return second_; }  // v

 private:
  at::Tensor gradient_norm() const;
  template <typename Scalar>
  void step_group_on_gpu(const FlatParameters::Group& group, const at::Tensor& norm);
  void step_group(const FlatParameters::Group& group, const at::Tensor& norm);

  FlatParameters& parameters_;
  AdamOptions options_;
  std::vector<at::Tensor> first_, second_;
  std::int64_t steps_ = 0;
  double rate_ = 0;
  at::Tensor numbers_;  // on a GPU: rate, 1 / (1 - b1^t), 1 / sqrt(1 - b2^t)
};

}  // namespace diffverb
