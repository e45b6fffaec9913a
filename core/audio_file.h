#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <vector>

namespace diffverb {

/// Sound in memory: linear amplitude, full scale is 1; all channels are of one length.
struct Audio {
  double rate_hz = 0;
  std::vector<std::vector<float>> channels;  // [C][T]

  std::size_t frames() const { return channels.empty() ? 0 : channels[0].size(); }
};

constexpr int kMostChannels = 8;
constexpr double kLeastRateHz = 8000;

/// Reads every format and rate that libsndfile does (WAV, FLAC, AIFF, OGG, W64, ...).
///
/// Throws   DataError where the path is no audio file, is empty or has fewer bytes than its header promises, has more
///          than `most_channels` channels, a rate below 8 kHz or a sample that is not finite (its channel, from 1, and
///          its index are named)
Audio read_audio(const std::filesystem::path& path, int most_channels = kMostChannels);

/// Samples over all channels that a sound file's header promises; 0 for what cannot be opened.
std::int64_t promised_samples(const std::filesystem::path& path);

/// Writes 32-bit float WAV, whole or not at all.
///
/// Throws   ContractError for channels of unequal length, none, or more than 8; DataError for samples that are not
///          finite and where the file cannot be written
void write_audio(const std::filesystem::path& path, const Audio& audio);

}  // namespace diffverb
