#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "core/device/precision.h"
#include "core/fields.h"
#include "datasets/loader.h"
#include "models/model.h"
#include "train/optimizer/flat_adam.h"
#include "train/optimizer/schedule.h"
#include "train/run_folder.h"
#include "train/training/tensorboard.h"
#include "train/training/weighted_loss.h"

namespace diffverb {

class Distributed;

/// The one loop: Adam over a model's parameters, on one target that the losses were prepared for, or on batches of a
/// data set, with validation, checkpoints, logs and a clean stop.
///
/// The state after a step depends on the state before it and the step's number alone, so a resumed run equals an
/// uninterrupted one bit for bit on the CPU, for the same number of threads and ranks.
///
/// Throws   NumericError (step, tensor, first bad index; which response) where a loss or gradient is not a number,
///          DataError where an example is not; the last checkpoint stays whole
class Trainer {
 public:
  enum class Kind { kOneTarget, kDataset };

  struct Outcome {
    std::int64_t steps = 0;          // made in all, earlier parts of a resumed run included
    std::int64_t steps_here = 0;     // of this part
    double seconds = 0;              // of this part
    double last_loss = 0;            // of the last step; not finite where none was ever made
    double best_validation = 0;      // lowest so far; NaN where nothing was validated
    double data_wait_share = 0;      // of this part's time, spent waiting for batches
    bool stopped = false;            // by a signal: a checkpoint is there and the run can be resumed
    bool stopped_improving = false;  // ended by `patience`
  };

  /// What is to be trained, and where it is written. Most of the last members are for data sets.
  struct Job {
    Model& model;
    const std::vector<WeightedLoss>& losses;
    const RunFolder* folder = nullptr;  // null: nothing is written
    std::string title = "";
    bool resume = false;  // go on from the folder's checkpoint
    /// After each step, of `total`; then no progress bar is shown. May be empty.
    std::function<void(std::int64_t done, std::int64_t total)> on_step = {};
    const Dataset* data = nullptr;
    Loader* training = nullptr;    // of data's training part
    Loader* validation = nullptr;  // null: none
    std::uint64_t seed = 1;
    at::Device device{at::kCPU};
    std::string config;            // resolved; stands in the checkpoints
    std::string data_identity;     // likewise, where not empty: which examples these are
    Distributed* ranks = nullptr;  // null: alone
    /// After a validation: pictures and sounds of its first batch. May be empty.
    std::function<void(EventWriter&, const Response& target, const Response& output, std::int64_t step)> show;
  };

  Trainer(Fields& fields, Kind kind);

  /// Steps until done, stopped or no longer improving. The losses of one target are prepared by the caller.
  Outcome run(const Job& job);
  /// The loss that the first `steps` steps of a run on one target come to; writes nothing. Moves the model's
  /// parameters.
  double pilot(Model& model, const std::vector<WeightedLoss>& losses, std::int64_t steps,
               at::Device device = at::kCPU) const;

  Precision precision() const { return precision_; }
  std::int64_t batch_size() const { return batch_size_; }  // over all ranks

 private:
  friend class TrainingLoop;
  std::int64_t total_steps(const Loader* training) const;

  Kind kind_;
  std::int64_t steps_ = 100, epochs_ = 100, batch_size_ = 8;
  std::int64_t patience_ = 0, checkpoint_every_steps_ = 0, keep_ = 1, validate_every_ = 0, log_every_ = 0;
  std::int64_t balance_steps_ = 0;  // 0: the weights alone
  double ema_decay_ = 0, min_improvement_ = 1e-4, checkpoint_every_s_ = 5;
  AdamOptions adam_;
  Schedule schedule_;
  Precision precision_ = Precision::kFp32;
  bool graph_ = true;
};

}  // namespace diffverb
