#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>

#include "core/tensor.h"
#include "models/model.h"
#include "models/waveform/networks.h"

namespace diffverb {

/// An autoencoder of the waveform itself: dilated gated convolutions in the time domain, at both ends.
///
///   ir -> (level, z) -> ir',   z in a box of 64 numbers, the level a number of its own
///
/// The encoder reads samples through learned filters (WaveEncoder); the decoder makes samples from white noise in one
/// pass (WaveDecoder). What leaves it is scaled to the level of the target. No spectrogram stands in between: spectra
/// and decays are compared by the losses, on the sound.
///
/// In training the targets get noise floors (floor_share of them, 30 to 75 dB below the whole response, white to pink),
/// latent_noise is added to z, and every step draws other noise; else the noise is `played_noise`, which is exported.
///
/// Reads    target "ir" [B, 1, 32768] at 16 kHz, its onset at sample `onset_samples`; add_features() makes
///          "octave_energy" [B, 6, 257] of the octaves 125 Hz to 4 kHz in cells of 8 ms (a cell is centred on every
///          128th sample), "octave_known", "cell_s" [257]
/// Returns  "ir" of the same shape and energy, "octave_energy", "latent" [B, latent], "level_db" [B], the target's
///          energy
/// Source   van den Oord et al. 2016, WaveNet; Engel et al. 2017, NSynth; Steinmetz et al. 2021, FiNS
class WaveformAutoencoder final : public Model {
 public:
  explicit WaveformAutoencoder(Fields& fields);

  std::map<std::string, at::Tensor> parameters() const override;
  void set_training(bool training) override { training_ = training; }
  void set_seed(std::uint64_t seed) override { seed_of_step_ = seed; }
  void add_features(Response& target) const override;
  Response forward(const Response& target) override;

  /// Reads    ir [B, 32768] of any level
  /// Returns  [B, latent], each in (-2, 2)
  at::Tensor encode(const at::Tensor& ir) const;
  /// Reads    latent [B, latent], noise [1 or B, bands, 1024]
  /// Returns  [B, 32768] of unit energy
  at::Tensor decode(const at::Tensor& latent, const at::Tensor& noise) const;

  /// What forward() returns of a sound [B, 32768]: "ir" and "octave_energy".
  Response response_of(const at::Tensor& ir) const;

  /// White noise that makes it sound the same each time; another voice, another noise. [1, bands, 1024]
  at::Tensor played_noise(std::int64_t voice) const;

  const WaveSizes& sizes() const { return sizes_; }
  static constexpr double kLatentBound = 2;

 private:
  at::Tensor with_floors(const at::Tensor& ir) const;
  at::Tensor octave_energy(const at::Tensor& ir) const;

  WaveSizes sizes_;
  double latent_noise_ = 0.03, floor_share_ = 0.6;
  std::uint64_t seed_ = 1, seed_of_step_ = 0;
  bool training_ = false;
  std::unique_ptr<WaveEncoder> encoder_;
  std::unique_ptr<WaveDecoder> decoder_;
};

}  // namespace diffverb
