#include "core/audio_file.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <string>

#include "core/error.h"
#include "core/files.h"
#include "core/sound_input.h"

namespace diffverb {
namespace {

void put_u32(std::string& out, std::uint32_t value) {
  for (int i = 0; i < 4; ++i) out += static_cast<char>((value >> (8 * i)) & 0xff);
}

void put_u16(std::string& out, std::uint16_t value) {
  for (int i = 0; i < 2; ++i) out += static_cast<char>((value >> (8 * i)) & 0xff);
}

/// The header of a WAVE_FORMAT_IEEE_FLOAT file, with the fact chunk that the format asks for where it is not PCM.
std::string wav_header(const Audio& audio, std::uint32_t data_bytes) {
  const auto channels = static_cast<std::uint16_t>(audio.channels.size());
  const auto rate = static_cast<std::uint32_t>(std::lround(audio.rate_hz));
  std::string out = "RIFF";
  put_u32(out, 4 + (8 + 18) + (8 + 4) + 8 + data_bytes);
  out += "WAVEfmt ";
  put_u32(out, 18);
  put_u16(out, 3);  // IEEE float
  put_u16(out, channels);
  put_u32(out, rate);
  put_u32(out, rate * channels * 4);
  put_u16(out, static_cast<std::uint16_t>(channels * 4));
  put_u16(out, 32);
  put_u16(out, 0);
  out += "fact";
  put_u32(out, 4);
  put_u32(out, static_cast<std::uint32_t>(audio.frames()));
  out += "data";
  put_u32(out, data_bytes);
  return out;
}

}  // namespace

void check_finite_samples(const std::filesystem::path& path, const std::vector<float>& samples, std::size_t channel) {
  const auto bad = std::find_if(samples.begin(), samples.end(), [](float value) { return !std::isfinite(value); });
  if (bad != samples.end())
    throw DataError(path.string() + ": sample " + std::to_string(bad - samples.begin()) + " of channel " +
                    std::to_string(channel + 1) + " is " + (std::isnan(*bad) ? "not a number" : "infinite") +
                    ", expected finite samples");
}

void write_audio(const std::filesystem::path& path, const Audio& audio) { write_channels(path, audio, kMostChannels); }

void write_channels(const std::filesystem::path& path, const Audio& audio, int most_channels) {
  if (audio.channels.empty() || audio.channels.size() > static_cast<std::size_t>(most_channels))
    throw ContractError("write_audio: " + std::to_string(audio.channels.size()) + " channels, expected 1 to " +
                        std::to_string(most_channels));
  for (const auto& channel : audio.channels) {
    if (channel.size() != audio.frames()) throw ContractError("write_audio: channels of unequal length");
  }
  if (!(audio.rate_hz >= 1) || audio.rate_hz > 1e7)
    throw ContractError("write_audio: sample rate is " + std::to_string(audio.rate_hz) + " Hz");
  for (std::size_t c = 0; c < audio.channels.size(); ++c) check_finite_samples(path, audio.channels[c], c);
  const std::size_t data_bytes = audio.frames() * audio.channels.size() * sizeof(float);
  constexpr std::size_t kMostWavBytes = 0xffffff00u;
  if (data_bytes > kMostWavBytes) throw DataError(path.string() + ": longer than a WAV file can be (4 GB)");

  std::string bytes = wav_header(audio, static_cast<std::uint32_t>(data_bytes));
  const std::size_t start = bytes.size();
  bytes.resize(start + data_bytes);
  char* out = bytes.data() + start;
  for (std::size_t i = 0; i < audio.frames(); ++i) {
    for (const auto& channel : audio.channels) {
      std::memcpy(out, &channel[i], sizeof(float));
      out += sizeof(float);
    }
  }
  write_file_atomically(path, bytes);
}

}  // namespace diffverb
