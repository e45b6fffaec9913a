#pragma once

#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <vector>

#include "models/model.h"
#include "train/optimizer/ema.h"
#include "train/optimizer/flat_adam.h"
#include "train/optimizer/flat_parameters.h"
#include "train/optimizer/schedule.h"
#include "train/training/checkpoint.h"

namespace diffverb {

class Distributed;

/// Everything that the next step depends on, and that a checkpoint therefore holds.
///
/// In a checkpoint, by parameter name p: "parameter.p", "first.p", "second.p", "ema.p"; by buffer name b: "buffer.b",
/// "ema_buffer.b"; "rng"; and the text "state" (JSON: step, epoch, best values, course of the rate, ranks) with
/// "config", the resolved YAML.
struct TrainingState {
  TrainingState(Model& model, const AdamOptions& adam, double ema_decay);

  Model& model;
  FlatParameters parameters;
  FlatAdam adam;
  std::optional<Ema> ema;
  Schedule::State course;
  std::int64_t step = 0;                                       // steps made
  double last_loss = std::numeric_limits<double>::infinity();  // of the last step
  double best = std::numeric_limits<double>::infinity();       // loss, of training or validation
  std::int64_t best_step = 0;
  std::int64_t validated_step = 0;  // after which the last validation was
  std::int64_t bad_validations = 0;
  std::vector<double> gradient_norms;  // of the losses, summed over the steps that balance them; empty where none does

  struct Place {
    std::int64_t steps_per_epoch = 0, ranks = 1, batch_size = 0;
  };
  /// Throws   NumericError where a parameter is not finite: such a state is not to be kept
  Checkpoint to_checkpoint(const std::string& config, const Place& place) const;
  void from_checkpoint(const Checkpoint& checkpoint);
  /// What rank 0 has, on all ranks.
  void broadcast(Distributed& ranks);

 private:
  std::string numbers() const;
  void set_numbers(const std::string& json);
};

/// Puts a checkpoint's weights into a model, for use: the averaged ones where there are such.
/// Throws   DataError where names or shapes do not fit the model
void load_weights(const Checkpoint& checkpoint, Model& model);

}  // namespace diffverb
