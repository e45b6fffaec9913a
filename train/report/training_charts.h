#pragma once

#include <vector>

#include "train/report/chart.h"
#include "train/report/training_data.h"

namespace diffverb::report {

/// The sum of the losses over the steps, training (means over a 300th of the steps) and validation.
Chart learning_chart(const TrainingRun& run);

/// The same for each term; then the learning rate and the gradient's norm.
std::vector<Chart> term_charts(const TrainingRun& run);

/// Errors of every example over the reverberation time of its target, one point each: T20, EDT, C80, smoothed
/// distance.
std::vector<Chart> error_charts(const std::vector<TrainingExample>& examples);

/// Input, output and difference of a network of spectrograms.
std::vector<Chart> network_charts(const NetworkPictures& pictures);

/// Validation and each of its terms that two runs share, one line a run.
std::vector<Chart> overlaid_charts(const std::vector<TrainingRun>& runs);

}  // namespace diffverb::report
