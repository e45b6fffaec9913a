#include <ATen/ATen.h>

#include <algorithm>
#include <cmath>

#include "core/acoustics/preparation.h"
#include "core/error.h"
#include "core/resample.h"
#include "train/latent_refinement.h"
#include "train/room_coder.h"
#include "train/waveform_export.h"

namespace diffverb {
namespace {

/// As in configs/waveform_autoencoder.yaml.
const std::vector<std::pair<std::string, double>> kRefinement = {
    {"{type: mr_stft, fft_sizes: [128, 512, 2048], floor_db: -80}", 1},
    {"{type: smoothed_lsd}", 0.3},
    {"{type: octave_decay}", 0.3},
    {"{type: octave_level}", 0.1},
    {"{type: octave_clarity, split_ms: 88}", 0.1}};

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

  EncodedRoom encode(const Audio& response) override {
    EncodedRoom room;
    room.rate_hz = response.rate_hz;
    room.seconds = static_cast<double>(response.frames()) / response.rate_hz;
    room.onset_s = room.seconds;
    const Audio at_rate = response.rate_hz == kWaveRateHz ? response : resample(response, kWaveRateHz);
    for (std::size_t c = 0; c < at_rate.channels.size(); ++c) {
      const std::vector<float>& samples = at_rate.channels[c];
      if (std::all_of(samples.begin(), samples.end(), [](float x) { return x == 0; }))
        throw DataError("channel " + std::to_string(c + 1) + " is silent, expected an impulse response");
      room.channels.push_back(encode_channel(samples, static_cast<std::int64_t>(c)));
      room.onset_s = std::min(room.onset_s, room.channels.back().onset_s);
    }
    return room;
  }

  Audio decode(const EncodedRoom& room) override {
    Audio out;
    out.rate_hz = kWaveRateHz;
    const auto frames = static_cast<std::size_t>(std::llround(room.seconds * kWaveRateHz));
    for (std::size_t c = 0; c < room.channels.size(); ++c) {
      const EncodedRoom::Channel& channel = room.channels[c];
      std::vector<float> samples(static_cast<std::size_t>(std::llround(channel.onset_s * kWaveRateHz)), 0.0f);
      runtime::WaveformSound sound{.level_db = channel.level_db, .with_floor = true, .voice = c};
      sound.seconds = std::max(1.0, static_cast<double>(frames) - static_cast<double>(samples.size())) / kWaveRateHz;
      const std::vector<float> played = decoder_.decode(channel.latent, sound);
      samples.insert(samples.end(), played.begin(), played.end());
      samples.resize(frames, 0.0f);
      out.channels.push_back(std::move(samples));
    }
    if (room.rate_hz == kWaveRateHz) return out;
    Audio at_rate = resample(out, room.rate_hz);
    const auto wanted = static_cast<std::size_t>(std::llround(room.seconds * room.rate_hz));
    for (auto& channel : at_rate.channels) channel.resize(wanted, 0.0f);
    return at_rate;
  }

  Audio imagine(const std::vector<double>& latent, double seconds, int channels) override {
    Audio out;
    out.rate_hz = kWaveRateHz;
    for (int c = 0; c < channels; ++c)
      out.channels.push_back(decoder_.decode(latent, {.seconds = seconds, .voice = static_cast<std::size_t>(c)}));
    return out;
  }

 private:
  EncodedRoom::Channel encode_channel(const std::vector<float>& samples, std::int64_t voice) {
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
    const auto latent = place(ir / ir.square().sum().sqrt(), noise_of(voice));
    const float* values = latent.const_data_ptr<float>();
    channel.latent.assign(values, values + latent.numel());
    return channel;
  }

  /// What the runtime will shape for this voice.
  torch::Tensor noise_of(std::int64_t voice) const {
    const auto& held = decoder_.weights().noise;
    const std::int64_t voices = held.shape[0], later = voice / voices * runtime::kWaveformVoiceShift % kWaveFrames;
    const auto all = at::tensor(held.values).reshape({voices, held.shape[1], held.shape[2]});
    return all.narrow(0, voice % voices, 1).roll(-later, 2).contiguous();
  }

  torch::Tensor place(const torch::Tensor& ir, const torch::Tensor& noise) {
    Response target(ir, kWaveRateHz);
    model_->add_features(target);
    torch::Tensor start;
    {
      const torch::NoGradGuard guard;
      start = model_->encode(ir.squeeze(1)).contiguous();
    }
    if (refine_steps_ == 0) return start;
    return refinement_.refine(
        target, start, [&](const torch::Tensor& latent) { return model_->response_of(model_->decode(latent, noise)); });
  }

  runtime::WaveformDecoder decoder_;
  std::unique_ptr<WaveformAutoencoder> model_;
  LatentRefinement refinement_;
  int refine_steps_;
};

}  // namespace

std::unique_ptr<RoomCoder> make_waveform_coder(std::shared_ptr<const runtime::WaveformDecoderWeights> weights,
                                               std::unique_ptr<WaveformAutoencoder> model, int refine_steps) {
  return std::make_unique<WaveformCoder>(std::move(weights), std::move(model), refine_steps);
}

std::unique_ptr<RoomCoder> open_waveform_coder(const std::filesystem::path& path, int refine_steps) {
  auto loaded = runtime::load_waveform_decoder(path);
  if (!loaded.weights) throw DataError(path.string() + ": " + loaded.error);
  auto model = model_of(*loaded.weights, path);
  return make_waveform_coder(loaded.weights, std::move(model), refine_steps);
}

}  // namespace diffverb
