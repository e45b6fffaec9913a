#pragma once

#include <torch/types.h>

#include <algorithm>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "models/fdn.h"
#include "tests/rooms.h"
#include "train/fit.h"
#include "train/training_loop.h"

namespace diffverb {

/// A fit as train/fit.cpp puts it together, step by step.
class FitSteps {
 public:
  explicit FitSteps(std::vector<std::string> overlays, torch::Device device = torch::kCPU) {
    overlays.insert(overlays.begin(), {"model.lines=8", "train.steps=40", "train.rate=0.04"});
    Fields fields = Fields::from_text(default_fit_config(), "config", overlays);
    Fields model = fields.map("model"), train = fields.map("train");
    model_ = std::make_unique<Fdn>(model);
    losses_ = read_losses(fields, "losses");
    trainer_ = std::make_unique<Trainer>(train, Trainer::Kind::kOneTarget);
    const NoiseRoom room{.seconds = 0.5, .t60_s = 0.35, .channels = 2};
    const auto ir = room.tensor();
    model_->design(ir, room.rate_hz, 3);
    model_->move_to(device);
    auto heard = torch::zeros({1, ir.size(0), model_->samples()});
    const std::int64_t kept = std::min(model_->samples(), ir.size(1));
    heard[0].slice(1, 0, kept).copy_(ir.slice(1, 0, kept));
    Response target(heard.to(device), room.rate_hz);
    target.set("measured_ir", ir.unsqueeze(0));
    for (const WeightedLoss& loss : losses_) loss.loss->prepare(target);
    job_ = std::make_unique<Trainer::Job>(Trainer::Job{*model_, losses_});
    job_->device = device;
    loop_ = std::make_unique<TrainingLoop>(*trainer_, *job_);
  }

  /// What recording a step must leave alone.
  std::vector<torch::Tensor> state() {
    std::vector<torch::Tensor> all;
    for (const auto& buffer : loop_->state().parameters.buffers()) {
      all.push_back(buffer.values);
      all.push_back(buffer.gradients);
    }
    for (const auto& moment : loop_->state().adam.first()) all.push_back(moment);
    for (const auto& moment : loop_->state().adam.second()) all.push_back(moment);
    return all;
  }

  /// Returns the loss.
  double step() {
    const torch::Tensor values = loop_->step();
    ++loop_->state().step;
    return values[static_cast<std::int64_t>(losses_.size())].item<double>();
  }
  TrainingLoop& loop() { return *loop_; }
  std::map<std::string, torch::Tensor> gradients() const {
    std::map<std::string, torch::Tensor> out;
    for (const auto& [name, parameter] : model_->parameters()) out[name] = parameter.grad().cpu().clone();
    return out;
  }
  const Fdn& model() const { return *model_; }

 private:
  std::unique_ptr<Fdn> model_;
  std::vector<WeightedLoss> losses_;
  std::unique_ptr<Trainer> trainer_;
  std::unique_ptr<Trainer::Job> job_;
  std::unique_ptr<TrainingLoop> loop_;
};

inline std::string joined(const std::vector<std::string>& words) {
  std::string out;
  for (const auto& word : words) out += word + " ";
  return out;
}

}  // namespace diffverb
