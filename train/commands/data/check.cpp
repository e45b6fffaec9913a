#include <algorithm>
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
#include "core/printed.h"
#include "core/progress.h"
#include "datasets/response_check.h"
#include "datasets/response_file.h"
#include "datasets/response_store.h"
#include "train/commands/data/commands.h"

namespace diffverb {
namespace {

namespace fs = std::filesystem;

struct CheckArguments {
  std::vector<std::string> inputs;
  CheckSettings settings;
  double rate_hz = 0;
  bool json = false;
};

/// What is to be checked; a file that cannot be opened is an entry whose read() says so.
class Responses {
 public:
  explicit Responses(const std::vector<std::string>& inputs) {
    for (const fs::path input : inputs) {
      const std::string extension = input.extension().string();
      if (extension == ".h5" || extension == ".hdf5")
        add_store(input);
      else if (fs::is_directory(input))
        add_folder(input);
      else if (fs::exists(input) || is_response_name(input))
        add_file(input, input.parent_path().filename().string());
      else
        throw DataError(input.string() + ": no such file or folder");
    }
  }
  const std::vector<ResponseToCheck>& all() const { return all_; }

 private:
  void add_store(const fs::path& path) {
    auto store = std::make_shared<const ResponseStore>(ResponseStore::open(path));
    for (std::size_t i = 0; i < store->size(); ++i) {
      const StoredResponse& r = store->at(i);
      all_.push_back({r.file, r.channel, r.room, r.rate_hz, r.hash, [store, i] { return store->read(i); }});
    }
  }

  void add_folder(const fs::path& folder) {
    std::vector<fs::path> files;
    for (const auto& entry : fs::recursive_directory_iterator(folder)) {
      if (entry.is_regular_file() && is_response_name(entry.path())) files.push_back(entry.path());
    }
    if (files.empty()) throw DataError(folder.string() + ": no sound or SOFA file in it");
    std::sort(files.begin(), files.end());
    for (const fs::path& file : files) add_file(file, file.parent_path().filename().string());
  }

  void add_file(const fs::path& file, const std::string& room) {
    try {
      for (const fs::path& name : responses_in(file)) add_response(name, room);
    } catch (const DataError& error) {
      add_broken(file, room, error.what());
    }
  }

  void add_response(const fs::path& name, const std::string& room) {
    Audio audio;
    try {
      audio = read_response(name, kMostChannelsImported);
    } catch (const DataError& error) {
      return add_broken(name, room, error.what());
    }
    for (std::size_t c = 0; c < audio.channels.size(); ++c)
      all_.push_back({name.string(), static_cast<int>(c), room, audio.rate_hz, hash_of_samples(audio.channels[c]),
                      [name, c] { return read_response(name, kMostChannelsImported).channels.at(c); }});
  }

  void add_broken(const fs::path& name, const std::string& room, const std::string& message) {
    all_.push_back({name.string(), 0, room, 0, "", [message]() -> std::vector<float> { throw DataError(message); }});
  }

