#pragma once

#include <cmath>
#include <cstdint>

#include "core/device/host_device.h"

namespace diffverb {

/// One pass of Adam over a slice of flat buffers on the GPU; plain memory, no torch (train/optimizer/flat_adam.h says the formula).
template <typename S>
struct AdamPass {
  S* values = nullptr;
  const S* gradients = nullptr;
  S* first = nullptr;
  S* second = nullptr;
  std::int64_t size = 0;
  /// On the device, so that a recorded pass reads the step's own: |g|, and rate, 1 / (1 - b1^t), 1 / sqrt(1 - b2^t).
  const double* norm = nullptr;
  const float* numbers = nullptr;
  double beta1 = 0.9, beta2 = 0.999, epsilon = 1e-8;
  double decay = 0, rate_scale = 1, clip_norm = 0;
  bool decoupled = true;
};

/// What is the same for all numbers of a pass.
template <typename S>
struct AdamNumbers {
  S beta1, beta2, epsilon, decay, shrink, rate, bias1, root_bias2;
  bool decoupled, is_finite;

  DIFFVERB_BIN explicit AdamNumbers(const AdamPass<S>& p)
      : beta1(static_cast<S>(p.beta1)),
        beta2(static_cast<S>(p.beta2)),
        epsilon(static_cast<S>(p.epsilon)),
        decay(static_cast<S>(p.decay)),
        shrink(p.clip_norm > 0 && *p.norm > p.clip_norm ? static_cast<S>(p.clip_norm / *p.norm) : S(1)),
        rate(static_cast<S>(p.numbers[0]) * static_cast<S>(p.rate_scale)),
        bias1(static_cast<S>(p.numbers[1])),
        root_bias2(static_cast<S>(p.numbers[2])),
        decoupled(p.decoupled),
        is_finite(*p.norm - *p.norm == 0) {}  // a gradient that is no number changes nothing
};

template <typename S>
DIFFVERB_BIN void adam_step(const AdamNumbers<S>& n, S gradient, S& value, S& first, S& second) {
  gradient *= n.shrink;
  if (n.decoupled) {
    value -= n.rate * n.decay * value;
  } else {
    gradient += n.decay * value;
  }
  first = n.beta1 * first + (1 - n.beta1) * gradient;
  second = n.beta2 * second + (1 - n.beta2) * gradient * gradient;
  value -= n.rate * n.bias1 * first / (sqrt(second) * n.root_bias2 + n.epsilon);
}

}  // namespace diffverb
