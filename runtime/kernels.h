#pragma once

#include <cstddef>

namespace diffverb::runtime {

/// What the inner loops may read and write beyond the frames they were asked for: every buffer has this much room at its
/// end.
inline constexpr int kPad = 16;

/// The least multiple of a vector length that holds `count` lanes side by side: 4, 8 or a multiple of 16.
int padded_lanes(int count);

/// Signals in rows, a stride apart.
struct Rows {
  const float* at = nullptr;
  std::size_t stride = 0;
};

// Signals are given as a pointer each, wherever they stand. No output may be an input.

/// out[r][t] = (out[r][t] where `add`) + sum_c m[r cols + c] in[c][t]; the sum runs in the order of c for every t.
void mix(const float* m, int rows, int cols, const float* const* in, float* const* out, bool add, int frames);

/// A row that has few gains: `count` of them from `first` on.
struct SparseRow {
  int row = 0, first = 0, count = 0;
};
/// The same for such rows: out[row][t] = (out[row][t]) + sum_i gains[i] in[columns[i]][t]; a row of `mix` in which the
/// others are zero gives the same bits.
void mix_sparse(const SparseRow* rows, int count, const float* gains, const int* columns, const float* const* in,
                float* const* out, bool add, int frames);

/// The instruction set in use, e.g. "AVX3".
const char* kernel_target();

}  // namespace diffverb::runtime
