#include <filesystem>
#include <iostream>
#include <memory>
#include <string>
#include <vector>

#include "core/error.h"
#include "core/files.h"
#include "core/log.h"
#include "runtime/metadata.h"
#include "runtime/pyfdn_network.h"
#include "runtime/weights.h"
#include "train/autoencoder/envelope_export.h"
#include "train/autoencoder/export_bank.h"
#include "train/autoencoder/waveform_export.h"
#include "train/cli.h"
#include "train/model_file.h"
#include "train/network_config.h"
#include "train/run_folder.h"

namespace diffverb {
namespace {

struct ExportOptions {
  std::filesystem::path run, out;
  std::vector<std::string> set;
  std::string format;  // empty: what the name of `out` says
  ExportBankOptions bank;
};

bool wants_pyfdn(const ExportOptions& options) {
  return options.format.empty() ? options.out.extension() == ".json" : options.format == "pyfdn";
}

/// A trained autoencoder: the model file itself, or the one in a run folder of diffverb train.
bool export_trained(const ExportOptions& options) {
  const auto model = std::filesystem::is_directory(options.run) ? options.run / "model.safetensors" : options.run;
  if (!std::filesystem::is_regular_file(model)) return false;
  if (wants_pyfdn(options))
    throw ConfigError(model.string() + ": is not a delay network; pyFDN's JSON holds nothing else");
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

/// A delay network, from weights, a build of pyFDN or a config, as either of the first two.
void export_network(const ExportOptions& options, const std::filesystem::path& weights) {
  const bool from_config = is_config(weights);
  const auto loaded =
      from_config ? runtime::LoadResult{playable_model(weights, options.set), ""} : runtime::load_model(weights);
  if (!loaded.model) throw DataError(weights.string() + ": " + loaded.error);
  const runtime::DelayNetworkWeights& network = loaded.model->network;
  if (options.out.has_parent_path()) make_folder(options.out.parent_path());
  if (network.lossless) log().warning(weights.string() + ": loses nothing and rings for ever");
  if (wants_pyfdn(options)) {
    const runtime::PyfdnText build = runtime::make_pyfdn(network);
    if (!build.error.empty()) throw DataError(weights.string() + ": " + build.error);
    write_file_atomically(options.out, build.text);
    if (!build.left_out.empty())
      log().warning(options.out.string() + ": a build of pyFDN has no place for " + build.left_out);
  } else if (from_config || runtime::is_json_file(weights)) {
    if (const std::string problem = runtime::write_weights(options.out, network); !problem.empty())
      throw DataError(options.out.string() + ": " + problem);
  } else {
    write_file_atomically(options.out, read_file(weights));
  }
  std::cout << options.out.string() << "\n";
}

void export_run(const ExportOptions& options) {
  if (is_config(options.run)) return export_network(options, options.run);
  if (!options.set.empty()) throw ConfigError("--set: " + options.run.string() + " is no config (.yaml)");
  if (runtime::kind_of_file(options.run) == runtime::kDelayNetwork || runtime::is_json_file(options.run))
    return export_network(options, options.run);
  if (export_trained(options)) return;
  const RunFolder run = RunFolder::open(options.run);
  const auto weights = run.file("weights.safetensors");
  if (!std::filesystem::exists(weights) && std::filesystem::exists(run.file("checkpoint.safetensors"))) {
    // A fit has a target, a training has data (train/fit/fit.cpp, train/training/training_run.cpp).
    const std::string command = std::filesystem::exists(run.file("data.json")) ? "train" : "fit";
    throw DataError(options.run.string() + ": the run is not finished; go on with: diffverb " + command + " --resume " +
                    options.run.string());
  }
  export_network(options, weights);
}

}  // namespace

void add_export_command(Command& app, Context&) {
  auto options = std::make_shared<ExportOptions>();
  Command* command = app.add_subcommand("export", "Write a run's weights as the runtime or pyFDN loads them");
  command
      ->add_option(
          "run", options->run,
          "run folder, a model file, weights, a build of pyFDN (.json), or the config of a reverberator (.yaml)")
      ->required();
  command->add_option("--out", options->out, "file to write (.safetensors or .json)")->required();
  command
      ->add_option("--format", options->format,
                   "safetensors, or of a delay network pyfdn: the JSON that pyFDN loads (default: safetensors; pyfdn "
                   "where --out is named .json)")
      ->check(one_of({"safetensors", "pyfdn"}));
  command
      ->add_option("--set", options->set,
                   "of a config: key.path=value, over what stands in it; may stand several times")
      ->take_all();
  add_bank_options(*command, options->bank);
  command->footer(
      "Examples:\n  diffverb export room_fit --out room.safetensors\n"
      "  diffverb export room_fit --out room.json --format pyfdn\n"
      "  diffverb export configs/reverbs/gardner_small.yaml --out room.safetensors --set model.t60_s=0.5\n"
      "  diffverb export colorless_N16_d1.json --out colorless.safetensors\n"
      "  diffverb export runs/autoencoder --out autoencoder.safetensors\n"
      "  diffverb export autoencoder.safetensors --bank --out bank.safetensors --wav bank");
  command->callback([options] {
    if (options->bank.bank && options->format == "pyfdn")
      throw ConfigError("--format pyfdn: a response bank is not a delay network, and pyFDN's JSON holds nothing else");
    if (options->bank.bank) return export_bank(options->run, options->out, options->bank);
    export_run(*options);
  });
}

}  // namespace diffverb
