#include <ATen/ops/zeros.h>

#include <algorithm>
#include <cmath>

#include "core/acoustics/preparation.h"
#include "core/error.h"
#include "models/envelope/layout.h"
#include "train/autoencoder/envelope_export.h"
#include "train/autoencoder/latent_refinement.h"
#include "train/autoencoder/room_coder.h"
#include "train/model_file.h"

namespace diffverb {
namespace {

/// As in configs/autoencoder.yaml, with less weight on fine structure that no point of the latent box has.
const std::vector<std::pair<std::string, double>> kRefinement = {{"{type: smoothed_lsd}", 1},
                                                                 {"{type: octave_decay}", 0.5},
                                                                 {"{type: octave_level}", 0.15},
                                                                 {"{type: clarity}", 0.15},
                                                                 {"{type: band_map}", 0.15}};
constexpr double kRefinementRate = 0.2;
constexpr double kStart = 0.5;  // from the middle of the box to the encoder's point: descent from there ends nearer
constexpr int kListenings = 2;  // times that the played sound is compared with the predicted one
constexpr double kListeningShare = 0.3;  // of the steps, and of the rate, after each
constexpr double kLargestRatio = 4;      // by which what is played may differ from what was predicted

/// What the noise that is played makes of the predicted energies, as factors.
struct PlayedRatio {
  at::Tensor energy, power;
};

at::Tensor ratio_of(const at::Tensor& played, const at::Tensor& predicted) {
  constexpr double kLeast = 1e-12;
  return ((played + kLeast) / (predicted + kLeast)).clamp(1 / kLargestRatio, kLargestRatio);
}

class EnvelopeCoder final : public RoomCoder {
 public:
  EnvelopeCoder(std::shared_ptr<const runtime::EnvelopeDecoderWeights> weights,
                std::unique_ptr<EnvelopeAutoencoder> model, int refine_steps)
      : decoder_(weights),
        model_(std::move(model)),
        refinement_(kRefinement, {refine_steps, kRefinementRate, EnvelopeAutoencoder::kLatentBound}),
        closer_(kRefinement, {static_cast<int>(kListeningShare * refine_steps), kListeningShare * kRefinementRate,
                              EnvelopeAutoencoder::kLatentBound}),
        listenings_(refine_steps > 0 ? kListenings : 0) {}

  int latent() const override { return static_cast<int>(model_->latent()); }
  double latent_bound() const override { return EnvelopeAutoencoder::kLatentBound; }
  double rate_hz() const override { return kEnvelopeRateHz; }

  Audio imagine(const std::vector<double>& latent, double seconds, int channels) override {
    Audio out;
    out.rate_hz = kEnvelopeRateHz;
    for (int c = 0; c < channels; ++c) {
      runtime::EnvelopeSound sound;
      sound.seconds = seconds;
      sound.voice = static_cast<std::size_t>(c);
      out.channels.push_back(decoder_.decode(latent, sound));
    }
    return out;
  }

  Audio imagine_pair(const std::vector<double>& latent, double seconds, const runtime::StereoWidth& width) override {
    auto pair = decoder_.decode_pair(latent, width, {.seconds = seconds});
    return {kEnvelopeRateHz, {std::move(pair[0]), std::move(pair[1])}};
  }

 protected:
  EncodedRoom::Channel encode_channel(const std::vector<float>& samples, std::size_t voice) override {
    const std::vector<double> exact(samples.begin(), samples.end());
    const std::size_t onset = acoustics::find_onset(exact);
    const auto before = static_cast<std::size_t>(model_->onset_samples());
    auto ir = at::zeros({1, 1, static_cast<std::int64_t>(before + samples.size() - onset)});
    const std::size_t kept = std::min(before, onset);
    std::copy(samples.begin() + static_cast<std::ptrdiff_t>(onset - kept), samples.end(),
              ir.data_ptr<float>() + (before - kept));
    Response target(ir, kEnvelopeRateHz);
    model_->add_features(target);
    EncodedRoom::Channel channel;
    channel.latent = to_latent(find_point(target, samples.size() - onset, voice));
    channel.onset_s = static_cast<double>(onset) / kEnvelopeRateHz;
    channel.level_db = 10 * std::log10(ir.square().sum().item<double>());
    return channel;
  }

  std::vector<float> play(const EncodedRoom::Channel& channel, double seconds, std::size_t voice) override {
    return decoder_.decode(channel.latent,
                           {.seconds = seconds, .level_db = channel.level_db, .with_floor = true, .voice = voice});
  }

 private:
  /// Where the encoder points, then descent; then descent again with what is heard of the played sound.
  at::Tensor find_point(const Response& target, std::size_t frames, std::size_t voice) {
    at::Tensor point;
    {
      const at::NoGradGuard guard;
      point = model_->encode(target);
    }
    const auto predict = [&](const at::Tensor& latent) { return model_->predict(model_->decode(latent), target); };
    if (listenings_ == 0) return point;
    point = refinement_.refine(target, kStart * point, predict);
    for (int i = 0; i < listenings_; ++i) {
      const PlayedRatio ratio = listen(point, target, frames, voice);
      point = closer_.refine(target, point, [&](const at::Tensor& latent) {
        Response out = predict(latent);
        model_->scale(out, ratio.energy, ratio.power);
        return out;
      });
    }
    return point;
  }

  PlayedRatio listen(const at::Tensor& point, const Response& target, std::size_t frames, std::size_t voice) {
    const at::NoGradGuard guard;
    runtime::EnvelopeSound sound;
    sound.seconds = static_cast<double>(frames) / kEnvelopeRateHz;
    sound.with_floor = true;
    sound.voice = voice;
    const std::vector<float> played = decoder_.decode(to_latent(point), sound);
    const auto before = model_->onset_samples();
    auto ir = at::zeros({1, before + static_cast<std::int64_t>(played.size())});
    std::copy(played.begin(), played.end(), ir.data_ptr<float>() + before);
    const EnvelopeAnalysis heard = analyze_envelope(ir, before);
    const Response predicted = model_->predict(model_->decode(point), target);
    const auto energy = heard.energy * target.get("band_known");
    // Both of one energy over what the target knows.
    const auto scale = predicted.get("band_energy").sum() / energy.sum();
    return {ratio_of(energy * scale, predicted.get("band_energy")),
            ratio_of(heard.power * scale, predicted.get("third_octave_power"))};
  }

  static std::vector<double> to_latent(const at::Tensor& point) {
    const float* values = point.const_data_ptr<float>();
    return {values, values + point.numel()};
  }

  runtime::EnvelopeDecoder decoder_;
  std::unique_ptr<EnvelopeAutoencoder> model_;
  LatentRefinement refinement_, closer_;
  int listenings_;
};

}  // namespace

std::unique_ptr<RoomCoder> open_envelope_coder(const std::filesystem::path& path, int refine_steps) {
  auto loaded = runtime::load_envelope_decoder(path);
  if (!loaded.weights) throw DataError(path.string() + ": " + loaded.error);
  auto model = model_of(*loaded.weights, path);
  return std::make_unique<EnvelopeCoder>(loaded.weights, std::move(model), refine_steps);
}

std::unique_ptr<RoomCoder> open_envelope_coder(ModelFile file) {
  auto model = take_model<EnvelopeAutoencoder>(file);
  auto weights = std::make_shared<runtime::EnvelopeDecoderWeights>(exported_weights(*model, "{}", {}));
  return std::make_unique<EnvelopeCoder>(std::move(weights), std::move(model), kRefinementSteps);
}

}  // namespace diffverb
