#include "core/audio_file.h"

#include <sndfile.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <fstream>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>

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

/// A format of chunks, each a name, a length and its bytes, of which one holds the samples.
struct Container {
  std::string_view magic;  // the file's first four bytes
  std::string_view samples;
  int header_bytes, name_bytes, length_bytes;
  bool big_endian, counts_itself;  // the length: its byte order; name and length are part of it
  std::uint64_t align;
};

constexpr Container kContainers[] = {
    {"RIFF", "data", 12, 4, 4, false, false, 2}, {"RIFX", "data", 12, 4, 4, true, false, 2},
    {"RF64", "data", 12, 4, 4, false, false, 2}, {"FORM", "SSND", 12, 4, 4, true, false, 2},
    {"caff", "data", 8, 4, 8, true, false, 1},   {"riff", "data", 40, 16, 8, false, true, 8},
};

std::uint64_t number_at(const char* bytes, int count, bool big_endian) {
  std::uint64_t value = 0;
  for (int i = 0; i < count; ++i)
    value = value << 8 | static_cast<unsigned char>(bytes[big_endian ? i : count - 1 - i]);
  return value;
}

/// Refuses a file that ends before the samples that its header promises: libsndfile takes what is left of them.
/// A length of 0, or of 2 GB and more in 32 bits, stands in what was streamed (ffmpeg, sox, arecord): not known.
void check_whole(const std::filesystem::path& path) {
  constexpr int kMostChunks = 1000;
  std::error_code code;
  if (!std::filesystem::is_regular_file(path, code)) return;
  const std::uint64_t size = std::filesystem::file_size(path, code);
  std::ifstream file(path, std::ios::binary);
  char bytes[24] = {};
  if (code || !file.read(bytes, 4)) return;
  const auto* kind = std::find_if(std::begin(kContainers), std::end(kContainers),
                                  [&](const Container& c) { return c.magic == std::string_view(bytes, 4); });
  if (kind == std::end(kContainers)) return;
  const int head = kind->name_bytes + kind->length_bytes;
  std::uint64_t long_length = 0;  // of RF64, in its chunk ds64
  std::uint64_t at = static_cast<std::uint64_t>(kind->header_bytes);
  for (int chunk = 0; chunk < kMostChunks && at < size; ++chunk) {
    if (!file.seekg(static_cast<std::streamoff>(at)).read(bytes, head)) return;
    const std::string_view name(bytes, 4);
    std::uint64_t length = number_at(bytes + kind->name_bytes, kind->length_bytes, kind->big_endian);
    if (name == kind->samples) {
      if (kind->length_bytes == 4 && length == 0xffffffff) length = long_length;
      const bool streamed = length == 0 || (kind->length_bytes == 4 && long_length == 0 && length >= 0x7fff0000) ||
                            length > static_cast<std::uint64_t>(INT64_MAX) - at;
      const std::uint64_t end = at + length + (kind->counts_itself ? 0 : static_cast<std::uint64_t>(head));
      if (!streamed && end > size)
        throw DataError(path.string() + ": truncated: the file has " + std::to_string(size) +
                        " bytes, its header promises " + std::to_string(end));
      return;
    }
    if (name == "ds64" && file.read(bytes, 16)) long_length = number_at(bytes + 8, 8, false);
    if (kind->counts_itself) length -= std::min(length, static_cast<std::uint64_t>(head));
    if (length > size) return;  // no chunk of samples before the end
    at += static_cast<std::uint64_t>(head) + (length + kind->align - 1) / kind->align * kind->align;
  }
}

void check_finite(const std::filesystem::path& path, const Audio& audio) {
  for (std::size_t c = 0; c < audio.channels.size(); ++c) {
    const std::vector<float>& x = audio.channels[c];
    const auto bad = std::find_if(x.begin(), x.end(), [](float value) { return !std::isfinite(value); });
    if (bad != x.end())
      throw DataError(path.string() + ": sample " + std::to_string(bad - x.begin()) + " of channel " +
                      std::to_string(c + 1) + " is " + (std::isnan(*bad) ? "not a number" : "infinite") +
                      ", expected finite samples");
  }
}

/// Null where the file cannot be opened; then `why` says the reason, which libsndfile keeps in one place for all threads.
File open_to_read(const std::filesystem::path& path, SF_INFO& info, std::string& why) {
  static std::mutex mutex;
  const std::lock_guard lock(mutex);
  File file(sf_open(path.c_str(), SFM_READ, &info), sf_close);
  if (!file) why = sf_strerror(nullptr);
  while (!why.empty() && (why.back() == '.' || why.back() == '\n')) why.pop_back();
  return file;
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
  check_whole(path);
  SF_INFO info{};
  std::string why;
  const File file = open_to_read(path, info, why);
  if (!file) throw DataError(path.string() + ": not an audio file that can be read: " + why);
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
    throw DataError(path.string() + ": broken audio: " + std::to_string(audio.frames()) + " of " +
                    std::to_string(info.frames) + " samples can be read: " + sf_strerror(file.get()));
  if (audio.frames() == 0) throw DataError(path.string() + ": holds no samples");
  check_finite(path, audio);
  return audio;
}

std::int64_t promised_samples(const std::filesystem::path& path) {
  SF_INFO info{};
  std::string why;
  std::error_code code;
  if (!std::filesystem::is_regular_file(path, code)) return 0;  // opening a pipe would take from it, or wait
  const File file = open_to_read(path, info, why);
  if (!file || info.frames < 0 || info.frames > kMostFrames || info.channels < 1) return 0;
  return info.frames * info.channels;
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
