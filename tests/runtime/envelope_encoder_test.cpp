#include "runtime/envelope_encoder.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <complex>
#include <limits>

#include "runtime/resampling.h"
#include "runtime/transform.h"
#include "tests/runtime/encoder_weights.h"

namespace diffverb::runtime {
namespace {

using Channels = std::vector<std::vector<float>>;

EnvelopeEncoder encoder_of(const EnvelopeDecoderWeights& weights) {
  return EnvelopeEncoder(std::make_shared<EnvelopeDecoderWeights>(weights));
}
EncodedPoint encode(const Channels& channels, double rate_hz = 48000) {
  return encoder_of(made_encoder_weights()).encode(channels, rate_hz);
}

/// The cells' edges in seconds, and how many cells each stretch has, as the training writes them down.
std::vector<double> edges_s() {
  std::vector<double> times;
  for (int i = 0; i < 125; ++i) times.push_back(i * 0.004);
  for (int i = 0; i < 100; ++i) times.push_back(0.5 + i * 0.016);
  for (int i = 0; i <= 97; ++i) times.push_back(2.1 + i * 0.064);
  return times;
}
std::vector<int> group_of_cell() {
  const std::vector<double> times = edges_s();
  std::vector<int> groups;
  int group = 0;
  for (std::size_t cell = 0, begin = 0; cell + 1 < times.size(); ++cell) {
    const double start = times[begin];
    if (cell > begin && times[cell] - start >= std::max(0.004, 0.12 * start) - 1e-9) ++group, begin = cell;
    groups.push_back(group);
  }
  return groups;
}

/// The energy of a band in cells of 4 ms, from the first sample on: its analytic signal at 192 kHz by one long transform,
/// looked at `per_cell` times a cell.
std::vector<double> energies(const std::vector<float>& x, const std::vector<double>& centres_hz, int k,
                             std::size_t per_cell) {
  constexpr std::size_t kSize = 1 << 17, kFiner = 4;
  std::vector<std::complex<double>> values(kSize);
  for (std::size_t n = 0; n < x.size(); ++n) values[n] = x[n];
  transform(values, false);
  for (std::size_t i = 0; i < kSize; ++i)
    values[i] *= i <= kSize / 2 ? band_weight(centres_hz, k, static_cast<double>(i) * 48000 / kSize) : 0;
  values.resize(kFiner * kSize);
  transform(values, true);
  std::vector<double> cells(kSize / 192);
  const double scale = 2.0 / kSize / kSize * 192 / static_cast<double>(per_cell);
  for (std::size_t i = 0; i < cells.size() * per_cell; ++i)
    cells[i / per_cell] += scale * std::norm(values[i * kFiner * 192 / per_cell]);
  return cells;
}

TEST(EnvelopeFeatures, AreEnergiesOfBandsInStretchesOfTime) {
  const std::vector<double> centres = made_envelope_weights().centres_hz, times = edges_s();
  const std::vector<int> groups = group_of_cell();
  const auto stretches = static_cast<std::size_t>(groups.back()) + 1;
  const std::vector<float> room = made_room(48000, 1.0, 0.6, 3);
  std::vector<float> padded(2400, 0.0f);
  padded.insert(padded.end(), room.begin(), room.end());
  const std::vector<float> features = envelope_features(padded, 2400, 2400, centres);
  ASSERT_EQ(features.size(), envelope_features_count(kBands));
  ASSERT_EQ(features.size(), kBands * stretches + stretches + kBands);

  constexpr std::size_t kPerCell[kBands] = {2, 4, 8, 16, 32, 256};  // of each band twice its width
  std::vector<std::vector<double>> energy(kBands, std::vector<double>(stretches));
  double total = 0;
  for (std::size_t k = 0; k < kBands; ++k) {
    const std::vector<double> fine = energies(padded, centres, static_cast<int>(k), kPerCell[k]);
    for (std::size_t i = 0; i < fine.size() - 50; ++i) {  // the onset's cell is the 13th; what rings ahead is its part
      const double t = 0.004 * std::max(0.0, static_cast<double>(i) - 13) + 1e-9;
      const auto cell = static_cast<std::size_t>(std::upper_bound(times.begin(), times.end(), t) - times.begin()) - 1;
      total += fine[i];
      if (times[cell] < 1 - 1e-9)  // behind the end nothing is known
        energy[k][static_cast<std::size_t>(groups[cell])] += fine[i];
    }
  }
  std::vector<double> seconds(stretches);
  for (std::size_t cell = 0; cell < groups.size(); ++cell)
    seconds[static_cast<std::size_t>(groups[cell])] += times[cell + 1] - times[cell];
  std::size_t compared = 0;
  for (std::size_t g = 0; g < stretches; ++g) {
    const float share = features[kBands * stretches + g];
    for (std::size_t k = 0; k < kBands; ++k) {
      // Cut off at 0 Hz and at the half rate, a band rings round the whole transform, 60 dB down or more.
      const bool is_cut = k == 0 || k + 1 == kBands;
      if (is_cut && g > 28) continue;
      const double level = std::log10(energy[k][g] / total / seconds[g] + 1e-10) / 2 + 1;
      EXPECT_NEAR(features[k * stretches + g], share > 0 ? level : 0, is_cut ? 1e-3 : 1e-4)
          << "band " << k << " stretch " << g;
    }
    if (share > 0) ++compared;
  }
  EXPECT_GT(compared, 30u);  // a second of the 8.3
  EXPECT_LT(compared, stretches);
}

TEST(EnvelopeFeatures, TellWhichBandsTheRateOfTheFileLeftOut) {
  const std::vector<double> centres = made_envelope_weights().centres_hz;  // to 4 kHz, and what lies above
  std::vector<float> low(200, 0.0f);
  for (const float x : made_room(3000, 0.8, 0.5, 4)) low.push_back(x);
  const std::vector<float> features = envelope_features(resample(low, 3000, 48000), 200 * 16, 2400, centres);
  const auto known = std::vector<float>(features.end() - kBands, features.end());
  EXPECT_EQ(known, (std::vector<float>{1, 1, 1, 1, 1, 0}));
  EXPECT_TRUE(envelope_features(std::vector<float>(4800), 0, 2400, centres).empty());
}

TEST(EnvelopeEncoder, PutsWhatTheNetworkAnswersIntoTheBox) {
  const EnvelopeDecoderWeights weights = made_encoder_weights();
  const std::vector<float> room = made_room(48000, 0.5, 0.4, 5);
  const EncodedPoint point = encode({room});
  ASSERT_EQ(point.error, "");
  std::vector<double> x;
  for (const float value : envelope_features(room, 0, 2400, weights.centres_hz)) x.push_back(value);
  const auto apply = [](const DenseWeights& layer, const std::vector<double>& in) {
    std::vector<double> out;
    for (std::size_t row = 0; row < layer.bias.size(); ++row) {
      out.push_back(layer.bias[row]);
      for (std::size_t i = 0; i < in.size(); ++i) out[row] += layer.weight[row * in.size() + i] * in[i];
    }
    return out;
  };
  const auto leaky = [](std::vector<double> in) {
    for (double& value : in) value = value > 0 ? value : 0.1 * value;
    return in;
  };
  x = leaky(apply(weights.encoder[0], x));
  const std::vector<double> added = apply(weights.encoder[2], leaky(apply(weights.encoder[1], x)));
  for (std::size_t i = 0; i < x.size(); ++i) x[i] += added[i];
  x = apply(weights.encoder[3], x);
  ASSERT_EQ(point.latent.size(), 3u);
  for (std::size_t i = 0; i < 3; ++i) EXPECT_NEAR(point.latent[i], 2 * std::tanh(x[i] / 2), 1e-5) << i;
  EXPECT_GT(std::abs(point.latent[0]) + std::abs(point.latent[1]), 0.05);
}

TEST(EnvelopeEncoder, TakesTheMeanOfTwoChannels) {
  const std::vector<float> left = made_room(48000, 0.5, 0.3, 6), right = made_room(48000, 0.5, 0.9, 7);
  const EncodedPoint both = encode({left, right}), one = encode({left}), other = encode({right});
  ASSERT_EQ(both.channels.size(), 2u);
  EXPECT_EQ(both.channels[0], one.latent);
  EXPECT_EQ(both.channels[1], other.latent);
  for (std::size_t i = 0; i < 3; ++i) EXPECT_DOUBLE_EQ(both.latent[i], (one.latent[i] + other.latent[i]) / 2);
  EXPECT_NE(one.latent, other.latent);
}

TEST(EnvelopeEncoder, PassesOverLevelLeadInAndRate) {
  const std::vector<float> room = resample(made_room(24000, 0.6, 0.5, 8), 24000, 48000);
  const EncodedPoint plain = encode({room});
  ASSERT_EQ(plain.error, "");
  std::vector<float> late(7001, 0.0f);
  for (const float x : room) late.push_back(0.001f * x);
  const EncodedPoint shifted = encode({late}), faster = encode({resample(room, 48000, 96000)}, 96000);
  for (std::size_t i = 0; i < 3; ++i) {
    EXPECT_NEAR(shifted.latent[i], plain.latent[i], 1e-4);
    EXPECT_NEAR(faster.latent[i], plain.latent[i], 1e-2);
  }
}

TEST(EnvelopeEncoder, SaysWhyItHasNoPoint) {
  const std::vector<float> room = made_room(48000, 0.5, 0.4, 9);
  std::vector<float> broken = room;
  broken[100] = std::numeric_limits<float>::quiet_NaN();
  EXPECT_EQ(encode({}).error, "there are no channels");
  EXPECT_EQ(encode({room, std::vector<float>(24000)}).error, "channel 2 is silent, expected an impulse response");
  EXPECT_EQ(encode({broken}).error, "channel 1 sample 100 is not a number");
  EXPECT_EQ(encode({std::vector<float>(room.begin(), room.begin() + 240)}).error,
            "channel 1 lasts 5 ms from its onset on, expected 10 ms or more of a room");
  EXPECT_NE(encode({{}}).error, "");
  EXPECT_NE(encode({std::vector<float>(61 * 8000, 0.1f)}, 8000).error.find("at most 60 s"), std::string::npos);
  for (const double rate : {0.0, -1.0, 1e9, std::numeric_limits<double>::quiet_NaN()})
    EXPECT_NE(encode({room}, rate).error.find("sample rate"), std::string::npos) << rate;
  EXPECT_NE(encoder_of(made_envelope_weights()).encode({room}, 48000).error.find("takes 10 numbers at 16000 Hz"),
            std::string::npos);
  EXPECT_TRUE(encode({broken}).latent.empty());
}

}  // namespace
}  // namespace diffverb::runtime
