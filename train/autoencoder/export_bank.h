#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace diffverb {

class Command;

/// What `diffverb export --bank` is asked for; what is left out comes from the model or from BankOptions.
struct ExportBankOptions {
  bool bank = false;
  std::filesystem::path wav_folder;
  std::vector<std::int64_t> grid;  // points along the first three latent coordinates
  std::optional<double> width;
  int axis = 1;                            // along which the width lies, from 1
  double span_db = 0;                      // of a spectrogram decoder
  std::int64_t iterations = -1;            // the same
  std::optional<double> seconds, rate_hz;  // of an envelope decoder
  std::uint64_t seed = 0;
  bool published = false, half = false;
};

/// Declares them on a command line.
void add_bank_options(Command& command, ExportBankOptions& options);

/// Decodes a trained autoencoder's latent grid into a response bank (train/autoencoder/bank.h, train/autoencoder/envelope_bank.h), writes it
/// and tells on stdout what came out.
///
/// Reads    model: a model file, exported weights, or a run folder that holds one
/// Throws   DataError where there is none, or a file cannot be written; ConfigError for a model without a decoder,
///          one of more than three latent coordinates, and options that are not for its kind
void export_bank(const std::filesystem::path& model, const std::filesystem::path& out,
                 const ExportBankOptions& options);

}  // namespace diffverb
