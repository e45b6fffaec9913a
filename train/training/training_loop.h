#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/progress.h"
#include "train/optimizer/step_graph.h"
#include "train/training/checkpointing.h"
#include "train/training/gradient_balance.h"
#include "train/training/gradient_buckets.h"
#include "train/training/trainer.h"
#include "train/training/training_records.h"
#include "train/training/training_state.h"

namespace diffverb {

/// One run of a Trainer: what lives while it lasts.
class TrainingLoop {
 public:
  TrainingLoop(const Trainer& trainer, const Trainer::Job& job);

  Trainer::Outcome run();
  /// One step; returns its losses as tensors on the device: the terms, the sum, the gradient's norm.
  at::Tensor step();
  /// The sum among what a step returned.
  static double sum_of(const at::Tensor& values) { return values[-2].item<double>(); }
  TrainingState& state() { return state_; }

 private:
  using Clock = std::chrono::steady_clock;
  struct Pending {
    std::int64_t step = 0;
    double rate = 0;
    at::Tensor values;
    std::vector<std::int64_t> indices;
  };
  struct Flags {
    bool stop = false, save = false;
  };

  bool writes() const;  // rank 0 alone does
  std::int64_t log_every() const;
  void begin();
  void resume();
  Batch next_batch();
  void check_batch(const Batch& batch) const;
  Response make_features(const Batch& batch) const;
  Response make_target(const Batch& batch) const;
  Response forward(const Response& target) const;
  at::Tensor compute(const Response& target);
  Summed sum_losses(const Response& response, bool training);
  [[noreturn]] void refuse_gradient(std::int64_t step);
  at::Tensor exchange(at::Tensor values);
  double log_data_wait();
  void note(const Pending& pending);
  void flush_pending();
  [[noreturn]] void refuse_loss(const Pending& pending, const at::Tensor& values);
  std::string blamed_responses(const std::vector<std::int64_t>& indices);
  bool validation_due() const;
  bool validate();
  std::optional<LossValues> validation_losses();
  void take_validation(const LossValues& losses);
  bool no_longer_improving() const;
  void save();
  TrainingState::Place place() const;
  Checkpoint checkpoint() const;
  std::map<std::string, double> terms_of(const double* values) const;

  const Trainer& trainer_;
  const Trainer::Job& job_;
  std::vector<std::string> term_names_;
  Schedule schedule_;
  TrainingState state_;
  GradientBalance balance_;
  std::unique_ptr<GradientBuckets> buckets_;
  std::unique_ptr<StepGraph> graph_;
  std::unique_ptr<Checkpoints> checkpoints_;
  std::unique_ptr<TrainingRecords> records_;
  std::unique_ptr<Progress> progress_;
  std::int64_t total_ = 0, first_step_ = 0;
  Clock::time_point started_, saved_, logged_;
  double waited_s_ = 0, waited_at_log_s_ = 0;
  std::int64_t logged_step_ = 0;
  Flags flags_;
  Batch batch_;
  std::vector<Pending> pending_;
  Trainer::Outcome outcome_;
};

}  // namespace diffverb
