#pragma once

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "core/tensor.h"
#include "tests/rooms.h"
#include "train/fit/stepped_fit.h"

namespace diffverb {

/// A fit of a short noise room, step by step.
class FitSteps {
 public:
  explicit FitSteps(std::vector<std::string> overlays, at::Device device = at::kCPU)
      : fit_(with_small_model(std::move(overlays)), kRoom.tensor(), kRoom.rate_hz, 3, device) {}

  /// What recording a step must leave alone.
  std::vector<at::Tensor> state() {
    std::vector<at::Tensor> all;
    for (const auto& buffer : fit_.loop().state().parameters.buffers()) {
      all.push_back(buffer.values);
      all.push_back(buffer.gradients);
    }
    for (const auto& moment : fit_.loop().state().adam.first()) all.push_back(moment);
    for (const auto& moment : fit_.loop().state().adam.second()) all.push_back(moment);
    return all;
  }

  /// Returns the loss.
  double step() {
    const at::Tensor values = fit_.step();
    ++fit_.loop().state().step;
    return fit_.sum_of(values);
  }
  TrainingLoop& loop() { return fit_.loop(); }
  std::map<std::string, at::Tensor> gradients() const {
    std::map<std::string, at::Tensor> out;
    for (const auto& [name, parameter] : model().parameters()) out[name] = parameter.grad().cpu().clone();
    return out;
  }
  const Fdn& model() const { return fit_.model(); }

 private:
  static inline const NoiseRoom kRoom{.seconds = 0.5, .t60_s = 0.35, .channels = 2};
  static std::vector<std::string> with_small_model(std::vector<std::string> overlays) {
    overlays.insert(overlays.begin(), {"model.lines=8", "train.steps=40", "train.rate=0.04"});
    return overlays;
  }

  SteppedFit fit_;
};

inline std::string joined(const std::vector<std::string>& words) {
  std::string out;
  for (const auto& word : words) out += word + " ";
  return out;
}

}  // namespace diffverb
