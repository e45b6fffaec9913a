#include "core/sound_input.h"

#include <gtest/gtest.h>

#include "core/error.h"
#include "tests/scratch.h"

namespace diffverb {
namespace {

/// Three channels of 100000 frames, channel c's sample n is (c + 1) n / 2^20: exact in 32-bit float.
Audio ramps() {
  Audio audio{48000, {}};
  for (int c = 0; c < 3; ++c) {
    auto& channel = audio.channels.emplace_back();
    for (int n = 0; n < 100000; ++n) channel.push_back(static_cast<float>((c + 1) * n) / 1048576);
  }
  return audio;
}

TEST(SoundInput, ReadsOneChannelAfterTheOther) {
  const Scratch scratch;
  const Audio audio = ramps();
  write_audio(scratch / "ramps.wav", audio);
  SoundInput input(scratch / "ramps.wav");
  EXPECT_EQ(input.channels(), 3);
  EXPECT_EQ(input.rate_hz(), 48000);
  for (const int c : {2, 0, 1, 1}) EXPECT_EQ(input.channel(c), audio.channels[static_cast<std::size_t>(c)]) << c;
  EXPECT_THROW(input.channel(3), ContractError);
  EXPECT_EQ(input.all().channels, audio.channels);
}

/// The bytes of whole numbers, least significant first or last.
std::string bytes_of(const std::vector<std::int64_t>& values, int count, bool big_endian) {
  std::string out;
  for (const auto value : values) {
    for (int i = 0; i < count; ++i)
      out += static_cast<char>(static_cast<std::uint64_t>(value) >> 8 * (big_endian ? count - 1 - i : i) & 0xff);
  }
  return out;
}

TEST(RawAudio, IsReadAsItsEncodingSays) {
  const Scratch scratch;
  const std::vector<std::int64_t> quarters = {1, -2, -1, 2, 0, 1};  // of full scale over four, two channels
  for (const auto& [encoding, bytes, big] :
       {std::tuple{"s8", 1, false}, std::tuple{"s16le", 2, false}, std::tuple{"s16be", 2, true},
        std::tuple{"s24le", 3, false}, std::tuple{"s24be", 3, true}, std::tuple{"s32le", 4, false},
        std::tuple{"s32be", 4, true}}) {
    std::vector<std::int64_t> values;
    for (const auto quarter : quarters) values.push_back(quarter * (std::int64_t{1} << (8 * bytes - 3)));
    write_text(scratch / "x.raw", bytes_of(values, bytes, big));
    const Audio audio = read_raw_audio(scratch / "x.raw", {encoding, 44100, 2});
    EXPECT_EQ(audio.rate_hz, 44100);
    ASSERT_EQ(audio.channels.size(), 2u) << encoding;
    EXPECT_EQ(audio.channels[0], (std::vector<float>{0.25f, -0.25f, 0.0f})) << encoding;
    EXPECT_EQ(audio.channels[1], (std::vector<float>{-0.5f, 0.5f, 0.25f})) << encoding;
  }
  const std::vector<float> floats = {0.1f, -0.7f};
  write_text(scratch / "f.raw", std::string(reinterpret_cast<const char*>(floats.data()), 8));
  EXPECT_EQ(read_raw_audio(scratch / "f.raw", {"f32le", 48000, 1}).channels[0], floats);
}

TEST(RawAudio, RefusesPartsOfFramesAndFilesWithHeaders) {
  const Scratch scratch;
  write_text(scratch / "odd.raw", std::string(13, 'x'));
  EXPECT_EQ(
      message_of<DataError>([&] {
        read_raw_audio(scratch / "odd.raw", {"s24le", 48000, 4});
      }),
      (scratch / "odd.raw").string() + ": has 13 bytes, expected whole frames of 4 channels in s24le, 12 bytes each");
  write_audio(scratch / "room.wav", ramps());
  const auto size = std::filesystem::file_size(scratch / "room.wav");
  std::filesystem::resize_file(scratch / "room.wav", size - size % 2);
  EXPECT_NE(message_of<DataError>([&] {
              read_raw_audio(scratch / "room.wav", {"s16le", 48000, 1});
            }).find("begins with RIFF and is no raw file"),
            std::string::npos);
}

}  // namespace
}  // namespace diffverb
