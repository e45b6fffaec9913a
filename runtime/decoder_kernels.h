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

/// Three vectors are computed at a time: what add_products may read and write beyond the frames.
inline constexpr int kRowPad = 48;
/// out[r][t] += sum_c weights[r count + c] in[c][t] for `rows` rows, `stride` floats apart.
void add_products(const float* weights, int count, const float* const* in, int rows, float* out, std::size_t stride,
                  int frames);

/// out[t] = tanh(a[t]) / (1 + exp(-b[t])); all are padded to whole vectors of 16.
void gate(const float* a, const float* b, float* out, int frames);

}  // namespace diffverb::runtime
