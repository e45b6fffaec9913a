#include "train/autoencoder/export_bank.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <iostream>
#include <nlohmann/json.hpp>
#include <sstream>

#include "core/error.h"
#include "core/files.h"
#include "models/spectral_autoencoder.h"
#include "runtime/metadata.h"
#include "train/autoencoder/bank.h"
#include "train/autoencoder/envelope_bank.h"
#include "train/autoencoder/envelope_export.h"
#include "train/autoencoder/latent_bounds.h"
#include "train/command_line.h"
#include "train/model_file.h"

namespace diffverb {
namespace {

namespace fs = std::filesystem;

fs::path model_path(const fs::path& given) {
  if (!fs::is_directory(given)) return given;
  for (const char* name : {"model.safetensors", "weights.safetensors"}) {
    if (fs::exists(given / name)) return given / name;
  }
  throw DataError(given.string() + ": holds neither model.safetensors nor weights.safetensors");
}

/// What a grid is made along: the sides that were asked for, ten points each where none were.
std::array<std::int64_t, 3> grid_of(const fs::path& path, std::int64_t latent, const ExportBankOptions& asked) {
  if (latent > 3)
    throw ConfigError(path.string() + ": has " + std::to_string(latent) +
                      " latent coordinates, a bank is a grid over at most three: train one with --set model.latent=3");
  if (asked.width && asked.axis > latent)
    throw ConfigError("--axis " + std::to_string(asked.axis) + ": " + path.string() + " has " + std::to_string(latent) +
                      " latent coordinates");
  std::array<std::int64_t, 3> sizes = {10, 10, 10};
  for (auto a = static_cast<std::size_t>(latent); a < 3; ++a) sizes[a] = 1;
  for (std::size_t a = 0; a < asked.grid.size(); ++a) {
    if (static_cast<std::int64_t>(a) >= latent && asked.grid[a] != 1)
      throw ConfigError("--grid: " + path.string() + " has " + std::to_string(latent) +
                        " latent coordinates; the sides after those must be 1");
    sizes[a] = asked.grid[a];
  }
  return sizes;
}

void check_width(const ExportBankOptions& asked, double low, double high) {
  if (!asked.width || std::abs(*asked.width) <= high - low) return;
  std::ostringstream message;
  message << "--width " << *asked.width << ": the latent box is " << high - low << " wide";
  throw ConfigError(message.str());
}

/// Texts of a model file as provenance: all but its config.
std::string provenance_of(const std::string& type, const std::map<std::string, std::string>& texts) {
  nlohmann::json provenance{{"model", type}};
  for (const auto& [key, value] : texts) {
    if (key != "config") provenance[key] = without_folders(value);
  }
  if (!provenance.contains("licence")) provenance["licence"] = "unknown";
  return provenance.dump();
}

Bank spectral_bank(const ModelFile& file, SpectralAutoencoder& model, const fs::path& path,
                   const ExportBankOptions& asked) {
  if (asked.seconds || asked.rate_hz)
    throw ConfigError("--seconds and --rate-hz: " + path.string() + " draws spectrograms of one length at one rate");
  BankOptions o = asked.published ? published_bank_options() : BankOptions();
  o.latent = model.latent();
  o.sizes = grid_of(path, o.latent, asked);
  const LatentBounds bounds = latent_bounds_of(file);
  o.low = bounds.low, o.high = bounds.high;
  check_width(asked, o.low, o.high);
  if (asked.width) o.width = {*asked.width, asked.axis - 1};
  if (!asked.published) o.span_db = model.inversion_span_db();
  if (asked.span_db > 0) o.span_db = asked.span_db;
  if (asked.iterations >= 0) o.phases.iterations = asked.iterations;
  o.seed = asked.seed;
  o.sample_rate_hz = model.sample_rate_hz();
  o.phases.fft_size = model.features().fft_size;
  o.phases.hop_size = model.features().hop_size;
  o.phases.padding = model.features().padding;
  o.provenance = provenance_of(file.type, file.texts);
  return make_bank([&](const at::Tensor& z) { return model.decode(z); }, o);
}

Bank envelope_bank(std::shared_ptr<const runtime::EnvelopeDecoderWeights> weights, const fs::path& path,
                   const ExportBankOptions& asked, const std::string& provenance) {
  if (asked.published || asked.span_db > 0 || asked.iterations >= 0)
    throw ConfigError("--published, --span-db and --iterations: " + path.string() + " needs no phase reconstruction");
  EnvelopeBankOptions o;
  o.sizes = grid_of(path, weights->latent(), asked);
  check_width(asked, -weights->latent_bound, weights->latent_bound);
  if (asked.width) o.width.width = *asked.width;
  o.width.axis = asked.axis - 1;
  if (asked.seconds) o.seconds = *asked.seconds;
  if (asked.rate_hz) o.rate_hz = *asked.rate_hz;
  o.provenance = provenance;
  return make_envelope_bank(runtime::EnvelopeDecoder(std::move(weights)), o);
}

Bank bank_of(const fs::path& path, const ExportBankOptions& asked) {
  check_readable_file(path, "an autoencoder");
  const std::string kind = runtime::kind_of_file(path);
  if (kind == runtime::kDelayNetwork) throw DataError(path.string() + ": is a delay network, expected an autoencoder");
  if (!kind.empty()) {
    const auto exported = runtime::load_envelope_decoder(path);
    if (!exported.weights) throw DataError(path.string() + ": " + exported.error);
    return envelope_bank(exported.weights, path, asked, exported.weights->provenance);
  }
  const ModelFile file = load_model(path);
  warn_of_unknown_licence(path.string(), file.texts);
  if (auto* model = dynamic_cast<SpectralAutoencoder*>(file.model.get()))
    return spectral_bank(file, *model, path, asked);
  const auto* model = dynamic_cast<const EnvelopeAutoencoder*>(file.model.get());
  if (!model) throw ConfigError(path.string() + ": a " + file.type + " has no decoder to make a bank of");
  grid_of(path, model->latent(), asked);  // before the noise is made
  auto weights = std::make_shared<runtime::EnvelopeDecoderWeights>(exported_weights(*model, "{}", {}));
  return envelope_bank(std::move(weights), path, asked, provenance_of(file.type, file.texts));
}

}  // namespace

void add_bank_options(Command& command, ExportBankOptions& options) {
  const std::string group = "Response bank";
  command.add_flag("--bank", options.bank, "of an autoencoder: the sound of a grid of latent points, left and right")
      ->group(group);
  const auto add = [&](const char* name, const OptionValue& value, const char* help) {
    return command.add_option(name, value, help)->group(group)->needs("--bank");
  };
  add("--wav", options.wav_folder, "folder for each point as a WAV file too");
  add("--grid", options.grid, "points along the first three latent coordinates (default 10,10,10)")
      ->delimiter(',')
      ->expected(3)
      ->check(in_range(1, 1024));
  add("--width", options.width,
      "left and right are points this far apart, heard as by microphones as many metres apart; 0 is mono "
      "(default 0.2; of a spectral autoencoder, as published, a random step of 0.01 and phases of their own)");
  command.add_option("--axis", options.axis, "of the latent point, along which the width lies")
      ->group(group)
      ->needs("--width")
      ->check(in_range(1, 3))
      ->capture_default_str();
  add("--seconds", options.seconds, "of each response, of an envelope autoencoder (default 2)")
      ->check(in_range(0.01, 60.0));
  add("--rate-hz", options.rate_hz, "of the responses, of an envelope autoencoder (default: the model's)")
      ->check(in_range(8000.0, 192000.0));
  add("--span-db", options.span_db, "what the spectrogram's 0 to 1 stands for (default: as the model was trained)")
      ->check(in_range(1.0, 300.0));
  add("--iterations", options.iterations, "of the phase reconstruction (default 100; published 1000)")
      ->check(in_range(0, 1000000));
  add("--seed", options.seed, "of first phases and width");
  command.add_flag("--half", options.half, "half precision: half the size")->group(group)->needs("--bank");
  command.add_flag("--published", options.published, "as NeuralReverberator made its bank: 120 dB, 1000 iterations")
      ->group(group)
      ->needs("--bank");
}

void export_bank(const fs::path& model_or_run, const fs::path& out, const ExportBankOptions& asked) {
  const fs::path path = model_path(model_or_run);
  const Bank bank = bank_of(path, asked);
  std::error_code code;
  if (out.has_parent_path()) fs::create_directories(out.parent_path(), code);
  if (const std::string problem = runtime::write_bank(out, bank.responses, asked.half); !problem.empty())
    throw DataError(out.string() + ": " + problem);
  if (!asked.wav_folder.empty()) write_bank_wavs(bank.responses, asked.wav_folder);
  const runtime::ResponseBank& r = bank.responses;
  std::printf("%s: %d x %d x %d points, stereo, %d samples at %g Hz\n", out.c_str(), r.size(0), r.size(1), r.size(2),
              r.samples, r.sample_rate_hz);
  if (bank.worst_convergence > 0)
    std::printf("spectral convergence: mean %.4f, worst %.4f\n", bank.mean_convergence, bank.worst_convergence);
  std::printf("inter-channel coherence: mean %.3f, 1 kHz octave %.3f\n", bank.coherence, bank.coherence_1k);
}

}  // namespace diffverb
