#include "train/training/trainer.h"

#include <limits>

#include "core/error.h"
#include "train/stop.h"
#include "train/training/training_loop.h"

namespace diffverb {

Trainer::Trainer(Fields& f, Kind kind) : kind_(kind), schedule_(f, kind == Kind::kDataset) {
  if (kind == Kind::kOneTarget) {
    adam_.beta2 = 0.99;  // a hundred steps: a shorter memory
    f.optional("steps", steps_, between(0, 1e7));
    f.optional("patience", patience_, at_least(0), "steps");
    f.optional("log_every", log_every_, between(0, 1000), "steps between readings of the loss; 0: 1, on a GPU 10");
  } else {
    steps_ = 0;
    keep_ = 3;
    log_every_ = 1;
    checkpoint_every_s_ = 300;
    f.optional("batch_size", batch_size_, between(1, 1 << 20), "examples over all ranks");
    f.optional("epochs", epochs_, between(0, 1e7));
    f.optional("steps", steps_, between(0, 1e9), "0: by epochs");
    std::string optimizer = "adamw";
    f.choice("optimizer", optimizer, {"adam", "adamw"});
    adam_.decoupled = optimizer == "adamw";
    f.optional("weight_decay", adam_.weight_decay, at_least(0));
    f.optional("clip_norm", adam_.clip_norm, at_least(0), "0: off");
    f.optional("ema_decay", ema_decay_, {.min = 0, .max = 1, .max_open = true}, "0: off");
    f.optional("validate_every", validate_every_, at_least(0), "steps; 0: each epoch");
    f.optional("patience", patience_, at_least(0), "validations; 0: off");
    f.optional("checkpoint_every_steps", checkpoint_every_steps_, at_least(0), "0: by time alone");
    f.optional("keep", keep_, between(1, 1000), "newest checkpoints");
    f.optional("log_every", log_every_, between(1, 1000), "steps between readings of the loss");
    std::string precision = "fp32";
    f.choice("precision", precision, {"fp32", "tf32", "bf16"});
    precision_ = precision_of(precision);
  }
  std::string balance = "none";
  f.choice("balance", balance, {"none", "gradient_norm"});
  std::int64_t balance_steps = 5;
  f.optional("balance_steps", balance_steps, between(1, 10000), "steps whose gradient norms are measured");
  balance_steps_ = balance == "none" ? 0 : balance_steps;
  f.optional("graph", graph_);
  f.optional("beta1", adam_.beta1, {.min = 0, .max = 1, .max_open = true});
  f.optional("beta2", adam_.beta2, {.min = 0, .max = 1, .max_open = true});
  f.optional("epsilon", adam_.epsilon, above(0));
  f.optional("min_improvement", min_improvement_, at_least(0));
  f.optional("checkpoint_every_s", checkpoint_every_s_, at_least(0), "s");
}

std::int64_t Trainer::total_steps(const Loader* training) const {
  return steps_ > 0 || !training ? steps_ : epochs_ * training->steps_per_epoch();
}

double Trainer::pilot(Model& model, const std::vector<WeightedLoss>& losses, std::int64_t steps,
                      at::Device device) const {
  Job job{model, losses};
  job.device = device;
  // Measured anew in each pilot, the balance would make their losses incomparable.
  Trainer unbalanced = *this;
  unbalanced.balance_steps_ = 0;
  TrainingLoop loop(unbalanced, job);
  at::Tensor values;
  for (std::int64_t k = 0; k < steps && !stop_requested(); ++k) values = loop.step();
  if (!values.defined()) return std::numeric_limits<double>::infinity();
  return loop.sum_of(values);
}

Trainer::Outcome Trainer::run(const Job& job) { return TrainingLoop(*this, job).run(); }

}  // namespace diffverb
