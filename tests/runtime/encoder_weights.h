#pragma once

#include "runtime/envelope_features.h"
#include "tests/runtime/envelope_weights.h"

namespace diffverb::runtime {

/// made_envelope_weights() at 48 kHz, with an encoder that takes what envelope_features() gives.
inline EnvelopeDecoderWeights made_encoder_weights() {
  EnvelopeDecoderWeights weights = made_envelope_weights();
  std::mt19937 random(7);
  weights.sample_rate_hz = kEnvelopeFeaturesHz;
  weights.encoder = {random_layer(random, static_cast<int>(envelope_features_count(kBands)), kWidth, 0.05),
                     random_layer(random, kWidth, kWidth, 0.3), random_layer(random, kWidth, kWidth, 0.3),
                     random_layer(random, kWidth, kLatent, 0.5)};
  return weights;
}

/// Noise that falls by 60 dB in t60_s, behind a direct sound.
inline std::vector<float> made_room(double rate_hz, double seconds, double t60_s, unsigned seed) {
  std::mt19937 random(seed);
  std::normal_distribution<double> normal;
  std::vector<float> out(static_cast<std::size_t>(seconds * rate_hz));
  for (std::size_t n = 0; n < out.size(); ++n)
    out[n] = static_cast<float>(0.05 * normal(random) * std::pow(10.0, -3 * static_cast<double>(n) / rate_hz / t60_s));
  out[0] = 0.6f;
  return out;
}

}  // namespace diffverb::runtime
