#pragma once

#include <cstdint>
#include <filesystem>
#include <vector>

namespace diffverb {

/// Writes the page of one training, or of several side by side: learning curves, what the model makes of examples that
/// it was not trained on, in pictures, figures and sound, and the data with their licences.
///
/// The model is what validated best: model.safetensors, or where the run has not ended best.safetensors or the newest
/// checkpoint. Examples are the data set's validation part, else its training part; of more than `most_examples` as
/// many, evenly spread. What cannot be had (the data have been moved) is left out of the page, which says so.
///
/// Reads    run folders of diffverb train; the data files that config.resolved.yaml names, relative paths from the
///          working folder
/// Throws   DataError where a folder holds no training or the page cannot be written (the old one stays)
void write_training_report(const std::vector<std::filesystem::path>& run_folders, const std::filesystem::path& out_html,
                           std::int64_t most_examples = 48);

}  // namespace diffverb
