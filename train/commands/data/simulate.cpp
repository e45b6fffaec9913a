#include <algorithm>
#include <cmath>
#include <cstdio>
#include <filesystem>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "core/error.h"
#include "core/fields.h"
#include "core/files.h"
#include "core/log.h"
#include "core/progress.h"
#include "datasets/simulate/simulate_set.h"
#include "train/commands/data/commands.h"
#include "train/stop.h"

namespace diffverb {
namespace {

struct SimulateArguments {
  std::string config, out, table;
  std::vector<std::string> set;
  std::optional<std::int64_t> count;
  std::int64_t threads = std::max(1u, std::thread::hardware_concurrency());
  bool resume = false, overwrite = false;
};

/// What made the set, of what the set depends on alone: neither its name, nor threads, nor whether it was resumed.
std::string command_line(const SimulateArguments& options) {
  return "diffverb data simulate" + (options.count ? " --count " + std::to_string(*options.count) : std::string());
}

void simulate(const SimulateArguments& options, Context& context) {
  Fields fields = options.config.empty() ? Fields::from_text("{}", "defaults", options.set)
                                         : Fields::from_file(options.config, options.set);
  const RoomRange range(fields);
  fields.finish();
  if (std::filesystem::exists(options.out) && !options.overwrite && !options.resume)
    throw DataError(options.out + ": is there already; expected another name, --overwrite or --resume");

  StopOnSignal signals;
  std::unique_ptr<Progress> progress;
  SimulateOptions how;
  how.threads = static_cast<int>(options.threads);
  how.resume = options.resume;
  how.overwrite = options.overwrite;
  how.count = options.count;
  how.settings = fields.resolved_yaml();
  how.command = command_line(options);
  how.stop = stop_requested;
  how.progress = [&progress](std::int64_t done, std::int64_t total) {
    if (!progress) progress = std::make_unique<Progress>("simulate", total);
    progress->update(done, std::numeric_limits<double>::quiet_NaN());
  };
  const SimulateResult result = simulate_set(range, options.out, how);
  if (progress) progress->finish();
  if (result.stopped) {
    log().warning(options.out + ": stopped after " + std::to_string(result.responses) +
                  " responses; the same command with --resume goes on");
    context.exit_code = kStoppedExitCode;
    return;
  }
  if (!options.table.empty()) write_file_atomically(options.table, room_table(range, result.rooms));
  std::printf("%s: %lld responses of %lld rooms, %.1f minutes at %g Hz%s\n", options.out.c_str(),
              static_cast<long long>(result.responses), static_cast<long long>(result.rooms), result.sound_s / 60,
              range.settings.rate_hz, result.was_complete ? ", complete already" : "");
  if (result.kept > 0 && !result.was_complete)
    std::printf("%lld of them were there from the interrupted run\n", static_cast<long long>(result.kept));
}

}  // namespace

void add_data_simulate_command(Command& data, Context& context) {
  auto options = std::make_shared<SimulateArguments>();
  Command* command = data.add_subcommand("simulate", "Responses of shoebox rooms: image sources, then a diffuse tail");
  command->add_option("config", options->config, "YAML range of rooms (configs/rooms.yaml says the same as no file)");
  command->add_option("-o,--out", options->out, "data set to write (HDF5)")->required();
  command->add_option("--set", options->set, "key=value over the config, e.g. rate_hz=16000; may stand several times")
      ->allow_extra_args(false)
      ->take_all();
  command->add_option("--count", options->count, "so many responses, in place of the config's number of rooms")
      ->check(in_range(std::int64_t{1}, std::int64_t{1000000000}));
  command->add_option("--threads", options->threads, "rooms computed at once; the file is the same for any number")
      ->capture_default_str()
      ->check(in_range(1, 256));
  command->add_option("--table", options->table, "also a CSV: each room's sides and T30 by octave band");
  command->add_flag(
      "--resume", options->resume,
      "go on where an interrupted run of the same settings ended; a set that they finished stays as it is");
  command->add_flag("--overwrite", options->overwrite, "write over a data set that is there");
  command->footer(
      "A set that was interrupted, even by SIGKILL or a power cut, ends the same with --resume, byte for byte.\n\n"
      "Examples:\n"
      "  diffverb data simulate configs/rooms.yaml -o rirs.h5\n"
      "  diffverb data simulate configs/rooms.yaml -o rirs.h5 --resume\n"
      "  diffverb data simulate configs/rooms.yaml -o small.h5 --set rate_hz=16000 --set length_s=2 --count 1000\n"
      "  diffverb data simulate configs/rooms.yaml -o office.h5 --set \"size.volume_m3=[40, 90]\" --table rooms.csv");
  command->callback([options, &context] { simulate(*options, context); });
}

}  // namespace diffverb
