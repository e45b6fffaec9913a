#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

namespace CLI {
class App;
}

namespace diffverb {

/// What `diffverb export --bank` is asked for; what is left out comes from the model or from BankOptions.
struct ExportBankOptions {
  bool bank = false;
  std::filesystem::path wav_folder;
  std::vector<std::int64_t> grid;  // points along the first three latent coordinates
  double width = -1, span_db = 0;
  std::int64_t iterations = -1;
  std::uint64_t seed = 0;
  bool published = false, half = false;
};

/// Declares them on a command line.
void add_bank_options(CLI::App& command, ExportBankOptions& options);

/// Decodes a trained spectral autoencoder's latent grid into a response bank (train/bank.h), writes it and tells on
/// stdout what came out.
///
/// Reads    model: a model file, or a run folder that holds one
/// Throws   DataError where there is none, or a file cannot be written; ConfigError for a model without a decoder
void export_bank(const std::filesystem::path& model, const std::filesystem::path& out,
                 const ExportBankOptions& options);

}  // namespace diffverb
