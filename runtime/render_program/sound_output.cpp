#include "runtime/render_program/sound_output.h"

#include <sndfile.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <filesystem>

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

}  // namespace

struct SoundOutput::File {
  SNDFILE* handle = nullptr;
};

SoundOutput::SoundOutput(const std::string& path, int channels, double rate_hz, SampleFormat format, double frames)
    : file_(std::make_unique<File>()),
      path_(path),
      temporary_(path + "." + std::to_string(::getpid()) + ".tmp"),
      channels_(channels),
      format_(format) {
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
