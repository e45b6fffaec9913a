#include "train/fit/pair_fit.h"

#include <algorithm>
#include <chrono>

#include "core/device/cuda_module.h"
#include "core/device/device.h"
#include "core/error.h"
#include "core/files.h"
#include "core/log.h"
#include "core/seed.h"
#include "core/sha256.h"
#include "train/fit/pair_config.h"
#include "train/fit/pair_results.h"
#include "train/fit/stepped_fit.h"
#include "train/process.h"
#include "train/report/pair_page.h"
#include "train/run_folder.h"
#include "train/stop.h"
#include "train/training/trainer.h"
#include "train/training/training_loop.h"

namespace diffverb {
namespace {

constexpr double kLongestResponse_s = 4;

/// A loss of the model's response, beside those of what it plays.
class OfResponse final : public Loss {
 public:
  OfResponse(std::unique_ptr<Loss> loss, const Response& measured) : loss_(std::move(loss)) {
    loss_->prepare(measured);
  }
  void prepare(const Response& /*target*/) override {}  // it is one response throughout
  at::Tensor evaluate(const Response& played) const override {
    Response response = played;
    response.set_ir(played.get("response"));
    return loss_->evaluate(response);
  }

 private:
  std::unique_ptr<Loss> loss_;
};

/// One fit, while it lasts.
class PairFit {
 public:
  explicit PairFit(const FitOptions& options)
      : options_(options),
        pair_(read_measured_pair(options.dry, options.input, read_pair_settings(options).lead_samples)),
        config_(read_pair_config(options, pair_)),
        device_(choose_device(config_.device)) {}

  /// All that can be found wrong before a folder is there.
  void prepare();
  void tell() const;
  Trainer::Outcome train(const RunFolder& folder);
  void write(const RunFolder& folder, const Trainer::Outcome& trained, double seconds);
  const PairConfig& config() const { return config_; }

 private:
  std::int64_t samples_of(double seconds) const {
    return std::max<std::int64_t>(1, std::llround(seconds * pair_.sample_rate_hz));
  }
  void add_response_losses();
  void check_parts_fit();
  LoaderSettings loader_settings(Split split) const;

