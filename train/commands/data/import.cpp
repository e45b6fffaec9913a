#include <cmath>
#include <cstdio>
#include <filesystem>
#include <iostream>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <set>
#include <string>
#include <vector>

#include "core/error.h"
#include "core/log.h"
#include "core/progress.h"
#include "datasets/importer.h"
#include "datasets/licence.h"
#include "datasets/response_store.h"
#include "runtime/weights.h"
#include "train/commands/data/commands.h"

namespace diffverb {
namespace {

constexpr std::size_t kMostNamed = 10;

struct ImportArguments {
  std::vector<std::string> inputs;
  std::string out;
  std::string manifest;
  std::string room_by;
  std::string licence;
  std::string raw, filter;
  double rate_hz = 0, gain_db = 0;
  int channels = 1;
  bool overwrite = false;
  bool strict = false;
  bool json = false;
};

/// What the file holds now.
struct Totals {
  std::set<std::string> rooms;
  std::map<std::string, std::size_t> licences;
  std::map<double, std::size_t> rates;
  std::map<std::string, std::size_t> hashes;
  std::size_t duplicates = 0;
  double seconds = 0;

  explicit Totals(const std::vector<StoredResponse>& responses) {
    for (const StoredResponse& r : responses) {
      rooms.insert(r.room);
      ++licences[r.licence];
      ++rates[r.rate_hz];
      duplicates += ++hashes[r.hash] > 1;
      seconds += static_cast<double>(r.samples) / r.rate_hz;
    }
  }
};

/// The taps of a file of `diffverb data convert`, or of any other mono response that the engine plays.
ImportFilter read_filter(const std::string& path) {
  const runtime::LoadResult loaded = runtime::load_model(std::filesystem::path(path));
  if (!loaded) throw DataError(path + ": " + loaded.error + "; expected a filter as diffverb data convert writes it");
  const runtime::DelayNetworkWeights& weights = loaded.model->network;
  if (weights.lines != 0 || weights.inputs != 1 || weights.outputs != 1 || weights.early.empty() ||
      weights.moving.count != 0 || !weights.terms.empty())
    throw DataError(path + ": is no filter, expected a mono response, as diffverb data convert writes it");
  ImportFilter out{{weights.early.begin(), weights.early.end()}, 0, weights.sample_rate_hz};
  const auto provenance = nlohmann::json::parse(weights.provenance, nullptr, false);
  if (provenance.is_object()) out.delay_samples = provenance.value("delay_samples", std::int64_t{0});
  return out;
}

void read_processing(const ImportArguments& options, ImportSettings& settings) {
  if (!options.raw.empty()) {
    if (options.rate_hz == 0) throw ConfigError("--raw: expected --rate too, as such a file does not say its own");
    settings.raw = RawFormat{options.raw, options.rate_hz, options.channels};
  } else if (options.rate_hz != 0 || options.channels != 1) {
    throw ConfigError("--rate, --channels: of raw files, expected --raw too; other files say their own");
  }
  settings.gain_db = options.gain_db;
  if (!options.filter.empty()) settings.filter = read_filter(options.filter);
}

/// The first few of many, each a warning.
void warn(const std::vector<std::string>& messages, const std::string& what) {
  for (std::size_t i = 0; i < messages.size() && i < kMostNamed; ++i) log().warning(what + messages[i]);
  if (messages.size() > kMostNamed)
    log().warning("... and " + std::to_string(messages.size() - kMostNamed) + " more of these");
}

void print_json(const ImportArguments& options, const ImportReport& report,
                const std::vector<StoredResponse>& responses) {
  const Totals totals(responses);
  auto rates = nlohmann::json::array();
  for (const auto& [hz, count] : totals.rates) rates.push_back({{"rate_hz", hz}, {"responses", count}});
  auto licences = nlohmann::json::array();
  for (const auto& [name, count] : totals.licences) licences.push_back({{"licence", name}, {"responses", count}});
  auto true_stereo = nlohmann::json::array();
  for (const auto& r : report.true_stereo)
    true_stereo.push_back({{"name", r.name}, {"files", r.files}, {"order", r.order}});
  const nlohmann::json out = {
      {"file", options.out},         {"files", report.files},           {"responses", responses.size()},
      {"rooms", totals.rooms},       {"seconds", totals.seconds},       {"rates", rates},
      {"licences", licences},        {"duplicates", totals.duplicates}, {"skipped", report.skipped},
      {"left_out", report.left_out}, {"true_stereo", true_stereo}};
  std::cout << out.dump(2, ' ', false, nlohmann::json::error_handler_t::replace) << "\n";
}

void print_text(const ImportArguments& options, const ImportReport& report,
                const std::vector<StoredResponse>& responses) {
  const Totals totals(responses);
  std::printf("%s: %zu responses from %zu files of %zu room%s, %.1f minutes\n", options.out.c_str(), responses.size(),
              report.files, totals.rooms.size(), totals.rooms.size() == 1 ? "" : "s", totals.seconds / 60);
  for (const auto& [hz, count] : totals.rates) std::printf("  %6zu at %g Hz\n", count, hz);
  for (const auto& [name, count] : totals.licences) std::printf("  %6zu with licence %s\n", count, name.c_str());
  if (totals.duplicates) std::printf("  %6zu are duplicates of others (diffverb data check)\n", totals.duplicates);
  for (std::size_t k = 0; k < report.true_stereo.size() && k < kMostNamed; ++k)
    std::printf("  true stereo, %s: %s\n", report.true_stereo[k].order.c_str(), report.true_stereo[k].name.c_str());
  if (report.true_stereo.size() > kMostNamed)
    std::printf("  %6zu more of true stereo\n", report.true_stereo.size() - kMostNamed);
  if (!report.skipped.empty()) std::printf("  %6zu could not be read and were left out\n", report.skipped.size());
  if (!report.left_out.empty())
    std::printf("  %6zu are not in the manifest and were left out\n", report.left_out.size());
}

void import_files(const ImportArguments& options, const Context& context) {
  if (!options.overwrite && std::filesystem::exists(options.out))
    throw ConfigError(options.out + ": is there already; --overwrite replaces it");
  ImportSettings settings;
  settings.inputs.assign(options.inputs.begin(), options.inputs.end());
  settings.manifest = options.manifest;
  settings.room_by = options.room_by;
  settings.licence = options.licence;
  settings.strict = options.strict;
  read_processing(options, settings);
  std::unique_ptr<Progress> progress;
  settings.progress = [&](std::size_t done, std::size_t files) {
    if (!progress) progress = std::make_unique<Progress>("import", static_cast<std::int64_t>(files));
    progress->update(static_cast<std::int64_t>(done), std::nan(""));
  };
  ResponseStoreWriter writer = ResponseStoreWriter::create(options.out);
  const ImportReport report = import_responses(settings, writer);
  if (progress) progress->finish();
  progress.reset();
  std::string command = "diffverb";
  for (const std::string& argument : context.arguments) command += " " + argument;
  writer.set_note("made by", command);
  writer.commit();
  warn(report.skipped, "left out: ");
  if (!report.left_out.empty())
    log().warning(std::to_string(report.left_out.size()) +
                  " files or SOFA responses are not in the manifest and were left out, e.g. " + report.left_out[0]);
  warn(report.warnings, "");
  if (const Totals totals(writer.responses());
      totals.rooms.size() == 1 && report.files > 1 && options.room_by.empty() && options.manifest.empty())
    log().warning(
        "all " + std::to_string(report.files) + " files count as one room, '" + *totals.rooms.begin() +
        "', which a split keeps together; if they are of several rooms, put each into a folder of its own, or "
        "give --room-by file, --room-by pattern:REGEX or --manifest");
  if (const std::size_t unknown = Totals(writer.responses()).licences[kUnknownLicence])
    log().warning("the licence of " + std::to_string(unknown) +
                  " responses is unknown (say it in the manifest, in a file LICENSE beside them or with --licence)");
  options.json ? print_json(options, report, writer.responses()) : print_text(options, report, writer.responses());
}

}  // namespace

void add_data_import_command(Command& data, Context& context) {
  auto options = std::make_shared<ImportArguments>();
  Command* command = data.add_subcommand("import", "Put measured impulse responses into a data set");
  command->add_option("inputs", options->inputs, "folders, sound files (WAV, FLAC, AIFF, ...) and SOFA files")
      ->required();
  command->add_option("-o,--out", options->out, "data set to write (HDF5)")->required();
  command->add_option("--manifest", options->manifest, "CSV with the columns file (globs), room, licence, split");
  command->add_option("--room-by", options->room_by,
                      "folder (default), file or pattern:REGEX, of which the first group is the room; with --manifest\n"
                      "for the files that it does not name, which are left out otherwise");
  command->add_option("--licence,--license", options->licence,
                      "of the files whose licence neither the manifest, nor the SOFA file, nor a file LICENSE says");
  command->add_option("--raw", options->raw, "files without a header: how their samples are written")
      ->check(one_of(raw_encodings()));
  command->add_option("--rate", options->rate_hz, "of raw files, Hz")->check(in_range(8000.0, 1e6));
  command->add_option("--channels", options->channels, "of raw files, frame by frame")->check(in_range(1, 1024));
  command->add_option("--gain-db", options->gain_db, "of all samples")->check(in_range(-120.0, 120.0));
  command->add_option("--filter", options->filter,
                      "every response goes through it: a mono response that the engine plays (diffverb data convert)");
  command->add_flag("--overwrite", options->overwrite, "replace the data set that is there");
  command->add_flag("--strict", options->strict, "end at the first file that cannot be read");
  command->add_flag("--json", options->json, "JSON on stdout");
  command->footer(
      "Every channel becomes a response of its own; samples and rates stay as they are, unless --gain-db or --filter "
      "is\n"
      "given. True stereo is recognised: four channels, LL LR RL RR unless the name spells another order (or names\n"
      "Ambisonics), or two stereo files hall_L.wav and hall_R.wav, which are one room. A room is what a split keeps\n"
      "together: all positions and channels measured in it. A file that cannot be read is named and left out; exit\n"
      "code 2 where none could be read, or any with --strict.\n\n"
      "A manifest:\n"
      "  file,room,licence,split\n"
      "  otala/*.wav,Otala listening room,MIT,\n"
      "  hall.wav,\"Hall, large\",CC-BY-4.0,test\n\n"
      "Examples:\n"
      "  diffverb data import measurements/ -o rirs.h5\n"
      "  diffverb data import measurements/ -o rirs.h5 --manifest rooms.csv\n"
      "  diffverb data import library/ -o old.h5 --raw s24le --rate 48000 --channels 4 --gain-db -6\n"
      "  diffverb data import hall_*.wav -o hall.h5 --room-by 'pattern:(hall_[a-z]+)' --licence CC-BY-4.0");
  command->callback([options, &context] { import_files(*options, context); });
}

}  // namespace diffverb
