#include <ATen/ops/tensor.h>
#include <ATen/ops/zeros.h>

#include <algorithm>
#include <cmath>

#include "core/acoustics/preparation.h"
#include "core/error.h"
#include "core/tensor.h"
#include "train/autoencoder/latent_refinement.h"
#include "train/autoencoder/room_coder.h"
#include "train/autoencoder/waveform_export.h"
#include "train/model_file.h"

namespace diffverb {
namespace {

/// As in configs/waveform_autoencoder.yaml.
const std::vector<std::pair<std::string, double>> kRefinement = {
    {"{type: mr_stft, fft_sizes: [128, 512, 2048], floor_db: -80}", 1},
    {"{type: smoothed_lsd}", 0.3},
    {"{type: octave_decay}", 0.3},
    {"{type: octave_level}", 0.1},
    {"{type: clarity, split_ms: 88}", 0.1}};

/// A waveform autoencoder in use, at 16 kHz. It hears two seconds; what it plays is as long as asked for.
class WaveformCoder final : public RoomCoder {
 public:
  WaveformCoder(std::shared_ptr<const runtime::WaveformDecoderWeights> weights,
                std::unique_ptr<WaveformAutoencoder> model, int refine_steps)
      : decoder_(std::move(weights)),
        model_(std::move(model)),
        refinement_(kRefinement, {refine_steps, 0.05, WaveformAutoencoder::kLatentBound}),
        refine_steps_(refine_steps) {
    model_->set_training(false);
    for (auto& [name, tensor] : model_->parameters()) tensor.set_requires_grad(false);
  }

  int latent() const override { return static_cast<int>(model_->sizes().latent); }
  double latent_bound() const override { return WaveformAutoencoder::kLatentBound; }
  double rate_hz() const override { return kWaveRateHz; }

  Audio imagine(const std::vector<double>& latent, double seconds, int channels) override {
    Audio out;
    out.rate_hz = kWaveRateHz;
    for (int c = 0; c < channels; ++c)
      out.channels.push_back(decoder_.decode(latent, {.seconds = seconds, .voice = static_cast<std::size_t>(c)}));
    return out;
  }

 protected:
  EncodedRoom::Channel encode_channel(const std::vector<float>& samples, std::size_t voice) override {
    const std::vector<double> exact(samples.begin(), samples.end());
    const auto onset = static_cast<std::int64_t>(acoustics::find_onset(exact)), before = model_->sizes().onset_samples,
               kept = std::min(before, onset);
    auto ir = at::zeros({1, 1, kWaveSamples});
    const std::int64_t count =
        std::min(kept + static_cast<std::int64_t>(samples.size()) - onset, kWaveSamples - (before - kept));
    std::copy_n(samples.begin() + (onset - kept), count, ir.data_ptr<float>() + (before - kept));
    EncodedRoom::Channel channel;
    channel.onset_s = static_cast<double>(onset) / kWaveRateHz;
    double energy = 0;
    for (auto at = samples.begin() + (onset - kept); at != samples.end(); ++at)
      energy += static_cast<double>(*at) * *at;
    channel.level_db = 10 * std::log10(energy);
    const auto latent = place(ir / ir.square().sum().sqrt(), noise_of(static_cast<std::int64_t>(voice)));
    const float* values = latent.const_data_ptr<float>();
    channel.latent.assign(values, values + latent.numel());
    return channel;
  }

  std::vector<float> play(const EncodedRoom::Channel& channel, double seconds, std::size_t voice) override {
    return decoder_.decode(channel.latent,
                           {.seconds = seconds, .level_db = channel.level_db, .with_floor = true, .voice = voice});
  }

 private:
  /// What the runtime will shape for this voice.
  at::Tensor noise_of(std::int64_t voice) const {
    const auto& held = decoder_.weights().noise;
    const std::int64_t voices = held.shape[0], later = voice / voices * runtime::kWaveformVoiceShift % kWaveFrames;
    const auto all = at::tensor(held.values).reshape({voices, held.shape[1], held.shape[2]});
    return all.narrow(0, voice % voices, 1).roll(-later, 2).contiguous();
  }

  at::Tensor place(const at::Tensor& ir, const at::Tensor& noise) {
    Response target(ir, kWaveRateHz);
    model_->add_features(target);
    at::Tensor start;
    {
      const at::NoGradGuard guard;
      start = model_->encode(ir.squeeze(1)).contiguous();
    }
    if (refine_steps_ == 0) return start;
    return refinement_.refine(
        target, start, [&](const at::Tensor& latent) { return model_->response_of(model_->decode(latent, noise)); });
  }

  runtime::WaveformDecoder decoder_;
  std::unique_ptr<WaveformAutoencoder> model_;
  LatentRefinement refinement_;
  int refine_steps_;
};

}  // namespace

std::unique_ptr<RoomCoder> open_waveform_coder(const std::filesystem::path& path, int refine_steps) {
  auto loaded = runtime::load_waveform_decoder(path);
  if (!loaded.weights) throw DataError(path.string() + ": " + loaded.error);
  auto model = model_of(*loaded.weights, path);
  return std::make_unique<WaveformCoder>(loaded.weights, std::move(model), refine_steps);
}

std::unique_ptr<RoomCoder> open_waveform_coder(ModelFile file) {
  auto model = take_model<WaveformAutoencoder>(file);
  auto weights = std::make_shared<runtime::WaveformDecoderWeights>(exported_weights(*model, "{}", {}));
  return std::make_unique<WaveformCoder>(std::move(weights), std::move(model), kWaveformRefinementSteps);
}

}  // namespace diffverb
