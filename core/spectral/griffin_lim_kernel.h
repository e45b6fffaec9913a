#pragma once

#include <cstdint>

namespace diffverb {

/// Phase reconstruction on the CPU, as griffin_lim.h describes it, for one response after the other: signal, state and
/// magnitudes of a response stay in the cache of its core.
///
/// Each SIMD lane is a frame. The signal is stored by its place within a hop, a row of hops for each, so that a vector
/// of consecutive frames is one contiguous load and the overlap-add one contiguous sum. Two sets of frames make one
/// complex transform of N1 x N2 points in two steps; the second step, the projection onto the magnitudes and the first
/// step back are done on a pair of columns (bins k and N - k) while they are in the first cache.
struct GriffinLimProblem {
  int fft_size = 0, hop_size = 0;
  int frames = 0;   // T
  int samples = 0;  // hop (T - 1) <= samples < hop T
  bool reflect = true;
  float momentum = 0;           // Griffin-Lim: u_n = x_n - momentum x_{n-1}
  float relaxation = 0;         // averaged reflections
  int iterations = 0;           // at most
  int averaged_iterations = 0;  // how many, from the first, are averaged reflections; Griffin-Lim follows
  int check_every = 0;          // iterations between two looks at the convergence; 0: none but the last
  double tolerance = 0, target = 0;
  const float* magnitude = nullptr;         // [B, F, T]
  const float* start = nullptr;             // [B, F, T, 2] cosine and sine of the first phases
  float* signal = nullptr;                  // [B, samples]
  double* convergence = nullptr;            // [B]
  std::int64_t* iterations_done = nullptr;  // [B]
};

/// Whether there is a kernel for these sizes: transforms of 512, 1024 and 2048 points, a hop that divides half of them.
bool griffin_lim_has_kernel(int fft_size, int hop_size);

/// Rows begin .. end - 1, one after the other, on the calling thread. A row's result depends on that row alone.
void griffin_lim_rows(const GriffinLimProblem& problem, std::int64_t begin, std::int64_t end);

/// The rule of both implementations: convergence came to `now`, `steps` iterations ago it was `before`.
inline bool griffin_lim_is_done(double before, double now, std::int64_t steps, double tolerance, double target) {
  return now <= target || (tolerance > 0 && before - now < tolerance * static_cast<double>(steps));
}

/// First phases [F, T, 2] (cosine, sine), uniform on 4096 points of the circle, from (seed, row) alone; at 0 Hz and at
/// half the rate +1 or -1.
void random_phases(std::uint64_t seed, std::uint64_t row, int fft_size, int frames, float* phases);

}  // namespace diffverb
