#pragma once

#include <cmath>
#include <cstdint>
#include <vector>

#include "core/audio_file.h"
#include "core/seed.h"

namespace diffverb {

/// Bursts of noise with rests between them, at 16 kHz or another rate: what a space can be heard by.
inline std::vector<float> noise_bursts(double seconds, std::uint64_t seed, double rate_hz = 16000) {
  Random random(seed, "bursts");
  std::vector<float> out(static_cast<std::size_t>(seconds * rate_hz));
  for (std::size_t n = 0; n < out.size(); ++n) {
    const double t = std::fmod(static_cast<double>(n) / rate_hz, 0.5);
    out[n] = static_cast<float>(0.3 * random.normal() * std::exp(-t / 0.06));
  }
  return out;
}

/// What comes out of a room of response h, `delay` samples later (earlier below 0), as long as the sound.
inline std::vector<float> through_room(const std::vector<float>& dry, const std::vector<float>& h,
                                       std::int64_t delay = 0) {
  std::vector<float> out(dry.size());
  for (std::size_t n = 0; n < out.size(); ++n) {
    double sum = 0;
    const std::int64_t at = static_cast<std::int64_t>(n) - delay;
    for (std::int64_t k = 0; k < static_cast<std::int64_t>(h.size()); ++k) {
      if (at - k >= 0 && at - k < static_cast<std::int64_t>(dry.size())) sum += h[k] * dry[at - k];
    }
    out[n] = static_cast<float>(sum);
  }
  return out;
}

}  // namespace diffverb
