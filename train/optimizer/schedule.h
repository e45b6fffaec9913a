#pragma once

#include <cstdint>
#include <limits>
#include <string>

#include "core/fields.h"

namespace diffverb {

/// The learning rate over the steps: warm-up, then one of four courses.
///
///   rate(step) = rate min((step + 1) / warmup, 1) c(step)
///   cosine     c = end + (1 - end) (1 + cos(pi step / steps)) / 2
///   step       c = factor^floor(step / step_every)
///   plateau    c = factor^k, k the times that `plateau_patience` validations brought nothing better
///   constant   c = 1
///
/// The course of `plateau` is state: it stands in checkpoints. The others depend on the step alone.
///
/// Source   Loshchilov and Hutter 2017 (cosine)
class Schedule {
 public:
  /// Reads `rate`, `warmup_steps`, `end_share`; where `all` also `schedule` and the keys of its other courses.
  Schedule(Fields& fields, bool all);

  double rate_at(std::int64_t step, std::int64_t steps) const;
  /// After a validation: what it came to.
  void observe(double loss);

  struct State {
    double factor = 1, best = std::numeric_limits<double>::infinity();
    std::int64_t bad = 0;
  };
  const State& state() const { return state_; }
  void set_state(const State& state) { state_ = state; }

 private:
  std::string course_ = "cosine";
  double rate_ = 0.02, end_share_ = 0.02, factor_ = 0.5;
  std::int64_t warmup_steps_ = 5, step_every_ = 10000, plateau_patience_ = 5;
  State state_;
};

}  // namespace diffverb
