#pragma once

#include <cstdint>
#include <filesystem>
#include <vector>

#include "core/audio_file.h"

namespace diffverb {

/// What a data file takes: each channel is a response of its own there.
inline constexpr int kMostChannelsImported = 1024;

/// Whether a name is one of a sound or SOFA file ("room.wav", "room.sofa", "room.sofa#3").
bool is_response_name(const std::filesystem::path& path);

/// The responses in one file, each with a name that read_response() takes: the file itself, or for a SOFA file with
/// several "room.sofa#0", "room.sofa#1", ... Throws a DataError for a SOFA file that cannot be opened.
std::vector<std::filesystem::path> responses_in(const std::filesystem::path& file);

/// How long each of several responses is, samples over all channels, as far as headers tell without reading the
/// responses; 0 for what cannot be opened: read_response() says why.
std::vector<std::int64_t> promised_samples(const std::vector<std::filesystem::path>& responses);

/// Reads one response from a sound file, or from a SOFA file: "room.sofa#3" is its fourth (datasets/sofa.h).
///
/// Safe to use from several threads, however HDF5 was built.
///
/// Throws   DataError as read_audio(); for a SOFA file with several responses of which none is named, and for one with
///          more than `most_channels` receivers
Audio read_response(const std::filesystem::path& path, int most_channels = kMostChannels);

}  // namespace diffverb
