#pragma once

#include <sndfile.h>

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <string>
#include <vector>

#include "core/audio_file.h"

namespace diffverb::report {

/// A sound file in memory as libsndfile reads it; empty where it does not.
inline Audio decoded_sound(const std::vector<std::uint8_t>& bytes) {
  struct Reader {
    const std::vector<std::uint8_t>& bytes;
    sf_count_t at = 0;
  } reader{bytes};
  SF_VIRTUAL_IO io{};
  io.get_filelen = [](void* user) { return static_cast<sf_count_t>(static_cast<Reader*>(user)->bytes.size()); };
  io.seek = [](sf_count_t offset, int whence, void* user) {
    auto* r = static_cast<Reader*>(user);
    r->at = offset + (whence == SEEK_SET ? 0 : whence == SEEK_CUR ? r->at : static_cast<sf_count_t>(r->bytes.size()));
    return r->at;
  };
  io.tell = [](void* user) { return static_cast<Reader*>(user)->at; };
  io.read = [](void* to, sf_count_t count, void* user) {
    auto* r = static_cast<Reader*>(user);
    const sf_count_t size = std::clamp<sf_count_t>(static_cast<sf_count_t>(r->bytes.size()) - r->at, 0, count);
    std::memcpy(to, r->bytes.data() + r->at, static_cast<std::size_t>(size));
    r->at += size;
    return size;
  };
  io.write = [](const void*, sf_count_t, void*) { return sf_count_t{0}; };
  SF_INFO info{};
  SNDFILE* file = sf_open_virtual(&io, SFM_READ, &info, &reader);
  if (file == nullptr) return {};
  std::vector<float> samples(static_cast<std::size_t>(info.frames * info.channels));
  const sf_count_t frames = sf_readf_float(file, samples.data(), info.frames);
  sf_close(file);
  Audio out;
  out.rate_hz = info.samplerate;
  out.channels.resize(static_cast<std::size_t>(info.channels));
  for (sf_count_t n = 0; n < frames; ++n) {
    for (int c = 0; c < info.channels; ++c)
      out.channels[static_cast<std::size_t>(c)].push_back(samples[static_cast<std::size_t>(n * info.channels + c)]);
  }
  return out;
}

inline std::vector<std::uint8_t> decoded_base64(const std::string& text) {
  static const std::string kAlphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::vector<std::uint8_t> out;
  std::uint32_t group = 0;
  int bits = 0;
  for (const char c : text) {
    const std::size_t value = kAlphabet.find(c);
    if (value == std::string::npos) break;
    group = group << 6 | static_cast<std::uint32_t>(value);
    bits += 6;
    if (bits < 8) continue;
    bits -= 8;
    out.push_back(static_cast<std::uint8_t>(group >> bits));
  }
  return out;
}

}  // namespace diffverb::report
