#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "core/tensor.h"
#include "models/fdn.h"
#include "train/training/training_loop.h"

namespace diffverb {

/// Target for the losses of a fit: what the model computes, and all that was measured for the noise floor, which they
/// look for on the CPU.
/// Reads    ir [C, T] on the CPU
Response fit_target(const at::Tensor& ir, double sample_rate_hz, std::int64_t samples, at::Device device);

/// A fit of the built-in config that goes step by step, without a run folder: for benchmarks and tests.
class SteppedFit {
 public:
  SteppedFit(const std::vector<std::string>& overlays, const at::Tensor& ir, double sample_rate_hz, std::uint64_t seed,
             at::Device device);
  SteppedFit(const SteppedFit&) = delete;  // the loop refers to its parts
  SteppedFit& operator=(const SteppedFit&) = delete;

  /// Every loss, then their sum.
  at::Tensor step() { return loop_->step(); }
  /// The sum among what a step returned.
  double sum_of(const at::Tensor& values) const { return TrainingLoop::sum_of(values); }
  TrainingLoop& loop() { return *loop_; }
  const Fdn& model() const { return *model_; }

 private:
  std::unique_ptr<Fdn> model_;
  std::vector<WeightedLoss> losses_;
  std::unique_ptr<Trainer> trainer_;
  std::unique_ptr<Trainer::Job> job_;
  std::unique_ptr<TrainingLoop> loop_;
};

}  // namespace diffverb
