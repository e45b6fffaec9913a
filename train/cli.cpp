#include "train/cli.h"

#include <poll.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <cstdio>
#include <iostream>
#include <sstream>

#include "core/device/device.h"
#include "core/error.h"
#include "core/log.h"
#include "core/nearest.h"

namespace diffverb {
namespace {

/// CLI11's words for what is wrong, on one line, with the nearest name where one was misspelt.
std::string usage_message(const CLI::App& app, const CLI::ParseError& error) {
  std::string text = error.what();
  for (char& c : text) c = c == '\n' ? ' ' : c;
  const CLI::App* command = &app;
  while (!command->get_subcommands().empty()) command = command->get_subcommands().front();
  if (dynamic_cast<const CLI::ExtrasError*>(&error)) {
    std::vector<std::string> extras = app.remaining(true);
    const std::string first = extras.empty() ? "" : extras.front();
    if (first.rfind("-", 0) == 0) {
      std::vector<std::string> known;
      for (const CLI::Option* option : command->get_options()) {
        for (const std::string& name : option->get_lnames()) known.push_back("--" + name);
      }
      const std::string near = nearest_name(first.substr(0, first.find('=')), known);
      text = "unknown option '" + first + "'" + (near.empty() ? "" : ", did you mean '" + near + "'?");
    } else if (command == &app || !subcommand_names(*command).empty()) {
      text = "unknown command '" + first + "'" + known_names_hint(first, subcommand_names(*command));
    } else {
      text = "unexpected argument '" + first + "'";
    }
  }
  std::string name;
  for (const CLI::App* at = command; at; at = at->get_parent())
    name = at->get_name() + (name.empty() ? "" : " " + name);
  while (!text.empty() && text.back() == ' ') text.pop_back();
  return text + (text.empty() || text.back() == '?' || text.back() == '.' ? " See " : "; see ") + name + " --help";
}

/// A name of a file or folder that came out empty, as an unset shell variable does, is no wish for the default.
void refuse_empty_names(CLI::App& command) {
  for (const char* name : {"--out", "--resume", "--config"}) {
    if (CLI::Option* option = command.get_option_no_throw(name))
      option->check([](const std::string& value) {
        return value.empty() ? "expected a name, got an empty one (an unset shell variable?)" : "";
      });
  }
  for (CLI::App* below : command.get_subcommands([](const CLI::App*) { return true; })) refuse_empty_names(*below);
}

/// Whether stdout is a pipe or a terminal whose other end is closed: only a run that outlives that gets to ask.
bool reader_has_gone() {
  pollfd out{STDOUT_FILENO, 0, 0};
  return ::poll(&out, 1, 0) == 1 && (out.revents & (POLLERR | POLLHUP)) != 0;
}

}  // namespace

void add_device_option(Command& command, std::string& device) {
  command
      .add_option("--device", device,
                  "cpu, cuda (a GPU; an error where none can be used) or auto (a GPU where there is one); over the "
                  "config's `device`")
      ->check(one_of(device_words()));
}

void add_run_options(Command& command, RunArguments& run, const std::string& config_help,
                     const std::string& default_out) {
  command.add_option("config", run.config, config_help);
  command.add_option("--out", run.out, "run folder (default " + default_out + ")");
  command.add_option("--resume", run.resume, "go on with a stopped or killed run in this folder");
  command.add_option("--set", run.set, "key.path=value, over the config; may stand several times")->take_all();
  add_device_option(command, run.device);
  command.add_flag("--overwrite", run.overwrite, "replace an earlier run in the same folder");
}

int run_command_line(const std::vector<std::string>& arguments) {
  Context context;
  context.arguments = arguments;
  CLI::App app("Differentiable reverbs: fit them to measured rooms, train them, and play what came out.", "diffverb");
  app.set_version_flag("--version", std::string("diffverb ") + DIFFVERB_VERSION);
  app.require_subcommand(0, 1);
  app.fallthrough();  // global options may follow the subcommand
  app.footer(
      "Exit codes: 0 good, 1 wrong usage or config, 2 wrong data, 3 numbers went wrong, 4 anything else.\n"
      "diffverb COMMAND --help shows examples.");
  app.add_option_function<std::string>(
      "--log-level", [](const std::string& name) { log().set_level(parse_log_level(name)); },
      "debug, info, warning, error or off: what goes to stderr");
  Command root(app);
  add_all_commands(root, context);
  refuse_empty_names(app);

  std::vector<std::string> reversed(arguments.rbegin(), arguments.rend());  // CLI11 wants the last one first
  try {
    if (arguments.empty())
      throw ConfigError("a command is needed: " + [&] {
        std::string names;
        for (const std::string& name : subcommand_names(app)) names += (names.empty() ? "" : ", ") + name;
        return names;
      }() + "; see diffverb --help");
    app.parse(reversed);
  } catch (const CLI::Success& asked) {  // --help, --version
    return app.exit(asked, std::cout, std::cerr);
  } catch (const CLI::ParseError& error) {
    throw ConfigError(usage_message(app, error));
  }
  if (app.get_subcommands().empty()) throw ConfigError("a command is needed; see diffverb --help");
  if ((!std::cout.flush() || std::fflush(stdout) != 0 || std::ferror(stdout) != 0) && !reader_has_gone())
    throw DataError("stdout: cannot be written");
  return context.exit_code;
}

}  // namespace diffverb
