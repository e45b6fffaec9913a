#include "runtime/waveform_decoder.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "small_waveform.h"

namespace diffverb::runtime {
namespace {

using testing::small_waveform;

constexpr testing::WaveformSize kSize;  // of small_waveform()

double energy(const std::vector<float>& x, std::size_t from, std::size_t to) {
  double sum = 0;
  for (std::size_t n = from; n < to; ++n) sum += static_cast<double>(x[n]) * x[n];
  return sum;
}

std::vector<float> decode(const WaveformDecoderWeights& weights, const WaveformSound& sound) {
  return WaveformDecoder(std::make_shared<WaveformDecoderWeights>(weights)).decode(std::vector{0.5, -1.0, 0.25}, sound);
}

TEST(WaveformDecoder, AFileComesBackAsItWas) {
  const WaveformDecoderWeights weights = small_waveform();
  const SerializedWeights file = serialize_waveform_decoder(weights);
  ASSERT_EQ(file.error, "");
  const WaveformDecoderResult loaded = load_waveform_decoder(file.bytes);
  ASSERT_TRUE(loaded) << loaded.error;
  EXPECT_EQ(loaded.weights->latent(), kSize.latent);
  EXPECT_EQ(loaded.weights->channels(), kSize.channels);
  EXPECT_EQ(loaded.weights->bands(), kSize.bands);
  EXPECT_EQ(loaded.weights->encoder.at("in.weight").values, weights.encoder.at("in.weight").values);
  EXPECT_EQ(loaded.weights->config, weights.config);
  EXPECT_EQ(decode(*loaded.weights, {}), decode(weights, {}));
}

TEST(WaveformDecoder, HasTheLevelAndTheLengthAskedForAndAVoiceOfItsOwn) {
  const auto quiet = decode(small_waveform(), {.level_db = -20}), again = decode(small_waveform(), {.level_db = -20}),
             other = decode(small_waveform(), {.level_db = -20, .voice = 1}),
             third = decode(small_waveform(), {.level_db = -20, .voice = 2});
  ASSERT_EQ(quiet.size(), static_cast<std::size_t>(kWaveformSamples - 64));
  EXPECT_NEAR(10 * std::log10(energy(quiet, 0, quiet.size())), -20, 1e-3);
  EXPECT_EQ(quiet, again);
  EXPECT_NE(quiet, other);
  EXPECT_NE(quiet, third);
  EXPECT_NE(other, third);
}

TEST(WaveformDecoder, DecaysAtTheRateOfItsWeightsAndEndsInTheFloorThatWasAskedFor) {
  WaveformDecoderWeights weights = small_waveform();
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
  WaveformDecoderWeights weights = small_waveform();
  weights.decoder.erase("gain.bias");
  EXPECT_NE(refused(weights).find("'decoder.gain.bias' is missing"), std::string::npos);
  weights = small_waveform();
  weights.decoder["extra"] = {{1}, {0.0f}};
  EXPECT_NE(refused(weights).find("'decoder.extra' belongs to nothing"), std::string::npos);
  weights = small_waveform();
  weights.decoder["wave.block2.out.weight"].shape = {kSize.channels, 1, kSize.channels};
  EXPECT_NE(refused(weights).find("wave.block2.out.weight"), std::string::npos);
  weights = small_waveform();
  weights.decoder["rate.bias"].values[2] = std::numeric_limits<float>::quiet_NaN();
  EXPECT_NE(refused(weights).find("'decoder.rate.bias'"), std::string::npos);
  weights = small_waveform();
  weights.noise.shape[2] = 512;
  weights.noise.values.resize(2 * kSize.bands * 512);
  EXPECT_NE(refused(weights).find("'noise'"), std::string::npos);
  weights = small_waveform();
  weights.sample_rate_hz = 0;
  EXPECT_NE(refused(weights).find("sample rate"), std::string::npos);
}

TEST(WaveformDecoder, DamagedBytesAreRefused) {
  const SerializedWeights file = serialize_waveform_decoder(small_waveform());
  ASSERT_EQ(file.error, "");
  for (std::size_t cut : {std::size_t{0}, std::size_t{7}, file.bytes.size() / 2, file.bytes.size() - 1})
    EXPECT_FALSE(load_waveform_decoder(std::span(file.bytes).first(cut))) << cut;
  std::vector<std::uint8_t> turned = file.bytes;
  turned[turned.size() - 100] ^= 1;
  EXPECT_FALSE(load_waveform_decoder(turned));
}

TEST(WaveformDecoder, HugeWeightsGiveSilenceAndNoNaN) {
  WaveformDecoderWeights weights = small_waveform();
  for (auto& value : weights.decoder["out.weight"].values) value = 1e6f;
  for (auto& value : weights.decoder["in.weight"].values) value = 1e6f;
  for (auto& value : weights.decoder["level.bias"].values) value = 1e6f;
  for (const float value : decode(weights, {})) ASSERT_TRUE(std::isfinite(value));
}

}  // namespace
}  // namespace diffverb::runtime