  const FitOptions& options_;
  MeasuredPair pair_;
  PairConfig config_;
  at::Device device_;
  std::unique_ptr<PairExcerpts> excerpts_;
  std::int64_t held_back_ = 0;  // its first sample
};

void PairFit::prepare() {
  tune_process(static_cast<int>(config_.threads), /*deterministic=*/!device_.is_cuda());
  tune_device(device_, config_.trainer->precision());
  PairModel& model = *config_.model;
  const std::int64_t whole = pair_.wet.size(1);
  held_back_ = std::llround((1 - config_.pair.held_back) * static_cast<double>(whole));
  const double trained_s = static_cast<double>(held_back_) / pair_.sample_rate_hz;
  const at::Tensor dry = model.inputs() == 1 ? pair_.dry.mean(0, true) : pair_.dry;
  const double response_s = config_.pair.response_s.value_or(std::min(kLongestResponse_s, trained_s / 4));
  if (response_s > trained_s / 2)
    throw ConfigError("pair.response_s: " + std::to_string(response_s).substr(0, 5) + " s of " +
                      std::to_string(trained_s).substr(0, 5) + " s to train on, expected at most half of it");
  model.design(dry.slice(1, 0, held_back_), pair_.wet.slice(1, 0, held_back_), pair_.sample_rate_hz,
               samples_of(response_s), derive_seed(config_.seed, "model"));
  PairExcerpts::Shape shape;
  shape.samples = samples_of(config_.pair.excerpt_s);
  shape.run_in = config_.pair.run_in_s ? std::llround(*config_.pair.run_in_s * pair_.sample_rate_hz)
                                       : std::min(model.reach_samples(), held_back_);
  shape.held_back = held_back_;
  excerpts_ = std::make_unique<PairExcerpts>(dry, pair_.wet / model.gain(), pair_.sample_rate_hz, shape);
  model.set_excerpts(*excerpts_);
  model.move_to(device_);
  add_response_losses();
  check_parts_fit();
}

/// Of a room alone: a model of signals has no response that says all, a response from a file is not to be another one.
void PairFit::add_response_losses() {
  if (!config_.model->room()) return;
  const Response measured =
      fit_target(config_.model->measured_response(), pair_.sample_rate_hz, config_.model->room()->samples(), device_);
  for (WeightedLoss& loss : config_.response_losses) {
    try {
      config_.losses.push_back(
          {"response_" + loss.name, loss.weight, std::make_unique<OfResponse>(std::move(loss.loss), measured)});
    } catch (const ContractError& error) {
      throw DataError(pair_.wet_file.string() + ": the response that division by " + pair_.dry_file.string() +
                      " gives cannot be fitted: " + error.what() +
                      "; expected a longer pair, less noise, or --set response_losses=[]");
    }
  }
}

void PairFit::check_parts_fit() {
  const at::NoGradGuard no_grad;
  const at::Tensor row = excerpts_->example(Split::kTrain, 0, 0).to(device_);
  Response target(row.expand({config_.trainer->batch_size(), 1, row.size(1)}), pair_.sample_rate_hz);
  try {
    config_.model->add_features(target);
    for (const WeightedLoss& loss : config_.losses) loss.loss->prepare(target);
    evaluate_losses(config_.losses, config_.model->forward(target));
  } catch (const ContractError& error) {
    throw ConfigError(std::string("pair, model and losses do not go together: ") + error.what());
  }
}

void PairFit::tell() const {
  for (const std::string& warning : pair_.warnings) log().warning(warning);
  for (const std::string& note : pair_.notes) log().info(note);
  if (!config_.why_device.empty()) log().info("device: auto is " + config_.device + " (" + config_.why_device + ")");
  if (device_.is_cuda()) log().info("on " + cuda_module()->device_name(device_.index()));
  if (!config_.model->room() && !config_.response_losses.empty())
    log().debug("response_losses are for delay networks and reverberators");
}

LoaderSettings PairFit::loader_settings(Split split) const {
  LoaderSettings settings;
  settings.split = split;
  settings.batch = config_.trainer->batch_size();
  settings.seed = derive_seed(config_.seed, "data");
  settings.workers = 1;
  settings.shuffle = settings.augment = settings.drop_last = split == Split::kTrain;
  return settings;
}

Trainer::Outcome PairFit::train(const RunFolder& folder) {
  if (!options_.resume)
    write_file_atomically(folder.file("input"), std::filesystem::absolute(options_.input).string() + "\n" +
                                                    std::filesystem::absolute(options_.dry).string() + "\n");
  Loader training(*excerpts_, loader_settings(Split::kTrain)),
      validation(*excerpts_, loader_settings(Split::kValidation));
  Trainer::Job job{*config_.model, config_.losses, &folder, options_.input.filename().string(), options_.resume};
  job.on_step = options_.on_progress ? [this](std::int64_t done, std::int64_t total) {
    options_.on_progress(static_cast<double>(done) / static_cast<double>(std::max<std::int64_t>(total, 1)));
  } : std::function<void(std::int64_t, std::int64_t)>();
  job.data = excerpts_.get();
  job.training = &training;
  job.validation = &validation;
  job.seed = derive_seed(config_.seed, "steps");
  job.device = device_;
  job.config = config_.resolved;
  return config_.trainer->run(job);
}

void PairFit::write(const RunFolder& folder, const Trainer::Outcome& trained, double seconds) {
  config_.model->move_to(at::kCPU);
  export_pair_model(*config_.model, folder.file("weights.safetensors"),
                    {config_.model->gain(), sha256_hex(config_.resolved), options_.input.filename().string()});
  write_pair_results(*config_.model, pair_, held_back_, folder, {trained.steps, seconds});
  write_pair_report(folder.path(), folder.file("report.html"));
}

}  // namespace

FitOutcome fit_pair(const FitOptions& options) {
  const auto started = std::chrono::steady_clock::now();
  const auto elapsed = [&] {
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - started).count();
  };
  outlive_closed_pipes();
  const StopOnSignal guard;
  log().close_file();
  RunFolder folder = options.resume ? RunFolder::open(options.out) : RunFolder(options.out, options.overwrite);
  PairFit fit(options);
  fit.prepare();
  FitOutcome outcome{folder.path(), elapsed(), 0, stop_requested(), options.resume};
  if (outcome.stopped) return outcome;
  if (options.resume) {
    folder.resume();
    write_file_atomically(folder.file("config.resolved.yaml"), fit.config().resolved);  // the device may be another
  } else {
    folder.create(fit.config().resolved);
  }
  fit.tell();
  try {
    const Trainer::Outcome trained = fit.train(folder);
    outcome.steps = trained.steps;
    outcome.stopped = outcome.resumable = trained.stopped;
    if (!outcome.stopped) fit.write(folder, trained, elapsed());
  } catch (...) {
    folder.discard_unless_begun();
    throw;
  }
  outcome.seconds = elapsed();
  return outcome;
}

}  // namespace diffverb
