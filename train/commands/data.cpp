#include <string>

#include "core/error.h"
#include "train/commands/data/commands.h"

namespace diffverb {

void add_data_command(Command& app, Context& context) {
  Command* data = app.add_subcommand("data", "Make data sets of impulse responses, look at them, split them by room");
  data->require_subcommand(0, 1);  // none is said below, with the names
  data->footer(
      "A data set is one HDF5 file. From a folder of measurements to a set that can be trained on:\n"
      "  diffverb data import measurements/ -o rirs.h5 --room-by folder\n"
      "  diffverb data check rirs.h5\n"
      "  diffverb data split rirs.h5 --validation 0.1 --test 0.1\n"
      "  diffverb data info rirs.h5\n\n"
      "Examples:\n  diffverb data import --help\n  diffverb data info rirs.h5 --json");
  add_all_data_commands(*data, context);
  data->callback([data] {
    if (data->subcommand_was_given()) return;
    std::string names;
    for (const std::string& name : subcommand_names(data->parser())) names += (names.empty() ? "" : ", ") + name;
    throw ConfigError("diffverb data needs a command: " + names + "; see diffverb data --help");
  });
}

}  // namespace diffverb
