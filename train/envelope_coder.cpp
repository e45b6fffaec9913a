#include <torch/csrc/autograd/autograd.h>

#include <algorithm>
#include <cmath>

#include "core/acoustics/preparation.h"
#include "core/error.h"
#include "core/fields.h"
#include "core/files.h"
#include "core/resample.h"
#include "losses/loss.h"
#include "models/envelope/layout.h"
#include "runtime/response_bank.h"
#include "train/envelope_export.h"
#include "train/model_file.h"
#include "train/room_coder.h"

namespace diffverb {
namespace {

struct RefinementLoss {
  const char* yaml;
  double weight;
};
/// As in configs/autoencoder.yaml.
constexpr RefinementLoss kRefinement[] = {{"{type: smoothed_lsd}", 1},
                                          {"{type: octave_decay}", 1},
                                          {"{type: octave_level}", 0.3},
                                          {"{type: octave_clarity}", 0.3},
                                          {"{type: band_map}", 0.1}};
constexpr double kRefinementRate = 0.05, kMomentum = 0.9, kSquares = 0.98;

class EnvelopeCoder final : public RoomCoder {
 public:
  EnvelopeCoder(std::shared_ptr<const runtime::EnvelopeDecoderWeights> weights,
                std::unique_ptr<EnvelopeAutoencoder> model, int refine_steps)
      : decoder_(weights), model_(std::move(model)), refine_steps_(refine_steps) {
    for (const RefinementLoss& entry : kRefinement) {
      Fields fields = Fields::from_text(entry.yaml);
      losses_.push_back({entry.weight, family<Loss>().make(fields)});
    }
  }

  int latent() const override { return static_cast<int>(model_->latent()); }
  double latent_bound() const override { return EnvelopeAutoencoder::kLatentBound; }
  double rate_hz() const override { return kEnvelopeRateHz; }

  EncodedRoom encode(const Audio& response) override {
    EncodedRoom room;
    room.rate_hz = response.rate_hz;
    room.seconds = static_cast<double>(response.frames()) / response.rate_hz;
    room.onset_s = room.seconds;
    const Audio at_rate = response.rate_hz == kEnvelopeRateHz ? response : resample(response, kEnvelopeRateHz);
    for (std::size_t c = 0; c < at_rate.channels.size(); ++c) {
      if (std::all_of(at_rate.channels[c].begin(), at_rate.channels[c].end(), [](float x) { return x == 0; }))
        throw DataError("channel " + std::to_string(c + 1) + " is silent, expected an impulse response");
      room.channels.push_back(encode_channel(at_rate.channels[c]));
      room.onset_s = std::min(room.onset_s, room.channels.back().onset_s);
    }
    return room;
  }

  Audio decode(const EncodedRoom& room) override {
    Audio out;
    out.rate_hz = kEnvelopeRateHz;
    const auto frames = static_cast<std::size_t>(std::llround(room.seconds * kEnvelopeRateHz));
    for (std::size_t c = 0; c < room.channels.size(); ++c) {
      const EncodedRoom::Channel& channel = room.channels[c];
      const auto onset = std::min(frames, static_cast<std::size_t>(std::llround(channel.onset_s * kEnvelopeRateHz)));
      runtime::EnvelopeSound sound;
      sound.seconds = std::max<double>(1, static_cast<double>(frames - onset)) / kEnvelopeRateHz;
      sound.level_db = channel.level_db;
      sound.with_floor = true;
      sound.voice = c;
      std::vector<float> samples(onset, 0.0f);
      const std::vector<float> played = decoder_.decode(channel.latent, sound);
      samples.insert(samples.end(), played.begin(), played.end());
      samples.resize(frames, 0.0f);
      out.channels.push_back(std::move(samples));
    }
    if (room.rate_hz == kEnvelopeRateHz) return out;
    Audio at_rate = resample(out, room.rate_hz);
    const auto wanted = static_cast<std::size_t>(std::llround(room.seconds * room.rate_hz));
    for (auto& channel : at_rate.channels) channel.resize(wanted, 0.0f);
    return at_rate;
  }

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

