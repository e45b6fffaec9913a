#include <cstdio>
#include <filesystem>
#include <iostream>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "core/error.h"
#include "core/log.h"
#include "datasets/response_store.h"
#include "datasets/room_split.h"
#include "train/commands/data/commands.h"

namespace diffverb {
namespace {

constexpr const char* kParts[] = {"train", "validation", "test"};

struct SplitArguments {
  std::string file;
  std::string out;
  SplitSettings settings;
  bool overwrite = false;
  bool json = false;
};

std::string joined(const std::vector<std::string>& texts) {
  std::string out;
  for (const std::string& text : texts) out += (out.empty() ? "'" : ", '") + text + "'";
  return out;
}

void split(const SplitArguments& options) {
  const std::string out = options.out.empty() ? options.file : options.out;
  if (!options.out.empty() && !options.overwrite && std::filesystem::exists(out))
    throw ConfigError(out + ": is there already; --overwrite replaces it");
  const ResponseStore store = ResponseStore::open(options.file);
  std::vector<StoredResponse> responses = store.responses();
  SplitReport report = split_by_room(responses, options.settings);
  store.rewrite(out, responses);
  for (const auto& rooms : report.bound)
    log().warning("rooms " + joined(rooms) + " have a response in common and are kept in one part");
  const std::size_t rooms = report.rooms["train"] + report.rooms["validation"] + report.rooms["test"];
  const SplitSettings& s = options.settings;
  for (const auto& [part, asked] : {std::pair("validation", s.validation > 0), std::pair("test", s.test > 0)}) {
    if (asked && report.rooms[part] == 0)
      log().warning(std::string("nothing for ") + part + ": " + std::to_string(rooms) +
                    (rooms == 1 ? " room is" : " rooms are") +
                    " too few for it (a room is in one part only; diffverb data import says how rooms are known)");
  }
  if (options.json) {
    nlohmann::json json = {{"file", out}, {"seed", options.settings.seed}, {"bound", report.bound}};
    for (const char* part : kParts)
      json["parts"][part] = {{"rooms", report.rooms[part]}, {"responses", report.responses[part]}};
    std::cout << json.dump(2, ' ', false, nlohmann::json::error_handler_t::replace) << "\n";
    return;
  }
  std::printf("%s\n%-12s %7s %10s\n", out.c_str(), "part", "rooms", "responses");
  for (const char* part : kParts) std::printf("%-12s %7zu %10zu\n", part, report.rooms[part], report.responses[part]);
}

}  // namespace

void add_data_split_command(Command& data, Context&) {
  auto options = std::make_shared<SplitArguments>();
  Command* command = data.add_subcommand("split", "Sort the rooms of a data set into train, validation and test");
  command->add_option("file", options->file, "data set (HDF5)")->required();
  command->add_option("-o,--out", options->out, "write another file (default: into the same one, whole or not at all)");
  command->add_option("--validation", options->settings.validation, "share of the rooms")->capture_default_str();
  command->add_option("--test", options->settings.test, "share of the rooms")->capture_default_str();
  command->add_option("--seed", options->settings.seed, "another one sorts the rooms otherwise")->capture_default_str();
  command
      ->add_option("--validation-rooms", options->settings.validation_rooms,
                   "exactly these rooms (names or globs, with commas between)")
      ->delimiter(',');
  command->add_option("--test-rooms", options->settings.test_rooms, "exactly these rooms")->delimiter(',');
  command->add_flag("--overwrite", options->overwrite, "replace the file that --out names");
  command->add_flag("--json", options->json, "JSON on stdout");
  command->footer(
      "A room is in one part only; rooms that have a response in common (the same samples) are in the same one. The\n"
      "order follows from the rooms' names and the seed: adding files to a room leaves it where it is. Measured and\n"
      "simulated rooms are sorted apart, so that each part has some of both. An earlier split is replaced.\n\n"
      "Examples:\n"
      "  diffverb data split rirs.h5\n"
      "  diffverb data split rirs.h5 --validation 0.1 --test 0.2 --seed 3\n"
      "  diffverb data split rirs.h5 --test-rooms 'arni,otala*' -o rirs_split.h5");
  command->callback([options] { split(*options); });
}

}  // namespace diffverb
