#include <algorithm>
#include <cmath>
#include <filesystem>
#include <functional>
#include <iostream>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>

#include "core/error.h"
#include "core/progress.h"
#include "datasets/usable_response.h"
#include "train/autoencoder/latent_box.h"
#include "train/autoencoder/room_coder.h"
#include "train/cli.h"
#include "train/evaluation.h"
#include "train/levels/levels.h"
#include "train/network_response.h"
#include "train/response_sources.h"

namespace diffverb {
namespace {

namespace fs = std::filesystem;

struct EvalArguments {
  std::string model, out, split = "test";
  std::vector<std::string> data;
  std::int64_t box = 0;
  bool json = false, modes = false;
};

void write_reconstruction(const EvalArguments& options, const EvaluatedResponse& item, std::size_t index,
                          const Audio& played) {
  if (options.out.empty()) return;
  std::string name = fs::path(item.file).filename().string();
  std::replace(name.begin(), name.end(), '#', '_');
  write_audio(fs::path(options.out) / (std::to_string(index + 1) + "_" + fs::path(name).stem().string() + ".wav"),
              played);
}

/// What the model makes of a response: its reconstruction, or a delay network's own.
using Reconstruct = std::function<Audio(const EvaluatedResponse&)>;

void add_item(const EvalArguments& options, const EvaluatedResponse& item, const Reconstruct& reconstruct,
              const ModelLevels& model, std::vector<Reconstruction>& all) {
  const Audio played = reconstruct(item);
  write_reconstruction(options, item, all.size(), played);
  std::vector<ResponseLevels> levels = measure_levels(item.audio, played, model);
  for (std::size_t c = 0; c < played.channels.size(); ++c) {
    Reconstruction r;
    r.file = item.file;
    r.room = item.room;
    r.channel = item.first_channel + static_cast<int>(c);
    r.target = {item.audio.rate_hz, {item.audio.channels[c]}};
    r.played = {played.rate_hz, {played.channels[c]}};
    measure_reconstruction(r);
    r.levels = std::make_shared<const ResponseLevels>(std::move(levels[c]));
    all.push_back(std::move(r));
  }
}

std::vector<Reconstruction> reconstruct_all(const EvalArguments& options, Context& context,
                                            const Reconstruct& reconstruct, const ModelLevels& model) {
  const std::vector<ResponseSource> sources = response_sources(options.data, options.split, context.exit_code);
  std::vector<Reconstruction> all;
  Progress progress("evaluate", static_cast<std::int64_t>(sources.size()));
  for (std::size_t i = 0; i < sources.size(); ++i) {
    guarded(sources[i].name, context.exit_code, [&] {
      const EvaluatedResponse item = sources[i].read();
      check_response(item.audio, sources[i].name);
      add_item(options, item, reconstruct, model, all);
    });
    progress.update(static_cast<std::int64_t>(i) + 1, std::nan(""));
  }
  progress.finish();
  return all;
}

/// Modes with a line of progress, where they were asked for.
ModelLevels levels_of_model(const EvalArguments& options, const runtime::DelayNetworkWeights* network) {
  if (!options.modes) return measure_model(options.model, network, {});
  Progress progress("modes", 1000);
  const auto tell = [&](double share) { progress.update(static_cast<std::int64_t>(1000 * share), std::nan("")); };
  return measure_model(options.model, network, tell);
}

std::vector<const ResponseLevels*> levels_of(const std::vector<Reconstruction>& all) {
  std::vector<const ResponseLevels*> out;
  for (const Reconstruction& r : all) out.push_back(r.levels.get());
  return out;
}

void evaluate(const EvalArguments& options, Context& context) {
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
  const ModelLevels model = levels_of_model(options, network ? &network->network() : nullptr);
  const auto reconstruct = [&](const EvaluatedResponse& item) {
    return network ? network->like(item.audio, item.first_channel) : coder->decode(coder->encode(item.audio));
  };
  const std::vector<Reconstruction> all = reconstruct_all(options, context, reconstruct, model);
  if (all.empty() && !options.data.empty()) throw DataError("eval: no response could be reconstructed");
  const LatentBox box = network ? LatentBox{} : try_latent_box(*coder, options.box, 1);
  if (options.json) {
    nlohmann::json out = evaluation_json(options.model, all);
    out.update(levels_json(model, levels_of(all)));
    if (options.box > 0) out["box"] = to_json(box);
    std::cout << out.dump(2) << "\n";
    return;
  }
  if (!all.empty()) std::cout << evaluation_table(all) << "\n" << levels_table(model, levels_of(all));
  if (options.box > 0)
    std::cout << box.implausible << " of " << box.points << " points of the latent box do not decay as a room does"
              << (box.example.empty() ? "" : ": " + box.example) << "\n";
}

}  // namespace

void add_eval_command(Command& app, Context& context) {
  auto options = std::make_shared<EvalArguments>();
  Command* command = app.add_subcommand(
      "eval", "How near an autoencoder's reconstructions, or a delay network's response, come to measured responses");
  command
      ->add_option("model", options->model,
                   "exported autoencoder (.safetensors), or a run or model file of diffverb train; weights, a build of "
                   "pyFDN (.json) or a run of a delay network")
      ->required();
  command->add_option("--data", options->data,
                      "responses (WAV, FLAC, SOFA, ...), folders of them, or a data file (.h5)");
  command->add_option("--split", options->split, "of a data file: train, validation, test or all")
      ->check(one_of({"train", "validation", "test", "all"}))
      ->capture_default_str();
  command->add_option("--out", options->out,
                      "also write each reconstruction, as the runtime plays it, into this folder");
  command->add_option("--box", options->box, "also decode so many random points of the latent box and tell which decay")
      ->check(in_range(0, 1000000));
  command->add_flag("--modes", options->modes, "also find all modes of a delay network, which takes time");
  command->add_flag("--json", options->json, "JSON on stdout");
  command->footer(
      "Examples:\n"
      "  diffverb eval experiments/autoencoder/weights/autoencoder.safetensors --data hall.wav\n"
      "  diffverb eval autoencoder.safetensors --data rirs.h5 --split test --json\n"
      "  diffverb eval autoencoder.safetensors --data measured/ --out reconstructions/\n"
      "  diffverb eval autoencoder_3.safetensors --box 1000\n"
      "  diffverb eval hall_fit --data hall.wav hall_seat_2.wav\n"
      "  diffverb eval hall_fit --data hall_fit/target.wav --modes\n"
      "  diffverb eval room.json --data room.wav\n\n"
      "Below the table of errors: what was played at six levels (physical, structural, statistical, perceptual,\n"
      "learning, information) and the signs of a good and a bad reverb, each with its number.");
  command->callback([options, &context] { evaluate(*options, context); });
}

}  // namespace diffverb
