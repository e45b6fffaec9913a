#include "models/waveform_autoencoder.h"

#include <ATen/CPUGeneratorImpl.h>
#include <ATen/ops/arange.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/fft_irfft.h>
#include <ATen/ops/fft_rfft.h>
#include <ATen/ops/full.h>
#include <ATen/ops/ones_like.h>
#include <ATen/ops/randn.h>
#include <ATen/ops/zeros.h>

#include <cmath>
#include <sstream>

#include "core/error.h"
#include "core/spectral/stft.h"
#include "core/tensor.h"

namespace diffverb {
namespace {

constexpr std::int64_t kFftSize = 512, kCell = 128;  // 8 ms
constexpr int kOctaves = 6;
constexpr double kLowestOctaveHz = 125;
constexpr double kLoudestFloorDb = -30, kSoftestFloorDb = -75;

/// Draws on the CPU, so that every device gets the same numbers.
at::Tensor normals(at::IntArrayRef sizes, std::uint64_t seed, const std::string& purpose) {
  return at::randn(sizes, at::make_generator<at::CPUGeneratorImpl>(derive_seed(seed, purpose)));
}

/// Which bins belong to an octave: [6, 257], 0 or 1.
at::Tensor octave_bins(const at::TensorOptions& options) {
  auto out = at::zeros({kOctaves, kFftSize / 2 + 1});
  auto* to = out.data_ptr<float>();
  for (int o = 0; o < kOctaves; ++o) {
    const double centre = kLowestOctaveHz * std::exp2(o);
    for (std::int64_t bin = 0; bin <= kFftSize / 2; ++bin) {
      const double hz = static_cast<double>(bin) * kWaveRateHz / kFftSize;
      to[o * (kFftSize / 2 + 1) + bin] = hz >= centre / std::sqrt(2.0) && hz < centre * std::sqrt(2.0) ? 1.0f : 0.0f;
    }
  }
  return out.to(options);
}

at::Tensor energy_of(const at::Tensor& ir) { return ir.square().sum(-1, true); }

at::Tensor with_unit_energy(const at::Tensor& ir) { return ir * (energy_of(ir) + 1e-20).rsqrt(); }

}  // namespace

WaveformAutoencoder::WaveformAutoencoder(Fields& fields) {
  fields.optional("latent", sizes_.latent, between(1, 1024));
  fields.optional("channels", sizes_.channels, between(4, 1024));
  fields.optional("bands", sizes_.bands, between(4, 256), "filters, half of them cosines");
  fields.optional("onset_samples", sizes_.onset_samples, between(0, 8192), "samples");
  fields.optional("latent_noise", latent_noise_, between(0, 1));
  fields.optional("floor_share", floor_share_, between(0, 1));
  fields.optional("seed", seed_);
  if (sizes_.bands % 2 != 0) fields.fail("bands", "filters come in pairs, expected an even number");
  if (fields.is_recording()) return;
  encoder_ = std::make_unique<WaveEncoder>(sizes_, at::kFloat);
  decoder_ = std::make_unique<WaveDecoder>(sizes_, at::kFloat);
  Random random(seed_, "waveform_autoencoder");
  encoder_->reset(random);
  decoder_->reset(random);
}

std::map<std::string, at::Tensor> WaveformAutoencoder::parameters() const {
  std::map<std::string, at::Tensor> out;
  encoder_->add_parameters("encoder.", out);
  decoder_->add_parameters("decoder.", out);
  return out;
}

at::Tensor WaveformAutoencoder::with_floors(const at::Tensor& ir) const {
  const std::int64_t batch = ir.size(0);
  Random random(seed_of_step_, "floors");
  auto gain = at::zeros({batch, 1}), tilt = at::zeros({batch, 1});
  for (std::int64_t b = 0; b < batch; ++b) {
    const bool has_floor = random.uniform() < floor_share_;
    const double level_db = random.uniform(kSoftestFloorDb, kLoudestFloorDb), power = random.uniform();
    if (has_floor) gain[b][0] = std::pow(10.0, level_db / 20);
    tilt[b][0] = -0.5 * power;  // of amplitude: white to pink
  }
  const auto white = at::fft_rfft(normals({batch, kWaveSamples}, seed_of_step_, "floor noise"));
  const auto shape = at::arange(white.size(1), at::kFloat).clamp_min(40).unsqueeze(0).pow(tilt);  // flat below 20 Hz
  const auto noise = with_unit_energy(at::fft_irfft(white * shape, kWaveSamples)) * gain;
  return ir + noise.to(ir.device()) * energy_of(ir).sqrt();
}

at::Tensor WaveformAutoencoder::octave_energy(const at::Tensor& ir) const {
  return octave_bins(ir.options().requires_grad(false)).matmul(power_spectrogram(ir, kFftSize, kCell, Padding::kZero));
}

void WaveformAutoencoder::add_features(Response& target) const {
  const at::Tensor& given = target.ir();
  if (given.size(1) != 1 || given.size(2) != kWaveSamples || target.sample_rate_hz() != kWaveRateHz) {
    std::ostringstream message;
    message << "waveform_autoencoder: expected one channel of " << kWaveSamples << " samples at " << kWaveRateHz
            << " Hz, got " << given.sizes() << " at " << target.sample_rate_hz() << " Hz";
    throw ContractError(message.str());
  }
  const at::NoGradGuard guard;
  if (training_ && floor_share_ > 0) target.set_ir(with_floors(given.squeeze(1)).unsqueeze(1));
  const auto energy = octave_energy(target.ir().squeeze(1));
  target.set("octave_energy", energy);
  target.set("octave_known", at::ones_like(energy));
  target.set("cell_s", at::full({energy.size(2)}, static_cast<double>(kCell) / kWaveRateHz, energy.options()));
}

at::Tensor WaveformAutoencoder::encode(const at::Tensor& ir) const { return encoder_->forward(with_unit_energy(ir)); }

at::Tensor WaveformAutoencoder::decode(const at::Tensor& latent, const at::Tensor& noise) const {
  return with_unit_energy(decoder_->forward(latent, noise));
}

at::Tensor WaveformAutoencoder::played_noise(std::int64_t voice) const {
  Random random(seed_, "played noise " + std::to_string(voice));
  auto out = at::empty({1, sizes_.bands, kWaveFrames});
  auto* to = out.data_ptr<float>();
  for (std::int64_t i = 0; i < out.numel(); ++i) to[i] = static_cast<float>(random.normal());
  return out;
}

Response WaveformAutoencoder::response_of(const at::Tensor& ir) const {
  Response out(ir.unsqueeze(1), kWaveRateHz);
  out.set("octave_energy", octave_energy(ir));
  return out;
}

Response WaveformAutoencoder::forward(const Response& target) {
  const auto ir = target.ir().squeeze(1), energy = energy_of(ir);
  auto latent = encode(ir);
  if (training_ && latent_noise_ > 0)
    latent = latent + latent_noise_ * normals(latent.sizes(), seed_of_step_, "latent").to(latent.device());
  const auto noise =
      training_ ? normals({ir.size(0), sizes_.bands, kWaveFrames}, seed_of_step_, "noise") : played_noise(0);
  const auto decoded = decode(latent, noise.to(ir.device())) * energy.sqrt();
  Response out = response_of(decoded);
  out.set("latent", latent);
  out.set("level_db", 10 * (energy.squeeze(1) + 1e-20).log10());
  return out;
}

DIFFVERB_PART(models, waveform_autoencoder, WaveformAutoencoder,
              "Autoencoder of the waveform: dilated gated convolutions, noise in, two seconds at 16 kHz",
              "van den Oord et al. 2016; Engel et al. 2017; Steinmetz et al. 2021")

}  // namespace diffverb
