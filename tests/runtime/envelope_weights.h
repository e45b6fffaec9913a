#pragma once

#include <random>

#include "runtime/envelope_decoder.h"

namespace diffverb::runtime {

constexpr int kLatent = 3, kWidth = 8, kBands = 6, kKnots = 2, kNoise = 1 << 14;

inline DenseWeights random_layer(std::mt19937& random, int inputs, int outputs, double scale) {
  std::normal_distribution<float> normal;
  DenseWeights out{inputs, outputs, {}, {}};
  for (int i = 0; i < inputs * outputs; ++i) out.weight.push_back(static_cast<float>(scale) * normal(random));
  for (int i = 0; i < outputs; ++i) out.bias.push_back(static_cast<float>(scale) * normal(random));
  return out;
}

/// A small decoder with random weights and plain noise, at 16 kHz.
inline EnvelopeDecoderWeights made_envelope_weights() {
  std::mt19937 random(1);
  std::normal_distribution<float> normal;
  EnvelopeDecoderWeights weights;
  weights.sample_rate_hz = 16000;
  weights.in = random_layer(random, kLatent, kWidth, 0.3);
  weights.a = {random_layer(random, kWidth, kWidth, 0.3)};
  weights.b = {random_layer(random, kWidth, kWidth, 0.3)};
  weights.out = random_layer(random, kWidth, (6 + kKnots) * kBands, 0.3);
  weights.encoder = {random_layer(random, 10, kWidth, 0.3), random_layer(random, kWidth, kLatent, 0.3)};
  weights.centres_hz = {125, 250, 500, 1000, 2000, 4000};
  weights.knots_s = {0.01, 0.05};
  weights.noise_samples = kNoise;
  for (int i = 0; i < 2 * kNoise; ++i) weights.noise.push_back(normal(random));
  weights.config = "{type: envelope_autoencoder}";
  return weights;
}

}  // namespace diffverb::runtime
