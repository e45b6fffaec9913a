#pragma once

#include <cstddef>
#include <vector>

#include "runtime/weights.h"

namespace diffverb::runtime {

/// Squares, products and saturation of a network's loop as their formulas say (nonlinear_loop.h), sample by sample in
/// double precision.
class ExactTerms {
 public:
  explicit ExactTerms(const DelayNetworkWeights& weights);

  /// w = A s + B u of every line, to what it takes in; filter lines stay as they are. Once a sample.
  void step(const std::vector<double>& s, std::vector<double>& w);

 private:
  double next_alpha(const std::vector<double>& s);

  const NonlinearLoop& loop_;
  double rate_hz_;
  std::vector<std::size_t> lines_;  // those that have a delay
  double share_, level_ = 0;
  long long time_ = 0;
};

}  // namespace diffverb::runtime
