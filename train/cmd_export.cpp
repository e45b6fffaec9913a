#include <filesystem>
#include <iostream>
#include <memory>

#include "core/error.h"
#include "core/files.h"
#include "runtime/weights.h"
#include "train/cli.h"
#include "train/envelope_export.h"
#include "train/export_bank.h"
#include "train/model_file.h"
#include "train/run_folder.h"
#include "train/waveform_export.h"

namespace diffverb {
namespace {

struct ExportOptions {
  std::filesystem::path run, out;
  ExportBankOptions bank;
};

/// A trained autoencoder: the model file itself, or the one in a run folder of diffverb train.
bool export_trained(const ExportOptions& options) {
  const auto model = std::filesystem::is_directory(options.run) ? options.run / "model.safetensors" : options.run;
  if (!std::filesystem::is_regular_file(model)) return false;
  const ModelFile trained = load_model(model);
  auto provenance = trained.texts;
  const std::string config = provenance.at("config");
  warn_of_unknown_licence(options.out.string(), provenance);
  for (const char* own : {"config", "kind", "sha256"}) provenance.erase(own);
  for (auto& [name, text] : provenance) text = without_folders(text);
  if (const auto* envelope = dynamic_cast<const EnvelopeAutoencoder*>(trained.model.get()))
    export_envelope(*envelope, config, provenance, options.out);
  else if (const auto* waveform = dynamic_cast<const WaveformAutoencoder*>(trained.model.get()))
    export_waveform(*waveform, config, provenance, options.out);
  else
    throw ConfigError(model.string() + ": a " + trained.type +
                      " plays as a response bank, a grid of its latent points; give --bank");
  std::cout << options.out.string() << "\n";
  return true;
}

void export_run(const ExportOptions& options) {
  if (export_trained(options)) return;
  const RunFolder run = RunFolder::open(options.run);
  const auto weights = run.file("weights.safetensors");
  if (!std::filesystem::exists(weights) && std::filesystem::exists(run.file("checkpoint.safetensors"))) {
    // A fit has a target, a training has data (train/fit.cpp, train/training_run.cpp).
    const std::string command = std::filesystem::exists(run.file("data.json")) ? "train" : "fit";
    throw DataError(options.run.string() + ": the run is not finished; go on with: diffverb " + command + " --resume " +
                    options.run.string());
  }
  const std::string bytes = read_file(weights);
  if (const auto loaded = runtime::load_model(weights); !loaded.model)
    throw DataError(weights.string() + ": " + loaded.error);
  if (options.out.has_parent_path()) {
    std::error_code code;
    std::filesystem::create_directories(options.out.parent_path(), code);
  }
  write_file_atomically(options.out, bytes);
  std::cout << options.out.string() << "\n";
}

}  // namespace

void add_export_command(CLI::App& app, Context&) {
  auto options = std::make_shared<ExportOptions>();
  CLI::App* command = app.add_subcommand("export", "Write a run's weights as the runtime loads them");
  command->add_option("run", options->run, "run folder, or a model file")->required();
  command->add_option("--out", options->out, "weights file to write (.safetensors)")->required();
  add_bank_options(*command, options->bank);
  command->footer(
      "Examples:\n  diffverb export room_fit --out room.safetensors\n"
      "  diffverb export runs/autoencoder --out autoencoder.safetensors\n"
      "  diffverb export autoencoder.safetensors --bank --out bank.safetensors --wav bank");
  command->callback([options] {
    if (options->bank.bank) return export_bank(options->run, options->out, options->bank);
    export_run(*options);
  });
}

}  // namespace diffverb
