#pragma once

#include <string>

#include "train/report/training_data.h"

namespace diffverb::report {

/// One example: figures, pictures of input, output and difference, decay, and sounds within about `budget_bytes`.
std::string example_section(const TrainingExample& example, const std::string& title, std::size_t budget_bytes);

/// All examples, the worst first.
std::string examples_table(const std::vector<TrainingExample>& examples);

/// Examples to look at closely, with what they are called: of many the two best, the middle one and the three worst.
std::vector<std::pair<std::string, const TrainingExample*>> notable(const std::vector<TrainingExample>& examples,
                                                                    std::size_t most);

}  // namespace diffverb::report
