#pragma once

#include <cstddef>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "runtime/waveform_decoder.h"

namespace diffverb::runtime::testing {

struct WaveformSize {
  int latent = 3, channels = 4, bands = 6, taps = 64, early = 32, voices = 2;
};

/// A small decoder; what shapes its sound is drawn, its filters are pulses.
inline WaveformDecoderWeights small_waveform(const WaveformSize& size = {}) {
  std::mt19937 random(1);
  std::normal_distribution<float> normal;
  const auto tensor = [&](std::vector<int> shape, float scale) {
    std::size_t count = 1;
    for (const int extent : shape) count *= static_cast<std::size_t>(extent);
    WaveformTensor out{std::move(shape), {}};
    for (std::size_t i = 0; i < count; ++i) out.values.push_back(scale * normal(random));
    return out;
  };
  WaveformDecoderWeights w;
  w.sample_rate_hz = 16000;
  w.onset_samples = 64;
  const auto layer = [&](const std::string& name, int inputs, int outputs, int taps, float scale) {
    w.decoder[name + ".weight"] = tensor({outputs, inputs, taps}, scale);
    w.decoder[name + ".bias"] = tensor({outputs}, scale);
  };
  const auto block = [&](const std::string& name, bool conditioned) {
    layer(name + ".dilated", size.channels, 2 * size.channels, 3, 0.3f);
    layer(name + ".film", size.latent, 2 * size.channels, 1, 0.1f);
    if (conditioned) layer(name + ".condition", size.channels, 2 * size.channels, 1, 0.3f);
    layer(name + ".out", size.channels, size.channels, 1, 0.2f);
  };
  layer("seed", size.latent, size.channels * kWaveformSeedFrames, 1, 0.5f);
  for (const char* name : {"level", "rate", "floor"}) layer(name, size.latent, size.bands, 1, 0.1f);
  layer("early", size.latent, size.early, 1, 0.1f);
  layer("gain", size.channels, size.bands, 1, 0.1f);
  layer("in", size.bands + 1, size.channels, 1, 0.3f);
  layer("out", size.channels, size.bands, 1, 0.1f);
  for (const char* name : {"growth1.block1", "growth2.block1", "growth3.block1"}) block(name, false);
  for (const char* name : {"wave.block1", "wave.block2"}) block(name, true);
  w.decoder["filters"] = {{size.bands, 1, size.taps}, std::vector<float>(size.bands * size.taps, 0.0f)};
  for (int k = 0; k < size.bands; ++k)
    w.decoder["filters"].values[static_cast<std::size_t>(k * size.taps + 16 + 5 * k)] = 1;
  w.encoder["in.weight"] = tensor({2, 3, 1}, 1);
  w.noise = tensor({size.voices, size.bands, kWaveformFrames}, 1);
  w.config = "{type: waveform_autoencoder}";
  return w;
}

}  // namespace diffverb::runtime::testing
