#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "core/audio_file.h"

namespace diffverb::report {

/// A WAV file, 16 bit, in memory. Samples are multiplied by `gain`, rounded and clipped.
///
/// Reads    audio of 1 to 65,535 channels of equal length
/// Throws   ContractError on unequal channels, or what a WAV header cannot hold
std::vector<std::uint8_t> wav16(const Audio& audio, double gain);

/// A dry sound (its first channel) through every channel of a response: [C][T_dry + T_response - 1].
///
/// Throws   ContractError where the rates differ or one is empty
Audio convolve(const Audio& dry, const Audio& response);

/// Largest magnitude over all channels.
double peak(const Audio& audio);

/// Something to listen to in the page.
struct Sound {
  std::string label;
  std::string pair;  // sounds of one pair get the same gain and are switched between while playing
  Audio audio;
};

/// What the listening copies had to give up to stay small.
struct ListeningCopy {
  std::vector<Sound> sounds;
  std::vector<double> gains;  // one a sound
  std::string remark;         // empty where the sounds are as they were but for the 16 bits
};

/// Copies of at most two channels, 48 kHz and together `budget_bytes` of base64: rate, then channels, then length are
/// cut until they fit, and the remark says so. Every pair is brought to a common peak of -3 dB.
ListeningCopy listening_copy(std::vector<Sound> sounds, std::size_t budget_bytes);

}  // namespace diffverb::report