 private:
  EncodedRoom::Channel encode_channel(const std::vector<float>& samples) {
    const std::vector<double> exact(samples.begin(), samples.end());
    const std::size_t onset = acoustics::find_onset(exact);
    const auto before = static_cast<std::size_t>(model_->onset_samples());
    auto ir = torch::zeros({1, 1, static_cast<std::int64_t>(before + samples.size() - onset)});
    const std::size_t kept = std::min(before, onset);
    std::copy(samples.begin() + static_cast<std::ptrdiff_t>(onset - kept), samples.end(),
              ir.data_ptr<float>() + (before - kept));
    Response target(ir, kEnvelopeRateHz);
    model_->add_features(target);
    const auto latent = refine(target);
    EncodedRoom::Channel channel;
    const float* values = latent.const_data_ptr<float>();
    channel.latent.assign(values, values + latent.numel());
    channel.onset_s = static_cast<double>(onset) / kEnvelopeRateHz;
    channel.level_db = 10 * std::log10(ir.square().sum().item<double>());
    return channel;
  }

  /// Adam on the latent point before its bound, the rate falling to 0.
  torch::Tensor refine(const Response& target) {
    for (auto& [weight, loss] : losses_) loss->prepare(target);
    torch::Tensor point;
    {
      const torch::NoGradGuard guard;
      point = 2 * (model_->encode(target) / 2).clamp(-0.999, 0.999).atanh();
    }
    auto best = point.clone(), first = torch::zeros_like(point), second = torch::zeros_like(point);
    double least = std::numeric_limits<double>::infinity();
    for (int step = 0; step <= refine_steps_; ++step) {
      const auto x = point.detach().set_requires_grad(true);
      const Response out = model_->predict(model_->decode(2 * (x / 2).tanh()), target);
      torch::Tensor total;
      for (const auto& [weight, loss] : losses_) {
        const auto value = weight * loss->evaluate(out);
        total = total.defined() ? total + value : value;
      }
      const double value = total.item<double>();
      if (value < least) {
        least = value;
        best = x.detach().clone();
      }
      if (step == refine_steps_) break;
      const auto gradient = torch::autograd::grad({total}, {x})[0];
      first = kMomentum * first + (1 - kMomentum) * gradient;
      second = kSquares * second + (1 - kSquares) * gradient.square();
      const double rate = kRefinementRate * (1 - static_cast<double>(step) / refine_steps_);
      const auto mean = first / (1 - std::pow(kMomentum, step + 1)),
                 square = second / (1 - std::pow(kSquares, step + 1));
      point = x.detach() - rate * mean / (square.sqrt() + 1e-8);
    }
    return (2 * (best / 2).tanh()).contiguous();
  }

  runtime::EnvelopeDecoder decoder_;
  std::unique_ptr<EnvelopeAutoencoder> model_;
  int refine_steps_;
  std::vector<std::pair<double, std::unique_ptr<Loss>>> losses_;
};

}  // namespace

std::unique_ptr<RoomCoder> open_envelope_coder(const std::filesystem::path& path, int refine_steps) {
  auto loaded = runtime::load_envelope_decoder(path);
  if (!loaded.weights) throw DataError(path.string() + ": " + loaded.error);
  auto model = model_of(*loaded.weights, path);
  return std::make_unique<EnvelopeCoder>(loaded.weights, std::move(model), refine_steps);
}

std::unique_ptr<RoomCoder> RoomCoder::open(const std::filesystem::path& given) {
  const auto path = std::filesystem::is_directory(given) ? given / "model.safetensors" : given;
  check_readable_file(path, "an autoencoder's weights");
  if (runtime::kind_of_file(path) == "autoencoder" && runtime::load_envelope_decoder(path))
    return open_envelope_coder(path);
  // What training wrote is exported in memory.
  ModelFile trained = load_model(path);
  if (trained.type == "spectral_autoencoder") return open_spectral_coder(std::move(trained));
  auto* autoencoder = dynamic_cast<EnvelopeAutoencoder*>(trained.model.get());
  if (!autoencoder) throw DataError(path.string() + ": holds a " + trained.type + ", expected an envelope_autoencoder");
  auto weights = std::make_shared<runtime::EnvelopeDecoderWeights>(exported_weights(*autoencoder, "{}", {}));
  trained.model.release();
  return std::make_unique<EnvelopeCoder>(std::move(weights), std::unique_ptr<EnvelopeAutoencoder>(autoencoder),
                                         kRefinementSteps);
}

}  // namespace diffverb
