#include "train/report/listen.h"

#include <algorithm>
#include <cmath>
#include <complex>
#include <limits>
#include <map>
#include <unsupported/Eigen/FFT>

#include "core/error.h"
#include "core/resample.h"
#include "train/report/html.h"

namespace diffverb::report {
namespace {

void put(std::vector<std::uint8_t>& out, std::uint32_t value, int bytes) {
  for (int k = 0; k < bytes; ++k) out.push_back(static_cast<std::uint8_t>(value >> 8 * k));
}

std::size_t base64_bytes(const std::vector<Sound>& sounds) {
  std::size_t out = 0;
  for (const Sound& sound : sounds) out += (44 + 2 * sound.audio.frames() * sound.audio.channels.size()) * 4 / 3 + 4;
  return out;
}

void add_remark(std::string& remark, const std::string& more) { remark += (remark.empty() ? "" : "; ") + more; }

bool keep_channels(std::vector<Sound>& sounds, std::size_t count) {
  bool cut = false;
  for (Sound& sound : sounds) {
    if (sound.audio.channels.size() <= count) continue;
    sound.audio.channels.resize(count);
    cut = true;
  }
  return cut;
}

bool lower_rate(std::vector<Sound>& sounds, double rate_hz) {
  bool cut = false;
  for (Sound& sound : sounds) {
    if (sound.audio.rate_hz <= rate_hz * 1.001) continue;
    sound.audio = resample(sound.audio, rate_hz);
    cut = true;
  }
  return cut;
}

/// Shortens every sound in proportion, with a fade of 50 ms.
void shorten(std::vector<Sound>& sounds, double factor) {
  for (Sound& sound : sounds) {
    const auto frames = static_cast<std::size_t>(factor * static_cast<double>(sound.audio.frames()));
    const std::size_t fade = std::min(frames, static_cast<std::size_t>(0.05 * sound.audio.rate_hz));
    for (std::vector<float>& channel : sound.audio.channels) {
      channel.resize(frames);
      for (std::size_t n = 0; n < fade; ++n) {
        channel[frames - 1 - n] *= static_cast<float>(n) / static_cast<float>(fade);
      }
    }
  }
}

}  // namespace

std::vector<std::uint8_t> wav16(const Audio& audio, double gain) {
  const std::size_t channels = audio.channels.size(), frames = audio.frames(), bytes = 2 * channels * frames;
  for (const std::vector<float>& channel : audio.channels) {
    if (channel.size() != frames) throw ContractError("wav16: channels of unequal length");
  }
  if (channels < 1 || channels > 65535 || bytes > std::numeric_limits<std::uint32_t>::max() - 36) {
    throw ContractError("wav16: " + std::to_string(channels) + " channels of " + std::to_string(frames) + " samples");
  }
  const auto rate_hz = static_cast<std::uint32_t>(std::lround(audio.rate_hz));
  std::vector<std::uint8_t> out;
  out.reserve(44 + bytes);
  const auto tag = [&](const char* name) { out.insert(out.end(), name, name + 4); };
  tag("RIFF");
  put(out, static_cast<std::uint32_t>(36 + bytes), 4);
  tag("WAVE");
  tag("fmt ");
  put(out, 16, 4);
  put(out, 1, 2);
  put(out, static_cast<std::uint32_t>(channels), 2);
  put(out, rate_hz, 4);
  put(out, rate_hz * static_cast<std::uint32_t>(2 * channels), 4);
  put(out, static_cast<std::uint32_t>(2 * channels), 2);
  put(out, 16, 2);
  tag("data");
  put(out, static_cast<std::uint32_t>(bytes), 4);
  for (std::size_t n = 0; n < frames; ++n) {
    for (const std::vector<float>& channel : audio.channels) {
      const double sample = std::clamp(std::round(32767 * gain * static_cast<double>(channel[n])), -32768.0, 32767.0);
      put(out, static_cast<std::uint32_t>(static_cast<std::int32_t>(sample)), 2);
    }
  }
  return out;
}

Audio convolve(const Audio& dry, const Audio& response) {
  if (dry.frames() == 0 || response.frames() == 0 || std::abs(dry.rate_hz - response.rate_hz) > 1e-6 * dry.rate_hz) {
    throw ContractError("convolve: " + std::to_string(dry.frames()) + " samples at " + number(dry.rate_hz, 0) +
                        " Hz with " + std::to_string(response.frames()) + " at " + number(response.rate_hz, 0) + " Hz");
  }
  const std::size_t frames = dry.frames() + response.frames() - 1;
  std::size_t size = 2;
  while (size < frames) size *= 2;
  Eigen::FFT<float> fft;
  const auto spectrum = [&](std::vector<float> signal) {
    signal.resize(size);
    std::vector<std::complex<float>> out;
    fft.fwd(out, signal);
    return out;
  };
  const std::vector<std::complex<float>> source = spectrum(dry.channels[0]);
  Audio out;
  out.rate_hz = dry.rate_hz;
  for (const std::vector<float>& channel : response.channels) {
    std::vector<std::complex<float>> product = spectrum(channel);
    for (std::size_t k = 0; k < size; ++k) product[k] *= source[k];
    fft.inv(out.channels.emplace_back(), product);
    out.channels.back().resize(frames);
  }
  return out;
}

double peak(const Audio& audio) {
  float out = 0;
  for (const std::vector<float>& channel : audio.channels) {
    for (const float sample : channel) out = std::max(out, std::abs(sample));
  }
  return static_cast<double>(out);
}

ListeningCopy listening_copy(std::vector<Sound> sounds, std::size_t budget_bytes) {
  ListeningCopy out;
  if (keep_channels(sounds, 2)) add_remark(out.remark, "the first two channels");
  const bool at_48_khz = lower_rate(sounds, 48000);
  if (at_48_khz) add_remark(out.remark, "at 48 kHz");
  if (base64_bytes(sounds) > budget_bytes && lower_rate(sounds, 32000)) add_remark(out.remark, "at 32 kHz");
  if (base64_bytes(sounds) > budget_bytes && keep_channels(sounds, 1)) add_remark(out.remark, "the first channel");
  if (base64_bytes(sounds) > budget_bytes && lower_rate(sounds, 22050)) add_remark(out.remark, "at 22.05 kHz");
  if (const std::size_t size = base64_bytes(sounds); size > budget_bytes) {
    const std::size_t headers = std::min(budget_bytes, 64 * sounds.size());  // these do not shrink
    shorten(sounds, static_cast<double>(budget_bytes - headers) / static_cast<double>(size));
    add_remark(out.remark, "shortened, with a fade at the end");
  }
  std::map<std::string, double> peaks;
  for (const Sound& sound : sounds) peaks[sound.pair] = std::max(peaks[sound.pair], peak(sound.audio));
  for (const Sound& sound : sounds) {
    const double top = peaks[sound.pair];
    out.gains.push_back(top > 0 ? std::pow(10.0, -3.0 / 20) / top : 1);
  }
  out.sounds = std::move(sounds);
  return out;
}

}  // namespace diffverb::report
