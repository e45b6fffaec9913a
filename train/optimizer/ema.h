#pragma once

#include <map>
#include <string>
#include <vector>

#include "core/tensor.h"
#include "train/optimizer/flat_parameters.h"

namespace diffverb {

/// Exponential moving average of the weights, on the flat buffers, and of the model's floating-point buffers: running
/// statistics belong to the weights that made them.
///
///   a <- d a + (1 - d) p,   d = min(decay, (1 + t) / (10 + t)) after step t = 1, 2, ...;  a = p at the start
///
/// The growing decay lets the average forget the random start. Validation and export use a.
///
/// Source   Polyak and Juditsky 1992; the growing decay as in TensorFlow's ExponentialMovingAverage
class Ema {
 public:
  /// `buffers`: as Model::buffers() names them; those that count or index are left alone.
  Ema(FlatParameters& parameters, const std::map<std::string, at::Tensor>& buffers, double decay);

  void update(std::int64_t step) {
    set_step(step);
    apply();
  }
  /// The two halves of update(): what the host decides, and what the device does. A CUDA graph repeats the second.
  void set_step(std::int64_t step);
  void apply();
  /// Exchanges average and parameters; a second call puts them back.
  void swap();
  std::vector<at::Tensor>& averages() { return averages_; }
  /// By the buffer's name.
  std::map<std::string, at::Tensor>& buffer_averages() { return buffer_averages_; }

 private:
  FlatParameters& parameters_;
  double decay_, share_ = 0;
  at::Tensor share_on_gpu_;
  std::vector<at::Tensor> averages_;
  std::map<std::string, at::Tensor> buffers_, buffer_averages_;
};

}  // namespace diffverb
