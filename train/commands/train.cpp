#include <cmath>
#include <cstdio>
#include <filesystem>
#include <iostream>
#include <memory>

#include "core/error.h"
#include "core/log.h"
#include "core/progress.h"
#include "train/cli.h"
#include "train/stop.h"
#include "train/training/training_report.h"
#include "train/training/training_run.h"

namespace diffverb {
namespace {

std::string summary(const Trainer::Outcome& training) {
  char text[160];
  const auto add = [&](std::string& out, const char* format, auto... values) {
    std::snprintf(text, sizeof text, format, values...);
    out += text;
  };
  std::string out;
  add(out, "%lld steps", static_cast<long long>(training.steps));
  if (training.steps_here == 0) {
    out += training.steps > 0 ? ", it had been finished before" : "";
  } else {
    if (training.steps_here < training.steps) add(out, ", %lld of them", static_cast<long long>(training.steps_here));
    out += " in " + clock_text(training.seconds);
  }
  if (training.stopped_improving) out += ", no longer improving";
  if (std::isfinite(training.last_loss)) add(out, ", last loss %.5g", training.last_loss);
  if (!std::isnan(training.best_validation)) add(out, ", best validation %.5g", training.best_validation);
  if (training.steps_here > 0) add(out, ", data wait %.1f %%", 100 * training.data_wait_share);
  return out;
}

/// The page of a finished run. It is made of files that are there by now: what hinders it is told and spoils nothing.
bool report_on(const std::filesystem::path& folder) {
  try {
    write_training_report({folder}, folder / "report.html");
    return true;
  } catch (const std::exception& error) {
    log().warning(std::string("no report.html: ") + error.what() + "; try again with: diffverb report " +
                  folder.string());
    return false;
  }
}

void train(const RunArguments& options, Context& context) {
  TrainOptions job;
  job.config = options.config;
  job.overlays = options.set;
  if (!options.device.empty()) job.overlays.push_back("device=" + options.device);
  job.overwrite = options.overwrite;
  job.resume = !options.resume.empty();
  if (job.resume) {
    if (!options.out.empty() || options.overwrite)
      throw ConfigError("--resume goes on in the run's own folder: no --out or --overwrite beside it");
    job.out = options.resume;
  } else {
    if (options.config.empty())
      throw ConfigError(
          "train needs a config, e.g. diffverb train configs/autoencoder.yaml; see diffverb train --help");
    job.out = options.out.empty() ? std::filesystem::path(options.config).stem().string() + "_train" : options.out;
  }
  const TrainOutcome outcome = train_model(job);
  if (outcome.training.stopped) {
    context.exit_code = kStoppedExitCode;
    if (outcome.is_first_rank)
      log().warning("stopped after " + std::to_string(outcome.training.steps) +
                    " steps; go on with: diffverb train --resume " + outcome.folder.string());
    return;
  }
  if (!outcome.is_first_rank) return;
  std::cout << outcome.folder.string() << ": " << summary(outcome.training) << "\n"
            << outcome.folder.string() << "/model.safetensors   the trained model\n"
            << std::flush;
  if (report_on(outcome.folder))
    std::cout << outcome.folder.string() << "/report.html         what it learned, to look at and listen to\n";
}

}  // namespace

void add_train_command(Command& app, Context& context) {
  auto options = std::make_shared<RunArguments>();
  Command* command = app.add_subcommand("train", "Train a model on a data set of impulse responses");
  add_run_options(*command, *options, "YAML: data, model, losses, train", "NAME_train");
  command->footer(
      "Examples:\n"
      "  diffverb train configs/autoencoder.yaml --out runs/a\n"
      "  diffverb train configs/autoencoder.yaml --out runs/b --set model.latent=8 --set train.epochs=50\n"
      "  diffverb train --resume runs/a\n"
      "  diffverb train configs/autoencoder.yaml --device cuda --set train.precision=bf16\n"
      "Several processes (train.batch_size counts over all of them):\n"
      "  torchrun --no-python --nproc-per-node 2 diffverb train configs/autoencoder.yaml --out runs/c\n"
      "  srun --ntasks 8 diffverb train configs/autoencoder.yaml --out runs/d\n"
      "Ctrl-C, SIGTERM, SIGUSR1 and SIGHUP (a closed terminal) end a run with a checkpoint that --resume goes on "
      "from.\n"
      "A run goes on with the config and the data it had; data.files may name another place of the same data.");
  command->callback([options, &context] { train(*options, context); });
}

}  // namespace diffverb
