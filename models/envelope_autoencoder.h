#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "core/seed.h"
#include "core/tensor.h"
#include "models/envelope/analysis.h"
#include "models/envelope/dense.h"
#include "models/envelope/operators.h"
#include "models/envelope/parameters.h"
#include "models/envelope/variation.h"
#include "models/model.h"

namespace diffverb {

/// An autoencoder of what a room does to energy: by band and over time, without phase.
///
///   z = 2 tanh(encoder(map) / 2),  parameters = decoder(z) (envelope/parameters.h)
///
/// The map is the response's energy in 31 bands and 48 stretches of time, in dB (envelope/layout.h). What is decoded is
/// a direct sound, two decays a band, a gain over the first 160 ms and a noise floor: whatever z is, each band decays.
/// The sound is made from it by the runtime, as noise whose energy has been made even beforehand, so that nothing has
/// to be iterated and the losses need no sound: they compare energies as the response would show them
/// (envelope/operators.h).
///
/// In training the maps are varied (envelope/variation.h): gain, decay and early energy by band, a cut end, missing
/// high bands, a noise floor; latent_noise is added to z.
///
/// Reads    target "ir" [B, 1, T] at 48 kHz, its onset at sample `onset_samples`; add_features() makes "band_energy"
///          [B, 31, NT], "octave_energy" [B, 7, NT], "third_octave_power" [B, 26, 128], "cell_s" [NT], and which of
///          them are known: "band_known", "octave_known", "frame_known", 0 or 1; in training "latent_noise" [B, latent]
/// Returns  the same energies of the decoded response, and "latent" [B, latent]
/// Source   Steinmetz et al. 2021 (filtered noise shaping); Lin et al. 2024 (exponential envelopes)
class EnvelopeAutoencoder final : public Model {
 public:
  explicit EnvelopeAutoencoder(Fields& fields);

  std::map<std::string, at::Tensor> parameters() const override;
  void set_training(bool training) override { training_ = training; }
  void set_seed(std::uint64_t seed) override { seed_of_step_ = seed; }
  void add_features(Response& target) const override;
  bool has_features_on_cpu() const override { return true; }
  Response forward(const Response& target) override;

  /// Reads    target with add_features() done
  /// Returns  [B, latent], each in (-2, 2)
  at::Tensor encode(const Response& target) const;
  EnvelopeParameters decode(const at::Tensor& latent) const;
  /// What the losses read of a decoded response; what the target does not know is taken out.
  Response predict(const EnvelopeParameters& parameters, const Response& target) const;
  /// Multiplies what predict() returned by factors of its "band_energy" and its "third_octave_power".
  void scale(Response& predicted, const at::Tensor& energy, const at::Tensor& power) const;

  std::int64_t latent() const { return latent_; }
  std::int64_t width() const { return width_; }
  std::int64_t blocks() const { return blocks_; }
  std::int64_t onset_samples() const { return onset_samples_; }
  static constexpr double kLatentBound = 2;

 private:
  const EnvelopeOperators& maps(at::Device device) const;
  EnvelopeBatch analyze(const at::Tensor& ir) const;
  void set_features(const EnvelopeBatch& batch, Response& target) const;
  at::Tensor map_of(const Response& target) const;  // what the encoder sees

  std::int64_t latent_ = 64, width_ = 512, blocks_ = 2, onset_samples_ = 2400, cache_ = 20000;
  double latent_noise_ = 0.03;
  EnvelopeVariation variation_;
  std::uint64_t seed_ = 1, seed_of_step_ = 0;
  bool training_ = false;
  std::unique_ptr<DenseNetwork> encoder_, decoder_;
  mutable at::Tensor groups_;  // [NT, G] cells to stretches of the encoder's map
  mutable std::map<std::string, EnvelopeOperators> maps_;
  mutable std::unordered_map<std::uint64_t, EnvelopeBatch> analyzed_;  // by content: an analysis costs more than a step
};

}  // namespace diffverb
