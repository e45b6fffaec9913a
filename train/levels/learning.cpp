#include <algorithm>
#include <cmath>

#include "train/levels/levels.h"
#include "train/report/training_data.h"

namespace diffverb {
namespace {

namespace fs = std::filesystem;
using report::LossLog;

/// Where the loss of a validation is least.
std::size_t best_of(const LossLog& validation) {
  return static_cast<std::size_t>(std::min_element(validation.total.begin(), validation.total.end()) -
                                  validation.total.begin());
}

/// Mean training loss over the steps since the validation before the best one: what the validation is of.
double training_loss_before(const LossLog& losses, const LossLog& validation, std::size_t best) {
  const double to = validation.step[best], from = best > 0 ? validation.step[best - 1] : -1;
  double sum = 0;
  int count = 0;
  for (std::size_t k = 0; k < losses.step.size(); ++k) {
    if (losses.step[k] <= from || losses.step[k] > to) continue;
    sum += losses.total[k];
    ++count;
  }
  return count > 0 ? sum / count : std::nan("");
}

}  // namespace

Level learning_level(const fs::path& model) {
  std::error_code ignored;
  if (!fs::is_directory(model, ignored) || !fs::is_regular_file(model / "losses.jsonl", ignored))
    return nothing_at("learning", "no training record: give the run folder, with its losses.jsonl");
  const LossLog losses = report::read_loss_log(model / "losses.jsonl");
  if (losses.step.empty()) return nothing_at("learning", "losses.jsonl holds no step");
  Level out{"learning",
            {{"steps", losses.step.back() + 1},
             {"loss_first", losses.total.front()},
             {"loss_last", losses.total.back()},
             {"training_loss", {}},
             {"validation_loss", {}},
             {"generalisation_gap_pct", {}}},
            ""};
  Figure &training = out.figures[3], &validated = out.figures[4], &gap = out.figures[5];
  const fs::path path = model / "validation.jsonl";
  LossLog validation;
  if (fs::is_regular_file(path, ignored)) validation = report::read_loss_log(path);
  if (validation.step.empty()) {
    const std::string why = report::is_training_run(model) ? "the training has not validated yet"
                                                           : "a fit to one response has none to be validated on";
    for (Figure* one : {&training, &validated, &gap}) one->why_not = why;
    return out;
  }
  const std::size_t best = best_of(validation);
  validated.value = validation.total[best];
  const double mean = training_loss_before(losses, validation, best);
  if (std::isfinite(mean))
    training.value = mean;
  else
    training.why_not = gap.why_not = "losses.jsonl has no step before the best validation";
  if (mean > 0)
    gap.value = 100 * (*validated.value / mean - 1);
  else if (gap.why_not.empty())
    gap.why_not = "of a training loss that is not positive";
  return out;
}

}  // namespace diffverb