  std::vector<ResponseToCheck> all_;
};

nlohmann::json to_json(const CheckFinding& finding, const std::vector<ResponseToCheck>& responses) {
  const ResponseToCheck& r = responses[finding.response];
  nlohmann::json out = {
      {"kind", finding.kind}, {"file", r.file}, {"channel", r.channel}, {"room", r.room}, {"text", finding.text}};
  out["other"] = finding.other ? nlohmann::json{{"file", responses[*finding.other].file},
                                                {"channel", responses[*finding.other].channel},
                                                {"room", responses[*finding.other].room}}
                               : nlohmann::json();
  return out;
}

/// How many responses there are of each rate; those that could not be read have none.
std::map<double, std::size_t> rates_of(const std::vector<ResponseToCheck>& responses) {
  std::map<double, std::size_t> rates;
  for (const ResponseToCheck& r : responses) {
    if (r.rate_hz > 0) ++rates[r.rate_hz];
  }
  return rates;
}

void print_rates(const std::vector<ResponseToCheck>& responses) {
  const auto rates = rates_of(responses);
  if (rates.size() < 2) return;
  std::string text;
  for (const auto& [hz, count] : rates)
    text += (text.empty() ? "" : ", ") + std::to_string(count) + " at " + printed("%g", hz) + " Hz";
  std::printf("several rates: %s; --rate says which one is right, data.sample_rate_hz in a training config resamples\n",
              text.c_str());
}

void print(const std::vector<CheckFinding>& findings, const std::vector<ResponseToCheck>& responses, bool json) {
  std::map<std::string, std::size_t> kinds;
  std::set<std::size_t> affected;
  for (const CheckFinding& finding : findings) {
    ++kinds[finding.kind];
    affected.insert(finding.response);
  }
  if (json) {
    auto list = nlohmann::json::array();
    for (const CheckFinding& finding : findings) list.push_back(to_json(finding, responses));
    auto rates = nlohmann::json::array();
    for (const auto& [hz, count] : rates_of(responses)) rates.push_back({{"rate_hz", hz}, {"responses", count}});
    const nlohmann::json out = {{"responses", responses.size()},
                                {"rates", std::move(rates)},
                                {"affected", affected.size()},
                                {"kinds", kinds},
                                {"findings", std::move(list)}};
    std::cout << out.dump(2, ' ', false, nlohmann::json::error_handler_t::replace) << "\n";
    return;
  }
  for (const CheckFinding& finding : findings) {
    const ResponseToCheck& r = responses[finding.response];
    const std::string where =
        finding.kind == "unreadable" ? "" : r.file + ", channel " + std::to_string(r.channel + 1) + ": ";
    std::printf("%-10s %s%s\n", finding.kind.c_str(), where.c_str(), finding.text.c_str());
  }
  print_rates(responses);
  std::printf("%s%zu responses, ", findings.empty() ? "" : "\n", responses.size());
  if (findings.empty()) {
    std::printf("nothing found\n");
    return;
  }
  std::printf("%zu with something found:", affected.size());
  const char* between = " ";
  for (const auto& [kind, count] : kinds) {
    std::printf("%s%zu %s", between, count, kind.c_str());
    between = ", ";
  }
  std::printf("\n");
}

void check(CheckArguments options, Context& context) {
  const Responses responses(options.inputs);
  if (options.rate_hz > 0) options.settings.rate_hz = options.rate_hz;
  std::unique_ptr<Progress> progress;
  options.settings.progress = [&](std::size_t done, std::size_t count) {
    if (!progress) progress = std::make_unique<Progress>("check", static_cast<std::int64_t>(count));
    progress->update(static_cast<std::int64_t>(done), std::nan(""));
  };
  const std::vector<CheckFinding> findings = check_responses(responses.all(), options.settings);
  if (progress) progress->finish();
  progress.reset();
  print(findings, responses.all(), options.json);
  if (!findings.empty()) context.exit_code = 2;
}

}  // namespace

void add_data_check_command(Command& data, Context& context) {
  auto options = std::make_shared<CheckArguments>();
  Command* command = data.add_subcommand("check", "Find what spoils training in a data set or in files");
  command->add_option("inputs", options->inputs, "data sets (.h5), sound and SOFA files, folders of them")->required();
  command->add_option("--rate", options->rate_hz, "the rate that every response should have, Hz")
      ->check(in_range(1.0, 1e6));
  command->add_option("--shortest-s", options->settings.shortest_s, "a shorter response is found")
      ->capture_default_str()
      ->check(in_range(0.0, 600.0));
  command
      ->add_option("--range-db", options->settings.least_range_db,
                   "a decay that stands less above its noise is found (T20 needs 35)")
      ->capture_default_str()
      ->check(in_range(0.0, 200.0));
  command
      ->add_option("--correlation", options->settings.least_correlation,
                   "two responses that correlate more, aligned at their onsets, are duplicates")
      ->capture_default_str()
      ->check(in_range(0.5, 1.0));
  command->add_flag("--json", options->json, "JSON on stdout");
  command->footer(
      "Found are: unreadable files, samples that are not finite (nan), silent, short, another rate, clipped, no_decay\n"
      "(noise, speech, a click), noise (the decay stands too little above it), duplicate (the same samples, or a copy "
      "at\n"
      "another level, delay or rate). Exit code 0 where nothing was found, 2 where anything was.\n\n"
      "Examples:\n"
      "  diffverb data check rirs.h5\n"
      "  diffverb data check rirs.h5 --rate 48000 --json\n"
      "  diffverb data check measurements/ room.wav");
  command->callback([options, &context] { check(*options, context); });
}

}  // namespace diffverb
