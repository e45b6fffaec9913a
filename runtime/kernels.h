#pragma once

#include <cstddef>

namespace diffverb::runtime {

/// What the inner loops may write beyond the frames they were asked for: every buffer has this much room at its end.
inline constexpr int kPad = 16;

/// The least multiple of a vector length that holds `count` lanes side by side: 4, 8 or a multiple of 16.
int padded_lanes(int count);

/// Sections of N filters side by side, padded to `lanes`: coefficient c of section k of lane l at [(6 k + c) lanes + l]
/// in the order q p r y0 y1 y2, state likewise with 2 instead of 6.
struct FilterBank {
  int lanes = 0;
  int sections = 0;
  const float* coefficients = nullptr;
  float* state = nullptr;
};

/// A serial cascade of one channel laid across lanes: coefficient c of section l at [c lanes + l], state likewise.
struct Cascade {
  int lanes = 0;     // 4, 8, 16 or 32
  int sections = 0;  // <= lanes
  const float* coefficients = nullptr;
  float* state = nullptr;  // [2 lanes]
};

/// Signals in rows, a stride apart.
struct Rows {
  const float* at = nullptr;
  std::size_t stride = 0;
};

/// out[r][t] = add[r][t] + sum_c m[r cols + c] in[c][t]; the sum runs in the order of c for every t. `add` may be null,
/// or the memory of `out`.
void mix(const float* m, int rows, int cols, Rows in, Rows add, float* out, std::size_t out_stride, int frames);

/// The same of one row that has few gains: out[t] = add[t] + sum_i gains[i] in[columns[i]][t]; a row of `mix` in which
/// the others are zero gives the same bits. `add` may be null, or `out`.
void mix_row(const float* gains, const int* columns, int count, Rows in, const float* add, float* out, int frames);

/// x [frames, lanes] in place through every section of its lane.
void filter_lanes(const FilterBank& bank, float* x, int frames);

/// One or two channels in place through their cascades, pipelined across sections: lane l works on sample t - l, so the
/// serial filters of a channel become one vector. No latency: the pipeline is filled and drained in each call.
void run_cascades(const Cascade* cascades, float* const* channels, int count, int frames);

/// out[t lanes + j] = in[j stride + t] and back, for `lines` lines.
void interleave(const float* in, std::size_t stride, int lines, int lanes, float* out, int frames);
void deinterleave(const float* in, int lines, int lanes, float* out, std::size_t stride, int frames);

/// The instruction set in use, e.g. "AVX3".
const char* kernel_target();

}  // namespace diffverb::runtime
