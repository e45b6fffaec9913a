#include <algorithm>
#include <cmath>
#include <filesystem>
#include <iostream>
#include <memory>
#include <nlohmann/json.hpp>

#include "core/error.h"
#include "core/log.h"
#include "core/progress.h"
#include "datasets/response_file.h"
#include "datasets/response_store.h"
#include "datasets/usable_response.h"
#include "train/cli.h"
#include "train/evaluation.h"
#include "train/latent_box.h"
#include "train/room_coder.h"

namespace diffverb {
namespace {

namespace fs = std::filesystem;

struct Options {
  std::string model, out, split = "test";
  std::vector<std::string> data;
  std::int64_t box = 0;
  bool json = false;
};

/// A response to be reconstructed, all of its channels.
struct Item {
  std::string file, room;
  Audio audio;
};

std::vector<std::string> files_of(const std::vector<std::string>& data) {
  std::vector<std::string> files;
  for (const std::string& name : data) {
    if (!fs::is_directory(name)) {
      const auto found = responses_in(name);
      for (const auto& path : found) files.push_back(path.string());
      continue;
    }
    std::vector<std::string> found;
    for (const auto& entry : fs::recursive_directory_iterator(name)) {
      if (entry.is_regular_file() && is_response_name(entry.path())) found.push_back(entry.path().string());
    }
    std::sort(found.begin(), found.end());
    for (const std::string& file : found) {
      for (const auto& path : responses_in(file)) files.push_back(path.string());
    }
  }
  return files;
}

/// The examples of one split of a data file, each a channel.
std::vector<Item> items_of_store(const std::string& path, const std::string& split) {
  const ResponseStore store = ResponseStore::open(path);
  std::vector<Item> items;
  for (std::size_t i = 0; i < store.size(); ++i) {
    const StoredResponse& response = store.at(i);
    if (split != "all" && response.split != split) continue;
    Item item{response.file, response.room, {}};
    item.audio.rate_hz = response.rate_hz;
    item.audio.channels.push_back(store.read(i));
    items.push_back(std::move(item));
  }
  if (items.empty())
    throw DataError(path + ": no responses in the split '" + split + "'; see diffverb data split, or --split all");
  return items;
}

bool is_store(const std::string& name) {
  const std::string extension = fs::path(name).extension().string();
  return extension == ".h5" || extension == ".hdf5";
}

void write_reconstruction(const Options& options, const Item& item, std::size_t index, const Audio& played) {
  if (options.out.empty()) return;
  std::string name = fs::path(item.file).filename().string();
  std::replace(name.begin(), name.end(), '#', '_');
  fs::create_directories(options.out);
  write_audio(fs::path(options.out) / (std::to_string(index + 1) + "_" + fs::path(name).stem().string() + ".wav"),
              played);
}

void add_item(const Options& options, const Item& item, RoomCoder& coder, std::vector<Reconstruction>& all) {
  const Audio played = coder.decode(coder.encode(item.audio));
  write_reconstruction(options, item, all.size(), played);
  for (std::size_t c = 0; c < played.channels.size(); ++c) {
    Reconstruction r;
    r.file = item.file;
    r.room = item.room;
    r.channel = static_cast<int>(c);
    r.target = {item.audio.rate_hz, {item.audio.channels[c]}};
    r.played = {played.rate_hz, {played.channels[c]}};
    measure_reconstruction(r);
    all.push_back(std::move(r));
  }
}

void evaluate(const Options& options, Context& context) {
  if (options.data.empty() && options.box == 0) throw ConfigError("eval needs --data, --box or both; see --help");
  const std::unique_ptr<RoomCoder> coder = RoomCoder::open(options.model);
  std::vector<Reconstruction> all;
  const auto add = [&](const std::string& file, const auto& make_item) {
    try {
      const Item item = make_item();
      check_response(item.audio, "response");
      add_item(options, item, *coder, all);
    } catch (const DataError& error) {  // one bad response of many: told, and the others go on
      const std::string message = error.what();
      log().error(message.rfind(file, 0) == 0 ? message : file + ": " + message);
      context.exit_code = error.exit_code();
    }
  };
  for (const std::string& name : options.data) {
    if (is_store(name)) {
      const std::vector<Item> items = items_of_store(name, options.split);
      Progress progress("evaluate", static_cast<std::int64_t>(items.size()));
      for (std::size_t i = 0; i < items.size(); ++i) {
        add(items[i].file, [&] { return items[i]; });
        progress.update(static_cast<std::int64_t>(i) + 1, std::nan(""));
      }
      progress.finish();
      continue;
    }
    const std::vector<std::string> files = files_of({name});
    Progress progress("evaluate", static_cast<std::int64_t>(files.size()));
    for (std::size_t i = 0; i < files.size(); ++i) {
      const fs::path path = files[i];
      add(files[i], [&] { return Item{files[i], path.parent_path().filename().string(), read_response(path)}; });
      progress.update(static_cast<std::int64_t>(i) + 1, std::nan(""));
    }
    progress.finish();
  }
  if (all.empty() && !options.data.empty()) throw DataError("eval: no response could be reconstructed");
  const LatentBox box = try_latent_box(*coder, options.box, 1);
  if (options.json) {
    nlohmann::json out = evaluation_json(options.model, all);
    if (options.box > 0) out["box"] = to_json(box);
    std::cout << out.dump(2) << "\n";
    return;
  }
  if (!all.empty()) std::cout << evaluation_table(all);
  if (options.box > 0)
    std::cout << box.implausible << " of " << box.points << " points of the latent box do not decay as a room does"
              << (box.example.empty() ? "" : ": " + box.example) << "\n";
}

}  // namespace

void add_eval_command(CLI::App& app, Context& context) {
  auto options = std::make_shared<Options>();
  CLI::App* command =
      app.add_subcommand("eval", "How near an autoencoder's reconstructions come to measured responses");
  command->add_option("model", options->model, "exported autoencoder (.safetensors)")->required();
  command->add_option("--data", options->data,
                      "responses (WAV, FLAC, SOFA, ...), folders of them, or a data file (.h5)");
  command->add_option("--split", options->split, "of a data file: train, validation, test or all")
      ->check(CLI::IsMember({"train", "validation", "test", "all"}))
      ->capture_default_str();
  command->add_option("--out", options->out,
                      "also write each reconstruction, as the runtime plays it, into this folder");
  command->add_option("--box", options->box, "also decode so many random points of the latent box and tell which decay")
      ->check(CLI::Range(0, 1000000));
  command->add_flag("--json", options->json, "JSON on stdout");
  command->footer(
      "Examples:\n"
      "  diffverb eval experiments/autoencoder/weights/autoencoder.safetensors --data hall.wav\n"
      "  diffverb eval autoencoder.safetensors --data rirs.h5 --split test --json\n"
      "  diffverb eval autoencoder.safetensors --data measured/ --out reconstructions/\n"
      "  diffverb eval autoencoder_3.safetensors --box 1000");
  command->callback([options, &context] { evaluate(*options, context); });
}

}  // namespace diffverb
