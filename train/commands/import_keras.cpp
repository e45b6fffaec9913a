#include <iostream>
#include <memory>

#include "core/files.h"
#include "core/sha256.h"
#include "train/autoencoder/keras_import.h"
#include "train/cli.h"
#include "train/model_file.h"

namespace diffverb {
namespace {

struct ImportKerasOptions {
  std::string encoder, decoder, out, licence = "unknown";
};

std::string origin(const std::string& path) {
  return std::filesystem::path(path).filename().string() + " sha256 " + sha256_hex(read_file(path));
}

void run_import(const ImportKerasOptions& options) {
  const KerasImport imported = import_keras(options.encoder, options.decoder);
  warn_of_unknown_licence(options.out, {{"licence", options.licence}});
  const auto rate_hz = static_cast<std::int64_t>(imported.model->sample_rate_hz());
  save_model(options.out, *imported.model, imported.config,
             {{"sample_rate_hz", std::to_string(rate_hz)},
              {"latent_bounds", "[-2, 2]"},
              {"origin", "Keras HDF5: " + origin(options.encoder) + ", " + origin(options.decoder)},
              {"licence", options.licence}});
  std::int64_t numbers[2] = {0, 0};
  for (const auto& tensors : {imported.model->parameters(), imported.model->buffers()}) {
    for (const auto& [name, tensor] : tensors) numbers[name.rfind("decoder.", 0) == 0] += tensor.numel();
  }
  std::cout << options.out << ": encoder " << numbers[0] << " and decoder " << numbers[1] << " numbers, latent "
            << imported.model->latent() << "\n";
}

}  // namespace

void add_import_keras_command(Command& app, Context&) {
  auto options = std::make_shared<ImportKerasOptions>();
  Command* command =
      app.add_subcommand("import-keras", "Read the published autoencoder's Keras weights into a model file");
  command->add_option("encoder", options->encoder, "HDF5 that Keras saved")->required();
  command->add_option("decoder", options->decoder, "HDF5 that Keras saved")->required();
  command->add_option("--out", options->out, "the model file to write, .safetensors")->required();
  command->add_option("--licence", options->licence, "of the weights; travels with the file")->capture_default_str();
  command->footer(
      "Examples:\n  diffverb import-keras encoder.hdf5 decoder.hdf5 --out neuralreverberator.safetensors "
      "--licence BSD-3-Clause");
  command->callback([options] { run_import(*options); });
}

}  // namespace diffverb
