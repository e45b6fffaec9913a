#pragma once

#include <memory>
#include <string>
#include <vector>

#include "core/fields.h"
#include "core/tensor.h"
#include "losses/loss.h"

namespace diffverb {

/// A loss and what it counts in the sum.
struct WeightedLoss {
  std::string name;  // its type; "mse_2" for the second of a type
  double weight = 1;
  std::unique_ptr<Loss> loss;
};

/// Reads a list of losses: each map has `type`, `weight` (default 1) and the loss's own keys.
///
/// Throws   ConfigError for a negative weight, or where all are 0
std::vector<WeightedLoss> read_losses(Fields& fields, const std::string& key);

/// Prepares all of them for a target that `source` names in messages.
/// Throws   ConfigError where one does not take such a target
void prepare_losses(const std::vector<WeightedLoss>& losses, const Response& target, const std::string& source);

/// What is recorded of each step: a loss's name, and after each sum of losses those of its terms, "total.entropy".
std::vector<std::string> term_names(const std::vector<WeightedLoss>& losses);

/// Values of term_names(), then the sum.
using LossValues = std::vector<double>;

/// The losses of one response, before they are summed.
struct Evaluated {
  std::vector<at::Tensor> losses;  // one a loss, with their graphs
  std::vector<at::Tensor> terms;   // of term_names(), float64, detached
};
Evaluated evaluate_losses(const std::vector<WeightedLoss>& losses, const Response& response);

struct Summed {
  at::Tensor total;   // with its graph
  at::Tensor values;  // [terms + 1] float64, detached: LossValues
};
/// Reads    factors: what each weight is multiplied by, one a loss
Summed weighted_sum(const std::vector<WeightedLoss>& losses, const Evaluated& evaluated,
                    const std::vector<double>& factors);

}  // namespace diffverb
