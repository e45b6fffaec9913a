#include "train/fit/pair_results.h"

#include <cmath>
#include <nlohmann/json.hpp>

#include "core/acoustics/comparison.h"
#include "core/audio_tensor.h"
#include "core/error.h"
#include "core/files.h"
#include "losses/loss.h"
#include "runtime/render.h"
#include "train/export_terms.h"

namespace diffverb {
namespace {

constexpr double kDbANeper = 8.685889638065037;  // 20 / ln 10

Audio cut_to(std::vector<std::vector<float>> channels, std::size_t frames, double rate_hz) {
  for (auto& channel : channels) channel.resize(frames, 0.0f);
  return {rate_hz, std::move(channels)};
}

nlohmann::json to_json(const SoundDistance& distance) {
  return {{"nmse_db", distance.nmse_db}, {"log_spectral_distance_db", distance.log_spectral_distance_db}};
}

/// The measured response beside the model's, in the files' scale.
nlohmann::json write_responses(const PairModel& model, const std::shared_ptr<const runtime::Model>& playable,
                               const MeasuredPair& pair, const RunFolder& folder) {
  const Audio target = audio_of(model.measured_response() * model.gain(), pair.sample_rate_hz);
  const double seconds = static_cast<double>(target.frames()) / target.rate_hz;
  const Audio played = cut_to(runtime::render_impulse(playable, seconds), target.frames(), target.rate_hz);
  write_audio(folder.file("target.wav"), target);
  write_audio(folder.file("ir.wav"), played);
  acoustics::ComparisonOptions options;
  options.early_ms = model.room()->early_ms();
  return acoustics::to_json(acoustics::compare(target, played, options), "target.wav", "ir.wav");
}

}  // namespace

SoundDistance sound_distance(const at::Tensor& target, const at::Tensor& other, double sample_rate_hz) {
  const at::NoGradGuard no_grad;
  Fields fields = Fields::from_text("{convergence_weight: 0, floor_db: -60}");
  const auto loss = family<Loss>().make("mr_stft", fields);
  const auto as_response = [&](const at::Tensor& sound) {
    return Response(sound.to(at::kFloat).unsqueeze(0), sample_rate_hz);
  };
  const auto a = target.to(at::kDouble), b = other.to(at::kDouble);
  const double share = ((a - b).square().sum() / a.square().sum()).item<double>();
  return {10 * std::log10(std::max(share, 1e-30)),
          kDbANeper * (*loss)(as_response(other), as_response(target)).item<double>()};
}

void export_pair_model(const PairModel& model, const std::filesystem::path& path, const Provenance& provenance) {
  if (model.room()) return export_room(*model.room(), path, provenance);
  auto weights = model.response() ? to_weights(*model.response()) : to_weights(*model.signal());
  weights.provenance = provenance_text(provenance);
  write_network(weights, path);
}

void write_pair_results(const PairModel& model, const MeasuredPair& pair, std::int64_t held_back,
                        const RunFolder& folder, const PairEffort& effort) {
  const auto weights = folder.file("weights.safetensors");
  const auto loaded = runtime::load_model(weights);
  if (!loaded.model) throw DataError(weights.string() + ": the runtime refuses it: " + loaded.error);
  const Audio dry = audio_of(pair.dry, pair.sample_rate_hz), wet = audio_of(pair.wet, pair.sample_rate_hz);
  const Audio out = cut_to(runtime::render(loaded.model, dry.channels, 0), wet.frames(), pair.sample_rate_hz);
  write_audio(folder.file("dry.wav"), dry);
  write_audio(folder.file("wet.wav"), wet);
  write_audio(folder.file("out.wav"), out);

  const at::Tensor played = channels_of(out);
  const auto distance = [&](std::int64_t from, std::int64_t to) {
    return to_json(sound_distance(pair.wet.slice(1, from, to), played.slice(1, from, to), pair.sample_rate_hz));
  };
  std::int64_t parameters = 0;
  for (const auto& [name, tensor] : model.parameters()) parameters += tensor.numel();
  nlohmann::json metrics = {{"kind", "pair"},
                            {"dry", pair.dry_file.string()},
                            {"wet", pair.wet_file.string()},
                            {"sample_rate_hz", pair.sample_rate_hz},
                            {"channels", pair.wet.size(0)},
                            {"delay_samples", pair.arrival.delay_samples},
                            {"removed_samples", pair.removed_samples},
                            {"correlation_peak_db", 10 * std::log10(pair.arrival.peak)},
                            {"unrelated_peak_db", 10 * std::log10(pair.arrival.unrelated_peak)},
                            {"correlation_share", pair.arrival.share},
                            {"unrelated_share", pair.arrival.unrelated_share},
                            {"held_back_from_s", static_cast<double>(held_back) / pair.sample_rate_hz},
                            {"training", distance(0, held_back)},
                            {"held_back", distance(held_back, pair.wet.size(1))},
                            {"seconds", effort.seconds},
                            {"steps", effort.steps},
                            {"parameters", parameters}};
  if (model.room()) metrics["response"] = write_responses(model, loaded.model, pair, folder);
  write_file_atomically(folder.file("metrics.json"), metrics.dump(2) + "\n");
}

}  // namespace diffverb
