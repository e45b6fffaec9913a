#include "train/training/training_run.h"

#include <ATen/Context.h>

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>
#include <thread>

#include "core/device/cuda_module.h"
#include "core/device/device.h"
#include "core/error.h"
#include "core/files.h"
#include "core/log.h"
#include "core/seed.h"
#include "core/sha256.h"
#include "train/model_file.h"
#include "train/process.h"
#include "train/stop.h"
#include "train/training/checkpointing.h"
#include "train/training/config_difference.h"
#include "train/training/distributed.h"
#include "train/training/training_loop.h"
#include "train/training/training_samples.h"
#include "train/training/training_state.h"

namespace diffverb {
namespace {

/// What a run may be given anew when it goes on: none of these changes what is computed, but for rounding (threads,
/// device and its precision). The same data may lie elsewhere; that they are the same, check_data() sees to.
constexpr std::array kFreeKeys = {
    "threads",    "device",          "train.precision",          "train.graph",
    "data.files", "data.cache_mb",   "loader.workers",           "loader.batches_ahead",
    "train.keep", "train.log_every", "train.checkpoint_every_s", "train.checkpoint_every_steps"};
constexpr std::int64_t kShownExamples = 2;

struct TrainConfig {
  std::uint64_t seed = 1;
  std::string device = "cpu", why_device;
  int threads = 0, workers = 2, batches_ahead = 4;
  std::unique_ptr<Dataset> data;
  std::unique_ptr<Model> model;
  std::vector<WeightedLoss> losses;
  std::unique_ptr<Trainer> trainer;
  std::string resolved, model_yaml;
  std::string start_from;  // a model file to begin with; "": from the seed
};

TrainConfig read_config(const TrainOptions& options) {
  if (options.resume) RunFolder::open(options.out);  // says what is wrong with the folder
  const auto path = options.config.empty() ? options.out / "config.resolved.yaml" : options.config;
  TrainConfig config;
  std::vector<std::string> overlays = options.overlays;
  Fields::from_file(path, overlays).choice("device", config.device, device_words());
  const DeviceWord device = resolve_device(config.device);
  config.why_device = device.why;
  if (!device.why.empty()) overlays.push_back("device=" + device.word);  // what was chosen is what comes again
  Fields fields = Fields::from_file(path, overlays);
  fields.optional("seed", config.seed);
  fields.choice("device", config.device, device_words());
  fields.optional("threads", config.threads, between(0, 1024), "0: all cores");
  Fields data = fields.map("data"), model = fields.map("model"), train = fields.map("train"),
         loader = fields.map("loader");
  config.data = options.make_data ? options.make_data(data) : family<Dataset>().make(data);
  config.model = options.make_model ? options.make_model(model) : family<Model>().make(model);
  config.losses = read_losses(fields, "losses");
  if (config.losses.empty()) fields.fail("losses", "at least one loss is needed");
  if (train.has("start_from")) train.file("start_from", config.start_from);
  config.trainer = std::make_unique<Trainer>(train, Trainer::Kind::kDataset);
  loader.optional("workers", config.workers, between(1, 256));
  loader.optional("batches_ahead", config.batches_ahead, between(1, 1024));
  fields.finish();
  if (config.model->parameters().empty()) fields.fail("model", "this model has nothing that a data set could train");
  config.resolved = fields.resolved_yaml();
  config.model_yaml = model.resolved_yaml();
  return config;
}

std::vector<ConfigDifference> forbidden(const std::string& before, const std::string& after) {
  std::vector<ConfigDifference> out = config_differences(before, after);
  out.erase(std::remove_if(out.begin(), out.end(),
                           [](const ConfigDifference& d) {
                             const auto is_free = [&](const std::string& key) {
                               return d.key == key || d.key.rfind(key + ".", 0) == 0;
                             };
                             return std::any_of(kFreeKeys.begin(), kFreeKeys.end(), is_free);
                           }),
            out.end());
  return out;
}

/// Which examples these are, for a checkpoint; "" where the data set cannot tell.
std::string identity_of(const Dataset& data) {
  const std::string fingerprint = data.fingerprint();
  if (fingerprint.empty()) return "";
  return nlohmann::json{{"fingerprint", fingerprint},
                        {"training", data.size(Split::kTrain)},
                        {"validation", data.size(Split::kValidation)}}
      .dump();
}

/// "8 examples to train on, 2 to validate"
std::string text_of(const nlohmann::json& identity) {
  return identity.at("training").dump() + " examples to train on, " + identity.at("validation").dump() + " to validate";
}

/// Says how two data sets differ; "" where they do not, or where one is not known (a checkpoint of an older diffverb).
std::string data_difference(const std::string& before, const std::string& after) {
  if (before.empty() || after.empty()) return "";
  const auto a = nlohmann::json::parse(before), b = nlohmann::json::parse(after);
  if (a.at("fingerprint") == b.at("fingerprint")) return "";
  if (text_of(a) != text_of(b)) return text_of(a) + " -> " + text_of(b);
  return text_of(b) + " as before, but other responses stand there, or in another order";
}

void check_data(const Checkpoint& checkpoint, const TrainConfig& config, const std::filesystem::path& folder) {
  const auto before = checkpoint.texts.find("data");
  if (before == checkpoint.texts.end()) return;
  const std::string difference = data_difference(before->second, identity_of(*config.data));
  if (!difference.empty())
    throw ConfigError(folder.string() + ": its checkpoint is of other data (checkpoint -> now): " + difference +
                      "; data.files may name another place of the same data, other data need a new --out");
}

void check_checkpoint(const TrainConfig& config, const std::filesystem::path& folder, int ranks) {
  const Checkpoint checkpoint = Checkpoints(folder, 1).load_newest();
  if (!checkpoint.texts.count("config"))
    throw ConfigError(folder.string() + ": its checkpoint is none of diffverb train");
  const auto differences = forbidden(checkpoint.text("config"), config.resolved);
  if (!differences.empty())
    throw ConfigError(folder.string() + ": its checkpoint is of another config (checkpoint -> now): " +
                      text_of(differences) + "; resume without changes, or give a new --out");
  check_data(checkpoint, config, folder);
  const auto state = nlohmann::json::parse(checkpoint.text("state"), nullptr, false);
  const int before = state.is_object() ? state.value("ranks", 1) : 1;
  if (before != ranks)
    log().info("written by " + std::to_string(before) + " rank(s), now " + std::to_string(ranks) + ": the batch of " +
               std::to_string(config.trainer->batch_size()) + " over all ranks stays, sums round differently");
}

void check_ranks(const TrainConfig& config, int ranks) {
  if (config.trainer->batch_size() % ranks != 0)
    throw ConfigError("train.batch_size: " + std::to_string(config.trainer->batch_size()) +
                      " examples cannot be shared evenly by " + std::to_string(ranks) +
                      " ranks; change one of them (the batch counts over all ranks)");
}

/// All ranks train the same, or none does.
void check_same_config(const TrainConfig& config, Distributed& ranks) {
  const auto differences = forbidden(ranks.broadcast(config.resolved), config.resolved);
  if (!differences.empty())
    throw ConfigError("rank " + std::to_string(ranks.rank()) +
                      " was given another config than rank 0 (rank 0 -> here): " + text_of(differences));
  const std::string here = identity_of(*config.data), difference = data_difference(ranks.broadcast(here), here);
  if (!difference.empty())
    throw ConfigError("rank " + std::to_string(ranks.rank()) +
                      " reads other data than rank 0 (rank 0 -> here): " + difference);
}

LoaderSettings loader_settings(const TrainConfig& config, Split split, const Distributed* ranks) {
  LoaderSettings settings;
  settings.split = split;
  settings.rank = ranks ? ranks->rank() : 0;
  settings.world_size = ranks ? ranks->size() : 1;
  settings.batch = config.trainer->batch_size() / settings.world_size;
  settings.seed = derive_seed(config.seed, "data");
  settings.workers = config.workers;
  settings.batches_ahead = config.batches_ahead;
  settings.shuffle = settings.augment = settings.drop_last = split == Split::kTrain;
  return settings;
}

nlohmann::json describe_data(const Dataset& data) {
  return {{"sample_rate_hz", data.sample_rate_hz()}, {"samples", data.samples()},
          {"training", data.size(Split::kTrain)},    {"validation", data.size(Split::kValidation)},
          {"test", data.size(Split::kTest)},         {"licences", data.licences(Split::kTrain)}};
}

/// Before anything is written: that there is something to learn from, and that data, model and losses go together.
void check_parts_fit(const TrainConfig& config) {
  if (config.data->size(Split::kTrain) == 0)
    throw DataError("data set: no example in its part 'train'; diffverb data split sorts rooms into parts");
  const at::NoGradGuard no_grad;
  Response target(config.data->example(Split::kTrain, 0, 0).unsqueeze(0), config.data->sample_rate_hz());
  config.model->set_training(false);
  try {
    config.model->add_features(target);
    for (const WeightedLoss& loss : config.losses) loss.loss->prepare(target);
    evaluate_losses(config.losses, config.model->forward(target));
  } catch (const ContractError& error) {
    throw ConfigError(std::string("data, model and losses do not go together: ") + error.what());
  }
}

RunFolder open_folder(const TrainOptions& options, const TrainConfig& config) {
  if (options.resume) {
    RunFolder folder = RunFolder::open(options.out);
    folder.resume();
    write_file_atomically(folder.file("config.resolved.yaml"), config.resolved);
    return folder;
  }
  RunFolder folder(options.out, options.overwrite);
  folder.create(config.resolved);
  return folder;
}

std::int64_t count_parameters(const Model& model) {
  std::int64_t count = 0;
  for (const auto& [name, tensor] : model.parameters()) count += tensor.numel();
  return count;
}

/// Everything that training moves, in place: who holds a parameter holds it still.
void move_model(const Model& model, at::Device device) {
  if (device.is_cpu()) return;
  for (const auto& tensors : {model.parameters(), model.buffers()}) {
    for (auto [name, tensor] : tensors) tensor.set_data(tensor.detach().to(device));
  }
}

void tell_device(const TrainConfig& config, at::Device device) {
  if (!config.why_device.empty()) log().info("device: auto is " + config.device + " (" + config.why_device + ")");
  if (device.is_cuda()) {
    log().info("on " + cuda_module()->device_name(device.index()));
  } else if (config.trainer->precision() != Precision::kFp32) {
    log().info("train.precision: less than fp32 is for GPUs; this run computes in float32");
  }
}

void tell_start(const TrainConfig& config, const TrainOptions& options, int ranks) {
  std::string licences;
  for (const auto& [name, count] : config.data->licences(Split::kTrain))
    licences += (licences.empty() ? "" : ", ") + name + " (" + std::to_string(count) + ")";
  log().info(options.out.string() + ": " + std::to_string(count_parameters(*config.model)) + " parameters, " +
             std::to_string(config.data->size(Split::kTrain)) + " examples to train on, " +
             std::to_string(config.data->size(Split::kValidation)) + " to validate; " + std::to_string(ranks) +
             " rank(s); licences: " + licences);
  if (const auto unknown = config.data->licences(Split::kTrain)["unknown"])
    log().warning("the licence of " + std::to_string(unknown) +
                  " examples is unknown: a model trained on them should not be passed on");
  if (config.data->size(Split::kValidation) == 0)
    log().warning("the data have no validation part: no best checkpoint, no early stop");
}

/// The weights for use: what validated best, else the last.
void write_model(const TrainConfig& config, const RunFolder& folder, const Trainer::Outcome& training) {
  const Checkpoints checkpoints(folder.path(), 1);
  std::error_code code;
  const bool has_best = std::filesystem::exists(checkpoints.best(), code);
  load_weights(load_checkpoint(has_best ? checkpoints.best() : checkpoints.newest()), *config.model);
  const std::map<std::string, std::string> texts = {
      {"sample_rate_hz", nlohmann::json(config.data->sample_rate_hz()).dump()},
      {"data", describe_data(*config.data).dump()},
      {"licence", nlohmann::json(config.data->licences(Split::kTrain)).dump()},
      {"training_config", config.resolved},
      {"training_config_sha256", sha256_hex(config.resolved)},
      {"steps", std::to_string(training.steps)}};
  save_model(folder.file("model.safetensors"), *config.model, config.model_yaml, texts);
}

/// The training itself; `folder` is rank 0's.
TrainOutcome train_in(const std::optional<RunFolder>& folder, const TrainOptions& options, const TrainConfig& config,
                      at::Device device, Distributed* ranks) {
  if (folder && !options.resume)
    write_file_atomically(folder->file("data.json"), describe_data(*config.data).dump(2) + "\n");
  if (ranks) check_same_config(config, *ranks);
  Loader training(*config.data, loader_settings(config, Split::kTrain, ranks));
  std::optional<Loader> validation;
  if (config.data->size(Split::kValidation) > 0)
    validation.emplace(*config.data, loader_settings(config, Split::kValidation, ranks));
  Trainer::Job job{*config.model, config.losses, folder ? &*folder : nullptr};
  job.title = options.out.filename().string();
  job.resume = options.resume;
  job.data = config.data.get();
  job.training = &training;
  job.validation = validation ? &*validation : nullptr;
  job.device = device;
  job.seed = derive_seed(config.seed, "model");
  job.config = config.resolved;
  job.data_identity = identity_of(*config.data);
  job.ranks = ranks;
  job.show = [](EventWriter& events, const Response& target, const Response& output, std::int64_t step) {
    const std::int64_t examples = target.ir().size(0);
    show_samples(events, target, output, std::min(kShownExamples, examples), step);
  };
  TrainOutcome outcome{options.out, config.trainer->run(job), folder.has_value()};
  if (folder && !outcome.training.stopped) write_model(config, *folder, outcome.training);
  return outcome;
}

TrainOutcome train_on(const TrainOptions& options, const Rank& rank, Distributed* ranks) {
  const TrainConfig config = read_config(options);
  check_ranks(config, rank.size);
  const at::Device device = choose_device(config.device, rank.local_rank);
  const int cores = std::max(1, static_cast<int>(std::thread::hardware_concurrency()) / rank.local_size);
  tune_process(config.threads > 0 ? config.threads : cores);
  at::manual_seed(derive_seed(config.seed, "torch " + std::to_string(rank.rank)));
  tune_device(device, config.trainer->precision());
  if (!options.resume && !config.start_from.empty()) copy_weights(config.start_from, *config.model);
  move_model(*config.model, device);
  if (ranks && device.is_cuda()) ranks->use_gpu();
  config.data->open();
  check_parts_fit(config);
  const bool first = rank.rank == 0;
  if (!first) log().set_level(LogLevel::kWarning);  // rank 0 speaks for all
  std::optional<RunFolder> folder;
  if (first) {
    if (options.resume) check_checkpoint(config, options.out, rank.size);
    folder = open_folder(options, config);
    tell_start(config, options, rank.size);
    tell_device(config, device);
    if (!options.resume && !config.start_from.empty()) log().info("begins with the weights of " + config.start_from);
  }
  try {
    return train_in(folder, options, config, device, ranks);
  } catch (...) {
    if (folder) folder->discard_unless_begun();
    throw;
  }
}

}  // namespace

TrainOutcome train_model(const TrainOptions& options) {
  outlive_closed_pipes();
  const Rank rank = rank_from_environment();
  if (rank.size == 1) return train_on(options, rank, nullptr);
  const auto ranks = std::make_shared<Distributed>(rank);
  set_collective(ranks);
  try {
    TrainOutcome outcome = train_on(options, rank, ranks.get());
    set_collective(nullptr);
    return outcome;
  } catch (const std::exception& error) {
    ranks->report_failure(error.what());
    set_collective(nullptr);
    throw;
  }
}

}  // namespace diffverb
