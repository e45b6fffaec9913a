#pragma once

#include "train/cli.h"

namespace diffverb {

/// One file train/commands/data/<name>.cpp is the subcommand `diffverb data <name>` and defines, in the manner of train/cli.h,
///
///     void add_data_<name>_command(Command& data, Context& context)
///
/// CMake finds and registers it. A .cpp there with a header of its own name is none: what subcommands share.
void add_all_data_commands(Command& data, Context& context);  // generated

}  // namespace diffverb
