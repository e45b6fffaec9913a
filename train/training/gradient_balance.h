#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "core/tensor.h"
#include "train/optimizer/flat_parameters.h"
#include "train/training/weighted_loss.h"

namespace diffverb {

class Distributed;

/// Scales the losses of a run so that each pulls at the parameters as its weight says, whatever its unit.
///
///   s_i = mean_j g_j / g_i,   g_i = mean over the first steps of |d L_i / d theta|
///
/// The sum that is minimised is sum_i weight_i s_i L_i. In each of the first steps the norms so far are used; then s_i
/// stays. A loss without any slope keeps s_i = 1.
///
/// Source   the norms that GradNorm equalises (Chen et al. 2018), measured once instead of followed
class GradientBalance {
 public:
  /// Reads    steps: how many are measured, 0: s_i = 1; sums: of the norms so far, one a loss, or empty; kept with the
  ///          training state
  GradientBalance(std::int64_t steps, const std::vector<WeightedLoss>& losses, std::vector<double>& sums)
      : steps_(steps), losses_(losses), sums_(sums) {}

  bool measures(std::int64_t step) const { return step < steps_; }
  /// In the first steps: takes the norms of this step's losses, their graphs kept; means over the ranks.
  void measure(std::int64_t step, const std::vector<at::Tensor>& values, const FlatParameters& parameters,
               Distributed* ranks);
  std::vector<double> factors() const;  // s_i

 private:
  std::int64_t steps_;
  const std::vector<WeightedLoss>& losses_;
  std::vector<double>& sums_;
};

}  // namespace diffverb
