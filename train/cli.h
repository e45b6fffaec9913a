#pragma once

#include <string>
#include <vector>

#include "train/command_line.h"

namespace diffverb {

/// What every subcommand may need of the program around it.
struct Context {
  std::vector<std::string> arguments;  // the whole command line, for provenance
  int exit_code = 0;                   // of the process where nothing was thrown (a run stopped by a signal: 130)
};

/// One file train/commands/<name>.cpp defines `void add_<name>_command(Command& app, Context& context)`:
///
///     void add_analyze_command(Command& app, Context& context) {
///       auto options = std::make_shared<AnalyzeOptions>();  // lives as long as the callback
///       Command* command = app.add_subcommand("analyze", "Octave-band measures of impulse responses");
///       command->add_option("files", options->files, "WAV, FLAC, ...")->required();
///       command->add_flag("--json", options->json, "JSON on stdout");
///       command->footer("Examples:\n  diffverb analyze room.wav");
///       command->callback([options] { analyze(*options); });
///     }
///
/// Results go to stdout, messages to log() (core/log.h). A callback throws an Error, or has succeeded.
void add_all_commands(Command& app, Context& context);  // generated

/// --device cpu|cuda|auto: the config's `device`.
void add_device_option(Command& command, std::string& device);

/// What the subcommands that train into a run folder are told (train, field).
struct RunArguments {
  std::string config, out, resume, device;
  std::vector<std::string> set;
  bool overwrite = false;
};

/// Their options: CONFIG, --out, --resume, --set, --device, --overwrite.
///
/// config_help  what the config holds
/// default_out  name of the run folder where none is given, e.g. "NAME_train"
void add_run_options(Command& command, RunArguments& run, const std::string& config_help,
                     const std::string& default_out);

/// Parses the command line and runs the subcommand.
///
/// Returns  the exit code
/// Throws   ConfigError for a wrong command line; whatever the subcommand throws
int run_command_line(const std::vector<std::string>& arguments);

}  // namespace diffverb
