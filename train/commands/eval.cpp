#include <algorithm>
#include <cmath>
#include <filesystem>
#include <functional>
#include <iostream>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>

#include "core/error.h"
#include "core/log.h"
#include "core/progress.h"
#include "datasets/response_file.h"
#include "datasets/response_store.h"
#include "datasets/usable_response.h"
#include "train/autoencoder/latent_box.h"
#include "train/autoencoder/room_coder.h"
#include "train/cli.h"
#include "train/evaluation.h"
#include "train/network_response.h"

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
  int first_channel = 0;  // of the file, from 0
  Audio audio;
};

/// The folder that a file lies in within the one that was given; else each file is a room.
std::string room_of(const fs::path& path, const fs::path& given) {
  const fs::path folder = path.parent_path();
  if (fs::is_directory(given) && fs::weakly_canonical(folder) != fs::weakly_canonical(given))
    return folder.filename().string();
  const std::string name = path.filename().string();
  return name.substr(0, name.find('#'));
}

/// A response that can be read when its turn comes.
struct Source {
  std::string name;  // for messages
  std::function<Item()> read;
};

/// One bad response of many is told, and the others go on.
template <class Action>
void guarded(const std::string& name, Context& context, const Action& action) {
  try {
    action();
  } catch (const DataError& error) {
    const std::string message = error.what();
    log().error(message.rfind(name, 0) == 0 ? message : name + ": " + message);
    context.exit_code = error.exit_code();
  }
}

/// The sound files that a name stands for, and the responses in them.
void add_files(const std::string& name, Context& context, std::vector<Source>& sources) {
  std::vector<std::string> files;
  if (!fs::is_directory(name)) {
    files.push_back(name);
  } else {
    for (const auto& entry : fs::recursive_directory_iterator(name)) {
      if (entry.is_regular_file() && is_response_name(entry.path())) files.push_back(entry.path().string());
    }
    std::sort(files.begin(), files.end());
    if (files.empty()) throw DataError(name + ": has no sound file in it");
  }
  for (const std::string& file : files) {
    guarded(file, context, [&] {
      for (const auto& path : responses_in(file))
        sources.push_back({path.string(), [path, name] {
                             return Item{path.string(), room_of(path, name), 0, read_response(path)};
                           }});
    });
  }
}

/// The examples of one split of a data file, each a channel.
void add_store(const std::string& path, const std::string& split, std::vector<Source>& sources) {
  const auto store = std::make_shared<const ResponseStore>(ResponseStore::open(path));
  const std::size_t before = sources.size();
  for (std::size_t i = 0; i < store->size(); ++i) {
    const StoredResponse& response = store->at(i);
    if (split != "all" && response.split != split) continue;
    sources.push_back({response.file + ", channel " + std::to_string(response.channel + 1), [store, i] {
                         const StoredResponse& r = store->at(i);
                         return Item{r.file, r.room, r.channel, {r.rate_hz, {store->read(i)}}};
                       }});
  }
  if (sources.size() == before)
    throw DataError(path + ": no responses in the split '" + split + "'; see diffverb data split, or --split all");
}

bool is_store(const std::string& name) {
  const std::string extension = fs::path(name).extension().string();
  return extension == ".h5" || extension == ".hdf5";
}

void write_reconstruction(const Options& options, const Item& item, std::size_t index, const Audio& played) {
  if (options.out.empty()) return;
  std::string name = fs::path(item.file).filename().string();
  std::replace(name.begin(), name.end(), '#', '_');
  write_audio(fs::path(options.out) / (std::to_string(index + 1) + "_" + fs::path(name).stem().string() + ".wav"),
              played);
}

/// What the model makes of a response: its reconstruction, or a delay network's own.
using Reconstruct = std::function<Audio(const Item&)>;

void add_item(const Options& options, const Item& item, const Reconstruct& reconstruct,
              std::vector<Reconstruction>& all) {
  const Audio played = reconstruct(item);
  write_reconstruction(options, item, all.size(), played);
  for (std::size_t c = 0; c < played.channels.size(); ++c) {
    Reconstruction r;
    r.file = item.file;
    r.room = item.room;
    r.channel = item.first_channel + static_cast<int>(c);
    r.target = {item.audio.rate_hz, {item.audio.channels[c]}};
    r.played = {played.rate_hz, {played.channels[c]}};
    measure_reconstruction(r);
    all.push_back(std::move(r));
  }
}

std::vector<Source> sources_of(const Options& options, Context& context) {
  std::vector<Source> sources;
  for (const std::string& name : options.data) {
    guarded(name, context, [&] {
      if (is_store(name)) return add_store(name, options.split, sources);
      add_files(name, context, sources);
    });
  }
  return sources;
}

std::vector<Reconstruction> reconstruct_all(const Options& options, Context& context, const Reconstruct& reconstruct) {
  const std::vector<Source> sources = sources_of(options, context);
  std::vector<Reconstruction> all;
  Progress progress("evaluate", static_cast<std::int64_t>(sources.size()));
  for (std::size_t i = 0; i < sources.size(); ++i) {
    guarded(sources[i].name, context, [&] {
      const Item item = sources[i].read();
      check_response(item.audio, sources[i].name);
      add_item(options, item, reconstruct, all);
    });
    progress.update(static_cast<std::int64_t>(i) + 1, std::nan(""));
  }
  progress.finish();
  return all;
}

void evaluate(const Options& options, Context& context) {
  if (options.data.empty() && options.box == 0) throw ConfigError("eval needs --data, --box or both; see --help");
  std::unique_ptr<RoomCoder> coder;
  std::optional<NetworkResponse> network;
  if (NetworkResponse::is_there(options.model))
    network.emplace(options.model);
  else
    coder = RoomCoder::open(options.model);
  if (network && options.box > 0)
    throw ConfigError("--box: " + options.model + " is a delay network, it has no latents");
  if (!options.out.empty()) {
    std::error_code code;
    fs::create_directories(options.out, code);
    if (!fs::is_directory(options.out)) throw ConfigError("--out " + options.out + ": cannot be made a folder");
  }
  const std::vector<Reconstruction> all = reconstruct_all(options, context, [&](const Item& item) {
    return network ? network->like(item.audio, item.first_channel) : coder->decode(coder->encode(item.audio));
  });
  if (all.empty() && !options.data.empty()) throw DataError("eval: no response could be reconstructed");
  const LatentBox box = network ? LatentBox{} : try_latent_box(*coder, options.box, 1);
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
  CLI::App* command = app.add_subcommand(
      "eval", "How near an autoencoder's reconstructions, or a delay network's response, come to measured responses");
  command
      ->add_option("model", options->model,
                   "exported autoencoder (.safetensors), or a run or model file of diffverb train; weights, a build of "
                   "pyFDN (.json) or a run of a delay network")
      ->required();
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
      "  diffverb eval autoencoder_3.safetensors --box 1000\n"
      "  diffverb eval hall_fit --data hall.wav hall_seat_2.wav\n"
      "  diffverb eval room.json --data room.wav");
  command->callback([options, &context] { evaluate(*options, context); });
}

}  // namespace diffverb
