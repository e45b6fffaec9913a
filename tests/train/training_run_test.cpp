#include "train/training/training_run.h"

#include <ATen/ops/equal.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <thread>

#include "core/log.h"
#include "tests/datasets/stores.h"
#include "tests/program.h"
#include "tests/scratch.h"
#include "tests/small_disk.h"
#include "tests/train/tiny_training.h"
#include "train/cli.h"
#include "train/model_file.h"
#include "train/stop.h"
#include "train/training/checkpointing.h"
#include "train/training/training_records.h"

namespace diffverb {
namespace {

namespace fs = std::filesystem;

std::vector<nlohmann::json> lines_of(const fs::path& path) {
  std::vector<nlohmann::json> out;
  std::istringstream text(read_text(path));
  for (std::string line; std::getline(text, line);) out.push_back(nlohmann::json::parse(line));
  return out;
}

/// Everything that the two runs would do from here on is the same.
void expect_same_end(const fs::path& one, const fs::path& other) {
  const Checkpoint a = load_checkpoint(one / "checkpoint.safetensors");
  const Checkpoint b = load_checkpoint(other / "checkpoint.safetensors");
  ASSERT_EQ(a.tensors.size(), b.tensors.size());
  for (const auto& [name, tensor] : a.tensors) {
    if (name == "rng") continue;  // LibTorch's state has unset padding
    EXPECT_TRUE(at::equal(tensor, b.tensor(name))) << name;
  }
  EXPECT_EQ(a.text("state"), b.text("state"));
  EXPECT_EQ(read_text(one / "losses.jsonl"), read_text(other / "losses.jsonl"));
  EXPECT_EQ(read_text(one / "validation.jsonl"), read_text(other / "validation.jsonl"));
  const Checkpoint model = load_checkpoint(one / "model.safetensors");
  for (const auto& [name, tensor] : load_checkpoint(other / "model.safetensors").tensors)
    EXPECT_TRUE(at::equal(tensor, model.tensor(name))) << name;
}

/// What a model file comes to on the validation part of the data that it was trained on.
double validation_loss(const fs::path& model_file, const Overlays& overlays) {
  Fields fields = Fields::from_text(tiny_config(), "config", overlays);
  Fields data_fields = fields.map("data");
  const TinyData data(data_fields);
  const auto losses = read_losses(fields, "losses");
  const auto model = load_model(model_file).model;
  model->set_training(false);
  const at::NoGradGuard no_grad;
  double sum = 0;
  for (std::int64_t i = 0; i < data.size(Split::kValidation); ++i) {
    Response target(data.example(Split::kValidation, i, 0).unsqueeze(0), data.sample_rate_hz());
    model->add_features(target);
    losses[0].loss->prepare(target);
    sum += losses[0].loss->evaluate(model->forward(target)).item<double>();
  }
  return sum / static_cast<double>(data.size(Split::kValidation));
}

TEST(TrainingRun, LearnsAndLeavesWhatItSays) {
  const Scratch scratch;
  const TrainOutcome outcome = train(scratch, "run");
  EXPECT_EQ(outcome.training.steps, 36);
  const auto losses = lines_of(scratch / "run/losses.jsonl");
  ASSERT_EQ(losses.size(), 36u);
  EXPECT_LT(losses.back()["loss"].get<double>(), 0.5 * losses.front()["loss"].get<double>());
  EXPECT_EQ(losses.back()["epoch"], 11);
  const auto validations = lines_of(scratch / "run/validation.jsonl");
  ASSERT_EQ(validations.size(), 12u);
  EXPECT_EQ(validations[1]["step"], 6);
  const auto data = nlohmann::json::parse(read_text(scratch / "run/data.json"));
  EXPECT_EQ(data["licences"]["CC0-1.0"], 24);
  // keep: 3 newest, and the best.
  EXPECT_TRUE(fs::exists(scratch / "run/checkpoint_00000034.safetensors"));
  EXPECT_TRUE(fs::exists(scratch / "run/checkpoint_00000032.safetensors"));
  EXPECT_FALSE(fs::exists(scratch / "run/checkpoint_00000030.safetensors"));
  const Checkpoint best = load_checkpoint(scratch / "run/best.safetensors");
  const Checkpoint model = load_checkpoint(scratch / "run/model.safetensors");
  EXPECT_TRUE(at::equal(model.tensor("parameter.in"), best.tensor("ema.in")));
  EXPECT_FALSE(at::equal(best.tensor("parameter.in"), best.tensor("ema.in")));
}

TEST(TrainingRun, AveragedWeightsAreUsedWithAveragedStatistics) {
  const Scratch scratch;
  Overlays overlays = spectral_overlays();
  overlays.insert(overlays.end(), {"train.epochs=3", "train.ema_decay=0.6", "train.rate=0.02"});
  train(scratch, "run", overlays);
  const Checkpoint best = load_checkpoint(scratch / "run/best.safetensors");
  const Checkpoint model = load_checkpoint(scratch / "run/model.safetensors");
  const std::string mean = "buffer.encoder.3.mean";
  EXPECT_TRUE(at::equal(model.tensor(mean), best.tensor("ema_" + mean)));
  EXPECT_FALSE(at::equal(model.tensor(mean), best.tensor(mean)));
  EXPECT_TRUE(at::equal(model.tensor("parameter.encoder.3.kernel"), best.tensor("ema.encoder.3.kernel")));
  // The model that is written validates as the run said it does.
  const double said = nlohmann::json::parse(best.text("state"))["best"];
  const double found = validation_loss(scratch / "run/model.safetensors", overlays);
  EXPECT_NEAR(found, said, 1e-6 * said);
}

TEST(TrainingRun, AFinishedRunResumesToWhatItWas) {
  const Scratch scratch;
  const TrainOutcome first = train(scratch, "run", {"train.epochs=2"});
  const std::string losses = read_text(scratch / "run/losses.jsonl"),
                    model = read_text(scratch / "run/model.safetensors");
  const TrainOutcome again = train(scratch, "run", {}, true);
  EXPECT_EQ(again.training.steps, 6);
  EXPECT_EQ(again.training.steps_here, 0);
  EXPECT_EQ(again.training.last_loss, first.training.last_loss);
  EXPECT_EQ(again.training.last_loss, lines_of(scratch / "run/losses.jsonl").back()["loss"].get<double>());
  EXPECT_EQ(again.training.best_validation, first.training.best_validation);
  EXPECT_EQ(read_text(scratch / "run/losses.jsonl"), losses);
  EXPECT_EQ(read_text(scratch / "run/model.safetensors"), model);
}

/// Whether the folder's events tell TensorBoard to drop what earlier ones say of `step` and later steps.
bool events_drop_from(const fs::path& folder, char step) {
  const std::string restart = std::string("\x10") + step + "\x3a\x02\x08\x01";  // Event: step, session_log {START}
  for (const auto& entry : fs::directory_iterator(folder)) {
    const bool events = entry.path().filename().string().rfind("events.", 0) == 0;
    if (events && read_text(entry.path()).find(restart) != std::string::npos) return true;
  }
  return false;
}

TEST(TrainingRun, ResumingDropsNoEventsOfAValidationThatIsNotMadeAgain) {
  const Scratch scratch;
  train(scratch, "run", {"train.epochs=2"});
  train(scratch, "run", {}, true);
  EXPECT_TRUE(events_drop_from(scratch / "run", 7));
  EXPECT_FALSE(events_drop_from(scratch / "run", 6));
  TrainingRecords(RunFolder::open(scratch / "run"), 6, 3, true);  // killed before the validation of step 6
  EXPECT_TRUE(events_drop_from(scratch / "run", 6));
}

/// `count` rooms, the last of each four to validate with.
void make_rooms(const fs::path& path, int count, std::uint64_t first_seed) {
  ResponseStoreWriter writer = ResponseStoreWriter::create(path);
  for (int k = 0; k < count; ++k) {
    StoredResponse r = stored_response(std::to_string(k) + ".wav", "room " + std::to_string(k));
    r.split = k % 4 == 3 ? "validation" : "train";
    writer.add(r, noise_room(first_seed + static_cast<std::uint64_t>(k)));
  }
  writer.commit();
}

TrainOutcome train_rooms(const Scratch& scratch, const Overlays& overlays, bool resume) {
  write_text(scratch / "tiny.yaml", tiny_config());
  TrainOptions options = tiny_options();
  options.make_data = nullptr;  // from the families
  if (!resume) options.config = scratch / "tiny.yaml";
  options.out = scratch / "run";
  options.resume = resume;
  options.overlays = overlays;
  log().set_level(LogLevel::kError);
  const TrainOutcome outcome = train_model(options);
  log().close_file();
  return outcome;
}

TEST(TrainingRun, GoesOnWithItsDataWhereverTheyLieAndWithNoOthers) {
  const Scratch scratch;
  make_rooms(scratch / "a.h5", 8, 1);
  make_rooms(scratch / "others.h5", 8, 101);
  make_rooms(scratch / "more.h5", 12, 1);
  const auto files = [&](const std::string& name) { return "['" + (scratch / name).string() + "']"; };
  const auto resume = [&](const std::string& name) {
    return train_rooms(scratch, {"data.files=" + files(name)}, true).training.steps;
  };
  const std::string data = "data={type: rirs, samples: 64, onset_samples: 4, files: " + files("a.h5") + "}";
  EXPECT_EQ(train_rooms(scratch, {data, "train.epochs=2"}, false).training.steps, 2);
  fs::rename(scratch / "a.h5", scratch / "moved.h5");
  EXPECT_EQ(resume("moved.h5"), 2);

  const std::string config = read_text(scratch / "run/config.resolved.yaml"),
                    begin = (scratch / "run").string() + ": its checkpoint is of other data (checkpoint -> now): ";
  std::string message = message_of<ConfigError>([&] { resume("more.h5"); });
  EXPECT_EQ(message.rfind(begin + "6 examples to train on, 2 to validate -> 9 examples to train on, 3 to validate", 0),
            0u)
      << message;
  fs::copy_file(scratch / "others.h5", scratch / "moved.h5", fs::copy_options::overwrite_existing);  // in place
  message = message_of<ConfigError>([&] { train_rooms(scratch, {}, true); });
  EXPECT_EQ(message.rfind(begin + "6 examples to train on, 2 to validate as before, but other responses", 0), 0u)
      << message;
  EXPECT_EQ(read_text(scratch / "run/config.resolved.yaml"), config);

  Checkpoint older = load_checkpoint(scratch / "run/checkpoint.safetensors");
  ASSERT_EQ(older.texts.erase("data"), 1u);
  save_checkpoint(scratch / "run/checkpoint.safetensors", older);
  EXPECT_EQ(resume("others.h5"), 2);
}

TEST(TrainingRun, TheSameConfigGivesTheSameWeights) {
  const Scratch scratch;
  train(scratch, "a", {"model.noise=0.1"});
  train(scratch, "b", {"model.noise=0.1", "loader.workers=1", "loader.batches_ahead=1"});
  expect_same_end(scratch / "a", scratch / "b");
}

TEST(TrainingRun, BeginsWithTheWeightsThatItIsGiven) {
  const Scratch scratch;
  train(scratch, "before");
  const std::string start = "train.start_from=" + (scratch / "before/model.safetensors").string();
  const Overlays still{start, "train.epochs=1", "train.rate=1e-30", "train.weight_decay=0", "train.ema_decay=0"};
  train(scratch, "after", still);
  const Checkpoint before = load_checkpoint(scratch / "before/model.safetensors");
  for (const auto& [name, tensor] : load_checkpoint(scratch / "after/model.safetensors").tensors) {
    if (!name.starts_with("parameter.")) continue;
    EXPECT_TRUE(at::equal(tensor, before.tensor(name))) << name;
  }
  const auto losses = lines_of(scratch / "after/losses.jsonl"), cold = lines_of(scratch / "before/losses.jsonl");
  EXPECT_LT(losses.front()["loss"].get<double>(), 0.8 * cold.front()["loss"].get<double>());
  // What does not fit changes nothing and leaves nothing behind; a resumed run does not ask for the file again.
  EXPECT_NE(message_of<DataError>([&] {
              train(scratch, "other", {start, "model.width=7"});
            }).find("before/model.safetensors"),
            std::string::npos);
  EXPECT_FALSE(fs::exists(scratch / "other"));
  fs::remove(scratch / "before/model.safetensors");
  train(scratch, "after", {}, true);
}

TEST(TrainingRun, EarlyStopAndPlateauFollowTheValidation) {
  const Scratch scratch;
  const TrainOutcome outcome =
      train(scratch, "run", {"train.patience=2", "train.min_improvement=0.9", "train.schedule=plateau"});
  EXPECT_TRUE(outcome.training.stopped_improving);
  EXPECT_EQ(outcome.training.steps, 9);  // the first is the best, then two bring too little
}

/// Starts the training in a process of its own, so that it can be killed.
std::vector<std::string> arguments(const Scratch& scratch, const std::string& name, const std::string& how,
                                   const Overlays& more = {}) {
  write_text(scratch / "tiny.yaml", tiny_config());
  std::vector<std::string> out = {(scratch / (how == "new" ? "tiny.yaml" : name + "/config.resolved.yaml")).string(),
                                  (scratch / name).string(), how};
  out.insert(out.end(), more.begin(), more.end());
  return out;
}

const Overlays kNoisy = {"model.noise=0.1",
                         "train.schedule=plateau",
                         "train.plateau_patience=1",
                         "train.checkpoint_every_steps=1",
                         "losses=[{type: mse}, {type: esr}]",
                         "train.balance=gradient_norm",
                         "train.balance_steps=9"};

Overlays slowed(Overlays overlays) {
  overlays.push_back("pause_ms=2");
  return overlays;
}

TEST(TrainingRun, KilledAtAnyMomentAndResumedEqualsUninterrupted) {
  const Scratch scratch;
  ASSERT_EQ(Program(TRAIN_TINY_PROGRAM, arguments(scratch, "whole", "new", kNoisy), scratch.path()).wait(), 0);
  Random random(static_cast<std::uint64_t>(std::chrono::steady_clock::now().time_since_epoch().count()));
  for (int attempt = 0; attempt < 3; ++attempt) {
    const std::string name = "broken" + std::to_string(attempt);
    int kills = 0;
    for (int code = 128 + SIGKILL; code != 0;) {
      const bool begun = fs::exists(scratch / name / "checkpoint.safetensors");
      if (!begun) fs::remove_all(scratch / name);
      Program run(TRAIN_TINY_PROGRAM,
                  arguments(scratch, name, begun ? "resume" : "new", begun ? slowed({}) : slowed(kNoisy)),
                  scratch.path());
      if (kills < 2) {  // anywhere from the first checkpoint to the last steps
        const int before = begun ? static_cast<int>(lines_of(scratch / name / "losses.jsonl").size()) : 0;
        run.wait_until([&] { return fs::exists(scratch / name / "losses.jsonl"); });
        std::this_thread::sleep_for(std::chrono::microseconds(random.integer(0, before > 20 ? 100000 : 350000)));
        run.signal(SIGKILL);
        ++kills;
      }
      code = run.wait();
      ASSERT_TRUE(code == 0 || code == 128 + SIGKILL) << run.err();
    }
    expect_same_end(scratch / "whole", scratch / name);
    for (const auto& entry : fs::directory_iterator(scratch / name))
      EXPECT_NE(entry.path().extension(), ".tmp") << entry;
  }
}

TEST(TrainingRun, SlurmsWarningStopsWithACheckpointThatResumes) {
  const Scratch scratch;
  ASSERT_EQ(Program(TRAIN_TINY_PROGRAM, arguments(scratch, "whole", "new", kNoisy), scratch.path()).wait(), 0);
  {
    Overlays overlays = slowed(kNoisy);
    Program run(TRAIN_TINY_PROGRAM, arguments(scratch, "run", "new", overlays), scratch.path());
    run.wait_until(
        [&] { return fs::exists(scratch / "run/losses.jsonl") && !read_text(scratch / "run/losses.jsonl").empty(); });
    run.signal(SIGUSR1);
    ASSERT_EQ(run.wait(), kStoppedExitCode) << run.err();
  }
  EXPECT_FALSE(fs::exists(scratch / "run/model.safetensors"));
  ASSERT_EQ(Program(TRAIN_TINY_PROGRAM, arguments(scratch, "run", "resume"), scratch.path()).wait(), 0);
  expect_same_end(scratch / "whole", scratch / "run");
}

TEST(TrainingRun, AClosedPipeLosesTheLinesAndNotTheRun) {
  const Scratch scratch;
  std::signal(SIGPIPE, SIG_DFL);  // a training before this one in the process has set it
  std::vector<std::string> shell = {
      "-c", "{ \"$0\" \"$@\"; echo $? > '" + (scratch / "code").string() + "'; } 2>&1 | true", TRAIN_TINY_PROGRAM};
  for (const std::string& argument : arguments(scratch, "run", "new")) shell.push_back(argument);
  Program("/bin/sh", shell, scratch.path()).wait();
  EXPECT_EQ(read_text(scratch / "code"), "0\n");
  EXPECT_TRUE(fs::exists(scratch / "run/model.safetensors"));
}

TEST(TrainingRun, TwoRunsCannotShareAFolder) {
  const Scratch scratch;
  Program run(TRAIN_TINY_PROGRAM, arguments(scratch, "run", "new", {"pause_ms=20"}), scratch.path());
  ASSERT_TRUE(run.wait_until([&] { return fs::exists(scratch / "run/losses.jsonl"); }));
  const std::string message = message_of<ConfigError>([&] { train(scratch, "run", {}, true); });
  EXPECT_NE(message.find("another run writes there (process "), std::string::npos) << message;
  run.signal(SIGKILL);
  run.wait();
  EXPECT_EQ(train(scratch, "run", {}, true).training.steps, 36);  // the lock went with the process
}

TEST(TrainingRun, ACheckpointOfAnotherConfigIsRefusedByWhatDiffers) {
  const Scratch scratch;
  train(scratch, "run", {"train.epochs=2"});
  const std::string before = read_text(scratch / "run/config.resolved.yaml");
  EXPECT_EQ(message_of<ConfigError>([&] {
              train(scratch, "run", {"train.rate=0.5", "model.width=9", "threads=1", "train.keep=1"}, true);
            }),
            (scratch / "run").string() +
                ": its checkpoint is of another config (checkpoint -> now): model.width 8 -> 9, train.rate 0.01 -> "
                "0.5; resume without changes, or give a new --out");
  EXPECT_EQ(read_text(scratch / "run/config.resolved.yaml"), before);
  EXPECT_EQ(train(scratch, "run", {"train.keep=1"}, true).training.steps, 6);
}

TEST(TrainingRun, ANaNInTheDataIsNamedAndTheCheckpointStays) {
  const Scratch scratch;
  const std::string message = message_of<DataError>([&] { train(scratch, "run", {"data.nan_at=11"}); });
  log().close_file();
  EXPECT_NE(message.find("tiny response 11"), std::string::npos) << message;
  EXPECT_NE(message.find("sample 5"), std::string::npos) << message;
  EXPECT_EQ(message.rfind("step ", 0), 0u) << message;
  const Checkpoint checkpoint = load_checkpoint(scratch / "run/checkpoint.safetensors");
  for (const auto& [name, tensor] : checkpoint.tensors)
    EXPECT_TRUE(!tensor.is_floating_point() || tensor.isfinite().all().item<bool>()) << name;
}

TEST(TrainingRun, ABadResponseIsNamedWithItsStepAndNothingIsLost) {
  const Scratch scratch;
  const std::string message = message_of<DataError>([&] { train(scratch, "run", {"data.throw_at=5"}); });
  log().close_file();
  EXPECT_EQ(message.rfind("step ", 0), 0u) << message;
  EXPECT_NE(message.find(": tiny response 5: silent; the last checkpoint is unharmed; diffverb data check FILE finds"),
            std::string::npos)
      << message;
  EXPECT_TRUE(fs::exists(scratch / "run/checkpoint.safetensors"));
}

TEST(TrainingRun, WhatDoesNotGoTogetherIsSaidBeforeAnythingIsWritten) {
  const Scratch scratch;
  Overlays overlays = spectral_overlays();
  overlays.push_back("model.rate_hz=16000");
  EXPECT_EQ(message_of<ConfigError>([&] { train(scratch, "rate", overlays); }),
            "data, model and losses do not go together: spectral_autoencoder: responses must be at its rate_hz, 16000 "
            "Hz, got 8000 Hz");
  EXPECT_NE(message_of<DataError>([&] { train(scratch, "empty", {"data.train=0"}); }).find("no example in its part"),
            std::string::npos);
  EXPECT_NE(message_of<ConfigError>([&] {
              train(scratch, "loss", {"losses=[{type: mse, of: spectrogram}]"});
            }).find("do not go together"),
            std::string::npos);
  EXPECT_FALSE(fs::exists(scratch / "rate") || fs::exists(scratch / "empty") || fs::exists(scratch / "loss"));
}

TEST(TrainingRun, SetsSmallerThanABatchTrainAndValidate) {
  const Scratch scratch;
  EXPECT_EQ(train(scratch, "one", {"data.train=1", "data.validation=1", "train.epochs=3"}).training.steps, 3);
  EXPECT_EQ(train(scratch, "three", {"data.train=3", "data.validation=2", "train.epochs=2"}).training.steps, 2);
  EXPECT_EQ(train(scratch, "none", {"data.validation=0", "train.epochs=2"}).training.steps, 6);
  EXPECT_FALSE(fs::exists(scratch / "none/best.safetensors"));
  EXPECT_TRUE(fs::exists(scratch / "none/model.safetensors"));
}

TEST(TrainingRun, ALossThatIsNotANumberNamesStepAndResponse) {
  const Scratch scratch;
  const std::string message = message_of<NumericError>([&] {
    train(scratch, "run", {"model.nan_loss_above=2.2", "train.epochs=40"});
  });
  log().close_file();
  EXPECT_NE(message.find("the loss is not a number"), std::string::npos) << message;
  EXPECT_NE(message.find("tiny response"), std::string::npos) << message;
  std::size_t named = 0;
  for (std::size_t at = 0; (at = message.find("tiny response", at)) != std::string::npos; ++at) ++named;
  EXPECT_LT(named, 8u) << message;  // not the whole batch
  EXPECT_TRUE(
      load_checkpoint(scratch / "run/checkpoint.safetensors").tensor("parameter.in").isfinite().all().item<bool>());
}

TEST(TrainingRun, AFullDiskLeavesTheOldCheckpoint) {
  const Scratch scratch;
  train(scratch, "whole", {"train.keep=1"});
  const auto size = fs::file_size(scratch / "whole/checkpoint.safetensors");
  std::string message;
  {
    // Steps make losses.jsonl and the events grow; a limit just under the checkpoint's size lets nothing larger
    // through.
    train(scratch, "run", {"train.keep=1", "train.epochs=12", "train.checkpoint_every_steps=5", "train.steps=5"});
    const SmallDisk small(size - 100);
    message = message_of<DataError>(
        [&] { Checkpoints(scratch / "run", 1).save(load_checkpoint(scratch / "whole/checkpoint.safetensors"), 36); });
  }
  EXPECT_NE(message.find("cannot be written"), std::string::npos) << message;
  EXPECT_NE(message.find("is as it was"), std::string::npos) << message;
  EXPECT_EQ(nlohmann::json::parse(load_checkpoint(scratch / "run/checkpoint.safetensors").text("state"))["step"], 5);
  for (const auto& entry : fs::directory_iterator(scratch / "run"))
    EXPECT_NE(entry.path().extension(), ".tmp") << entry;
}

TEST(TrainingRun, AFullDiskAtTheFirstCheckpointLeavesNothingInTheWay) {
  const Scratch scratch;
  std::string message;
  {
    const SmallDisk small(6000);  // enough for the config and data.json
    message = message_of<DataError>([&] { train(scratch, "run", {"train.epochs=1"}); });
  }
  EXPECT_NE(message.find("checkpoint.safetensors: cannot be written"), std::string::npos) << message;
  EXPECT_FALSE(fs::exists(scratch / "run"));
  EXPECT_EQ(train(scratch, "run", {"train.epochs=1"}).training.steps, 3);
}

TEST(TrainingRun, AFullDiskAtTheBestCheckpointSaysWhatRemains) {
  const Scratch scratch;
  train(scratch, "run", {"train.epochs=1"});
  const Checkpoint checkpoint = load_checkpoint(scratch / "run/checkpoint.safetensors");
  Checkpoints checkpoints(scratch / "run", 1);
  checkpoints.save(checkpoint, 3);
  const SmallDisk small(1000);
  const std::string message = message_of<DataError>([&] { checkpoints.save_best(checkpoint); });
  EXPECT_NE(message.find("best.safetensors: cannot be written"), std::string::npos) << message;
  EXPECT_NE(message.find("; the checkpoint of step 3 is as it was, --resume goes on from it"), std::string::npos)
      << message;
}

TEST(TrainingRun, ADamagedNewestCheckpointFallsBackToTheOneBefore) {
  const Scratch scratch;
  train(scratch, "whole");
  train(scratch, "run");
  write_text(scratch / "run/checkpoint.safetensors", "half a file");
  EXPECT_EQ(train(scratch, "run", {}, true).training.steps, 36);
  expect_same_end(scratch / "whole", scratch / "run");
}

TEST(TrainingRun, BadCommandLinesAndConfigsGetOneLine) {
  const Scratch scratch;
  EXPECT_NE(message_of<ConfigError>([&] { run_command_line({"train"}); }).find("needs a config"), std::string::npos);
  EXPECT_NE(
      message_of<ConfigError>([&] { train(scratch, "run", {"train.bach_size=3"}); }).find("did you mean 'batch_size'"),
      std::string::npos);
  EXPECT_NE(message_of<ConfigError>([&] { train(scratch, "run", {"device=tpu"}); }).find("device"), std::string::npos);
  EXPECT_NE(message_of<DataError>([&] { train(scratch, "no", {}, true); }), "no error");
  EXPECT_FALSE(fs::exists(scratch / "run"));
  train(scratch, "run", {"train.epochs=1"});
  EXPECT_NE(message_of<ConfigError>([&] { train(scratch, "run"); }).find("exists"), std::string::npos);
}

}  // namespace
}  // namespace diffverb
