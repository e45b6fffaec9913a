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

/// out[r][t] (+)= sum_c m[r, c] x[c][t] over `length` samples; four rows and two registers of time at once.
template <typename Scalar>
void multiply_rows(const Scalar* m, int row_stride, int column_stride, int rows, int columns, const Scalar* const* x,
                   Scalar* const* out, int length, bool add) {
  const Tag<Scalar> tag;
  const int lanes = static_cast<int>(hn::Lanes(tag));
  int t = 0;
  for (; t + lanes <= length; t += lanes) {
    for (int r = 0; r < rows; r += 4) {
      const int count = std::min(4, rows - r);
      if (count == 4) {
        Vec<Scalar> acc0 = hn::Zero(tag), acc1 = acc0, acc2 = acc0, acc3 = acc0;
        if (add) {
          acc0 = hn::LoadU(tag, out[r] + t);
          acc1 = hn::LoadU(tag, out[r + 1] + t);
          acc2 = hn::LoadU(tag, out[r + 2] + t);
          acc3 = hn::LoadU(tag, out[r + 3] + t);
        }
        const Scalar* w = m + r * row_stride;
        for (int c = 0; c < columns; ++c, w += column_stride) {
          const auto v = hn::LoadU(tag, x[c] + t);
          acc0 = hn::MulAdd(hn::Set(tag, w[0]), v, acc0);
          acc1 = hn::MulAdd(hn::Set(tag, w[row_stride]), v, acc1);
          acc2 = hn::MulAdd(hn::Set(tag, w[2 * row_stride]), v, acc2);
          acc3 = hn::MulAdd(hn::Set(tag, w[3 * row_stride]), v, acc3);
        }
        hn::StoreU(acc0, tag, out[r] + t);
        hn::StoreU(acc1, tag, out[r + 1] + t);
        hn::StoreU(acc2, tag, out[r + 2] + t);
        hn::StoreU(acc3, tag, out[r + 3] + t);
      } else {
        for (int i = r; i < r + count; ++i) {
          auto acc = add ? hn::LoadU(tag, out[i] + t) : hn::Zero(tag);
          for (int c = 0; c < columns; ++c)
            acc = hn::MulAdd(hn::Set(tag, m[i * row_stride + c * column_stride]), hn::LoadU(tag, x[c] + t), acc);
          hn::StoreU(acc, tag, out[i] + t);
        }
      }
    }
  }
  for (; t < length; ++t) {
    for (int r = 0; r < rows; ++r) {
      Scalar acc = add ? out[r][t] : Scalar(0);
      for (int c = 0; c < columns; ++c) acc += m[r * row_stride + c * column_stride] * x[c][t];
      out[r][t] = acc;
    }
  }
}

/// g[r, c] += sum_t x[r][t] y[c][t]
template <typename Scalar>
void add_outer(const Scalar* const* x, int rows, const Scalar* const* y, int columns, int length, double* g) {
  const Tag<Scalar> tag;
  const int lanes = static_cast<int>(hn::Lanes(tag));
  for (int r = 0; r < rows; r += 4) {
    for (int c = 0; c < columns; c += 4) {
      const int nr = std::min(4, rows - r), nc = std::min(4, columns - c);
      double tail[4][4] = {};
      int t = 0;
      if (nr == 4 && nc == 4) {
        Vec<Scalar> s00 = hn::Zero(tag), s01 = s00, s02 = s00, s03 = s00, s10 = s00, s11 = s00, s12 = s00, s13 = s00;
        Vec<Scalar> s20 = s00, s21 = s00, s22 = s00, s23 = s00, s30 = s00, s31 = s00, s32 = s00, s33 = s00;
        for (; t + lanes <= length; t += lanes) {
          const auto y0 = hn::LoadU(tag, y[c] + t), y1 = hn::LoadU(tag, y[c + 1] + t);
          const auto y2 = hn::LoadU(tag, y[c + 2] + t), y3 = hn::LoadU(tag, y[c + 3] + t);
          const auto x0 = hn::LoadU(tag, x[r] + t), x1 = hn::LoadU(tag, x[r + 1] + t);
          const auto x2 = hn::LoadU(tag, x[r + 2] + t), x3 = hn::LoadU(tag, x[r + 3] + t);
          s00 = hn::MulAdd(x0, y0, s00), s01 = hn::MulAdd(x0, y1, s01), s02 = hn::MulAdd(x0, y2, s02),
          s03 = hn::MulAdd(x0, y3, s03);
          s10 = hn::MulAdd(x1, y0, s10), s11 = hn::MulAdd(x1, y1, s11), s12 = hn::MulAdd(x1, y2, s12),
          s13 = hn::MulAdd(x1, y3, s13);
          s20 = hn::MulAdd(x2, y0, s20), s21 = hn::MulAdd(x2, y1, s21), s22 = hn::MulAdd(x2, y2, s22),
          s23 = hn::MulAdd(x2, y3, s23);
          s30 = hn::MulAdd(x3, y0, s30), s31 = hn::MulAdd(x3, y1, s31), s32 = hn::MulAdd(x3, y2, s32),
          s33 = hn::MulAdd(x3, y3, s33);
        }
        const Vec<Scalar>* sums[16] = {&s00, &s01, &s02, &s03, &s10, &s11, &s12, &s13,
                                       &s20, &s21, &s22, &s23, &s30, &s31, &s32, &s33};
        for (int i = 0; i < 16; ++i) tail[i / 4][i % 4] = hn::GetLane(hn::SumOfLanes(tag, *sums[i]));
      }
      for (int i = 0; i < nr; ++i) {
        for (int j = 0; j < nc; ++j) {
          double sum = tail[i][j];
          for (int k = t; k < length; ++k) sum += static_cast<double>(x[r + i][k]) * y[c + j][k];
          g[(r + i) * columns + c + j] += sum;
        }
      }
    }
  }
}

}  // namespace time_kernel
}  // namespace HWY_NAMESPACE
}  // namespace diffverb
HWY_AFTER_NAMESPACE();
#endif
