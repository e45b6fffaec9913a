#include <cstdio>
#include <iostream>
#include <memory>
#include <string>

#include "core/error.h"
#include "core/log.h"
#include "train/cli.h"
#include "train/field/field_fit.h"
#include "train/stop.h"

namespace diffverb {
namespace {

void reconstruct(const RunArguments& options, Context& context) {
  FieldOptions job;
  job.config = options.config;
  job.overlays = options.set;
  if (!options.device.empty()) job.overlays.push_back("device=" + options.device);
  job.overwrite = options.overwrite;
  job.resume = !options.resume.empty();
  if (job.resume) {
    if (!options.config.empty() || !options.out.empty() || !options.set.empty() || options.overwrite)
      throw ConfigError("--resume goes on in the run's own folder with its own config: nothing but --device beside it");
    job.out = options.resume;
  } else {
    if (options.config.empty())
      throw ConfigError("field needs a config, e.g. diffverb field configs/field.yaml; see diffverb field --help");
    job.out = options.out.empty() ? std::filesystem::path(options.config).stem().string() + "_run" : options.out;
  }
  const FieldOutcome outcome = reconstruct_field(job);
  if (outcome.stopped) {
    context.exit_code = kStoppedExitCode;
    log().warning("stopped after " + std::to_string(outcome.steps) + " steps; go on with: diffverb field --resume " +
                  outcome.folder.string());
    return;
  }
  if (outcome.errors) std::cout << table_of(*outcome.errors);
  std::printf("%s: %lld steps, responses of %lld places in position_1.wav, ...\n", outcome.folder.string().c_str(),
              static_cast<long long>(outcome.steps), static_cast<long long>(outcome.positions));
}

}  // namespace

void add_field_command(Command& app, Context& context) {
  auto options = std::make_shared<RunArguments>();
  Command* command =
      app.add_subcommand("field", "Responses where no microphone stood, from a few that did and the wave equation");
  add_run_options(*command, *options, "YAML: the room, microphones with their responses, places asked for", "NAME_run");
  command->footer(
      "Examples:\n"
      "  diffverb field room.yaml --out runs/field          configs/field.yaml is one to start from\n"
      "  diffverb field room.yaml --out runs/longer --set train.steps=5000\n"
      "  diffverb field --resume runs/field\n\n"
      "Where a place's own response is given too, a table says how far off the network and interpolation are.\n"
      "experiments/physics has a room of its own to try it on.");
  command->callback([options, &context] { reconstruct(*options, context); });
}

}  // namespace diffverb
