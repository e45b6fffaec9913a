#pragma once

#include <optional>
#include <vector>

#include "train/levels/levels.h"

namespace diffverb {

/// The six levels in the seed's order: of each number the median over the responses that have it.
std::vector<Level> median_levels(const ModelLevels& model, const std::vector<const ResponseLevels*>& responses);

/// A sign over all responses.
struct SignCount {
  acoustics::Sign worst;         // of the response where it lies furthest on the bad side; found where it is in any
                                 // (a bad one) or in all (a good one)
  std::optional<double> target;  // the value of that response's target
  int found = 0, judged = 0;     // responses
};

std::vector<SignCount> worst_signs(const std::vector<const ResponseLevels*>& responses);

}  // namespace diffverb
