#pragma once

#include <algorithm>
#include <string>

#include "tests/scratch.h"

namespace diffverb::hosts {

/// A WAV of one full sample in every channel and then silence: the smallest room. 16 bits, 48 kHz.
inline void write_click(const std::filesystem::path& path, int channels, unsigned frames = 512) {
  const auto bytes = [](unsigned value, int count) {
    std::string text;
    for (int i = 0; i < count; ++i) text += static_cast<char>(value >> (8 * i));
    return text;
  };
  const unsigned frame = 2 * static_cast<unsigned>(channels), size = frames * frame;
  std::string sound(size, '\0');
  for (unsigned c = 0; c < std::min(frame, size); c += 2) sound.replace(c, 2, bytes(0x3fff, 2));
  write_text(path, "RIFF" + bytes(36 + size, 4) + "WAVEfmt " + bytes(16, 4) + bytes(1, 2) + bytes(frame / 2, 2) +
                       bytes(48000, 4) + bytes(48000 * frame, 4) + bytes(frame, 2) + bytes(16, 2) + "data" +
                       bytes(size, 4) + sound);
}

}  // namespace diffverb::hosts
