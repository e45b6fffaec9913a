#pragma once

#include <filesystem>
#include <map>
#include <memory>
#include <string>

#include "models/model.h"

namespace diffverb {

/// A trained model on disk: its tensors, what makes it again, and where it comes from. The container is a checkpoint's
/// (train/training/checkpoint.h): safetensors with a SHA-256.
///
/// Tensors "parameter.<name>" and "buffer.<name>"; texts "kind" (autoencoder), "config" (YAML: `type` and the model's
/// keys), and whatever `texts` adds: sample_rate_hz, latent_bounds, data, licence, ...
struct ModelFile {
  std::unique_ptr<Model> model;
  std::string type;  // its name in the family
  std::map<std::string, std::string> texts;
};

/// Reads    config: YAML that makes the model, with its `type`
/// Throws   DataError where it cannot be written whole
void save_model(const std::filesystem::path& path, const Model& model, const std::string& config,
                const std::map<std::string, std::string>& texts);

/// Returns  the model with its weights, not in training
/// Throws   DataError for a damaged file, one of another kind, and tensors that are missing, left over, of another
///          shape or type, or not finite
ModelFile load_model(const std::filesystem::path& path);

/// Puts the weights of a file into a model that is there: all of them, or none where one does not fit.
/// Throws   DataError as load_model() does
void copy_weights(const std::filesystem::path& path, Model& model);

/// Absolute paths in a text keep their last part alone: what is handed on tells nothing of the machine that it was made
/// on.
std::string without_folders(const std::string& text);

/// Warns where the text "licence" names nothing, or "unknown".
void warn_of_unknown_licence(const std::string& name, const std::map<std::string, std::string>& texts);

/// The model of a file whose `type` has been looked at. Throws std::bad_cast for another type.
template <typename M>
std::unique_ptr<M> take_model(ModelFile& file) {
  M& model = dynamic_cast<M&>(*file.model);
  static_cast<void>(file.model.release());
  return std::unique_ptr<M>(&model);
}

}  // namespace diffverb
