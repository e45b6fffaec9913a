#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/audio_file.h"

namespace diffverb {

/// How a file of bare samples without any header is to be read: frame by frame, the channels of one next to each other.
struct RawFormat {
  std::string encoding;  // raw_encodings()
  double rate_hz = 0;
  int channels = 1;
};

/// s8, u8; s16le, s16be, s24le, s24be, s32le, s32be, f32le, f32be, f64le, f64be.
std::vector<std::string> raw_encodings();

/// A sound file that is read a channel at a time, so that many long channels take the memory of one.
class SoundInput {
 public:
  /// Throws   DataError as read_audio(), but for samples, which are not read yet; of a raw file: where its bytes are no
  ///          whole number of frames, or it has the header of another format
  explicit SoundInput(const std::filesystem::path& path, int most_channels = kMostChannels,
                      const std::optional<RawFormat>& raw = {});
  ~SoundInput();
  SoundInput(SoundInput&&) noexcept;

  double rate_hz() const;
  std::int64_t channels() const;
  std::int64_t promised_frames() const;  // as the header says
  /// One channel, from 0. Throws a DataError as read_audio() does.
  std::vector<float> channel(std::int64_t c);
  Audio all();

 private:
  struct File;
  void each_block(const std::function<void(const float* interleaved, std::int64_t frames)>& take);
  std::unique_ptr<File> file_;
};

/// write_audio() of more channels than a response has in general.
void write_channels(const std::filesystem::path& path, const Audio& audio, int most_channels);

/// Throws a DataError that names the path, the channel (from 1) and the sample where one is not finite.
void check_finite_samples(const std::filesystem::path& path, const std::vector<float>& samples, std::size_t channel);

/// Reads all channels of a file of bare samples. Throws a DataError as SoundInput and read_audio().
Audio read_raw_audio(const std::filesystem::path& path, const RawFormat& format, int most_channels = kMostChannels);

}  // namespace diffverb
