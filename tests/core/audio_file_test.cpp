#include "core/audio_file.h"

#include <gtest/gtest.h>
#include <sndfile.h>

#include <cmath>
#include <limits>

#include "core/error.h"
#include "core/resample.h"
#include "tests/scratch.h"

namespace diffverb {
namespace {

/// Writes a file through libsndfile, in any of its formats.
void write_with_sndfile(const std::filesystem::path& path, int format, int rate, int channels,
                        const std::vector<float>& interleaved) {
  SF_INFO info{};
  info.format = format;
  info.samplerate = rate;
  info.channels = channels;
  SNDFILE* file = sf_open(path.c_str(), SFM_WRITE, &info);
  ASSERT_NE(file, nullptr) << sf_strerror(nullptr);
  const auto frames = static_cast<sf_count_t>(interleaved.size()) / channels;
  ASSERT_EQ(sf_writef_float(file, interleaved.data(), frames), frames);
  sf_close(file);
}

Audio sine(double rate_hz, double frequency_hz, std::size_t frames) {
  Audio audio{rate_hz, {std::vector<float>(frames)}};
  for (std::size_t i = 0; i < frames; ++i)
    audio.channels[0][i] = static_cast<float>(std::sin(2 * M_PI * frequency_hz * static_cast<double>(i) / rate_hz));
  return audio;
}

TEST(AudioFile, ReadsBackWhatItWrote) {
  const Scratch scratch;
  const Audio audio{44100, {{0.5f, -1.25f, 1e-20f}, {0, 1, 2}}};
  write_audio(scratch / "a.wav", audio);
  const Audio back = read_audio(scratch / "a.wav");
  EXPECT_EQ(back.rate_hz, 44100);
  EXPECT_EQ(back.channels, audio.channels);
  EXPECT_EQ(scratch.file_count(), 1u);
}

TEST(AudioFile, WritesAHeaderThatOtherProgramsAccept) {
  const Scratch scratch;
  write_audio(scratch / "a.wav", {96000, {{1, 2, 3}, {4, 5, 6}}});
  SF_INFO info{};
  SNDFILE* file = sf_open((scratch / "a.wav").c_str(), SFM_READ, &info);
  ASSERT_NE(file, nullptr);
  sf_close(file);
  EXPECT_EQ(info.format, SF_FORMAT_WAV | SF_FORMAT_FLOAT);
  EXPECT_EQ(info.frames, 3);
  EXPECT_EQ(info.channels, 2);
  EXPECT_EQ(info.samplerate, 96000);
  const std::string bytes = read_text(scratch / "a.wav");
  const auto riff = static_cast<unsigned char>(bytes[4]) + 256u * static_cast<unsigned char>(bytes[5]);
  EXPECT_EQ(riff + 8, bytes.size());
}

TEST(AudioFile, ReadsOtherFormatsRatesAndUpToEightChannels) {
  const Scratch scratch;
  std::vector<float> x(8 * 100);
  for (std::size_t i = 0; i < x.size(); ++i) x[i] = static_cast<float>(i % 8) / 16;
  for (const auto& [name, format] : {std::pair<const char*, int>{"a.wav", SF_FORMAT_WAV | SF_FORMAT_PCM_16},
                                     {"a24.wav", SF_FORMAT_WAV | SF_FORMAT_PCM_24},
                                     {"a.flac", SF_FORMAT_FLAC | SF_FORMAT_PCM_24},
                                     {"a.aiff", SF_FORMAT_AIFF | SF_FORMAT_PCM_16},
                                     {"a.w64", SF_FORMAT_W64 | SF_FORMAT_DOUBLE}}) {
    write_with_sndfile(scratch / name, format, 22050, 8, x);
    const Audio audio = read_audio(scratch / name);
    EXPECT_EQ(audio.rate_hz, 22050) << name;
    ASSERT_EQ(audio.channels.size(), 8u) << name;
    EXPECT_EQ(audio.frames(), 100u) << name;
    EXPECT_NEAR(audio.channels[7][50], 7.0 / 16, 1e-4) << name;
  }
}

TEST(AudioFile, SaysFromTheHeaderHowLongItIs) {
  const Scratch scratch;
  write_audio(scratch / "a.wav", {96000, {{1, 2, 3}, {4, 5, 6}}});
  write_text(scratch / "text.wav", "no sound");
  EXPECT_EQ(promised_samples(scratch / "a.wav"), 6);
  EXPECT_EQ(promised_samples(scratch / "text.wav"), 0);
  EXPECT_EQ(promised_samples(scratch / "missing.wav"), 0);
}

TEST(AudioFile, RefusesWhatIsNoAudio) {
  const Scratch scratch;
  EXPECT_EQ(message_of<DataError>([&] { read_audio(scratch / "a.wav"); }),
            (scratch / "a.wav").string() + ": no such file");
  EXPECT_NE(message_of<DataError>([&] { read_audio(scratch.path()); }).find("is a folder"), std::string::npos);
  write_text(scratch / "a.wav", "");
  EXPECT_NE(message_of<DataError>([&] { read_audio(scratch / "a.wav"); }).find("is empty"), std::string::npos);
  write_text(scratch / "a.wav", "This is a text and no sound.");
  EXPECT_NE(message_of<DataError>([&] { read_audio(scratch / "a.wav"); }).find("not an audio file"), std::string::npos);
  write_with_sndfile(scratch / "b.wav", SF_FORMAT_WAV | SF_FORMAT_FLOAT, 48000, 1, {});
  EXPECT_NE(message_of<DataError>([&] { read_audio(scratch / "b.wav"); }).find("holds no samples"), std::string::npos);
}

TEST(AudioFile, RefusesAFileThatEndsBeforeTheSamplesThatItsHeaderPromises) {
  const Scratch scratch;
  const std::vector<float> x(2 * 5000, 0.25f);
  for (const auto& [name, format] : {std::pair<const char*, int>{"a.wav", SF_FORMAT_WAV | SF_FORMAT_FLOAT},
                                     {"x.wav", SF_FORMAT_WAVEX | SF_FORMAT_PCM_24},
                                     {"big.wav", SF_FORMAT_WAV | SF_FORMAT_PCM_16 | SF_ENDIAN_BIG},
                                     {"64.wav", SF_FORMAT_RF64 | SF_FORMAT_PCM_16},
                                     {"a.aiff", SF_FORMAT_AIFF | SF_FORMAT_PCM_16},
                                     {"a.caf", SF_FORMAT_CAF | SF_FORMAT_PCM_16},
                                     {"a.w64", SF_FORMAT_W64 | SF_FORMAT_FLOAT}}) {
    write_with_sndfile(scratch / name, format, 48000, 2, x);
    EXPECT_EQ(read_audio(scratch / name).frames(), 5000u) << name;
    const std::string whole = read_text(scratch / name);
    for (const std::size_t size : {whole.size() / 2, whole.size() - 700}) {
      write_text(scratch / name, whole.substr(0, size));
      EXPECT_NE(message_of<DataError>([&] {
                  read_audio(scratch / name);
                }).find("truncated: the file has " + std::to_string(size) + " bytes, its header promises "),
                std::string::npos)
          << name;
    }
  }
  write_audio(scratch / "b.wav", {48000, {std::vector<float>(3000)}});
  const std::string whole = read_text(scratch / "b.wav");
  write_text(scratch / "b.wav", whole.substr(0, 3000));
  EXPECT_EQ(message_of<DataError>([&] { read_audio(scratch / "b.wav"); }),
            (scratch / "b.wav").string() + ": truncated: the file has 3000 bytes, its header promises " +
                std::to_string(whole.size()));
  write_with_sndfile(scratch / "a.flac", SF_FORMAT_FLAC | SF_FORMAT_PCM_16, 48000, 2, x);
  const std::string flac = read_text(scratch / "a.flac");
  write_text(scratch / "a.flac", flac.substr(0, flac.size() - 20));
  EXPECT_NE(message_of<DataError>([&] { read_audio(scratch / "a.flac"); }).find(" of 5000 samples can be read"),
            std::string::npos);
}

TEST(AudioFile, AStreamedFileWithoutALengthAndOneWithMoreBehindItAreWhole) {
  const Scratch scratch;
  write_audio(scratch / "a.wav", {48000, {std::vector<float>(3000, 0.5f)}});
  const std::string whole = read_text(scratch / "a.wav");
  const std::size_t length_at = whole.find("data") + 4;
  for (const std::uint32_t length : {0u, 0xffffffffu, 0x7ffff000u}) {  // sox writes the last
    std::string streamed = whole;
    for (int k = 0; k < 4; ++k) streamed[length_at + k] = static_cast<char>(length >> (8 * k) & 0xff);
    if (length == 0) streamed.replace(4, 4, std::string("\x08\0\0\0", 4));  // as of a writer that was killed
    write_text(scratch / "b.wav", streamed);
    EXPECT_EQ(read_audio(scratch / "b.wav").frames(), 3000u) << length;
  }
  write_text(scratch / "b.wav", whole + "LIST....and something else");
  EXPECT_EQ(read_audio(scratch / "b.wav").frames(), 3000u);
}

TEST(AudioFile, RefusesTooManyChannelsAndLowRates) {
  const Scratch scratch;
  write_with_sndfile(scratch / "a.wav", SF_FORMAT_WAV | SF_FORMAT_PCM_16, 48000, 32, std::vector<float>(320));
  EXPECT_EQ(message_of<DataError>([&] { read_audio(scratch / "a.wav"); }),
            (scratch / "a.wav").string() + ": has 32 channels, expected 1 to 8");
  write_with_sndfile(scratch / "b.wav", SF_FORMAT_WAV | SF_FORMAT_PCM_16, 7999, 1, std::vector<float>(320));
  EXPECT_EQ(message_of<DataError>([&] { read_audio(scratch / "b.wav"); }),
            (scratch / "b.wav").string() + ": sample rate is 7999 Hz, expected 8000 Hz or more");
}

TEST(AudioFile, NamesTheFirstSampleThatIsNoNumber) {
  const Scratch scratch;
  std::vector<float> x(20);
  x[2 * 7 + 1] = std::numeric_limits<float>::quiet_NaN();
  write_with_sndfile(scratch / "a.wav", SF_FORMAT_WAV | SF_FORMAT_FLOAT, 48000, 2, x);
  EXPECT_EQ(message_of<DataError>([&] { read_audio(scratch / "a.wav"); }),
            (scratch / "a.wav").string() + ": sample 7 of channel 2 is not a number, expected finite samples");
  EXPECT_THROW(write_audio(scratch / "b.wav", {48000, {{0, std::numeric_limits<float>::infinity()}}}), DataError);
  EXPECT_FALSE(std::filesystem::exists(scratch / "b.wav"));
}

TEST(AudioFile, RefusesToWriteWhatIsNoSound) {
  const Scratch scratch;
  EXPECT_THROW(write_audio(scratch / "a.wav", {48000, {}}), ContractError);
  EXPECT_THROW(write_audio(scratch / "a.wav", {48000, {{1, 2}, {1}}}), ContractError);
  EXPECT_THROW(write_audio(scratch / "a.wav", {0, {{1}}}), ContractError);
}

TEST(Resample, KeepsASineAndItsPhase) {
  const Audio out = resample(sine(44100, 1000, 44100), 48000);
  const Audio expected = sine(48000, 1000, 48000);
  ASSERT_EQ(out.frames(), 48000u);
  EXPECT_EQ(out.rate_hz, 48000);
  for (std::size_t i = 2000; i < 46000; ++i) ASSERT_NEAR(out.channels[0][i], expected.channels[0][i], 1e-5) << i;
}

TEST(Resample, RemovesWhatTheNewRateCannotHold) {
  const Audio out = resample(sine(48000, 15000, 48000), 16000);
  for (std::size_t i = 1000; i < 15000; ++i) ASSERT_NEAR(out.channels[0][i], 0, 1e-5) << i;
}

TEST(Resample, RefusesRatesThatAreNone) {
  EXPECT_THROW(resample(sine(48000, 100, 10), 0), ContractError);
  EXPECT_THROW(resample(sine(48000, 100, 10), std::numeric_limits<double>::quiet_NaN()), ContractError);
}

}  // namespace
}  // namespace diffverb
