#include "train/report/listen.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>

#include "core/error.h"
#include "train/report/html.h"

namespace diffverb::report {
namespace {

Audio ramp(double rate_hz, std::size_t channels, std::size_t frames) {
  Audio out;
  out.rate_hz = rate_hz;
  out.channels.assign(channels, std::vector<float>(frames));
  for (std::size_t c = 0; c < channels; ++c) {
    for (std::size_t n = 0; n < frames; ++n) {
      out.channels[c][n] = 0.5f * std::sin(0.05f * static_cast<float>(n) + static_cast<float>(c));
    }
  }
  return out;
}

TEST(ReportSound, WritesAWavHeaderAndInterleavedSamples) {
  Audio audio;
  audio.rate_hz = 48000;
  audio.channels = {{0.f, 1.f, 2.f}, {-1.f, 0.5f, -2.f}};
  const std::vector<std::uint8_t> wav = wav16(audio, 0.5);
  ASSERT_EQ(wav.size(), 44u + 12u);
  EXPECT_EQ(std::memcmp(wav.data(), "RIFF", 4), 0);
  EXPECT_EQ(std::memcmp(wav.data() + 8, "WAVEfmt ", 8), 0);
  const auto sample = [&](std::size_t k) { return static_cast<std::int16_t>(wav[44 + 2 * k] | wav[45 + 2 * k] << 8); };
  EXPECT_EQ(wav[22], 2);
  EXPECT_EQ(sample(0), 0);
  EXPECT_EQ(sample(1), -16384);
  EXPECT_EQ(sample(2), 16384);
  EXPECT_EQ(sample(3), 8192);
  EXPECT_EQ(sample(4), 32767);
  EXPECT_EQ(sample(5), -32767);
}

TEST(ReportSound, ConvolvesEveryChannel) {
  Audio dry, response;
  dry.rate_hz = response.rate_hz = 48000;
  dry.channels = {{1.f, 2.f, 3.f}};
  response.channels = {{1.f, 0.f, -1.f}, {0.f, 0.5f}};
  response.channels[1].resize(3);
  const Audio wet = convolve(dry, response);
  const std::vector<std::vector<float>> expected = {{1, 2, 2, -2, -3}, {0, 0.5f, 1, 1.5f, 0}};
  ASSERT_EQ(wet.channels.size(), 2u);
  for (std::size_t c = 0; c < 2; ++c) {
    ASSERT_EQ(wet.channels[c].size(), 5u);
    for (std::size_t n = 0; n < 5; ++n) EXPECT_NEAR(wet.channels[c][n], expected[c][n], 1e-5) << c << " " << n;
  }
  response.rate_hz = 44100;
  EXPECT_THROW(convolve(dry, response), ContractError);
}

TEST(ReportSound, KeepsWithinItsBudgetAndSaysHow) {
  for (const std::size_t budget : {3'000'000u, 900'000u, 200'000u, 20'000u}) {
    const ListeningCopy copy =
        listening_copy({{"target", "a", ramp(96000, 4, 96000)}, {"fit", "a", ramp(96000, 4, 96000)}}, budget);
    std::size_t size = 0;
    for (std::size_t k = 0; k < copy.sounds.size(); ++k)
      size += base64(wav16(copy.sounds[k].audio, copy.gains[k])).size();
    EXPECT_LE(size, budget);
    EXPECT_GT(size, budget / 8);
    EXPECT_NE(copy.remark.find("the first two channels"), std::string::npos);
  }
}

TEST(ReportSound, GivesAPairOneGain) {
  Audio loud = ramp(48000, 1, 1000), quiet = loud;
  for (float& sample : quiet.channels[0]) sample *= 0.25f;
  const ListeningCopy copy = listening_copy({{"target", "a", loud}, {"fit", "a", quiet}}, 1'000'000);
  EXPECT_EQ(copy.remark, "");
  EXPECT_DOUBLE_EQ(copy.gains[0], copy.gains[1]);
  EXPECT_NEAR(20 * std::log10(copy.gains[0] * peak(loud)), -3, 1e-6);
}

}  // namespace
}  // namespace diffverb::report
