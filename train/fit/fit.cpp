#include "train/fit/fit.h"

#include <algorithm>
#include <chrono>
#include <nlohmann/json.hpp>
#include <optional>
#include <sstream>

#include "core/acoustics/comparison.h"
#include "core/audio_tensor.h"
#include "core/device/cuda_module.h"
#include "core/device/device.h"
#include "core/error.h"
#include "core/fields.h"
#include "core/files.h"
#include "core/log.h"
#include "core/seed.h"
#include "core/sha256.h"
#include "datasets/measured_response.h"
#include "models/fitted_reverb.h"
#include "runtime/render.h"
#include "train/export.h"
#include "train/fit/stepped_fit.h"
#include "train/process.h"
#include "train/report/dry_sound.h"
#include "train/report/report.h"
#include "train/run_folder.h"
#include "train/stop.h"
#include "train/training/trainer.h"

namespace diffverb {
namespace {

struct Preset {
  const char* key;
  const char* value;
};

/// What a quality sets where the config says nothing of its own.
std::vector<Preset> preset(const std::string& quality) {
  if (quality == "fast") return {{"model.lines", "16"}, {"train.steps", "40"}, {"train.rate", "0.04"}};
  if (quality == "high") return {{"model.lines", "64"}, {"train.steps", "300"}, {"train.rate", "0.02"}};
  return {{"model.lines", "64"}, {"train.steps", "100"}, {"train.rate", "0.02"}};
}

constexpr const char* kBuiltIn = "configs/fdn_fit.yaml (built in)";

/// A config that describes a reverberator alone (configs/reverbs) is fitted with the losses and steps of fdn_fit.yaml.
Fields open_config(const FitOptions& options, const std::vector<std::string>& overlays) {
  if (options.config.empty()) return Fields::from_text(default_fit_config(), kBuiltIn, overlays);
  const YamlDefaults defaults{default_fit_config(), kBuiltIn, {"losses", "train"}};
  if (options.config_text.empty()) return Fields::from_file(options.config, overlays, defaults);
  return Fields::from_text(options.config_text, options.config.string(), overlays, defaults);
}

constexpr const char* kDefaultDevice = "cpu";
constexpr const char* kDefaultModel = "fdn";

/// Reads the config with the quality's values filled in below what file and command line say, and the device for "auto".
Fields read_config(const FitOptions& options, DeviceWord& device) {
  Fields first = open_config(options, options.overlays);
  std::string quality = "normal", word = kDefaultDevice;
  first.choice("device", word, device_words());
  device = resolve_device(word);
  std::string type = kDefaultModel;
  first.map("model").optional("type", type);
  if (!device.why.empty() && type != kDefaultModel) device = {"cpu", "where the diagram of this model is drawn"};
  first.choice("quality", quality, {"fast", "normal", "high"});
  std::vector<std::string> overlays = options.overlays;
  if (!device.why.empty()) overlays.push_back("device=" + device.word);  // what was chosen is what comes again
  for (const Preset& entry : preset(quality)) {
    const std::string path = entry.key;
    if (path == "model.lines" && type != kDefaultModel) continue;  // a structure of its own
    const auto dot = path.find('.');
    Fields map = first.map(path.substr(0, dot));
    if (!map.has(path.substr(dot + 1))) overlays.push_back(path + "=" + entry.value);
  }
  return open_config(options, overlays);
}

struct FitConfig {
  std::uint64_t seed = 1;
  std::string device = kDefaultDevice, quality = "normal";
  std::string why_device;  // where it was left to the program
  std::int64_t threads =
      1;  // a step is a hundred short operations: more threads wait for each other longer than they work
  std::unique_ptr<RoomModel> model;
  std::vector<WeightedLoss> losses;
  std::unique_ptr<Trainer> trainer;
  std::string resolved;
};

FitConfig make_config(const FitOptions& options) {
  DeviceWord device;
  Fields fields = read_config(options, device);
  FitConfig config;
  config.why_device = device.why;
  fields.optional("seed", config.seed);
  fields.choice("device", config.device, device_words());
  fields.optional("threads", config.threads, between(1, 256));
  fields.choice("quality", config.quality, {"fast", "normal", "high"});
  Fields model = fields.map("model");
  config.model = make_room_model(model);
  config.losses = read_losses(fields, "losses");
  if (config.losses.empty()) fields.fail("losses", "at least one loss is needed");
  Fields train = fields.map("train");
  config.trainer = std::make_unique<Trainer>(train, Trainer::Kind::kOneTarget);
  fields.finish();
  config.resolved = fields.resolved_yaml();
  return config;
}

/// Everything that is measured, from the file as it will be played.
void write_results(const FitConfig& config, const MeasuredResponse& measured, const RunFolder& folder,
                   const Trainer::Outcome& trained, double seconds) {
  const Audio target = audio_of(measured.ir * measured.gain, measured.sample_rate_hz);
  const auto loaded = runtime::load_model(folder.file("weights.safetensors"));
  if (!loaded.model)
    throw DataError(folder.file("weights.safetensors").string() + ": the runtime refuses it: " + loaded.error);
  Audio played;
  played.rate_hz = measured.sample_rate_hz;
  played.channels = runtime::render_impulse(loaded.model, static_cast<double>(target.frames()) / target.rate_hz);
  for (auto& channel : played.channels) channel.resize(target.frames());
  write_audio(folder.file("target.wav"), target);
  write_audio(folder.file("ir.wav"), played);
  const Audio dry = make_dry_sound(measured.sample_rate_hz, config.seed);
  Audio wet;
  wet.rate_hz = measured.sample_rate_hz;
  wet.channels = runtime::render(loaded.model, dry.channels, static_cast<double>(target.frames()) / target.rate_hz);
  write_audio(folder.file("dry.wav"), dry);
  write_audio(folder.file("wet.wav"), wet);

  acoustics::ComparisonOptions comparison;
  comparison.early_ms = config.model->early_ms();
  nlohmann::json metrics =
      acoustics::to_json(acoustics::compare(target, played, comparison), measured.source.string(), "ir.wav");
  std::int64_t parameters = 0;
  for (const auto& [name, tensor] : config.model->parameters()) parameters += tensor.numel();
  metrics["seconds"] = seconds;
  metrics["steps"] = trained.steps;
  metrics["parameters"] = parameters;
  write_file_atomically(folder.file("metrics.json"), metrics.dump(2) + "\n");
}

constexpr std::int64_t kPilotSteps = 40;

/// Coupled rooms: two groups of lines follow slopes that differ much, one group with all lines the others. A short run
/// of either tells; the better one then starts anew.
void choose_groups(FitConfig& config, const MeasuredResponse& measured, std::uint64_t seed, at::Device device) {
  double losses[2];
  for (const std::int64_t groups : {1, 2}) {
    config.model->design(measured.ir, measured.sample_rate_hz, seed, groups);
    config.model->move_to(device);
    losses[groups - 1] = config.trainer->pilot(*config.model, config.losses, kPilotSteps, device);
  }
  const std::int64_t best = losses[1] < losses[0] ? 2 : 1;
  config.model->design(measured.ir, measured.sample_rate_hz, seed, best);
  config.model->move_to(device);
  log().info("two slopes: " + std::to_string(best) + (best == 2 ? " groups" : " group") + " of lines (loss " +
             std::to_string(losses[0]).substr(0, 5) + " with one, " + std::to_string(losses[1]).substr(0, 5) +
             " with two)");
}

// What a fit spends before its first step and after its last, roughly.
constexpr double kShareBefore = 0.05, kShareAfter = 0.05;

/// Nothing where a signal came before the first step.
std::optional<Trainer::Outcome> train_in(const RunFolder& folder, const FitOptions& options, FitConfig& config,
                                         const MeasuredResponse& measured, std::uint64_t seed, at::Device device) {
  if (!options.resume)
    write_file_atomically(folder.file("input"), std::filesystem::absolute(options.input).string() + "\n");
  if (config.model->room().slopes.size() == 2 && config.model->groups_are_free()) {
    choose_groups(config, measured, seed, device);
    if (stop_requested()) return std::nullopt;  // the choice was cut short
  }
  Trainer::Job job{*config.model, config.losses, &folder, options.input.filename().string(), options.resume};
  job.device = device;
  if (options.on_progress) {
    job.on_step = [&](std::int64_t done, std::int64_t total) {
      const double share = static_cast<double>(done) / static_cast<double>(std::max<std::int64_t>(total, 1));
      options.on_progress(kShareBefore + (1 - kShareBefore - kShareAfter) * share);
    };
  }
  return config.trainer->run(job);
}

}  // namespace

FitOptions with_config_read(FitOptions options) {
  make_config(options);
  if (!options.config.empty()) options.config_text = read_file(options.config);
  return options;
}

std::int64_t configured_threads(const FitOptions& options) { return make_config(options).threads; }

FitOptions resume_options(const std::filesystem::path& folder) {
  const RunFolder run = RunFolder::open(folder);
  check_readable_file(run.file("checkpoint.safetensors"), "a checkpoint of a stopped fit");
  FitOptions options;
  options.out = folder;
  options.config = run.file("config.resolved.yaml");
  std::istringstream inputs(read_file(run.file("input")));  // one name a line; of a pair the wet one comes first
  std::string input, dry;
  std::getline(inputs, input);
  std::getline(inputs, dry);
  options.input = input;
  options.dry = dry;
  options.resume = true;
  return options;
}

FitOutcome fit_response(const FitOptions& options) {
  const auto started = std::chrono::steady_clock::now();
  const auto elapsed = [&] {
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - started).count();
  };
  outlive_closed_pipes();
  const StopOnSignal guard;
  log().close_file();  // of the fit before: what is said from here on is of this one
  FitConfig config = make_config(options);
  const at::Device device = choose_device(config.device);
  RunFolder folder = options.resume ? RunFolder::open(options.out) : RunFolder(options.out, options.overwrite);
  const MeasuredResponse measured = read_measured_response(options.input);
  for (const std::string& warning : measured.warnings) log().warning(warning);
  tune_process(static_cast<int>(config.threads), /*deterministic=*/!device.is_cuda());
  tune_device(device, Precision::kFp32);
  const std::uint64_t seed = derive_seed(config.seed, "model");
  config.model->design(measured.ir, measured.sample_rate_hz, seed);
  config.model->move_to(device);
  const Response target = fit_target(measured.ir, measured.sample_rate_hz, config.model->samples(), device);
  prepare_losses(config.losses, target, options.input.string());
  if (options.on_progress) options.on_progress(kShareBefore);
  FitOutcome outcome{folder.path(), elapsed(), 0, stop_requested(), options.resume};
  if (outcome.stopped) return outcome;

