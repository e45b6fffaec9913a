#include "train/model_file.h"

#include <ATen/ops/empty_like.h>

#include <regex>

#include "core/error.h"
#include "core/log.h"
#include "core/nearest.h"
#include "core/tensor.h"
#include "train/training/checkpoint.h"

namespace diffverb {
namespace {

constexpr const char* kKind = "autoencoder";

/// All tensors of a model under the names that they have in the file.
std::map<std::string, at::Tensor> stored_tensors(const Model& model) {
  std::map<std::string, at::Tensor> out;
  for (const auto& [name, tensor] : model.parameters()) out["parameter." + name] = tensor;
  for (const auto& [name, tensor] : model.buffers()) out["buffer." + name] = tensor;
  return out;
}

/// Throws a DataError where it is none that save_model() wrote.
Checkpoint load_model_checkpoint(const std::filesystem::path& path) {
  Checkpoint checkpoint = load_checkpoint(path);
  const auto kind = checkpoint.texts.find("kind");
  if (kind != checkpoint.texts.end() && kind->second == kKind) return checkpoint;
  throw DataError(path.string() + ": its kind is '" + (kind == checkpoint.texts.end() ? std::string() : kind->second) +
                  "', expected '" + kKind + "'");
}

/// Looks at all tensors before the first is copied.
void take_weights(const Checkpoint& checkpoint, const std::filesystem::path& path, Model& model,
                  const std::string& what) {
  const auto refuse = [&](const std::string& why) { throw DataError(path.string() + ": " + why); };
  const auto expected = stored_tensors(model);
  for (const auto& [name, tensor] : checkpoint.tensors) {
    if (!expected.count(name)) refuse("tensor '" + name + "' belongs to nothing in " + what);
    if (tensor.is_floating_point() && !tensor.isfinite().all().item<bool>())
      refuse("tensor '" + name + "' has an entry that is not a number");
  }
  const at::NoGradGuard no_grad;
  try {
    for (const auto& [name, tensor] : expected) checkpoint.copy_to(name, at::empty_like(tensor));
    for (const auto& [name, tensor] : expected) checkpoint.copy_to(name, tensor);
  } catch (const DataError& error) {
    refuse(error.what());
  }
}

}  // namespace

void save_model(const std::filesystem::path& path, const Model& model, const std::string& config,
                const std::map<std::string, std::string>& texts) {
  Checkpoint checkpoint;
  checkpoint.tensors = stored_tensors(model);
  checkpoint.texts = texts;
  checkpoint.texts["kind"] = kKind;
  checkpoint.texts["config"] = config;
  save_checkpoint(path, checkpoint);
}

std::string without_folders(const std::string& text) {
  static const std::regex folders(R"((^|[\s,\['"])/[^\s,\]'"]*/)");
  return std::regex_replace(text, folders, "$1");
}

void warn_of_unknown_licence(const std::string& name, const std::map<std::string, std::string>& texts) {
  const auto licence = texts.find("licence");
  if (licence == texts.end() || licence->second.find("unknown") != std::string::npos)
    log().warning(name + ": holds what was made from data of unknown licence");
}

ModelFile load_model(const std::filesystem::path& path) {
  const Checkpoint checkpoint = load_model_checkpoint(path);
  ModelFile out;
  try {
    Fields fields = Fields::from_text(checkpoint.text("config"), path.string() + " (its config)");
    fields.required("type", out.type);
    out.model = family<Model>().make(fields);
  } catch (const ConfigError& error) {
    throw DataError(path.string() + ": its config makes no model: " + error.what());
  }
  take_weights(checkpoint, path, *out.model, "a " + out.type);
  out.model->set_training(false);
  out.texts = checkpoint.texts;
  return out;
}

void copy_weights(const std::filesystem::path& path, Model& model) {
  take_weights(load_model_checkpoint(path), path, model, "the model that is to begin with it");
}

}  // namespace diffverb
