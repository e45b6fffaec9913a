#include "train/report/sound_file.h"

#include <sndfile.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <memory>
#include <string>

#include "core/error.h"

namespace diffverb::report {
namespace {

/// A file that libsndfile writes to.
struct Memory {
  std::vector<std::uint8_t> bytes;
  std::size_t at = 0;
};

Memory& memory(void* user) { return *static_cast<Memory*>(user); }

SF_VIRTUAL_IO io() {
  SF_VIRTUAL_IO out{};
  out.get_filelen = [](void* user) { return static_cast<sf_count_t>(memory(user).bytes.size()); };
  out.tell = [](void* user) { return static_cast<sf_count_t>(memory(user).at); };
  out.seek = [](sf_count_t offset, int whence, void* user) {
    Memory& file = memory(user);
    const std::size_t from = whence == SEEK_SET ? 0 : whence == SEEK_CUR ? file.at : file.bytes.size();
    file.at = static_cast<std::size_t>(static_cast<sf_count_t>(from) + offset);
    return static_cast<sf_count_t>(file.at);
  };
  out.read = [](void* to, sf_count_t count, void* user) {
    Memory& file = memory(user);
    const std::size_t size = std::min(static_cast<std::size_t>(count), file.bytes.size() - file.at);
    std::memcpy(to, file.bytes.data() + file.at, size);
    file.at += size;
    return static_cast<sf_count_t>(size);
  };
  out.write = [](const void* from, sf_count_t count, void* user) {
    Memory& file = memory(user);
    const auto size = static_cast<std::size_t>(count);
    if (file.at + size > file.bytes.size()) file.bytes.resize(file.at + size);
    std::memcpy(file.bytes.data() + file.at, from, size);
    file.at += size;
    return count;
  };
  return out;
}

void check(const Audio& audio) {
  const std::size_t channels = audio.channels.size(), frames = audio.frames();
  bool fits = channels >= 1 && channels <= kMostChannels && frames > 0 && audio.rate_hz >= kLeastRateHz &&
              audio.rate_hz <= 192000;
  for (const std::vector<float>& channel : audio.channels) fits = fits && channel.size() == frames;
  if (!fits)
    throw ContractError("encode_sound: " + std::to_string(channels) + " channels of " + std::to_string(frames) +
                        " samples at " + std::to_string(audio.rate_hz) + " Hz");
}

}  // namespace

std::vector<std::uint8_t> encode_sound(const Audio& audio, double gain, SoundFormat format, double quality) {
  check(audio);
  const std::size_t channels = audio.channels.size(), frames = audio.frames();
  SF_INFO info{};
  info.samplerate = static_cast<int>(std::lround(audio.rate_hz));
  info.channels = static_cast<int>(channels);
  info.format = format == SoundFormat::kFlac ? SF_FORMAT_FLAC | SF_FORMAT_PCM_16 : SF_FORMAT_OGG | SF_FORMAT_VORBIS;
  Memory memory;
  SF_VIRTUAL_IO calls = io();
  std::unique_ptr<SNDFILE, int (*)(SNDFILE*)> file(sf_open_virtual(&calls, SFM_WRITE, &info, &memory), sf_close);
  if (!file) throw Error(std::string("libsndfile cannot write FLAC or Ogg Vorbis here: ") + sf_strerror(nullptr));
  sf_command(file.get(), SFC_SET_VBR_ENCODING_QUALITY, &quality, sizeof quality);
  sf_command(file.get(), SFC_SET_CLIPPING, nullptr, SF_TRUE);
  // In pieces: libsndfile hands a long one to the Vorbis encoder whole, on its stack.
  constexpr std::size_t kPiece = 4096;
  std::vector<float> piece;
  for (std::size_t begin = 0; begin < frames; begin += kPiece) {
    const std::size_t end = std::min(frames, begin + kPiece);
    piece.clear();
    for (std::size_t n = begin; n < end; ++n) {
      for (const std::vector<float>& channel : audio.channels)
        piece.push_back(std::clamp(static_cast<float>(gain) * channel[n], -1.0f, 1.0f));
    }
    if (sf_writef_float(file.get(), piece.data(), static_cast<sf_count_t>(end - begin)) !=
        static_cast<sf_count_t>(end - begin))
      throw Error(std::string("libsndfile: ") + sf_strerror(file.get()));
  }
  // Closing writes the end: the bytes are whole after it.
  file.reset();
  return std::move(memory.bytes);
}

}  // namespace diffverb::report
