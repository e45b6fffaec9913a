#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "core/fields.h"
#include "losses/loss.h"
#include "models/model.h"
#include "train/run_folder.h"

namespace diffverb {

/// A loss and what it counts in the sum.
struct WeightedLoss {
  std::string name;
  double weight = 1;
  std::unique_ptr<Loss> loss;
};

/// Reads a list of losses: each map has `type`, `weight` (default 1) and the loss's own keys.
std::vector<WeightedLoss> read_losses(Fields& fields, const std::string& key);

/// The one loop: Adam over a model's parameters, with warm-up, cosine decay, checkpoints, logs and a clean stop.
///
///   rate(step) = rate * min((step + 1) / warmup, 1) * (end + (1 - end) (1 + cos(pi step / steps)) / 2)
///
/// The state after a step depends on the parameters, the moments and the step alone, so a resumed run equals an
/// uninterrupted one bit for bit on the CPU.
///
/// Throws   NumericError (step, tensor, first bad index) where a loss or gradient is not a number; the last checkpoint
/// stays whole Source   Kingma and Ba 2015; Loshchilov and Hutter 2017
class Trainer {
 public:
  struct Outcome {
    std::int64_t steps = 0;  // made in all, earlier parts of a resumed run included
    double seconds = 0;      // of this part
    double first_loss = 0, last_loss = 0;
    bool stopped = false;  // by a signal: a checkpoint is there and the run can be resumed
  };

  explicit Trainer(Fields& fields);

  /// Steps until done, stopped or no longer improving. `resume` goes on from the folder's checkpoint.
  Outcome run(Model& model, const std::vector<WeightedLoss>& losses, const RunFolder& folder, const std::string& title,
              bool resume);
  /// The loss that the first `steps` steps of a run come to; writes nothing. Moves the model's parameters.
  double pilot(Model& model, const std::vector<WeightedLoss>& losses, std::int64_t steps) const;

 private:
  struct State;
  struct Evaluation;
  State start(const Model& model) const;
  Evaluation step(Model& model, const std::vector<WeightedLoss>& losses, State& state) const;
  double rate_at(std::int64_t step) const;
  void update(State& state) const;
  void save(const State& state, const RunFolder& folder) const;
  void load(State& state, const RunFolder& folder) const;

  std::int64_t steps_ = 100, warmup_steps_ = 5, patience_ = 0;
  double rate_ = 0.02, end_share_ = 0.02, beta1_ = 0.9, beta2_ = 0.99, epsilon_ = 1e-8, min_improvement_ = 1e-4;
  double checkpoint_every_s_ = 5;
};

}  // namespace diffverb
