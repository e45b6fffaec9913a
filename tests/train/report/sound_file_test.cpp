#include "train/report/sound_file.h"

#include <gtest/gtest.h>

#include <cmath>

#include "core/error.h"
#include "tests/train/report/decoded_sound.h"
#include "tests/train/report/run_folder_sample.h"

namespace diffverb::report {
namespace {

double energy(const std::vector<float>& samples) {
  double sum = 0;
  for (const float value : samples) sum += static_cast<double>(value) * static_cast<double>(value);
  return sum;
}

TEST(SoundFile, FlacGivesTheSamplesBackToSixteenBits) {
  const Audio audio = decaying_noise(2, 0.4, 1);
  const Audio back = decoded_sound(encode_sound(audio, 0.5, SoundFormat::kFlac));
  ASSERT_EQ(back.channels.size(), 2u);
  ASSERT_EQ(back.frames(), audio.frames());
  EXPECT_EQ(back.rate_hz, 16000);
  for (std::size_t c = 0; c < 2; ++c) {
    for (std::size_t n = 0; n < audio.frames(); ++n)
      ASSERT_NEAR(back.channels[c][n], 0.5f * std::clamp(audio.channels[c][n], -2.0f, 2.0f), 1.1 / 32768) << n;
  }
}

TEST(SoundFile, VorbisKeepsLengthLevelAndDecayAndIsSmaller) {
  const Audio audio = decaying_noise(2, 0.6, 2);
  const auto vorbis = encode_sound(audio, 0.9, SoundFormat::kVorbis, 0.6);
  EXPECT_LT(vorbis.size(), encode_sound(audio, 0.9, SoundFormat::kFlac).size() / 2);
  const Audio back = decoded_sound(vorbis);
  ASSERT_EQ(back.channels.size(), 2u);
  ASSERT_EQ(back.frames(), audio.frames());
  // Level, whole and of a stretch in which 40 dB of the decay are over.
  for (std::size_t c = 0; c < 2; ++c) {
    const auto late = [](const std::vector<float>& x) {
      return std::vector<float>(x.begin() + 6500, x.begin() + 8500);
    };
    EXPECT_NEAR(10 * std::log10(energy(back.channels[c]) / energy(audio.channels[c]) / 0.81), 0, 0.5);
    EXPECT_NEAR(10 * std::log10(energy(late(back.channels[c])) / energy(late(audio.channels[c])) / 0.81), 0, 1.0);
  }
}

TEST(SoundFile, ClipsWhatIsTooLoud) {
  Audio audio = decaying_noise(1, 0.4, 1);
  audio.channels[0][500] = 7;
  audio.channels[0][501] = -7;
  const Audio back = decoded_sound(encode_sound(audio, 1, SoundFormat::kFlac));
  EXPECT_NEAR(back.channels[0][500], 1, 1e-3);
  EXPECT_NEAR(back.channels[0][501], -1, 1e-3);
}

TEST(SoundFile, RefusesWhatNoSuchFileHolds) {
  Audio uneven = decaying_noise(2, 0.4, 1);
  uneven.channels[1].pop_back();
  EXPECT_THROW(encode_sound(uneven, 1, SoundFormat::kFlac), ContractError);
  EXPECT_THROW(encode_sound({16000, {}}, 1, SoundFormat::kFlac), ContractError);
  EXPECT_THROW(encode_sound({4000, {{0.5f}}}, 1, SoundFormat::kVorbis), ContractError);
  EXPECT_THROW(encode_sound(decaying_noise(9, 0.4, 1), 1, SoundFormat::kFlac), ContractError);
}

}  // namespace
}  // namespace diffverb::report
