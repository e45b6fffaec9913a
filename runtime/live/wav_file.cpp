#include "runtime/live/wav_file.h"

#include <bit>
#include <cmath>
#include <cstring>

namespace diffverb::runtime {
namespace {

constexpr std::uint16_t kPcm = 1, kFloat = 3, kExtensible = 0xFFFE;

std::uint32_t little_endian(std::span<const std::uint8_t> bytes) {
  std::uint32_t value = 0;
  for (std::size_t i = bytes.size(); i-- > 0;) value = value << 8 | bytes[i];
  return value;
}

bool names(std::span<const std::uint8_t> bytes, const char* name) { return std::memcmp(bytes.data(), name, 4) == 0; }

struct Format {
  std::uint32_t code = 0, channels = 0, rate_hz = 0, frame_bytes = 0, bits = 0;
};

std::string read_format(std::span<const std::uint8_t> chunk, Format& format) {
  if (chunk.size() < 16) return "the 'fmt ' chunk has " + std::to_string(chunk.size()) + " bytes, expected 16 or more";
  const auto number = [&](std::size_t at, std::size_t bytes) { return little_endian(chunk.subspan(at, bytes)); };
  format = {number(0, 2), number(2, 2), number(4, 4), number(12, 2), number(14, 2)};
  if (format.code == kExtensible) {
    if (chunk.size() < 40) return "the 'fmt ' chunk is cut short";
    format.code = number(24, 2);
  }
  const bool is_pcm = format.code == kPcm && (format.bits == 16 || format.bits == 24 || format.bits == 32);
  if (!is_pcm && !(format.code == kFloat && format.bits == 32))
    return "format " + std::to_string(format.code) + " of " + std::to_string(format.bits) +
           " bits, expected PCM of 16, 24 or 32 bits or floating point of 32";
  if (format.channels < 1 || format.channels > 8) return std::to_string(format.channels) + " channels, expected 1 to 8";
  if (format.rate_hz < 1000 || format.rate_hz > 1000000)
    return "the sample rate is " + std::to_string(format.rate_hz) + " Hz, expected 1000 to 1000000";
  if (format.frame_bytes != format.channels * format.bits / 8)
    return "a frame has " + std::to_string(format.frame_bytes) + " bytes, expected " +
           std::to_string(format.channels * format.bits / 8);
  return {};
}

float sample(std::span<const std::uint8_t> bytes, const Format& format) {
  const std::uint32_t raw = little_endian(bytes);
  if (format.code == kFloat) return std::bit_cast<float>(raw);
  // As the upper bits of 32: the sign is then where it belongs.
  return static_cast<float>(std::bit_cast<std::int32_t>(raw << (32 - format.bits)) / 2147483648.0);
}

std::string read_samples(std::span<const std::uint8_t> data, const Format& format, WavSound& sound) {
  const std::size_t bytes = format.bits / 8, frames = data.size() / format.frame_bytes;
  if (frames == 0) return "holds no samples";
  if (data.size() % format.frame_bytes != 0) return "the last frame is cut short";
  sound.sample_rate_hz = format.rate_hz;
  sound.channels.assign(format.channels, std::vector<float>(frames));
  for (std::size_t n = 0; n < frames; ++n) {
    for (std::size_t c = 0; c < format.channels; ++c) {
      const float value = sample(data.subspan(n * format.frame_bytes + c * bytes, bytes), format);
      if (!(std::abs(value) <= 1e6f))
        return "sample " + std::to_string(n) + " of channel " + std::to_string(c + 1) + " is not a number up to 1e6";
      sound.channels[c][n] = value;
    }
  }
  return {};
}

std::string read_chunks(std::span<const std::uint8_t> file, WavSound& sound) {
  if (file.size() < 12 || !names(file, "RIFF") || !names(file.subspan(8), "WAVE")) return "not a WAV file";
  Format format;
  bool has_format = false;
  for (std::span<const std::uint8_t> rest = file.subspan(12); rest.size() >= 8;) {
    const std::size_t size = little_endian(rest.subspan(4, 4));
    if (size > rest.size() - 8)
      return "a chunk of " + std::to_string(size) + " bytes, but only " + std::to_string(rest.size() - 8) +
             " are there";
    const auto chunk = rest.subspan(8, size);
    if (names(rest, "fmt ")) {
      if (std::string error = read_format(chunk, format); !error.empty()) return error;
      has_format = true;
    } else if (names(rest, "data")) {
      if (!has_format) return "the 'data' chunk comes before the 'fmt ' chunk";
      return read_samples(chunk, format, sound);
    }
    rest = rest.subspan(std::min(rest.size(), 8 + size + size % 2));
  }
  return "has no 'data' chunk";
}

}  // namespace

WavSound read_wav(std::span<const std::uint8_t> file) {
  WavSound sound;
  sound.error = read_chunks(file, sound);
  if (!sound.error.empty()) sound.channels.clear();
  return sound;
}

}  // namespace diffverb::runtime
