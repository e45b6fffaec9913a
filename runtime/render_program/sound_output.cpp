#include "runtime/render_program/sound_output.h"

#include <sndfile.h>
#include <unistd.h>

#include <algorithm>
#include <climits>
#include <cmath>
#include <csignal>
#include <filesystem>
#include <iterator>

#include "runtime/render_program/failure.h"

namespace diffverb::runtime {
namespace {

namespace fs = std::filesystem;

constexpr double kMostWavBytes = 4e9;

int bits_of(SampleFormat format) { return format == SampleFormat::kPcm16 ? 16 : 24; }

int encoding_of(SampleFormat format) {
  if (format == SampleFormat::kFloat) return SF_FORMAT_FLOAT;
  return format == SampleFormat::kPcm16 ? SF_FORMAT_PCM_16 : SF_FORMAT_PCM_24;
}

/// The file is made under another name and renamed at its end: a device or a pipe would be replaced by it.
void refuse_what_is_no_file(const std::string& path) {
  std::error_code code;
  const fs::file_status status = fs::status(path, code);
  if (fs::is_directory(status)) throw RenderFailure{2, path + ": is a folder, expected a file to write"};
  if (fs::exists(status) && !fs::is_regular_file(status))
    throw RenderFailure{2, path + ": is a device or a pipe, expected a file to write"};
}

constexpr int kEndings[] = {SIGINT, SIGTERM, SIGHUP};
char unfinished[PATH_MAX];  // what a signal that ends the program takes away; one sound is written at a time

void remove_unfinished(int signal) {
  ::unlink(unfinished);
  ::signal(signal, SIG_DFL);
  ::raise(signal);
}

/// A file without a name of its own yet, gone where Ctrl-C ends the program.
class GoneOnSignal {
 public:
  explicit GoneOnSignal(const std::string& path) {
    if (path.size() >= sizeof unfinished) return;
    path.copy(unfinished, path.size());
    unfinished[path.size()] = '\0';
    for (std::size_t i = 0; i < std::size(kEndings); ++i) {
      before_[i] = std::signal(kEndings[i], remove_unfinished);
      if (before_[i] == SIG_IGN) std::signal(kEndings[i], SIG_IGN);  // nohup
    }
    set_ = true;
  }
  ~GoneOnSignal() {
    for (std::size_t i = 0; set_ && i < std::size(kEndings); ++i) std::signal(kEndings[i], before_[i]);
  }
  GoneOnSignal(const GoneOnSignal&) = delete;
  GoneOnSignal& operator=(const GoneOnSignal&) = delete;

 private:
  void (*before_[std::size(kEndings)])(int) = {};
  bool set_ = false;
};

}  // namespace

struct SoundOutput::File {
  explicit File(const std::string& temporary) : on_signal(temporary) {}
  GoneOnSignal on_signal;
  SNDFILE* handle = nullptr;
};

SoundOutput::SoundOutput(const std::string& path, int channels, double rate_hz, SampleFormat format, double frames)
    : path_(path),
      temporary_(path + "." + std::to_string(::getpid()) + ".tmp"),
      file_(std::make_unique<File>(temporary_)),
      channels_(channels),
      format_(format) {
  refuse_what_is_no_file(path);
  const double bytes = frames * channels * (format == SampleFormat::kFloat ? 4 : bits_of(format) / 8.0);
  SF_INFO info{};
  info.samplerate = static_cast<int>(std::lround(rate_hz));
  info.channels = channels;
  info.format = (bytes > kMostWavBytes ? SF_FORMAT_RF64 : SF_FORMAT_WAV) | encoding_of(format);
  file_->handle = sf_open(temporary_.c_str(), SFM_WRITE, &info);
  if (!file_->handle) throw RenderFailure{2, path + ": cannot be written: " + sf_strerror(nullptr)};
  // It holds the time of day: equal sounds would be unequal files.
  sf_command(file_->handle, SFC_SET_ADD_PEAK_CHUNK, nullptr, SF_FALSE);
}

SoundOutput::~SoundOutput() {
  if (!file_->handle) return;
  sf_close(file_->handle);
  std::error_code code;
  fs::remove(temporary_, code);
}

void SoundOutput::put(const float* interleaved, std::size_t count) {
  const auto items = static_cast<sf_count_t>(count);
  sf_count_t written = 0;
  if (format_ == SampleFormat::kFloat) {
    written = sf_write_float(file_->handle, interleaved, items);
  } else {
    const int bits = bits_of(format_);
    const double full = std::pow(2.0, bits - 1), limit = full - 1;
    std::uniform_real_distribution<double> half(-0.5, 0.5);
    whole_.resize(count);
    for (std::size_t i = 0; i < count; ++i) {
      const double value = std::round(interleaved[i] * full + half(dither_) + half(dither_));
      const double held = std::clamp(value, -full, limit);
      if (std::abs(static_cast<double>(interleaved[i])) > 1) ++clipped_;
      whole_[i] = static_cast<std::int32_t>(held) * (1 << (32 - bits));  // the upper bits are what the file takes
    }
    written = sf_write_int(file_->handle, whole_.data(), items);
  }
  if (written != items) throw RenderFailure{2, path_ + ": cannot be written whole (is the disk full?)"};
}

void SoundOutput::write(const float* const* from, std::size_t frames) {
  const auto channels = static_cast<std::size_t>(channels_);
  interleaved_.resize(frames * channels);
  for (std::size_t c = 0; c < channels; ++c) {
    for (std::size_t n = 0; n < frames; ++n) {
      interleaved_[n * channels + c] = from[c][n];
      peak_ = std::max(peak_, std::abs(static_cast<double>(from[c][n])));
    }
  }
  put(interleaved_.data(), interleaved_.size());
}

void SoundOutput::finish() {
  sf_write_sync(file_->handle);
  const int error = sf_close(file_->handle);
  file_->handle = nullptr;
  std::error_code code;
  if (error != 0) {
    fs::remove(temporary_, code);
    throw RenderFailure{2, path_ + ": cannot be written whole (is the disk full?)"};
  }
  fs::rename(temporary_, path_, code);
  if (!code) return;
  const std::string reason = code.message();
  fs::remove(temporary_, code);
  throw RenderFailure{2, path_ + ": cannot be written: " + reason};
}

}  // namespace diffverb::runtime
