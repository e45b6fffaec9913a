#include <algorithm>
#include <cmath>
#include <cstdio>
#include <filesystem>
#include <iostream>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "core/audio_tensor.h"
#include "core/error.h"
#include "core/files.h"
#include "core/log.h"
#include "core/progress.h"
#include "core/sha256.h"
#include "models/volterra_identification.h"
#include "runtime/weights.h"
#include "train/cli.h"
#include "train/export_terms.h"

namespace diffverb {
namespace {

constexpr std::int64_t kMostNumbers = 6000;  // an output; the time goes with their square
constexpr double kHeldBack = 0.2;            // of the sound, at its end

struct IdentifyOptions {
  std::filesystem::path dry, wet, config, out;
  std::vector<std::string> set;
  double seconds = 4;
  bool json = false;
};

/// The config's series, with channels and rate of the sounds.
std::unique_ptr<Volterra> series_for(const IdentifyOptions& options, const Audio& dry, const Audio& wet,
                                     std::string& config) {
  std::vector<std::string> overlays = {"model.sample_rate_hz=" + std::to_string(std::lround(dry.rate_hz)),
                                       "model.inputs=" + std::to_string(dry.channels.size()),
                                       "model.outputs=" + std::to_string(wet.channels.size())};
  overlays.insert(overlays.end(), options.set.begin(), options.set.end());
  Fields fields = Fields::from_file(options.config, overlays);
  Fields map = fields.map("model");
  std::string type;
  map.required("type", type);
  if (type != "volterra")
    map.fail("type", "'volterra' expected, got '" + type + "': other models are fitted or trained");
  if (map.has("kernels"))
    map.fail("kernels", "not expected: identify finds all kernels itself; render and fit begin with a file of them");
  auto series = std::make_unique<Volterra>(map);
  map.finish();
  if (series->oversampling() != 1) map.fail("oversampling", "1 expected to identify a series");
  std::int64_t numbers = 0;
  for (const auto& [name, leaf] : series->parameters()) numbers += leaf.numel() / leaf.size(0);
  if (numbers > kMostNumbers)
    map.fail("first_ms", std::to_string(numbers) +
                             " numbers an output are too many to be solved for, expected at most " +
                             std::to_string(kMostNumbers) + ": shorter kernels, lower ranks or a lower rate");
  config = map.resolved_yaml();
  return series;
}

double error_db(const Volterra& series, const at::Tensor& x, const at::Tensor& y, std::int64_t from) {
  const auto error = (series.play(x.unsqueeze(0))[0] - y).slice(1, from);
  return 10 * std::log10(error.square().sum().item<double>() / y.slice(1, from).square().sum().item<double>() + 1e-40);
}

void identify_pair(const IdentifyOptions& options) {
  const at::NoGradGuard no_grad;
  Audio dry = read_audio(options.dry), wet = read_audio(options.wet);
  if (dry.rate_hz != wet.rate_hz)
    throw DataError(options.wet.string() + ": is at " + std::to_string(std::lround(wet.rate_hz)) +
                    " Hz, expected the " + std::to_string(std::lround(dry.rate_hz)) + " Hz of " + options.dry.string());
  const auto frames = std::min({dry.frames(), wet.frames(), static_cast<std::size_t>(options.seconds * dry.rate_hz)});
  std::string config;
  const auto series = series_for(options, dry, wet, config);
  const auto kept = static_cast<std::int64_t>(frames);
  const auto x = channels_of(dry).slice(1, 0, kept), y = channels_of(wet).slice(1, 0, kept);
  const auto found_from = static_cast<std::int64_t>((1 - kHeldBack) * static_cast<double>(frames));
  if (options.out.has_parent_path()) make_folder(options.out.parent_path());
  std::int64_t numbers = 0;
  for (const auto& [name, leaf] : series->parameters()) numbers += leaf.numel();
  log().info("seeking " + std::to_string(numbers) + " numbers in " + std::to_string(found_from) +
             " samples: seconds for a hundred numbers, minutes for a thousand");
  IdentificationOptions how;
  Progress progress("identify", 100);
  how.on_progress = [&](double share) { progress.update(std::llround(100 * share), std::nan("")); };
  const Identification found = identify(*series, x.slice(1, 0, found_from), y.slice(1, 0, found_from), how);
  progress.finish();
  const double unheard_db = error_db(*series, x, y, found_from);
  runtime::DelayNetworkWeights weights = to_weights(*series);
  weights.provenance = nlohmann::json{{"config_sha256", sha256_hex(config)},
                                      {"source", options.wet.filename().string()},
                                      {"licence", "unknown"},
                                      {"created_by", "diffverb identify"}}
                           .dump();
  if (const std::string problem = runtime::write_weights(options.out, weights); !problem.empty())
    throw DataError(options.out.string() + ": " + problem);
  if (options.json) {
    std::cout << nlohmann::json{{"weights", options.out.string()},
                                {"nmse_db", found.nmse_db},
                                {"unheard_nmse_db", unheard_db},
                                {"refinements", found.refinements}}
                     .dump(2)
              << "\n";
    return;
  }
  std::printf("%s: NMSE %.1f dB of what it was found from, %.1f dB of the last fifth, which it was not\n",
              options.out.string().c_str(), found.nmse_db, unheard_db);
}

}  // namespace

void add_identify_command(Command& app, Context&) {
  auto options = std::make_shared<IdentifyOptions>();
  Command* command =
      app.add_subcommand("identify", "Find a Volterra series from a sound and what a nonlinear system made of it");
  command->add_option("dry", options->dry, "what went in: noise at the level that counts")->required();
  command->add_option("wet", options->wet, "what came out, at the same rate and from the same start")->required();
  command->add_option("--config", options->config, "a model of type volterra: orders, lengths, ranks (.yaml)")
      ->required();
  command->add_option("--out", options->out, "weights to write (.safetensors)")->required();
  command->add_option("--seconds", options->seconds, "of the sounds that are used (default 4)")
      ->check(in_range(0.01, 600.0));
  command
      ->add_option("--set", options->set,
                   "of the config: key.path=value, over what stands in it; may stand several times")
      ->take_all();
  command->add_flag("--json", options->json, "figures as JSON on stdout");
  command->footer(
      "Examples:\n  diffverb identify noise.wav recorded.wav --config configs/volterra_identification.yaml --out "
      "amp.safetensors\n"
      "  diffverb render amp.safetensors --in dry.wav --out wet.wav\n\n"
      "Channels and rate are those of the sounds. Least squares: a longer space is fitted, not identified.");
  command->callback([options] { identify_pair(*options); });
}

}  // namespace diffverb
