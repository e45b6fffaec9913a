#pragma once

#include "runtime/kernels.h"

namespace diffverb::runtime {

// As everywhere here, kPad values behind `frames` are written too.

/// sum[t] += x[t]^2
void add_square(const float* x, int frames, float* sum);

/// w[t] += gain alpha[t] s[t]^2
void add_scaled_square(float gain, const float* alpha, const float* s, int frames, float* w);

/// a[t] *= b[t]
void multiply(const float* b, int frames, float* a);

/// x[t] = limit tanh(x[t] / limit)
void saturate(float limit, int frames, float* x);

}  // namespace diffverb::runtime
