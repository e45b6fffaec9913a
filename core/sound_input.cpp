#include "core/sound_input.h"

#include <sndfile.h>

#include <algorithm>
#include <cmath>
#include <fstream>
#include <mutex>
#include <string_view>

#include "core/error.h"
#include "core/files.h"

namespace diffverb {
namespace {

constexpr sf_count_t kBlockFrames = 1 << 16;
constexpr sf_count_t kMostFrames = sf_count_t{1} << 31;

using Handle = std::unique_ptr<SNDFILE, int (*)(SNDFILE*)>;

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

/// Null where the file cannot be opened; then `why` says the reason, which libsndfile keeps in one place for all threads.
Handle open_to_read(const std::filesystem::path& path, SF_INFO& info, std::string& why) {
  static std::mutex mutex;
  const std::lock_guard lock(mutex);
  Handle file(sf_open(path.c_str(), SFM_READ, &info), sf_close);
  if (!file) why = sf_strerror(nullptr);
  while (!why.empty() && (why.back() == '.' || why.back() == '\n')) why.pop_back();
  return file;
}

struct Encoding {
  std::string_view name;
  int format, bytes;
};

constexpr Encoding kEncodings[] = {
    {"s8", SF_FORMAT_PCM_S8, 1},
    {"u8", SF_FORMAT_PCM_U8, 1},
    {"s16le", SF_FORMAT_PCM_16 | SF_ENDIAN_LITTLE, 2},
    {"s16be", SF_FORMAT_PCM_16 | SF_ENDIAN_BIG, 2},
    {"s24le", SF_FORMAT_PCM_24 | SF_ENDIAN_LITTLE, 3},
    {"s24be", SF_FORMAT_PCM_24 | SF_ENDIAN_BIG, 3},
    {"s32le", SF_FORMAT_PCM_32 | SF_ENDIAN_LITTLE, 4},
    {"s32be", SF_FORMAT_PCM_32 | SF_ENDIAN_BIG, 4},
    {"f32le", SF_FORMAT_FLOAT | SF_ENDIAN_LITTLE, 4},
    {"f32be", SF_FORMAT_FLOAT | SF_ENDIAN_BIG, 4},
    {"f64le", SF_FORMAT_DOUBLE | SF_ENDIAN_LITTLE, 8},
    {"f64be", SF_FORMAT_DOUBLE | SF_ENDIAN_BIG, 8},
};

/// Says how libsndfile is to take the bytes. A wrong encoding makes noise of a response and nobody can tell; what can be
/// told is refused.
SF_INFO info_of(const std::filesystem::path& path, const RawFormat& raw) {
  const auto* encoding = std::find_if(std::begin(kEncodings), std::end(kEncodings),
                                      [&](const Encoding& e) { return e.name == raw.encoding; });
  if (encoding == std::end(kEncodings)) throw ContractError("RawFormat: encoding is " + raw.encoding);
  const std::uint64_t size = std::filesystem::file_size(path);
  const auto frame = static_cast<std::uint64_t>(encoding->bytes) * static_cast<std::uint64_t>(raw.channels);
  if (size % frame != 0)
    throw DataError(path.string() + ": has " + std::to_string(size) + " bytes, expected whole frames of " +
                    std::to_string(raw.channels) + " channels in " + raw.encoding + ", " + std::to_string(frame) +
                    " bytes each");
  char magic[4] = {};
  std::ifstream(path, std::ios::binary).read(magic, 4);
  for (const std::string_view known : {"RIFF", "RIFX", "RF64", "FORM", "caff", "riff", "fLaC", "OggS"}) {
    if (known == std::string_view(magic, 4))
      throw DataError(path.string() + ": begins with " + std::string(known) + " and is no raw file, expected samples " +
                      "without a header: import it without --raw");
  }
  SF_INFO info{};
  info.format = SF_FORMAT_RAW | encoding->format;
  info.samplerate = static_cast<int>(std::lround(raw.rate_hz));
  info.channels = raw.channels;
  return info;
}

}  // namespace

std::vector<std::string> raw_encodings() {
  std::vector<std::string> out;
  for (const Encoding& encoding : kEncodings) out.emplace_back(encoding.name);
  return out;
}

struct SoundInput::File {
  std::filesystem::path path;
  SF_INFO info{};
  Handle handle{nullptr, sf_close};
  bool was_read = false;  // then it has to begin again, which a pipe cannot
};

SoundInput::SoundInput(const std::filesystem::path& path, int most_channels, const std::optional<RawFormat>& raw)
    : file_(std::make_unique<File>()) {
  check_readable_file(path, "an audio file");
  std::error_code code;
  if (std::filesystem::is_regular_file(path, code) && std::filesystem::file_size(path, code) == 0)
    throw DataError(path.string() + ": is empty (0 bytes), expected an audio file");
  if (!raw) check_whole(path);
  file_->path = path;
  if (raw) file_->info = info_of(path, *raw);
  std::string why;
  file_->handle = open_to_read(path, file_->info, why);
  if (!file_->handle) throw DataError(path.string() + ": not an audio file that can be read: " + why);
  check_info(path, file_->info, most_channels);
  if (file_->info.frames > kMostFrames)
    throw DataError(path.string() + ": " + std::to_string(file_->info.frames) + " samples are too many");
}

SoundInput::~SoundInput() = default;
SoundInput::SoundInput(SoundInput&&) noexcept = default;

double SoundInput::rate_hz() const { return file_->info.samplerate; }
std::int64_t SoundInput::channels() const { return file_->info.channels; }
std::int64_t SoundInput::promised_frames() const { return file_->info.frames; }

void SoundInput::each_block(const std::function<void(const float*, std::int64_t)>& take) {
  SNDFILE* handle = file_->handle.get();
  if (file_->was_read && sf_seek(handle, 0, SEEK_SET) != 0)
    throw DataError(file_->path.string() + ": cannot be read a second time: " + sf_strerror(handle));
  file_->was_read = true;
  std::vector<float> block(static_cast<std::size_t>(kBlockFrames * channels()));
  std::int64_t frames = 0;
  for (sf_count_t got; (got = sf_readf_float(handle, block.data(), kBlockFrames)) > 0; frames += got)
    take(block.data(), got);
  if (sf_error(handle) != SF_ERR_NO_ERROR)
    throw DataError(file_->path.string() + ": broken audio: " + std::to_string(frames) + " of " +
                    std::to_string(file_->info.frames) + " samples can be read: " + sf_strerror(handle));
  if (frames == 0) throw DataError(file_->path.string() + ": holds no samples");
}

std::vector<float> SoundInput::channel(std::int64_t c) {
  if (c < 0 || c >= channels()) throw ContractError("SoundInput: no channel " + std::to_string(c + 1));
  std::vector<float> out;
  each_block([&](const float* interleaved, std::int64_t frames) {
    for (std::int64_t i = 0; i < frames; ++i) out.push_back(interleaved[i * channels() + c]);
  });
  check_finite_samples(file_->path, out, static_cast<std::size_t>(c));
  return out;
}

Audio SoundInput::all() {
  Audio audio;
  audio.rate_hz = rate_hz();
  audio.channels.resize(static_cast<std::size_t>(channels()));
  each_block([&](const float* interleaved, std::int64_t frames) {
    for (std::size_t c = 0; c < audio.channels.size(); ++c) {
      for (std::int64_t i = 0; i < frames; ++i)
        audio.channels[c].push_back(interleaved[static_cast<std::size_t>(i * channels()) + c]);
    }
  });
  for (std::size_t c = 0; c < audio.channels.size(); ++c) check_finite_samples(file_->path, audio.channels[c], c);
  return audio;
}

Audio read_audio(const std::filesystem::path& path, int most_channels) { return SoundInput(path, most_channels).all(); }

Audio read_raw_audio(const std::filesystem::path& path, const RawFormat& format, int most_channels) {
  return SoundInput(path, most_channels, format).all();
}

std::int64_t promised_samples(const std::filesystem::path& path) {
  SF_INFO info{};
  std::string why;
  std::error_code code;
  if (!std::filesystem::is_regular_file(path, code)) return 0;  // opening a pipe would take from it, or wait
  const Handle file = open_to_read(path, info, why);
  if (!file || info.frames < 0 || info.frames > kMostFrames || info.channels < 1) return 0;
  return info.frames * info.channels;
}

}  // namespace diffverb
