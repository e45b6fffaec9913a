#include "train/export_bank.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdio>
#include <iostream>
#include <nlohmann/json.hpp>

#include "core/error.h"
#include "models/spectral_autoencoder.h"
#include "train/bank.h"
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

BankOptions options_for(const ModelFile& file, const SpectralAutoencoder& model, const ExportBankOptions& asked) {
  BankOptions o = asked.published ? published_bank_options() : BankOptions();
  o.latent = model.latent();
  for (std::size_t a = static_cast<std::size_t>(std::min<std::int64_t>(o.latent, 3)); a < 3; ++a) o.sizes[a] = 1;
  for (std::size_t a = 0; a < asked.grid.size(); ++a) o.sizes[a] = asked.grid[a];
  if (asked.width >= 0) o.width = asked.width;
  if (!asked.published) o.span_db = model.inversion_span_db();
  if (asked.span_db > 0) o.span_db = asked.span_db;
  if (asked.iterations >= 0) o.phases.iterations = asked.iterations;
  o.seed = asked.seed;
  o.sample_rate_hz = model.sample_rate_hz();
  o.phases.fft_size = model.features().fft_size;
  o.phases.hop_size = model.features().hop_size;
  o.phases.padding = model.features().padding;
  nlohmann::json provenance{{"model", file.type}};
  for (const auto& [key, value] : file.texts) {
    if (key != "config") provenance[key] = value;
  }
  if (!provenance.contains("licence")) provenance["licence"] = "unknown";
  o.provenance = provenance.dump();
  const auto bounds = file.texts.find("latent_bounds");
  if (bounds != file.texts.end()) {
    const auto parsed = nlohmann::json::parse(bounds->second, nullptr, false);
    if (parsed.is_array() && parsed.size() == 2 && parsed[0].is_number() && parsed[1].is_number())
      o.low = parsed[0].get<double>(), o.high = parsed[1].get<double>();
  }
  return o;
}

}  // namespace

void add_bank_options(CLI::App& command, ExportBankOptions& options) {
  const std::string group = "Response bank";
  command.add_flag("--bank", options.bank, "of an autoencoder: the sound of a grid of latent points, left and right")
      ->group(group);
  const auto add = [&](const char* name, auto& value, const char* help) {
    return command.add_option(name, value, help)->group(group)->needs("--bank");
  };
  add("--wav", options.wav_folder, "folder for each point as a WAV file too");
  add("--grid", options.grid, "points along the first three latent coordinates (default 10,10,10)")
      ->delimiter(',')
      ->expected(3)
      ->check(CLI::Range(1, 1024));
  add("--width", options.width, "deviation of the right channel's latent point (default 0.01)")
      ->check(CLI::Range(0.0, 100.0));
  add("--span-db", options.span_db, "what the spectrogram's 0 to 1 stands for (default: as the model was trained)")
      ->check(CLI::Range(1.0, 300.0));
  add("--iterations", options.iterations, "of the phase reconstruction (default 100; published 1000)")
      ->check(CLI::Range(0, 1000000));
  add("--seed", options.seed, "of first phases and width");
  command.add_flag("--half", options.half, "half precision: half the size")->group(group)->needs("--bank");
  command.add_flag("--published", options.published, "as NeuralReverberator made its bank: 120 dB, 1000 iterations")
      ->group(group)
      ->needs("--bank");
}

void export_bank(const fs::path& model_or_run, const fs::path& out, const ExportBankOptions& asked) {
  const fs::path path = model_path(model_or_run);
  const ModelFile file = load_model(path);
  auto* model = dynamic_cast<SpectralAutoencoder*>(file.model.get());
  if (!model) throw ConfigError(path.string() + ": a " + file.type + " has no spectrogram decoder to make a bank of");
  const Bank bank =
      make_bank([&](const torch::Tensor& z) { return model->decode(z); }, options_for(file, *model, asked));
  std::error_code code;
  if (out.has_parent_path()) fs::create_directories(out.parent_path(), code);
  if (const std::string problem = runtime::write_bank(out, bank.responses, asked.half); !problem.empty())
    throw DataError(out.string() + ": " + problem);
  if (!asked.wav_folder.empty()) write_bank_wavs(bank.responses, asked.wav_folder);
  const runtime::ResponseBank& r = bank.responses;
  std::printf("%s: %d x %d x %d points, stereo, %d samples at %g Hz\n", out.c_str(), r.size(0), r.size(1), r.size(2),
              r.samples, r.sample_rate_hz);
  std::printf("spectral convergence: mean %.4f, worst %.4f\n", bank.mean_convergence, bank.worst_convergence);
  std::printf("inter-channel coherence: mean %.3f, 1 kHz octave %.3f\n", bank.coherence, bank.coherence_1k);
}

}  // namespace diffverb
