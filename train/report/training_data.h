#pragma once

#include <filesystem>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "train/evaluation.h"
#include "train/report/run_data.h"

namespace diffverb::report {

/// What a network of spectrograms reads and writes: 0 to 1 over span_db, row 0 the highest frequency.
struct NetworkPictures {
  int rows = 0, columns = 0;
  double seconds = 0, hi_hz = 0, span_db = 0;
  std::vector<float> input, output;  // [rows * columns]
};

/// An example that a trained model has reproduced.
struct TrainingExample {
  std::string name;     // as the data set describes it
  std::string licence;  // empty where it says none
  Reconstruction sound;
  std::optional<NetworkPictures> pictures;
};

/// What a run folder of `diffverb train` holds, and what its model makes of examples.
struct TrainingRun {
  std::filesystem::path folder;
  std::string name;
  LossLog losses, validation;
  nlohmann::json data;  // data.json: an object, or null
  std::string config_yaml, log;
  std::string model;                                       // its name in the family
  std::vector<std::pair<std::string, std::string>> facts;  // of the model
  std::vector<TrainingExample> examples;
  std::string examples_from;  // a sentence: which examples, and how their sounds were made
  std::vector<std::string> missing;
};

/// Whether a folder is one of `diffverb train`, and not of `diffverb fit`.
bool is_training_run(const std::filesystem::path& folder);

/// Reads the files of a folder; model and examples are for others to fill in.
/// Throws   DataError where one cannot be read: path, what is wrong
TrainingRun read_training_run(const std::filesystem::path& folder);

/// How far a reconstruction is off, in steps that matter; a T20 that the target has and the reconstruction has not
/// counts as 100 % off: the mean of |T20 error| / 5 %, |EDT error| / 5 %, |C80 error| / 1 dB and smoothed spectral
/// distance / 2 dB, of those that are known; NaN where none is.
double badness(const Reconstruction& reconstruction);

/// The page of one training, and of several side by side.
std::string training_page(const TrainingRun& run);
std::string training_pages(const std::vector<TrainingRun>& runs);

}  // namespace diffverb::report
