#pragma once

#include <cstdint>
#include <vector>

#include "core/audio_file.h"

namespace diffverb::report {

/// What browsers decode: FLAC all of them, without loss of its 16 bits; Ogg Vorbis a fifth of that, Safari from 18.4
/// on.
enum class SoundFormat { kFlac, kVorbis };

/// An audio file in memory. Samples are multiplied by `gain` and clipped to full scale.
///
/// Reads    audio of 1 to 8 channels of equal length, 8 to 192 kHz (what FLAC and Vorbis both take); quality 0 to 1, of
///          Vorbis alone
/// Throws   ContractError on other audio; Error where libsndfile was built without the format
std::vector<std::uint8_t> encode_sound(const Audio& audio, double gain, SoundFormat format, double quality = 0.5);

}  // namespace diffverb::report
