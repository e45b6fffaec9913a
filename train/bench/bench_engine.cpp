#include "train/bench/bench_engine.h"

#include <algorithm>
#include <cmath>
#include <memory>
#include <random>
#include <span>
#include <string>

#include "core/audio_file.h"
#include "core/error.h"
#include "core/fields.h"
#include "core/files.h"
#include "core/printed.h"
#include "models/network_model.h"
#include "runtime/bench_fdn.h"
#include "runtime/bench_networks.h"
#include "runtime/engine.h"
#include "runtime/response_player.h"
#include "train/bench/bench_timing.h"
#include "train/bench/engine_peers.h"
#include "train/bench/turns.h"
#include "train/export.h"

namespace diffverb {
namespace {

using Play = std::function<void(const float** in, float** out, int frames)>;

/// What all rows share: the sound, in memory for ours and in a file for the peers.
struct Setting {
  explicit Setting(const EngineBenchOptions& wanted) : options(wanted) {
    std::mt19937 random(1);
    std::normal_distribution<float> normal(0, 0.1f);
    const auto frames = static_cast<std::size_t>(options.seconds * turns::kRate);
    std::vector<float> interleaved(2 * frames);
    for (float& x : interleaved) x = normal(random);
    write_file_atomically(folder.path() / "sound.f32", interleaved.data(), interleaved.size() * sizeof(float));
    sound = turns::read_sound((folder.path() / "sound.f32").c_str());
  }
  PeerSound peer_sound() const { return {folder.path() / "sound.f32", options.block}; }

