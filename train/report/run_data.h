#pragma once

#include <filesystem>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "core/audio_file.h"

namespace diffverb::report {

/// losses.jsonl as columns.
struct LossLog {
  std::vector<double> step;
  std::vector<double> total;
  std::vector<double> rate;
  std::vector<double> gradient_norm;                               // of a training on a data set
  std::vector<std::pair<std::string, std::vector<double>>> terms;  // NaN at steps that lack the term
};

/// Lines {"step", "loss", "terms", ...}; half a last line, which a killed run leaves, is passed over.
/// Throws   DataError that names the line
LossLog read_loss_log(const std::filesystem::path& path);

/// A JSON object from a file. Throws   DataError
nlohmann::json read_json_object(const std::filesystem::path& path);

/// What a run folder holds. A file that is not there leaves its member empty and a sentence in `missing`.
struct RunData {
  std::filesystem::path folder;
  std::string name;  // the folder's own name
  std::optional<Audio> target;
  std::optional<Audio> fit;
  std::optional<Audio> dry;
  std::optional<Audio> wet;
  nlohmann::json metrics;  // an object, or null
  std::optional<LossLog> losses;
  std::string config_yaml;
  std::string log;
  std::map<std::string, std::string> weights;  // metadata of weights.safetensors, and "file_bytes", "tensors"
  std::vector<std::string> missing;
};

/// Throws   DataError where the folder does not exist, is no folder, holds none of the files of a run, or holds one
///          that cannot be read: path, what is wrong, what was expected
RunData read_run(const std::filesystem::path& folder);

/// The number at a path of keys; NaN where there is none.
double number_at(const nlohmann::json& json, std::initializer_list<const char*> keys);

/// The text at a key; empty where there is none.
std::string text_at(const nlohmann::json& json, const char* key);

}  // namespace diffverb::report
