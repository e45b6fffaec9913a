#pragma once

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <random>
#include <vector>

#include "core/audio_file.h"

namespace diffverb::acoustics::synthetic {

/// Gaussian noise, variance 1.
inline std::vector<double> noise(double seconds, double rate_hz, std::uint64_t seed) {
  std::mt19937_64 engine(seed);
  std::normal_distribution<double> normal;
  std::vector<double> values(static_cast<std::size_t>(std::lround(seconds * rate_hz)));
  for (double& value : values) value = normal(engine);
  return values;
}

/// Amplitude 10^(-3 t / t60): the energy falls by 60 dB in t60.
inline double envelope(std::size_t sample, double rate_hz, double t60_s) {
  return std::pow(10.0, -3 * static_cast<double>(sample) / (rate_hz * t60_s));
}

/// Exponentially decaying noise with an optional noise floor, in dB relative to the decay's start.
inline std::vector<double> decaying_noise(double t60_s, double seconds, double rate_hz, std::uint64_t seed,
                                          double floor_db = -1000) {
  std::vector<double> values = noise(seconds, rate_hz, seed);
  const std::vector<double> floor = noise(seconds, rate_hz, seed + 1000003);
  const double gain = std::pow(10.0, floor_db / 20);
  for (std::size_t i = 0; i < values.size(); ++i) values[i] = values[i] * envelope(i, rate_hz, t60_s) + gain * floor[i];
  return values;
}

/// A pure exponential of one sign: its decay curve is known in closed form.
inline std::vector<double> exponential(double t60_s, double seconds, double rate_hz) {
  std::vector<double> values(static_cast<std::size_t>(std::lround(seconds * rate_hz)));
  for (std::size_t i = 0; i < values.size(); ++i) values[i] = envelope(i, rate_hz, t60_s);
  return values;
}

inline Audio audio(double rate_hz, const std::vector<std::vector<double>>& channels) {
  Audio result;
  result.rate_hz = rate_hz;
  for (const auto& channel : channels) result.channels.emplace_back(channel.begin(), channel.end());
  return result;
}

}  // namespace diffverb::acoustics::synthetic
