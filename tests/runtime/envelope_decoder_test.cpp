#include "runtime/envelope_decoder.h"

#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <random>

#include "tests/runtime/envelope_weights.h"

namespace diffverb::runtime {
namespace {

EnvelopeDecoder decoder() { return EnvelopeDecoder(std::make_shared<EnvelopeDecoderWeights>(made_envelope_weights())); }

/// Only band k sounds, with one decay and no direct sound.
EnvelopeRoom one_band(std::size_t k, double t60_s) {
  EnvelopeRoom room;
  room.level_db.assign(kBands, -300);
  room.level_db[k] = 0;
  room.direct_db.assign(kBands, -300);
  room.t1_s.assign(kBands, t60_s);
  room.t2_s = room.t1_s;
  room.mix.assign(kBands, 1e-5);
  room.floor_db.assign(kBands, -300);
  room.early_db.assign(kBands * kKnots, 0);
  return room;
}

double energy(const std::vector<float>& x, std::size_t from, std::size_t to) {
  double sum = 0;
  for (std::size_t n = from; n < std::min(to, x.size()); ++n) sum += static_cast<double>(x[n]) * x[n];
  return sum;
}

TEST(EnvelopeDecoder, WeightsOfABandAddUpInPower) {
  const EnvelopeDecoderWeights weights = made_envelope_weights();
  for (double hz = 20; hz < 8000; hz *= 1.07) {
    double sum = 0;
    for (int k = 0; k < kBands; ++k) sum += std::pow(band_weight(weights.centres_hz, k, hz), 2);
    EXPECT_NEAR(sum, 1, 1e-12) << hz;
  }
}

TEST(EnvelopeDecoder, ABandHasItsEnergyItsDecayAndItsPlace) {
  const EnvelopeDecoder player = decoder();
  const std::vector<float> sound = player.sound_of(one_band(3, 0.5), {.seconds = 0.8});
  ASSERT_EQ(sound.size(), 12800u);
  double all = 0, early = 0, late = 0;  // over voices: one piece of Gaussian noise strays by a decibel
  for (std::size_t voice = 0; voice < 40; ++voice) {
    const std::vector<float> x = player.sound_of(one_band(3, 0.5), {.seconds = 0.8, .voice = voice});
    all += energy(x, 0, x.size()) / 40;
    early += energy(x, 0, 2000);
    late += energy(x, 4000, 6000);  // 250 ms later: 30 dB
  }
  EXPECT_NEAR(10 * std::log10(all), 0, 0.5);
  EXPECT_NEAR(10 * std::log10(early / late), 30, 0.8);
  double there = 0, elsewhere = 0;  // a tone's worth of spectrum at 1 kHz, and at 250 Hz and 4 kHz
  for (const double hz : {1000.0, 250.0, 4000.0}) {
    double re = 0, im = 0;
    for (std::size_t n = 0; n < sound.size(); ++n) {
      re += sound[n] * std::cos(2 * M_PI * hz * static_cast<double>(n) / 16000);
      im += sound[n] * std::sin(2 * M_PI * hz * static_cast<double>(n) / 16000);
    }
    (hz == 1000 ? there : elsewhere) += re * re + im * im;
  }
  EXPECT_GT(there, 100 * elsewhere);
}

TEST(EnvelopeDecoder, TheDirectSoundIsShortAndHasItsEnergy) {
  const EnvelopeDecoder player = decoder();
  EnvelopeRoom room = one_band(3, 0.5);
  room.level_db.assign(kBands, -300);
  room.direct_db.assign(kBands, -10);
  const std::vector<float> sound = player.sound_of(room, {.seconds = 0.3});
  const double all = energy(sound, 0, sound.size());
  EXPECT_NEAR(10 * std::log10(all), -10 + 10 * std::log10(kBands), 0.1);
  EXPECT_GT(energy(sound, 0, 80), 0.95 * all);  // 5 ms
}

TEST(EnvelopeDecoder, VoicesDifferAndLevelAndFloorAreAsAsked) {
  const EnvelopeDecoder player = decoder();
  const EnvelopeRoom room = one_band(4, 0.4);
  const auto first = player.sound_of(room, {.seconds = 0.4}),
             second = player.sound_of(room, {.seconds = 0.4, .voice = 1});
  double product = 0;
  for (std::size_t n = 0; n < first.size(); ++n) product += static_cast<double>(first[n]) * second[n];
  EXPECT_LT(std::abs(product) / std::sqrt(energy(first, 0, 6400) * energy(second, 0, 6400)), 0.3);
  const auto loud = player.sound_of(room, {.seconds = 0.4, .level_db = 20});
  EXPECT_NEAR(energy(loud, 0, 6400) / energy(first, 0, 6400), 100, 0.01);
  EnvelopeRoom noisy = room;
  noisy.floor_db[4] = -40;
  EXPECT_EQ(player.sound_of(noisy, {.seconds = 0.4}), first);
  EXPECT_GT(energy(player.sound_of(noisy, {.seconds = 1.0, .with_floor = true}), 14000, 16000), 1e-6);
}

TEST(EnvelopeDecoder, DefaultLengthFollowsTheDecay) {
  const EnvelopeDecoder player = decoder();
  const double slow = static_cast<double>(player.sound_of(one_band(2, 2.0), {}).size()) / 16000;
  const double fast = static_cast<double>(player.sound_of(one_band(2, 0.3), {}).size()) / 16000;
  EXPECT_NEAR(slow, 2.0 * 70 / 60, 0.3);
  EXPECT_NEAR(fast, 0.3 * 70 / 60, 0.25);
}

double correlation(const std::vector<float>& a, const std::vector<float>& b) {
  double product = 0;
  for (std::size_t n = 0; n < a.size(); ++n) product += static_cast<double>(a[n]) * b[n];
  return product / std::sqrt(energy(a, 0, a.size()) * energy(b, 0, b.size()));
}

TEST(EnvelopeDecoder, PlaysNumbersWhateverTheWeights) {
  std::mt19937 random(5);
  EnvelopeDecoderWeights weights = made_envelope_weights();
  const auto fill = [&](DenseWeights& layer) {
    for (float& w : layer.weight) w = random() % 2 == 0 ? 1e6f : -1e6f;
  };
  for (int i = 0; i < 7; ++i) {
    weights.a.push_back(weights.a[0]);
    weights.b.push_back(weights.b[0]);
  }
  fill(weights.in);
  fill(weights.out);
  for (DenseWeights& layer : weights.a) fill(layer);
  for (DenseWeights& layer : weights.b) fill(layer);
  const EnvelopeDecoder player(std::make_shared<EnvelopeDecoderWeights>(weights));
  for (const auto& z : {std::vector<double>{2, 2, 2}, {-2, 1, 0.5}, {0, 0, 0}, {std::nan(""), 1e300, -1e300}}) {
    for (const float value : player.decode(z, {.seconds = 0.1, .with_floor = true})) ASSERT_TRUE(std::isfinite(value));
  }
}

TEST(EnvelopeDecoder, WhatIsFarOutStaysWithinWhatARoomHas) {
  EnvelopeDecoderWeights weights = made_envelope_weights();
  for (float& w : weights.out.weight) w *= 40;
  const EnvelopeDecoder player(std::make_shared<EnvelopeDecoderWeights>(weights));
  const EnvelopeRoom room = player.room_of(std::vector<double>{2, -2, 2});
  const auto [least, most] = std::minmax_element(room.level_db.begin(), room.level_db.end());
  EXPECT_NEAR(*most - *least, 60, 1e-9);
  EXPECT_LE(*std::max_element(room.direct_db.begin(), room.direct_db.end()), *most + 35);
  for (std::size_t k = 0; k < room.t1_s.size(); ++k) {
    EXPECT_GE(room.t2_s[k], room.t1_s[k]);
    EXPECT_LE(room.t2_s[k], 12);
  }
}

TEST(EnvelopeDecoderPair, WidthZeroIsMonoAndTheLeftOneIsThatOfItsPoint) {
  const EnvelopeDecoder player = decoder();
  const std::vector<double> z{0.3, -1, 0.2};
  const auto mono = player.decode_pair(z, {.width = 0}, {});
  EXPECT_EQ(mono[0], player.decode(z, {}));
  EXPECT_EQ(mono[1], mono[0]);
  const auto wide = player.decode_pair(z, {.width = 1, .axis = 1}, {.seconds = 0.3});
  EXPECT_EQ(wide[0], player.decode(std::vector<double>{0.3, -0.5, 0.2}, {.seconds = 0.3}));
  EXPECT_EQ(wide[1].size(), wide[0].size());
  EXPECT_NE(wide[1], wide[0]);
}

TEST(StereoWidth, BothPointsStayInTheBoxAtTheirDistance) {
  const auto at = [](double z, double width) {
    const auto points = stereo_points(std::vector<double>{z, 0, 0}, 2, {.width = width});
    return std::array<double, 2>{points[0][0], points[1][0]};
  };
  EXPECT_EQ(at(0.5, 1), (std::array<double, 2>{1, 0}));
  EXPECT_EQ(at(0.5, -1), (std::array<double, 2>{0, 1}));
  EXPECT_EQ(at(2, 1), (std::array<double, 2>{2, 1}));
  EXPECT_EQ(at(-2, 4), (std::array<double, 2>{2, -2}));
  EXPECT_EQ(at(1, 9), (std::array<double, 2>{2, -2}));
}

TEST(EnvelopeDecoderPair, IsAsCoherentAsADiffuseField) {
  const EnvelopeDecoder player = decoder();
  for (const double width : {0.05, 0.1, 0.2, 0.5, 2.0}) {
    for (std::size_t k = 1; k < kBands; ++k) {
      const double hz = made_envelope_weights().centres_hz[k], expected = diffuse_coherence(hz, width);
      // Over places of the noise: a decay lasts for few of a band's independent samples.
      double sum = 0, power = 0;
      for (std::size_t voice = 0; voice < 40; ++voice) {
        const auto mono = player.sound_of(one_band(k, 0.5), {.seconds = 0.5, .voice = voice});
        const auto pair =
            player.sounds_of({one_band(k, 0.5), one_band(k, 0.5)}, width, {.seconds = 0.5, .voice = voice});
        EXPECT_EQ(pair[0], mono);
        sum += correlation(pair[0], pair[1]);
        power += energy(pair[1], 0, pair[1].size()) / 40;
      }
      EXPECT_NEAR(sum / 40, expected, 0.12) << hz << " Hz, " << width << " m";
      EXPECT_NEAR(10 * std::log10(power), 0, 1.0) << hz << " Hz, " << width << " m";
    }
  }
}

TEST(EnvelopeFile, ReadsBackWhatItWrote) {
  const EnvelopeDecoderWeights weights = made_envelope_weights();
  const SerializedWeights file = serialize_envelope_decoder(weights);
  ASSERT_EQ(file.error, "");
  const EnvelopeDecoderResult loaded = load_envelope_decoder(file.bytes);
  ASSERT_EQ(loaded.error, "");
  EXPECT_EQ(loaded.weights->out.weight, weights.out.weight);
  EXPECT_EQ(loaded.weights->encoder[0].weight, weights.encoder[0].weight);
  EXPECT_EQ(loaded.weights->config, weights.config);
  const std::vector<double> z{0.1, -0.4, 1.9};
  EXPECT_EQ(EnvelopeDecoder(loaded.weights).decode(z, {.seconds = 0.2}), decoder().decode(z, {.seconds = 0.2}));
}

TEST(EnvelopeFile, RefusesEveryDamage) {
  const SerializedWeights file = serialize_envelope_decoder(made_envelope_weights());
  ASSERT_EQ(file.error, "");
  for (std::size_t i = 0; i < 200; ++i) {
    const auto cut = std::span(file.bytes).first(file.bytes.size() * i / 200);
    EXPECT_NE(load_envelope_decoder(cut).error, "") << "cut at " << cut.size();
    auto flipped = file.bytes;
    flipped[flipped.size() * i / 200] ^= 0x10;
    EXPECT_NE(load_envelope_decoder(flipped).error, "") << "bit at " << flipped.size() * i / 200;
  }
}

TEST(EnvelopeFile, RefusesWeightsThatCannotPlay) {
  const auto error_of = [](auto&& change) {
    EnvelopeDecoderWeights weights = made_envelope_weights();
    change(weights);
    return serialize_envelope_decoder(weights).error;
  };
  EXPECT_NE(error_of([](auto& w) { w.out.weight[3] = std::nanf(""); }).find("decoder.out"), std::string::npos);
  EXPECT_NE(error_of([](auto& w) { w.noise.pop_back(); }).find("noise"), std::string::npos);
  EXPECT_NE(error_of([](auto& w) { w.centres_hz[2] = 10; }).find("centres_hz"), std::string::npos);
  EXPECT_NE(error_of([](auto& w) { w.knots_s[1] = 0.3; }).find("knots_s"), std::string::npos);
  EXPECT_NE(error_of([](auto& w) { w.a[0].outputs = 3; }).find("block1.a"), std::string::npos);
  EXPECT_NE(error_of([](auto& w) { w.sample_rate_hz = 0; }).find("sample rate"), std::string::npos);
  EXPECT_NE(error_of([](auto& w) { w.provenance = "no"; }).find("provenance"), std::string::npos);
}

TEST(EnvelopeDecoder, NoiseThatWouldTakeGigabytesInBandsIsRefused) {
  EnvelopeDecoderWeights weights = made_envelope_weights();
  std::mt19937 random(2);
  weights.centres_hz.clear();
  for (int k = 0; k < 20; ++k) weights.centres_hz.push_back(100 + 50 * k);
  weights.out = random_layer(random, kWidth, (6 + kKnots) * 20, 0.3);
  weights.noise_samples = 1 << 22;
  weights.noise.assign(2 << 22, 0.5f);
  EXPECT_EQ(serialize_envelope_decoder(weights).error,
            "tensor 'noise' has 4194304 samples in 20 bands, expected at most 67108864 together");
}

}  // namespace
}  // namespace diffverb::runtime
