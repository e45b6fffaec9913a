#pragma once

#include <cstddef>

namespace diffverb::runtime {

/// Noise under an envelope: out[t] += gain ratio^t (same noise[t] + own other[t]); `other` may be null where own is 0.
struct ShapedNoise {
  const float* noise = nullptr;
  const float* other = nullptr;
  float same = 1, own = 0;
  double gain = 1, ratio = 1;
};
/// `frames` at most some thousands: the gain goes on in single precision.
void add_shaped_noise(const ShapedNoise& shaped, float* out, int frames);

/// out[t] += gain in[t]
void add_scaled(float gain, const float* in, float* out, int frames);

}  // namespace diffverb::runtime
