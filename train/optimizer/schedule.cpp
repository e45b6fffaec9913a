#include "train/optimizer/schedule.h"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace diffverb {
namespace {

constexpr double kBetter = 1 - 1e-4;  // a plateau is left by this much

}  // namespace

Schedule::Schedule(Fields& f, bool all) {
  if (all) {
    rate_ = 1e-3;  // of a network; a fit's few parameters take larger steps
    warmup_steps_ = 100;
    f.choice("schedule", course_, {"cosine", "step", "plateau", "constant"});
    f.optional("schedule_factor", factor_, inside(0, 1));
    f.optional("step_every", step_every_, at_least(1), "steps");
    f.optional("plateau_patience", plateau_patience_, at_least(1), "validations");
  }
  f.optional("rate", rate_, above(0));
  f.optional("warmup_steps", warmup_steps_, at_least(1));
  f.optional("end_share", end_share_, between(0, 1));
}

double Schedule::rate_at(std::int64_t step, std::int64_t steps) const {
  const double warm = std::min(1.0, static_cast<double>(step + 1) / static_cast<double>(warmup_steps_));
  if (course_ == "constant") return rate_ * warm;
  if (course_ == "plateau") return rate_ * warm * state_.factor;
  if (course_ == "step") return rate_ * warm * std::pow(factor_, static_cast<double>(step / step_every_));
  const double share = static_cast<double>(step) / static_cast<double>(std::max<std::int64_t>(steps, 1));
  return rate_ * warm * (end_share_ + (1 - end_share_) * 0.5 * (1 + std::cos(std::numbers::pi * share)));
}

void Schedule::observe(double loss) {
  if (loss < state_.best * kBetter || !std::isfinite(state_.best)) {
    state_.best = loss;
    state_.bad = 0;
  } else if (++state_.bad >= plateau_patience_) {
    state_.factor *= factor_;
    state_.bad = 0;
  }
}

}  // namespace diffverb
