#include "train/field/field_fit.h"

#include <ATen/ops/tensor.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include "core/audio_file.h"
#include "core/device/device.h"
#include "core/device/precision.h"
#include "core/error.h"
#include "core/files.h"
#include "core/log.h"
#include "train/field/field_config.h"
#include "train/field/interpolation.h"
#include "train/process.h"
#include "train/run_folder.h"
#include "train/stop.h"

namespace diffverb {
namespace {

constexpr double kSamplesPerPeriod = 5;  // of high_hz, of the sound that the network learns from, at least

struct Fit {
  Trainer::Outcome training;
  double gain = 1;  // the network's pressure over the sound's
};

/// The network learns from every n-th sample, at a level of 1.
Fit train_in(const RunFolder& folder, FieldConfig& config, const FieldSounds& sounds, bool resume, at::Device device) {
  const auto stride = std::max<std::int64_t>(
      1, static_cast<std::int64_t>(sounds.rate_hz / (kSamplesPerPeriod * config.model->high_hz())));
  Fit fit;
  fit.gain = 1 / std::sqrt(sounds.microphones.square().mean().item<double>());
  const at::Tensor heard =
      (sounds.microphones.slice(1, 0, sounds.microphones.size(1), stride) * fit.gain).to(at::kFloat).unsqueeze(0);
  const double rate_hz = sounds.rate_hz / static_cast<double>(stride);
  config.model->place_microphones(positions_of(config.microphones), heard.size(2), rate_hz);
  config.model->move_to(device);
  Response target(heard.contiguous().to(device), rate_hz);
  config.model->add_features(target);
  prepare_losses(config.losses, target, "the microphones");
  Trainer::Job job{*config.model, config.losses, &folder, folder.path().filename().string(), resume};
  job.device = device;
  fit.training = config.trainer->run(job);
  config.model->move_to(at::kCPU);
  return fit;
}

void write_sounds(const RunFolder& folder, const at::Tensor& signals, double rate_hz) {
  const at::Tensor rows = signals.to(at::kFloat).contiguous();
  for (std::int64_t n = 0; n < rows.size(0); ++n) {
    const float* data = rows.const_data_ptr<float>() + n * rows.size(1);
    write_audio(folder.file("position_" + std::to_string(n + 1) + ".wav"), {rate_hz, {{data, data + rows.size(1)}}});
  }
}

/// Against the truth, and what interpolation makes of the same microphones.
FieldErrors errors_of(const FieldConfig& config, const FieldSounds& sounds, const at::Tensor& network) {
  const at::Tensor where = at::tensor(sounds.known, at::kLong);
  const at::Tensor places = positions_of(config.positions).index_select(0, where);
  const MicrophoneArray array{positions_of(config.microphones), sounds.microphones, sounds.rate_hz,
                              config.model->speed_m_s()};
  return field_errors(sounds.truth,
                      {{"network", network.index_select(0, where)},
                       {"nearest", nearest(array, places)},
                       {"linear", linear(array, places)},
                       {"cubic", cubic(array, places)},
                       {"plane_waves", plane_waves(array, places)}},
                      sounds.rate_hz, config.low_hz, config.model->high_hz());
}

void write_metrics(const RunFolder& folder, const FieldConfig& config, const FieldErrors& errors,
                   const Trainer::Outcome& training) {
  nlohmann::json metrics = json_of(errors);
  std::int64_t parameters = 0;
  for (const auto& [name, tensor] : config.model->parameters()) parameters += tensor.numel();
  metrics["microphones"] = config.microphones.size();
  metrics["positions"] = config.positions.size();
  metrics["parameters"] = parameters;
  metrics["steps"] = training.steps;
  metrics["seconds"] = training.seconds;
  write_file_atomically(folder.file("metrics.json"), metrics.dump(2) + "\n");
}

}  // namespace

FieldOutcome reconstruct_field(const FieldOptions& options) {
  outlive_closed_pipes();
  const StopOnSignal guard;
  RunFolder folder = options.resume ? RunFolder::open(options.out) : RunFolder(options.out, options.overwrite);
  FieldConfig config =
      read_field_config(options.resume ? folder.file("config.resolved.yaml") : options.config, options.overlays);
  const at::Device device = choose_device(config.device);
  const FieldSounds sounds = read_field_sounds(config);
  tune_process(static_cast<int>(config.threads), /*deterministic=*/!device.is_cuda());
  tune_device(device, Precision::kFp32);
  if (options.resume) {
    folder.resume();
  } else {
    folder.create(config.resolved);
  }
  if (!config.why_device.empty()) log().info("device: auto is " + config.device + " (" + config.why_device + ")");
  FieldOutcome outcome;
  outcome.folder = folder.path();
  outcome.positions = static_cast<std::int64_t>(config.positions.size());
  Fit fit;
  try {
    fit = train_in(folder, config, sounds, options.resume, device);
  } catch (...) {
    folder.discard_unless_begun();
    throw;
  }
  outcome.steps = fit.training.steps;
  outcome.seconds = fit.training.seconds;
  outcome.stopped = fit.training.stopped;
  if (outcome.stopped) return outcome;
  const at::NoGradGuard no_grad;
  const at::Tensor network =
      config.model->pressure(positions_of(config.positions), sounds.microphones.size(1), sounds.rate_hz) / fit.gain;
  write_sounds(folder, network, sounds.rate_hz);
  if (sounds.known.empty()) return outcome;
  outcome.errors = errors_of(config, sounds, network);
  write_metrics(folder, config, *outcome.errors, fit.training);
  return outcome;
}

}  // namespace diffverb
