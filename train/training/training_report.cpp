#include "train/training/training_report.h"

#include <cmath>
#include <memory>
#include <nlohmann/json.hpp>

#include "core/error.h"
#include "core/files.h"
#include "core/log.h"
#include "core/progress.h"
#include "core/spectral/griffin_lim.h"
#include "datasets/dataset.h"
#include "models/spectral_autoencoder.h"
#include "train/autoencoder/envelope_export.h"
#include "train/model_file.h"
#include "train/report/training_data.h"
#include "train/training/checkpoint.h"
#include "train/training/checkpointing.h"
#include "train/training/training_state.h"

namespace diffverb {
namespace {

namespace fs = std::filesystem;
using report::TrainingExample;
using report::TrainingRun;

constexpr std::int64_t kIterations = 100;  // of the averaged reflections, as diffverb export --bank

Audio audio_of(const at::Tensor& ir, double rate_hz) {
  const at::Tensor flat = ir.detach().to(at::kCPU, at::kFloat).reshape({-1}).contiguous();
  const float* data = flat.const_data_ptr<float>();
  return {rate_hz, {std::vector<float>(data, data + flat.numel())}};
}

/// A trained model at work on one example.
class Reproducer {
 public:
  virtual ~Reproducer() = default;
  /// Fills in `played` and, of a network of spectrograms, the pictures; target has its features.
  virtual void reproduce(const Response& target, TrainingExample& example) = 0;
  virtual std::string how() const = 0;  // the sounds are made: a sentence
  virtual std::int64_t latent() const { return 0; }

  static std::unique_ptr<Reproducer> make(Model& model);
};

/// Played by the runtime from the point where the encoder puts a room.
class EnvelopeReproducer final : public Reproducer {
 public:
  explicit EnvelopeReproducer(EnvelopeAutoencoder& model)
      : model_(model), decoder_(std::make_shared<runtime::EnvelopeDecoderWeights>(exported_weights(model, "{}", {}))) {}

  void reproduce(const Response& target, TrainingExample& example) override {
    const at::Tensor z = model_.encode(target).to(at::kCPU, at::kDouble).contiguous();
    const double energy = target.ir().square().sum().item<double>();
    const std::int64_t frames = target.ir().size(2), onset = std::min(model_.onset_samples(), frames - 1);
    runtime::EnvelopeSound sound;
    sound.seconds = static_cast<double>(frames - onset) / target.sample_rate_hz();
    sound.level_db = 10 * std::log10(std::max(energy, 1e-30));
    sound.with_floor = true;
    std::vector<float> played(static_cast<std::size_t>(onset), 0.0f);
    const double* point = z.const_data_ptr<double>();
    const std::vector<float> samples = decoder_.decode({point, static_cast<std::size_t>(z.numel())}, sound);
    played.insert(played.end(), samples.begin(), samples.end());
    played.resize(static_cast<std::size_t>(frames), 0.0f);
    example.sound.played = {target.sample_rate_hz(), {std::move(played)}};
  }
  std::string how() const override {
    return "Each is played by the runtime from the point where the encoder puts it; diffverb encode and eval go on "
           "from "
           "there by gradient descent and come nearer.";
  }
  std::int64_t latent() const override { return model_.latent(); }

 private:
  EnvelopeAutoencoder& model_;
  runtime::EnvelopeDecoder decoder_;
};

/// The decoded spectrogram with phases sought for it, brought to the target's energy.
class SpectralReproducer final : public Reproducer {
 public:
  explicit SpectralReproducer(SpectralAutoencoder& model) : model_(model) {}

  void reproduce(const Response& target, TrainingExample& example) override {
    const at::Tensor input = target.get("spectrogram");
    const at::Tensor output = model_.forward(target).get("spectrogram").clamp(0, 1);
    const LogSpectrogramOptions& features = model_.features();
    GriffinLimOptions phases{.method = PhaseMethod::kAveragedReflections, .iterations = kIterations};
    phases.fft_size = features.fft_size;
    phases.hop_size = features.hop_size;
    phases.padding = features.padding;
    const double span_db = model_.inversion_span_db();
    const auto found = griffin_lim(((output.squeeze(1) - 1) * (span_db * std::log(10.0) / 20)).exp(), phases);
    const at::Tensor signal = found.signal.to(at::kCPU);
    const double wanted = target.ir().square().sum().item<double>(), energy = signal.square().sum().item<double>();
    example.sound.played = audio_of(energy > 0 ? signal * std::sqrt(wanted / energy) : signal, target.sample_rate_hz());
    example.sound.played.channels[0].resize(static_cast<std::size_t>(target.ir().size(2)), 0.0f);
    report::NetworkPictures pictures;
    pictures.seconds = static_cast<double>(input.size(3) * features.hop_size) / target.sample_rate_hz();
    pictures.hi_hz = target.sample_rate_hz() / 2;
    pictures.span_db = span_db;
    pictures.input = picture(input, pictures);
    pictures.output = picture(output, pictures);
    example.pictures = std::move(pictures);
  }
  std::string how() const override {
    return "Each is the decoder's spectrogram with phases from " + std::to_string(kIterations) +
           " averaged reflections, at the target's energy.";
  }
  std::int64_t latent() const override { return model_.latent(); }

 private:
  /// [1, 1, F, T] as rows from the highest frequency down, three bins a row.
  static std::vector<float> picture(const at::Tensor& values, report::NetworkPictures& into) {
    const at::Tensor bins = values.to(at::kCPU, at::kFloat)[0][0];
    const std::int64_t rows_count = bins.size(0) / 3;
    const at::Tensor rows =
        bins.narrow(0, 0, 3 * rows_count).reshape({rows_count, 3, bins.size(1)}).mean(1).flip(0).contiguous();
    into.rows = static_cast<int>(rows.size(0));
    into.columns = static_cast<int>(rows.size(1));
    const float* data = rows.const_data_ptr<float>();
    return {data, data + rows.numel()};
  }

