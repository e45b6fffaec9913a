#pragma once

#include "core/response.h"
#include "train/training/tensorboard.h"

namespace diffverb {

/// Shows what a model makes of validation examples in TensorBoard: spectrograms of target and output, and both sounds.
///
/// Reads    of either the first `count` examples: "spectrogram" [B, 1, F, K] within [0, 1], else of "ir" [B, C, T],
///          80 dB down from the loudest; sounds where there is an "ir"
void show_samples(EventWriter& events, const Response& target, const Response& output, std::int64_t count,
                  std::int64_t step);

}  // namespace diffverb
