#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace diffverb::runtime {

/// A sound as a WAV file holds it, or the reason why there is none.
struct WavSound {
  double sample_rate_hz = 0;
  std::vector<std::vector<float>> channels;  // [C][T], integers as -1 .. 1
  std::string error;                         ///< empty, or why the bytes were refused
};

/// Reads a WAV file strictly: PCM of 16, 24 or 32 bits or 32-bit floating point (plain or as WAVE_FORMAT_EXTENSIBLE), 1 to
/// 8 channels, 1000 to 1000000 Hz. Chunks that are not needed are passed over. Refused: what is cut short, holds no samples,
/// or samples that are not finite.
/// Source: Microsoft, "Multiple channel audio data and WAVE files", 2007
WavSound read_wav(std::span<const std::uint8_t> file);

}  // namespace diffverb::runtime
