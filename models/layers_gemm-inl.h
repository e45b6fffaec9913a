// Compiled once for each SIMD target (Highway's foreach_target): no ordinary include guard.
#if defined(DIFFVERB_LAYERS_GEMM_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef DIFFVERB_LAYERS_GEMM_INL_H_
#undef DIFFVERB_LAYERS_GEMM_INL_H_
#else
#define DIFFVERB_LAYERS_GEMM_INL_H_
#endif

#include <hwy/highway.h>

#include <cstdint>

HWY_BEFORE_NAMESPACE();
namespace diffverb {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

/// A matrix that is read entry by entry: entry (i, j) stands at data[i * row + j * column].
template <typename Scalar>
struct StridedMatrix {
  const Scalar* data;
  std::int64_t row, column;
};

/// Rows x (Vectors registers) of C += A B. Rows of C may overlap (a transposed convolution's do): each is read only
/// after the one before it was written.
template <int Rows, int Vectors, class D, typename Scalar = hn::TFromD<D>>
HWY_INLINE void multiply_block(D d, std::int64_t depth, const Scalar* HWY_RESTRICT a, std::int64_t a_row,
                               std::int64_t a_column, const Scalar* HWY_RESTRICT b, std::int64_t b_row, Scalar* c,
                               std::int64_t c_row) {
  using V = hn::Vec<D>;
  const std::int64_t lanes = hn::Lanes(d);
  V sum[Rows][Vectors];
#pragma GCC unroll 16
  for (int m = 0; m < Rows; ++m) {
#pragma GCC unroll 4
    for (int v = 0; v < Vectors; ++v) sum[m][v] = hn::Zero(d);
  }
  for (std::int64_t k = 0; k < depth; ++k) {
    V row[Vectors];
#pragma GCC unroll 4
    for (int v = 0; v < Vectors; ++v) row[v] = hn::LoadU(d, b + k * b_row + v * lanes);
    const Scalar* column = a + k * a_column;
#pragma GCC unroll 16
    for (int m = 0; m < Rows; ++m) {
      const V factor = hn::Set(d, column[m * a_row]);
#pragma GCC unroll 4
      for (int v = 0; v < Vectors; ++v) sum[m][v] = hn::MulAdd(factor, row[v], sum[m][v]);
    }
  }
#pragma GCC unroll 16
  for (int m = 0; m < Rows; ++m) {
#pragma GCC unroll 4
    for (int v = 0; v < Vectors; ++v) {
      Scalar* place = c + m * c_row + v * lanes;
      hn::StoreU(hn::Add(hn::LoadU(d, place), sum[m][v]), d, place);
    }
  }
}

/// One stretch of columns, all rows.
template <int Vectors, class D, typename Scalar = hn::TFromD<D>>
HWY_INLINE void multiply_columns(D d, std::int64_t rows, std::int64_t depth, const StridedMatrix<Scalar>& a,
                                 const Scalar* b, std::int64_t b_row, Scalar* c, std::int64_t c_row) {
  std::int64_t m = 0;
  for (; m + 8 <= rows; m += 8)
    multiply_block<8, Vectors>(d, depth, a.data + m * a.row, a.row, a.column, b, b_row, c + m * c_row, c_row);
  for (; m + 4 <= rows; m += 4)
    multiply_block<4, Vectors>(d, depth, a.data + m * a.row, a.row, a.column, b, b_row, c + m * c_row, c_row);
  for (; m < rows; ++m)
    multiply_block<1, Vectors>(d, depth, a.data + m * a.row, a.row, a.column, b, b_row, c + m * c_row, c_row);
}

/// C += A B for small matrices that lie in cache: A [rows, depth] with any strides, B [depth, columns] and C with
/// contiguous rows b_row and c_row apart.
template <typename Scalar>
HWY_INLINE void multiply_add(std::int64_t rows, std::int64_t columns, std::int64_t depth,
                             const StridedMatrix<Scalar>& a, const Scalar* b, std::int64_t b_row, Scalar* c,
                             std::int64_t c_row) {
  const hn::ScalableTag<Scalar> full;
  const hn::CappedTag<Scalar, 1> single;
  const std::int64_t lanes = hn::Lanes(full);
  std::int64_t n = 0;
  for (; n + 2 * lanes <= columns; n += 2 * lanes)
    multiply_columns<2>(full, rows, depth, a, b + n, b_row, c + n, c_row);
  for (; n + lanes <= columns; n += lanes) multiply_columns<1>(full, rows, depth, a, b + n, b_row, c + n, c_row);
  for (; n < columns; ++n) multiply_columns<1>(single, rows, depth, a, b + n, b_row, c + n, c_row);
}

}  // namespace HWY_NAMESPACE
}  // namespace diffverb
HWY_AFTER_NAMESPACE();

#endif
