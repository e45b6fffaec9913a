#pragma once

#include <cstddef>
#include <cstdint>

#include "datasets/simulate/fractional_delay.h"

namespace diffverb {

/// A run of images along x that share their place in y and z.
struct ImageRow {
  const double* offset_m = nullptr;  // [count] image minus receiver, along x
  const float* gain = nullptr;       // [K] pointers apart by gain_stride: [K, gain_stride], reflections at the x walls
  std::size_t gain_stride = 0;
  const float* row_gain = nullptr;  // [K] reflections at the other walls
  const float* jitter_m = nullptr;  // [count] or null
  std::size_t count = 0;
  double square_m2 = 0;  // distance in y and z, squared
};

/// What all rows share.
struct ImageGrid {
  std::size_t bands = 0;
  double samples_per_m = 0;
  double fade_from_m = 0, fade_m = 0;  // fade_m = 0: none
  std::int64_t last_sample = 0;        // an image behind it is left out
  const FractionalDelay* delay = nullptr;
  float* trains = nullptr;  // [K, stride]; sample 0 stands at half()
  std::size_t stride = 0;
};

void add_image_row(const ImageGrid& grid, const ImageRow& row);

}  // namespace diffverb
