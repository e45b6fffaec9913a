#include <ATen/ops/stack.h>
#include <ATen/ops/tensor.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include "core/acoustics/analysis.h"
#include "core/acoustics/preparation.h"
#include "core/audio_tensor.h"
#include "core/tensor.h"
#include "train/autoencoder/latent_bounds.h"
#include "train/autoencoder/room_coder.h"
#include "train/autoencoder/spectral_sound.h"
#include "train/model_file.h"

namespace diffverb {
namespace {

class SpectralCoder final : public RoomCoder {
 public:
  explicit SpectralCoder(ModelFile file)
      : file_(std::move(file)),
        model_(dynamic_cast<SpectralAutoencoder&>(*file_.model)),
        bound_(latent_bounds_of(file_).high) {}

  int latent() const override { return static_cast<int>(model_.latent()); }
  double latent_bound() const override { return bound_; }
  double rate_hz() const override { return model_.sample_rate_hz(); }

  Audio imagine(const std::vector<double>& latent, double seconds, int channels) override {
    const std::vector<std::vector<double>> points(static_cast<std::size_t>(channels), latent);
    return {rate_hz(), sounds(points, std::nullopt, 0, seconds)};
  }

  Audio imagine_pair(const std::vector<double>& latent, double seconds, const runtime::StereoWidth& width) override {
    const auto points = runtime::stereo_points(latent, bound_, width);
    if (width.width != 0) return {rate_hz(), sounds({points[0], points[1]}, width.width, 0, seconds)};
    const auto one = sounds({points[0]}, std::nullopt, 0, seconds)[0];
    return {rate_hz(), {one, one}};
  }

 protected:
  EncodedRoom::Channel encode_channel(const std::vector<float>& all, std::size_t) override {
    const at::NoGradGuard guard;
    const std::size_t onset = acoustics::find_onset(acoustics::to_double(all));
    std::vector<float> samples(all.begin() + static_cast<std::ptrdiff_t>(onset), all.end());
    samples.resize(std::max(samples.size(), frames_samples()), 0.0f);
    Response target(at::tensor(samples).reshape({1, 1, -1}), rate_hz());
    model_.add_features(target);
    const auto latent = model_.encode(target.get("spectrogram")).to(at::kDouble).contiguous();
    EncodedRoom::Channel channel;
    channel.latent.assign(latent.const_data_ptr<double>(), latent.const_data_ptr<double>() + latent.numel());
    channel.onset_s = static_cast<double>(onset) / rate_hz();
    double energy = 0;  // of what the network hears
    for (std::size_t n = 0; n < frames_samples(); ++n) energy += static_cast<double>(samples[n]) * samples[n];
    channel.level_db = 10 * std::log10(std::max(energy, 1e-30));
    return channel;
  }

  std::vector<float> play(const EncodedRoom::Channel& channel, double, std::size_t voice) override {
    std::vector<float> sound = sounds({channel.latent}, std::nullopt, voice, 0)[0];
    const auto gain = static_cast<float>(std::pow(10.0, channel.level_db / 20));
    for (float& value : sound) value *= gain;
    return sound;
  }

 private:
  std::size_t frames_samples() const {
    return static_cast<std::size_t>((SpectralAutoencoder::kFrames - 1) * model_.features().hop_size);
  }

  /// Of unit energy each, for what the network draws has no level; `seconds` beyond what the network draws are silent,
  /// 0: what it draws.
  std::vector<std::vector<float>> sounds(const std::vector<std::vector<double>>& points, std::optional<double> width,
                                         std::size_t first_row, double seconds) {
    const at::NoGradGuard guard;
    std::vector<at::Tensor> rows;
    for (const auto& point : points) rows.push_back(at::tensor(point, at::kFloat));
    const auto magnitudes =
        magnitudes_of(model_.decode(at::stack(rows)).squeeze(1), model_.inversion_span_db()).contiguous();
    GriffinLimOptions options = phase_options(model_);
    options.first_row = static_cast<std::int64_t>(first_row);
    auto signal = (width ? griffin_lim_pairs(magnitudes, options, rate_hz(), *width) : griffin_lim(magnitudes, options))
                      .signal.to(at::kCPU);
    const auto energy = signal.square().sum(1, true);
    signal = signal / energy.clamp_min(1e-20).sqrt();
    const auto wanted = seconds > 0 ? static_cast<std::size_t>(std::max(1LL, std::llround(seconds * rate_hz())))
                                    : static_cast<std::size_t>(signal.size(1));
    auto out = audio_of(signal, rate_hz()).channels;
    for (auto& channel : out) channel.resize(wanted, 0.0f);
    return out;
  }

  ModelFile file_;
  SpectralAutoencoder& model_;
  double bound_;
};

}  // namespace

std::unique_ptr<RoomCoder> open_spectral_coder(ModelFile file) {
  return std::make_unique<SpectralCoder>(std::move(file));
}

}  // namespace diffverb
