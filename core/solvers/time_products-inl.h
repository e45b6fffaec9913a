// Compiled once for each SIMD target (Highway's foreach_target): no ordinary include guard.
#if defined(DIFFVERB_TIME_PRODUCTS_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef DIFFVERB_TIME_PRODUCTS_INL_H_
#undef DIFFVERB_TIME_PRODUCTS_INL_H_
#else
#define DIFFVERB_TIME_PRODUCTS_INL_H_
#endif

#include <hwy/highway.h>

#include <algorithm>

HWY_BEFORE_NAMESPACE();
namespace diffverb {
namespace HWY_NAMESPACE {
namespace time_kernel {
namespace hn = hwy::HWY_NAMESPACE;

template <typename Scalar>
using Tag = hn::ScalableTag<Scalar>;
template <typename Scalar>
using Vec = hn::Vec<Tag<Scalar>>;

/// Rows that meet two registers of time: as many sums as there are registers for.
inline constexpr int kProductRows = HWY_TARGET <= HWY_AVX3 || HWY_ARCH_ARM_A64 ? 8 : 4;

/// Rows r .. r + R - 1 over two registers from t on. A line begins at any sample, so what is loaded of it serves as many
/// rows as possible.
template <int R, typename Scalar>
HWY_INLINE void multiply_tile(const Scalar* m, int row_stride, int column_stride, int columns, const Scalar* const* x,
                              Scalar* const* out, int t, bool add) {
  const Tag<Scalar> tag;
  const int lanes = static_cast<int>(hn::Lanes(tag));
  Vec<Scalar> sum[R][2];
  HWY_UNROLL(8) for (int r = 0; r < R; ++r) {
    sum[r][0] = add ? hn::LoadU(tag, out[r] + t) : hn::Zero(tag);
    sum[r][1] = add ? hn::LoadU(tag, out[r] + t + lanes) : hn::Zero(tag);
  }
  for (int c = 0; c < columns; ++c, m += column_stride) {
    const auto first = hn::LoadU(tag, x[c] + t), second = hn::LoadU(tag, x[c] + t + lanes);
    HWY_UNROLL(8) for (int r = 0; r < R; ++r) {
      const auto w = hn::Set(tag, m[r * row_stride]);
      sum[r][0] = hn::MulAdd(w, first, sum[r][0]);
      sum[r][1] = hn::MulAdd(w, second, sum[r][1]);
    }
  }
  HWY_UNROLL(8) for (int r = 0; r < R; ++r) {
    hn::StoreU(sum[r][0], tag, out[r] + t);
    hn::StoreU(sum[r][1], tag, out[r] + t + lanes);
  }
}

/// out[r][t] (+)= sum_c m[r, c] x[c][t] over `length` samples.
template <typename Scalar>
void multiply_rows(const Scalar* m, int row_stride, int column_stride, int rows, int columns, const Scalar* const* x,
                   Scalar* const* out, int length, bool add) {
  const Tag<Scalar> tag;
  const int lanes = static_cast<int>(hn::Lanes(tag));
  int t = 0;
  for (; t + 2 * lanes <= length; t += 2 * lanes) {
    int r = 0;
    for (; r + kProductRows <= rows; r += kProductRows)
      multiply_tile<kProductRows>(m + r * row_stride, row_stride, column_stride, columns, x, out + r, t, add);
    for (; r + 2 <= rows; r += 2)
      multiply_tile<2>(m + r * row_stride, row_stride, column_stride, columns, x, out + r, t, add);
    if (r < rows) multiply_tile<1>(m + r * row_stride, row_stride, column_stride, columns, x, out + r, t, add);
  }
  for (; t < length; ++t) {
    for (int r = 0; r < rows; ++r) {
      Scalar acc = add ? out[r][t] : Scalar(0);
      for (int c = 0; c < columns; ++c) acc += m[r * row_stride + c * column_stride] * x[c][t];
      out[r][t] = acc;
    }
  }
}

/// R rows against C columns of the sums below, from sample `t` on as far as whole registers go.
template <int R, int C, typename Scalar>
HWY_INLINE void outer_tile(const Scalar* const* x, const Scalar* const* y, int columns, int length, double* g) {
  const Tag<Scalar> tag;
  const int lanes = static_cast<int>(hn::Lanes(tag));
  Vec<Scalar> sum[R][C];
  HWY_UNROLL(4) for (auto& row : sum) { HWY_UNROLL(4) for (auto& entry : row) entry = hn::Zero(tag); }
  int t = 0;
  for (; t + lanes <= length; t += lanes) {
    Vec<Scalar> right[C];
    HWY_UNROLL(4) for (int c = 0; c < C; ++c) right[c] = hn::LoadU(tag, y[c] + t);
    HWY_UNROLL(4) for (int r = 0; r < R; ++r) {
      const auto left = hn::LoadU(tag, x[r] + t);
      HWY_UNROLL(4) for (int c = 0; c < C; ++c) sum[r][c] = hn::MulAdd(left, right[c], sum[r][c]);
    }
  }
  HWY_UNROLL(4) for (int r = 0; r < R; ++r) {
    HWY_UNROLL(4) for (int c = 0; c < C; ++c) {
      double total = hn::GetLane(hn::SumOfLanes(tag, sum[r][c]));
      for (int k = t; k < length; ++k) total += static_cast<double>(x[r][k]) * y[c][k];
      g[r * columns + c] += total;
    }
  }
}

/// g[r, c] += sum_t x[r][t] y[c][t]
template <typename Scalar>
void add_outer(const Scalar* const* x, int rows, const Scalar* const* y, int columns, int length, double* g) {
  for (int r = 0; r < rows;) {
    const int height = rows - r >= 4 ? 4 : 1;
    for (int c = 0; c < columns;) {
      const int width = columns - c >= 4 ? 4 : 1;
      double* const at = g + r * columns + c;
      if (height == 4 && width == 4) outer_tile<4, 4>(x + r, y + c, columns, length, at);
      if (height == 4 && width == 1) outer_tile<4, 1>(x + r, y + c, columns, length, at);
      if (height == 1 && width == 4) outer_tile<1, 4>(x + r, y + c, columns, length, at);
      if (height == 1 && width == 1) outer_tile<1, 1>(x + r, y + c, columns, length, at);
      c += width;
    }
    r += height;
  }
}

}  // namespace time_kernel
}  // namespace HWY_NAMESPACE
}  // namespace diffverb
HWY_AFTER_NAMESPACE();
#endif
