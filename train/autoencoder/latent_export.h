#pragma once

#include <filesystem>
#include <memory>
#include <string>

#include "core/error.h"
#include "core/fields.h"
#include "core/files.h"
#include "runtime/weights.h"

namespace diffverb {

/// An exported autoencoder's model without its weights, from the config in the file.
///
/// Reads    type: what `config` must name; path: for messages
/// Throws   DataError, ConfigError
template <typename M>
std::unique_ptr<M> model_of_config(const std::string& config, const std::string& type,
                                   const std::filesystem::path& path) {
  Fields fields = Fields::from_text(config, path.string() + " (its config)");
  std::string found;
  fields.required("type", found);
  if (found != type) throw DataError(path.string() + ": made by the model '" + found + "', expected '" + type + "'");
  auto model = std::make_unique<M>(fields);
  fields.finish();
  return model;
}

/// Throws   DataError where it cannot be written whole; NumericError where the runtime refused the weights
inline void write_exported(const std::filesystem::path& path, const runtime::SerializedWeights& file) {
  if (!file.error.empty()) throw NumericError("export: " + file.error);
  write_file_atomically(path, std::string(file.bytes.begin(), file.bytes.end()));
}

}  // namespace diffverb