  if (options.resume) {
    folder.resume();
    write_file_atomically(folder.file("config.resolved.yaml"), config.resolved);  // the device may be another
  } else {
    folder.create(config.resolved);
  }
  if (!config.why_device.empty()) log().info("device: auto is " + config.device + " (" + config.why_device + ")");
  if (device.is_cuda()) log().info("on " + cuda_module()->device_name(device.index()));
  const double t60_s = config.model->room().t60_s;
  log().info(options.input.string() + ": T60 " + std::to_string(t60_s).substr(0, 5) + " s, " +
             std::to_string(measured.ir.size(0)) + " channel(s), start after " +
             std::to_string(elapsed()).substr(0, 4) + " s");
  std::optional<Trainer::Outcome> trained;
  try {
    trained = train_in(folder, options, config, measured, seed, device);
  } catch (...) {
    folder.discard_unless_begun();
    throw;
  }
  config.model->move_to(at::kCPU);
  outcome.stopped = !trained || trained->stopped;
  outcome.resumable = outcome.stopped && (trained || options.resume);
  if (trained) outcome.steps = trained->steps;
  if (!trained) folder.discard_unless_begun();
  if (!outcome.stopped) {
    export_room(*config.model, folder.file("weights.safetensors"),
                {measured.gain, sha256_hex(config.resolved), options.input.filename().string()});
    write_results(config, measured, folder, *trained, elapsed());
    write_report({folder.path()}, folder.file("report.html"));
  }
  outcome.seconds = elapsed();
  return outcome;
}

}  // namespace diffverb
