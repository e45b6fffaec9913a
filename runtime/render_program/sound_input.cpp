#include "runtime/render_program/sound_input.h"

#include <sndfile.h>
#include <soxr.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cmath>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iostream>

#include "runtime/render_program/failure.h"

namespace diffverb::runtime {
namespace {

constexpr std::size_t kPiece = 16384;  // frames that are read at once

std::string why_not_opened(const std::string& path) {
  std::error_code code;
  if (!std::filesystem::exists(path, code)) return "no such file";
  if (!std::ifstream(path)) return std::string("cannot be read: ") + std::strerror(errno);
  return "is not an audio file";
}

/// libsndfile plays what is there of a file that was cut off, and says so in its log alone: "data : 9600 (should be
/// 4800)". A length of 2 GB and more stands in what was streamed and says nothing.
void say_if_cut_off(SNDFILE* file, const std::string& path) {
  constexpr unsigned long long kStreamed = 0x7fff0000;
  std::array<char, 4096> log{};
  sf_command(file, SFC_GET_LOG_INFO, log.data(), static_cast<int>(log.size()) - 1);
  for (const char* chunk : {"data : ", "SSND : "}) {
    const char* at = std::strstr(log.data(), chunk);
    unsigned long long promised = 0, there = 0;
    if (at && std::sscanf(at + std::strlen(chunk), "%llu (should be %llu)", &promised, &there) == 2 &&
        promised < kStreamed && there < promised)
      std::cerr << path << ": cut off: its header promises " << promised << " bytes of samples, " << there
                << " are there and are played\n";
  }
}

}  // namespace

struct SoundInput::Handles {
  ~Handles() {
    if (file) sf_close(file);
    if (resampler) soxr_delete(resampler);
  }
  SNDFILE* file = nullptr;
  soxr_t resampler = nullptr;
};

SoundInput::SoundInput(const std::string& path, double rate_hz) : handles_(std::make_unique<Handles>()), path_(path) {
  SF_INFO info{};
  handles_->file = sf_open(path.c_str(), SFM_READ, &info);
  if (!handles_->file) throw RenderFailure{2, path + ": " + why_not_opened(path)};
  say_if_cut_off(handles_->file, path);
  if (info.channels > kMostChannels)
    throw RenderFailure{2, path + ": has " + std::to_string(info.channels) + " channels, expected 1 to 8"};
  channels_ = info.channels;
  file_rate_hz_ = info.samplerate;
  file_frames_ = static_cast<double>(std::max<sf_count_t>(0, info.frames));
  rate_hz_ = rate_hz > 0 ? rate_hz : file_rate_hz_;
  file_samples_.resize(kPiece * static_cast<std::size_t>(channels_));
  left_ = read_file(kPiece);
  if (left_ == 0) throw RenderFailure{2, path + ": holds no samples"};
  if (std::abs(file_rate_hz_ - rate_hz_) <= 0.5) return;
  std::cerr << path << ": resampled from " << info.samplerate << " to the model's " << std::lround(rate_hz_) << " Hz\n";
  const soxr_quality_spec_t quality = soxr_quality_spec(SOXR_HQ, 0);
  soxr_error_t error = nullptr;
  handles_->resampler =
      soxr_create(file_rate_hz_, rate_hz_, static_cast<unsigned>(channels_), &error, nullptr, &quality, nullptr);
  if (error) throw RenderFailure{4, std::string("resampling: ") + error};
}

SoundInput::~SoundInput() = default;

double SoundInput::frames_expected() const { return std::ceil(file_frames_ * rate_hz_ / file_rate_hz_); }

std::size_t SoundInput::read_file(std::size_t frames) {
  frames = std::min(frames, kPiece);
  const auto got = static_cast<std::size_t>(
      std::max<sf_count_t>(0, sf_readf_float(handles_->file, file_samples_.data(), static_cast<sf_count_t>(frames))));
  file_ended_ = got < frames;
  const auto channels = static_cast<std::size_t>(channels_);
  for (std::size_t i = 0; i < got * channels; ++i) {
    if (!std::isfinite(file_samples_[i]))
      throw RenderFailure{2, path_ + ": sample " + std::to_string(frames_read_ + static_cast<long long>(i / channels)) +
                                 " of channel " + std::to_string(i % channels + 1) +
                                 (std::isnan(file_samples_[i]) ? " is not a number" : " is infinite") +
                                 ", expected finite samples"};
  }
  frames_read_ += static_cast<long long>(got);
  left_from_ = 0;
  return got;
}

std::size_t SoundInput::resample(std::size_t frames) {
  const auto channels = static_cast<std::size_t>(channels_);
  std::size_t made = 0;
  while (made < frames) {
    if (left_ == 0 && !file_ended_) left_ = read_file(kPiece);
    std::size_t used = 0, got = 0;
    const float* from =
        left_ > 0 ? file_samples_.data() + left_from_ * channels : nullptr;  // null: the sound has ended
    if (soxr_error_t error = soxr_process(handles_->resampler, from, left_, &used, samples_.data() + made * channels,
                                          frames - made, &got))
      throw RenderFailure{4, std::string("resampling: ") + error};
    left_from_ += used;
    left_ -= used;
    made += got;
    if (!from && got == 0) break;
  }
  return made;
}

std::size_t SoundInput::read(float* const* to, std::size_t frames) {
  const auto channels = static_cast<std::size_t>(channels_);
  samples_.resize(frames * channels);
  std::size_t got = 0;
  if (handles_->resampler) {
    got = resample(frames);
  } else {
    while (got < frames && (left_ > 0 || !file_ended_)) {
      if (left_ == 0) left_ = read_file(kPiece);
      const std::size_t count = std::min(left_, frames - got);
      std::copy_n(file_samples_.data() + left_from_ * channels, count * channels, samples_.data() + got * channels);
      left_from_ += count;
      left_ -= count;
      got += count;
    }
  }
  for (std::size_t c = 0; c < channels; ++c) {
    for (std::size_t n = 0; n < got; ++n) to[c][n] = samples_[n * channels + c];
  }
  return got;
}

}  // namespace diffverb::runtime
