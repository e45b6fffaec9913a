#include "core/audio_file.h"

#include <sndfile.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <memory>
#include <string>

#include "core/error.h"
#include "core/files.h"

namespace diffverb {
namespace {

constexpr sf_count_t kBlockFrames = 1 << 16;
constexpr sf_count_t kMostFrames = sf_count_t{1} << 31;

using File = std::unique_ptr<SNDFILE, int (*)(SNDFILE*)>;

void check_info(const std::filesystem::path& path, const SF_INFO& info, int most_channels) {
  if (info.channels > most_channels || info.channels < 1)
    throw DataError(path.string() + ": has " + std::to_string(info.channels) + " channels, expected 1 to " +
                    std::to_string(most_channels));
  if (info.samplerate < kLeastRateHz)
    throw DataError(path.string() + ": sample rate is " + std::to_string(info.samplerate) +
                    " Hz, expected 8000 Hz or more");
}

void check_finite(const std::filesystem::path& path, const Audio& audio) {
  for (std::size_t c = 0; c < audio.channels.size(); ++c) {
    const std::vector<float>& x = audio.channels[c];
    const auto bad = std::find_if(x.begin(), x.end(), [](float value) { return !std::isfinite(value); });
    if (bad != x.end())
      throw DataError(path.string() + ": sample " + std::to_string(bad - x.begin()) + " of channel " +
                      std::to_string(c) + " is " + (std::isnan(*bad) ? "not a number" : "infinite") +
                      ", expected finite samples");
  }
}

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

Audio read_audio(const std::filesystem::path& path, int most_channels) {
  check_readable_file(path, "an audio file");
  std::error_code code;
  if (std::filesystem::is_regular_file(path, code) && std::filesystem::file_size(path, code) == 0)
    throw DataError(path.string() + ": is empty (0 bytes), expected an audio file");
  SF_INFO info{};
  const File file(sf_open(path.c_str(), SFM_READ, &info), sf_close);
  if (!file) {
    std::string why = sf_strerror(nullptr);
    while (!why.empty() && (why.back() == '.' || why.back() == '\n')) why.pop_back();
    throw DataError(path.string() + ": not an audio file that can be read: " + why);
  }
  check_info(path, info, most_channels);
  if (info.frames > kMostFrames)
    throw DataError(path.string() + ": " + std::to_string(info.frames) + " samples are too many");

  Audio audio;
  audio.rate_hz = info.samplerate;
  audio.channels.resize(static_cast<std::size_t>(info.channels));
  std::vector<float> block(static_cast<std::size_t>(kBlockFrames * info.channels));
  for (sf_count_t got; (got = sf_readf_float(file.get(), block.data(), kBlockFrames)) > 0;) {
    for (std::size_t c = 0; c < audio.channels.size(); ++c) {
      for (sf_count_t i = 0; i < got; ++i)
        audio.channels[c].push_back(block[static_cast<std::size_t>(i * info.channels) + c]);
    }
  }
  if (sf_error(file.get()) != SF_ERR_NO_ERROR)
    throw DataError(path.string() + ": broken audio: " + sf_strerror(file.get()));
  if (audio.frames() == 0) throw DataError(path.string() + ": holds no samples");
  check_finite(path, audio);
  return audio;
}

void write_audio(const std::filesystem::path& path, const Audio& audio) {
  if (audio.channels.empty() || audio.channels.size() > kMostChannels)
    throw ContractError("write_audio: " + std::to_string(audio.channels.size()) + " channels, expected 1 to 8");
  for (const auto& channel : audio.channels) {
    if (channel.size() != audio.frames()) throw ContractError("write_audio: channels of unequal length");
  }
  if (!(audio.rate_hz >= 1) || audio.rate_hz > 1e7)
    throw ContractError("write_audio: sample rate is " + std::to_string(audio.rate_hz) + " Hz");
  check_finite(path, audio);
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
