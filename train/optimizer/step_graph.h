#pragma once

#include <functional>
#include <memory>

#include "core/device/cuda_module.h"
#include "core/response.h"

namespace diffverb {

/// Repeats a training step on a GPU as one CUDA graph: one launch a step in place of hundreds.
///
/// The first steps run as they are, on a target that stays where it is; then the step is recorded once, and from then
/// on only the target's numbers change. A step that cannot be recorded (one that asks the device for a number, one that
/// sums over other processes) goes on as it is, with one warning that names the operator.
///
/// Reads    a step: all of its inputs stand in the target or stay at one place (parameters, moments, the rate); a step
///          on one target that its losses were prepared for takes an empty one
/// Returns  what the step returns, a copy of its own
class StepGraph {
 public:
  using Step = std::function<at::Tensor(const Response& target)>;

  explicit StepGraph(Step step) : step_(std::move(step)) {}
  at::Tensor run(const Response& target);
  bool is_recorded() const { return graph_ != nullptr; }

 private:
  static constexpr int kWarmUpSteps = 3;

  bool place(const Response& target);  // copies into place_; false where the shapes are others
  void record();

  Step step_;
  Response place_;
  bool placed_ = false, gave_up_ = false;
  int steps_ = 0;
  std::unique_ptr<CudaGraph> graph_;
  at::Tensor values_;
};

}  // namespace diffverb