  SpectralAutoencoder& model_;
};

/// Of any other model: its response, where it has one.
class PlainReproducer final : public Reproducer {
 public:
  explicit PlainReproducer(Model& model) : model_(model) {}
  void reproduce(const Response& target, TrainingExample& example) override {
    const Response out = model_.forward(target);
    if (!out.has("ir")) throw DataError("this kind of model gives no sound");
    example.sound.played = audio_of(out.ir()[0][0], target.sample_rate_hz());
    example.sound.played.channels[0].resize(static_cast<std::size_t>(target.ir().size(2)), 0.0f);
  }
  std::string how() const override { return "Each is the model's own response."; }

 private:
  Model& model_;
};

std::unique_ptr<Reproducer> Reproducer::make(Model& model) {
  if (auto* envelope = dynamic_cast<EnvelopeAutoencoder*>(&model))
    return std::make_unique<EnvelopeReproducer>(*envelope);
  if (auto* spectral = dynamic_cast<SpectralAutoencoder*>(&model))
    return std::make_unique<SpectralReproducer>(*spectral);
  return std::make_unique<PlainReproducer>(model);
}

/// "hall.wav, channel 0, room hall" and "CC0" of "data/rirs.h5: hall.wav, channel 0, room hall, licence CC0".
void describe(const std::string& description, TrainingExample& example) {
  const auto file = description.find(": "), licence = description.rfind(", licence ");
  const std::size_t begin = file == std::string::npos ? 0 : file + 2;
  example.name = description.substr(begin, licence == std::string::npos ? licence : licence - begin);
  if (licence != std::string::npos) example.licence = description.substr(licence + 10);
}

std::unique_ptr<Model> trained_model(const TrainingRun& run, Fields& config) {
  std::error_code code;
  const fs::path finished = run.folder / "model.safetensors";
  if (fs::is_regular_file(finished, code)) return load_model(finished).model;
  const Checkpoints checkpoints(run.folder, 1);
  auto model = family<Model>().make(config);
  const bool has_best = fs::is_regular_file(checkpoints.best(), code);
  load_weights(has_best ? load_checkpoint(checkpoints.best()) : checkpoints.load_newest(), *model);
  return model;
}

void add_facts(TrainingRun& run, const Model& model, const Reproducer& reproducer) {
  std::int64_t count = 0;
  for (const auto& [name, tensor] : model.parameters()) count += tensor.numel();
  run.facts.emplace_back("Model", run.model);
  if (reproducer.latent() > 0) run.facts.emplace_back("Latent numbers", std::to_string(reproducer.latent()));
  run.facts.emplace_back("Parameters", std::to_string(count));
}

void add_examples(TrainingRun& run, Model& model, Reproducer& reproducer, const Dataset& data, std::int64_t most) {
  const at::NoGradGuard no_grad;
  const bool validates = data.size(Split::kValidation) > 0;
  const Split split = validates ? Split::kValidation : Split::kTrain;
  const std::int64_t size = data.size(split), count = std::min(size, most);
  Progress progress("report", count);
  for (std::int64_t k = 0; k < count; ++k) {
    const std::int64_t index = k * size / count;
    Response target(data.example(split, index, 0).unsqueeze(0), data.sample_rate_hz());
    model.add_features(target);
    TrainingExample example;
    describe(data.describe(split, index), example);
    example.sound.target = audio_of(target.ir(), target.sample_rate_hz());
    reproducer.reproduce(target, example);
    measure_reconstruction(example.sound);
    run.examples.push_back(std::move(example));
    progress.update(k + 1, std::nan(""));
  }
  progress.finish();
  run.examples_from =
      (count == size ? "All " + std::to_string(size) : std::to_string(count) + " of " + std::to_string(size)) +
      (validates ? " validation examples, of rooms that were not trained on. "
                 : " TRAINING examples: the data have no validation part. ") +
      reproducer.how();
}

/// A run and what its model makes of its data, as far as both can be had.
TrainingRun with_examples(const fs::path& folder, std::int64_t most) {
  TrainingRun run = report::read_training_run(folder);
  try {
    Fields config = Fields::from_file(folder / "config.resolved.yaml");
    Fields model_config = config.map("model"), data_config = config.map("data");
    model_config.required("type", run.model);
    const std::unique_ptr<Model> model = trained_model(run, model_config);
    model->set_training(false);
    const std::unique_ptr<Reproducer> reproducer = Reproducer::make(*model);
    add_facts(run, *model, *reproducer);
    const std::unique_ptr<Dataset> data = family<Dataset>().make(data_config);
    data->open();
    add_examples(run, *model, *reproducer, *data, most);
  } catch (const Error& error) {
    run.missing.push_back(std::string("No examples are shown: ") + error.what() + ".");
    log().warning(folder.string() + ": the report shows no examples: " + error.what());
  }
  return run;
}

}  // namespace

void write_training_report(const std::vector<fs::path>& run_folders, const fs::path& out_html, std::int64_t most) {
  if (run_folders.empty()) throw ConfigError("report: no run folder given; expected at least one");
  std::vector<TrainingRun> runs;
  for (const fs::path& folder : run_folders) runs.push_back(with_examples(folder, most));
  write_file_atomically(out_html, runs.size() == 1 ? report::training_page(runs[0]) : report::training_pages(runs));
}

}  // namespace diffverb
