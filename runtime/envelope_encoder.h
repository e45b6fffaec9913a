#pragma once

#include <memory>
#include <string>
#include <vector>

#include "runtime/envelope_decoder.h"

namespace diffverb::runtime {

/// The latent point of a measured response, or the reason why there is none.
struct EncodedPoint {
  std::vector<double> latent;                 ///< [L] the mean of the channels' points
  std::vector<std::vector<double>> channels;  ///< [C][L] of each channel
  std::string error;                          ///< empty exactly when `latent` is there
  explicit operator bool() const { return error.empty(); }
};

/// Finds the latent points of measured responses with the encoder that a file of kind "autoencoder" holds:
///
///     z = bound tanh(network(features) / bound)
///
/// of envelope_features.h, at 48 kHz whatever the response's rate is. It is where `diffverb encode` begins: that goes on
/// with gradient descent on the point. For threads that may wait.
class EnvelopeEncoder {
 public:
  /// Weights that were checked: from load_envelope_decoder.
  explicit EnvelopeEncoder(std::shared_ptr<const EnvelopeDecoderWeights> weights);

  /// Reads    channels [C][T], any C >= 1; rate_hz 1000 to 1000000; the onset is sought
  /// Returns  nothing of what is silent, not finite, shorter than 10 ms from its onset on or longer than 60 s; nor where
  ///          the encoder was trained on other features. Nothing is thrown.
  EncodedPoint encode(const std::vector<std::vector<float>>& channels, double rate_hz) const;

 private:
  std::string encode_channel(const std::vector<float>& samples, double rate_hz, std::vector<double>& latent) const;

  std::shared_ptr<const EnvelopeDecoderWeights> weights_;
  std::size_t before_ = 0;  // samples ahead of the onset that the encoder was trained with
};

}  // namespace diffverb::runtime
