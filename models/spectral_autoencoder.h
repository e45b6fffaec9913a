#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "core/spectral/log_spectrogram.h"
#include "core/tensor.h"
#include "models/layers.h"
#include "models/model.h"

namespace diffverb {

/// The spectral autoencoder of NeuralReverberator: a log spectrogram down to a few numbers and back.
///
///   encoder  513 x 128 -> eleven convolutions, the first 5x5, then 4x4, stride 2 -> 1 x 1, `latent` numbers, batch
///   norm decoder  eleven transposed convolutions, 2x2, stride 2, one 3x1 to the odd 513th row, the last linear
///
/// Each block is a convolution, a leaky ReLU and a batch norm (layers.h). Parameters: "encoder.<n>.kernel", "bias",
/// "gamma", "beta", "decoder.<n>...", n from 1; buffers "mean" and "variance"; kernels as TensorFlow keeps them
/// (layers_conv.h). With buffers, the published sizes have 995,407 numbers in the encoder and 747,841 in the decoder.
///
/// Reads    target "spectrogram" [B, 1, 513, 128]; add_features() makes it, "spectrogram_low_db" and "_high_db" [B]
///          from ir [B, 1, T] at rate_hz
/// Returns  "spectrogram" [B, 1, 513, 128], "latent" [B, latent]; with keep_level "level_db" [B], the target's
/// Source   Steinmetz 2018, NeuralReverberator; Engel et al. 2017, the baseline of NSynth
class SpectralAutoencoder final : public Model {
 public:
  explicit SpectralAutoencoder(Fields& fields);

  std::map<std::string, at::Tensor> parameters() const override;
  std::map<std::string, at::Tensor> buffers() const override;
  void set_training(bool training) override { training_ = training; }
  void add_features(Response& target) const override;
  Response forward(const Response& target) override;

  at::Tensor encode(const at::Tensor& spectrogram);  // [B, 1, 513, 128] -> [B, latent]
  at::Tensor decode(const at::Tensor& latent);       // [B, latent] -> [B, 1, 513, 128]

  std::int64_t latent() const { return latent_; }
  double sample_rate_hz() const { return rate_hz_; }
  const LogSpectrogramOptions& features() const { return features_; }
  /// The span in dB that inversion takes [0, 1] for: the published generator takes 120 where 80 were trained.
  double inversion_span_db() const { return inversion_span_db_; }

  static constexpr std::int64_t kBins = 513, kFrames = 128;

 private:
  void build();

  std::int64_t latent_ = 3;
  std::vector<std::int64_t> encoder_filters_ = {32, 32, 32, 64, 64, 64, 128, 128, 128, 1024};
  std::vector<std::int64_t> decoder_filters_ = {1024, 128, 128, 128, 64, 64, 64, 32, 32, 32};
  double leaky_slope_ = 0.1, momentum_ = 0.99, epsilon_ = 1e-3;
  std::uint64_t seed_ = 1;
  double rate_hz_ = 16000, inversion_span_db_ = 80;
  bool keep_level_ = true, training_ = false;
  LogSpectrogramOptions features_;
  std::vector<ConvBlock> encoder_, decoder_;
};

}  // namespace diffverb
