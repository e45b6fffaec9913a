#pragma once

#include <cstdint>

namespace diffverb {

/// One pass of Adam over a slice of float32 buffers on the GPU; plain memory, no torch (train/flat_adam.h says the
/// formula).
struct AdamPass {
  float* values = nullptr;
  const float* gradients = nullptr;
  float* first = nullptr;
  float* second = nullptr;
  std::int64_t size = 0;
  /// On the device, so that a recorded pass reads the step's own: |g|, and rate, 1 / (1 - b1^t), 1 / sqrt(1 - b2^t).
  const double* norm = nullptr;
  const float* numbers = nullptr;
  double beta1 = 0.9, beta2 = 0.999, epsilon = 1e-8;
  double decay = 0, rate_scale = 1, clip_norm = 0;
  bool decoupled = true;
};

}  // namespace diffverb
