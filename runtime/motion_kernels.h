#pragma once

#include <cstddef>
#include <vector>

#include "runtime/aligned.h"
#include "runtime/kernels.h"

namespace diffverb::runtime {

using Doubles = std::vector<double, Aligned<double>>;
using Ints = std::vector<int, Aligned<int>>;

/// A phasor over some samples: (c + i s) (cos[t] + i sin[t]).
struct Phasor {
  const double *cos = nullptr, *sin = nullptr;
  double c = 1, s = 0;
};

/// One motion of a delay over some samples (weights.h, DelayMotion).
struct PlayedMotion {
  Phasor sine, noise;
  double depth = 0;
};

/// to[t] = depth ((1 - level[t]) sine + level[t] noise), or added to what is there. As everywhere here, kPad values
/// behind `frames` are written too.
void set_motion(const PlayedMotion& motion, const double* level, int frames, double* to);
void add_motion(const PlayedMotion& motion, const double* level, int frames, double* to);

/// to[t] = base + amplitude sin of a phasor.
void set_sine(const Phasor& phasor, double amplitude, double base, int frames, double* to);

/// level[t] of mean squares: -40 .. -10 dB to 0 .. 1, in place.
void to_loudness(double* mean_square, int frames);

/// x = whole - part, 0 <= part <= 1.
void split(const double* x, int frames, int* whole, float* part);

/// c[t], s[t] = radius[t] cos, sin of 2 pi (turns[t] + ramp (first + t)).
void to_rotation(const double* radius, const double* turns, double ramp, double first, int frames, float* c, float* s);

/// (to_a + i to_b)[t] = (c + i s)[t] (a + i b)[t].
void rotate(const float* c, const float* s, const float* a, const float* b, int frames, float* to_a, float* to_b);

/// to[t] = factor[t] a[t].
void scale(const float* factor, const float* a, int frames, float* to);

/// to[t] = a ring at from + t - whole[t] + part[t], by Lagrange's cubic interpolation of the samples -1, 0, 1, 2 around it;
/// |t - whole[t]| < size. Nothing is read outside of the ring.
void read_at_moving_delay(const float* ring, std::size_t size, std::size_t from, const int* whole, const float* part,
                          int frames, float* to);

}  // namespace diffverb::runtime
