#include "runtime/waveform_decoder.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <random>

namespace diffverb::runtime {
namespace {

constexpr int kLatent = 3, kChannels = 4, kBands = 6, kTaps = 64, kEarly = 32;

/// A small decoder; what shapes its sound is drawn, its filters are pulses.
WaveformDecoderWeights made() {
  std::mt19937 random(1);
  std::normal_distribution<float> normal;
  const auto tensor = [&](std::vector<int> shape, float scale) {
    std::size_t size = 1;
    for (const int extent : shape) size *= static_cast<std::size_t>(extent);
    WaveformTensor out{std::move(shape), {}};
    for (std::size_t i = 0; i < size; ++i) out.values.push_back(scale * normal(random));
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
    layer(name + ".dilated", kChannels, 2 * kChannels, 3, 0.3f);
    layer(name + ".film", kLatent, 2 * kChannels, 1, 0.1f);
    if (conditioned) layer(name + ".condition", kChannels, 2 * kChannels, 1, 0.3f);
    layer(name + ".out", kChannels, kChannels, 1, 0.2f);
  };
  layer("seed", kLatent, kChannels * kWaveformSeedFrames, 1, 0.5f);
  for (const char* name : {"level", "rate", "floor"}) layer(name, kLatent, kBands, 1, 0.1f);
  layer("early", kLatent, kEarly, 1, 0.1f);
  layer("gain", kChannels, kBands, 1, 0.1f);
  layer("in", kBands + 1, kChannels, 1, 0.3f);
  layer("out", kChannels, kBands, 1, 0.1f);
  for (const char* name : {"growth1.block1", "growth2.block1", "growth3.block1"}) block(name, false);
  for (const char* name : {"wave.block1", "wave.block2"}) block(name, true);
  w.decoder["filters"] = {{kBands, 1, kTaps}, std::vector<float>(kBands * kTaps, 0.0f)};
  for (int k = 0; k < kBands; ++k) w.decoder["filters"].values[static_cast<std::size_t>(k * kTaps + 16 + 5 * k)] = 1;
  w.encoder["in.weight"] = tensor({2, 3, 1}, 1);
  w.noise = tensor({2, kBands, kWaveformFrames}, 1);
  w.config = "{type: waveform_autoencoder}";
  return w;
}

double energy(const std::vector<float>& x, std::size_t from, std::size_t to) {
  double sum = 0;
  for (std::size_t n = from; n < to; ++n) sum += static_cast<double>(x[n]) * x[n];
  return sum;
}

std::vector<float> decode(const WaveformDecoderWeights& weights, const WaveformSound& sound) {
  return WaveformDecoder(std::make_shared<WaveformDecoderWeights>(weights)).decode(std::vector{0.5, -1.0, 0.25}, sound);
}

TEST(WaveformDecoder, AFileComesBackAsItWas) {
  const WaveformDecoderWeights weights = made();
  const SerializedWeights file = serialize_waveform_decoder(weights);
  ASSERT_EQ(file.error, "");
  const WaveformDecoderResult loaded = load_waveform_decoder(file.bytes);
  ASSERT_TRUE(loaded) << loaded.error;
  EXPECT_EQ(loaded.weights->latent(), kLatent);
  EXPECT_EQ(loaded.weights->channels(), kChannels);
  EXPECT_EQ(loaded.weights->bands(), kBands);
  EXPECT_EQ(loaded.weights->encoder.at("in.weight").values, weights.encoder.at("in.weight").values);
  EXPECT_EQ(loaded.weights->config, weights.config);
  EXPECT_EQ(decode(*loaded.weights, {}), decode(weights, {}));
}

TEST(WaveformDecoder, HasTheLevelAndTheLengthAskedForAndAVoiceOfItsOwn) {
  const auto quiet = decode(made(), {.level_db = -20}), again = decode(made(), {.level_db = -20}),
             other = decode(made(), {.level_db = -20, .voice = 1}),
             third = decode(made(), {.level_db = -20, .voice = 2});
  ASSERT_EQ(quiet.size(), static_cast<std::size_t>(kWaveformSamples - 64));
  EXPECT_NEAR(10 * std::log10(energy(quiet, 0, quiet.size())), -20, 1e-3);
  EXPECT_EQ(quiet, again);
  EXPECT_NE(quiet, other);
  EXPECT_NE(quiet, third);
  EXPECT_NE(other, third);
}

TEST(WaveformDecoder, DecaysAtTheRateOfItsWeightsAndEndsInTheFloorThatWasAskedFor) {
  WaveformDecoderWeights weights = made();
  // Nothing but the slope: 60 dB in 0.6 s, the same for all bands, a floor e^-9 below.
  for (auto& [name, tensor] : weights.decoder) {
    if (name != "filters") std::fill(tensor.values.begin(), tensor.values.end(), 0.0f);
  }
  const auto dry = decode(weights, {}), noisy = decode(weights, {.with_floor = true});
  const double fall_db = 10 * std::log10(energy(dry, 0, 1600) / energy(dry, 3200, 4800));  // 0.2 s apart
  EXPECT_NEAR(fall_db, 0.2 * 11.5 * 20 / std::log(10.0), 1.5);
  EXPECT_LT(energy(dry, 30000, 32000), 1e-14);
  // A slower fall goes on beyond the two seconds of the network.
  for (auto& value : weights.decoder["rate.bias"].values) value = -2;
  const auto slow = decode(weights, {.seconds = 4});
  ASSERT_EQ(slow.size(), 64000u);
  const double rate = 11.5 * std::exp(-2.5 * std::tanh(2 / 2.5));
  EXPECT_NEAR(10 * std::log10(energy(slow, 16000, 24000) / energy(slow, 48000, 56000)), 2 * rate * 20 / std::log(10.0),
              1);
  for (auto& value : weights.decoder["rate.bias"].values) value = 0;
  const double floor_db = 10 * std::log10(energy(noisy, 0, 320) / energy(noisy, 30000, 30320));
  EXPECT_NEAR(floor_db, 9 * 20 / std::log(10.0), 3);
}

TEST(WaveformDecoder, RefusesWhatDoesNotFitByName) {
  const auto refused = [](const WaveformDecoderWeights& weights) { return serialize_waveform_decoder(weights).error; };
  WaveformDecoderWeights weights = made();
  weights.decoder.erase("gain.bias");
  EXPECT_NE(refused(weights).find("'decoder.gain.bias' is missing"), std::string::npos);
  weights = made();
  weights.decoder["extra"] = {{1}, {0.0f}};
  EXPECT_NE(refused(weights).find("'decoder.extra' belongs to nothing"), std::string::npos);
  weights = made();
  weights.decoder["wave.block2.out.weight"].shape = {kChannels, 1, kChannels};
  EXPECT_NE(refused(weights).find("wave.block2.out.weight"), std::string::npos);
  weights = made();
  weights.decoder["rate.bias"].values[2] = std::numeric_limits<float>::quiet_NaN();
  EXPECT_NE(refused(weights).find("'decoder.rate.bias'"), std::string::npos);
  weights = made();
  weights.noise.shape[2] = 512;
  weights.noise.values.resize(2 * kBands * 512);
  EXPECT_NE(refused(weights).find("'noise'"), std::string::npos);
  weights = made();
  weights.sample_rate_hz = 0;
  EXPECT_NE(refused(weights).find("sample rate"), std::string::npos);
}

TEST(WaveformDecoder, DamagedBytesAreRefused) {
  const SerializedWeights file = serialize_waveform_decoder(made());
  ASSERT_EQ(file.error, "");
  for (std::size_t cut : {std::size_t{0}, std::size_t{7}, file.bytes.size() / 2, file.bytes.size() - 1})
    EXPECT_FALSE(load_waveform_decoder(std::span(file.bytes).first(cut))) << cut;
  std::vector<std::uint8_t> turned = file.bytes;
  turned[turned.size() - 100] ^= 1;
  EXPECT_FALSE(load_waveform_decoder(turned));
}

TEST(WaveformDecoder, HugeWeightsGiveSilenceAndNoNaN) {
  WaveformDecoderWeights weights = made();
  for (auto& value : weights.decoder["out.weight"].values) value = 1e6f;
  for (auto& value : weights.decoder["in.weight"].values) value = 1e6f;
  for (auto& value : weights.decoder["level.bias"].values) value = 1e6f;
  for (const float value : decode(weights, {})) ASSERT_TRUE(std::isfinite(value));
}

}  // namespace
}  // namespace diffverb::runtime