  EngineBenchOptions options;
  BenchFolder folder;
  turns::Stereo sound;
};

PlayTime play_ours(const Setting& setting, const Play& play) {
  const auto& [options, folder, sound] = setting;
  PlayTime time;
  time.seconds = turns::pass(sound, options.block, sound.left.size(), nullptr, play);
  turns::pass(sound, options.block, 10 * turns::kRate, &time.worst_block_s, play);
  return time;
}

void keep_least(PlayTime& least, const PlayTime& time) {
  least.seconds = std::min(least.seconds, time.seconds);
  least.worst_block_s = std::min(least.worst_block_s, time.worst_block_s);
}

BenchResult measure(const Setting& setting, const std::string& what, const Play& play, const MakePeer& make_peer) {
  const auto& options = setting.options;
  std::unique_ptr<EnginePeer> peer;
  if (options.with_peers && make_peer) peer = make_peer(setting.folder, setting.peer_sound());
  turns::pass(setting.sound, options.block, turns::kRate, nullptr, play);
  PlayTime ours{1e300, 1e300}, theirs = ours;
  for (int turn = 0; turn < options.turns; ++turn) {
    keep_least(ours, play_ours(setting, play));
    if (peer) keep_least(theirs, peer->play());
  }
  const double period_s = static_cast<double>(options.block) / turns::kRate;
  BenchResult result;
  result.name = "engine";
  result.size =
      what + ", " + printed("%g", options.seconds) + " s stereo 48 kHz, block " + std::to_string(options.block);
  result.ours_ms = 1e3 * ours.seconds;
  result.figures = {{"real_time", options.seconds / ours.seconds},
                    {"worst_block_pct", 100 * ours.worst_block_s / period_s}};
  if (!peer) return result;
  result.peer = peer->name();
  result.peer_ms = 1e3 * theirs.seconds;
  if (theirs.worst_block_s > 0)
    result.figures.emplace_back("peer_worst_block_pct", 100 * theirs.worst_block_s / period_s);
  return result;
}

/// The engine with a network, mono as stereo where it has one input.
Play engine_of(runtime::DelayNetworkWeights weights) {
  const auto loaded = runtime::make_model(std::move(weights));
  if (!loaded) throw NumericError("bench engine: " + loaded.error);
  auto engine = std::make_shared<runtime::Engine>();
  if (const std::string problem = engine->prepare(loaded.model, turns::kRate); !problem.empty())
    throw NumericError("bench engine: " + problem);
  if (engine->inputs() > 2 || engine->outputs() > 2) throw ContractError("bench engine: more than two channels");
  return [engine](const float** in, float** out, int frames) { engine->process(in, out, frames); };
}

/// A reverberator as its config in configs/reverbs has it, at 48 kHz.
runtime::DelayNetworkWeights reverberator(const std::string& yaml) {
  Fields fields = Fields::from_text(yaml);
  const auto model = family<Model>().make(fields);
  return to_weights(dynamic_cast<const NetworkModel&>(*model));
}

/// Stereo noise that decays by 60 dB.
Audio decaying_noise(double seconds) {
  std::mt19937 random(2);
  std::normal_distribution<float> normal(0, 0.05f);
  Audio response{turns::kRate, {{}, {}}};
  const auto frames = static_cast<std::size_t>(seconds * turns::kRate);
  for (auto& channel : response.channels) {
    for (std::size_t n = 0; n < frames; ++n)
      channel.push_back(normal(random) *
                        static_cast<float>(std::pow(1e-3, static_cast<double>(n) / static_cast<double>(frames))));
  }
  return response;
}

BenchResult measure_convolution(const Setting& setting, double response_s) {
  const Audio response = decaying_noise(response_s);
  const auto file = setting.folder.path() / "response.wav";
  write_audio(file, response);
  auto player = std::make_shared<runtime::ResponsePlayer>();
  player->prepare(response.channels[0], response.channels[1]);
  return measure(
      setting, "convolution " + printed("%g", response_s) + " s, no latency",
      [player](const float** in, float** out, int frames) { player->process(in, out, frames); },
      lsp_impulse_reverb(file));
}

}  // namespace

std::vector<std::function<BenchResult()>> engine_benches(const EngineBenchOptions& options) {
  // The folder and the sound are made with the first row and go with the last.
  auto held = std::make_shared<std::unique_ptr<Setting>>();
  const auto setting = [options, held]() -> const Setting& {
    if (!*held) *held = std::make_unique<Setting>(options);
    return **held;
  };
  const auto row = [setting](const std::string& what, const std::function<runtime::DelayNetworkWeights()>& weights,
                             const MakePeer& peer) -> std::function<BenchResult()> {
    return [=] { return measure(setting(), what, engine_of(weights()), peer); };
  };
  const auto shelves = [] {
    return runtime::bench::fdn({.attenuation = runtime::bench::Attenuation::kTwoShelves, .output_sections = 0});
  };
  const auto ten_bands = [] { return runtime::bench::fdn({}); };
  std::vector<std::function<BenchResult()>> rows = {
      row("fdn N=16 two shelves early 80 ms", shelves, faust_peer("zita_rev1")),
      row("fdn N=16 ten bands tone 25 early 80 ms", ten_bands, faust_peer("zita_rev1")),
      row("fdn N=16 two shelves early 80 ms", shelves, sox_peer())};
  for (const char* room : {"small", "medium", "large"}) {
    const std::string yaml = std::string("type: gardner\nroom: ") + room;
    rows.push_back(row(
        std::string("gardner ") + room, [yaml] { return reverberator(yaml); }, faust_peer("dattorro_rev_demo")));
  }
  rows.push_back(row(
      "dattorro at rest", [] { return reverberator("type: dattorro\nexcursion_samples: 0"); },
      faust_peer("dattorro_rev_demo")));
  rows.push_back(row(
      "dattorro moving", [] { return reverberator("type: dattorro"); }, faust_peer("dattorro_rev_demo")));
  rows.push_back(row(
      "freeverb", [] { return runtime::bench::freeverb(turns::kRate); }, faust_peer("freeverb_demo")));
  rows.push_back([setting] { return measure_convolution(setting(), 2); });
  return rows;
}

}  // namespace diffverb
