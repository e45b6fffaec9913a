#include "runtime/kernels.h"

#include <algorithm>
#include <cstddef>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "runtime/kernels.cpp"
#include <hwy/foreach_target.h>  // compiles this file once for each instruction set
// then
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace diffverb::runtime {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

using Wide = hn::CappedTag<float, 16>;

template <int kRows>
void mix_rows(const float* m, int cols, const float* const* in, float* const* out, bool add, int frames) {
  const Wide d;
  for (int t = 0; t < frames; t += static_cast<int>(hn::Lanes(d))) {
    hn::Vec<Wide> sum[kRows];
    for (int r = 0; r < kRows; ++r) sum[r] = add ? hn::LoadU(d, out[r] + t) : hn::Zero(d);
    for (int c = 0; c < cols; ++c) {
      const auto x = hn::LoadU(d, in[c] + t);
      for (int r = 0; r < kRows; ++r) sum[r] = hn::MulAdd(hn::Set(d, m[r * cols + c]), x, sum[r]);
    }
    for (int r = 0; r < kRows; ++r) hn::StoreU(sum[r], d, out[r] + t);
  }
}

void Mix(const float* m, int rows, int cols, const float* const* in, float* const* out, bool add, int frames) {
  int r = 0;
  for (; r + 8 <= rows; r += 8) mix_rows<8>(m + r * cols, cols, in, out + r, add, frames);
  for (; r + 2 <= rows; r += 2) mix_rows<2>(m + r * cols, cols, in, out + r, add, frames);
  if (r < rows) mix_rows<1>(m + r * cols, cols, in, out + r, add, frames);
}

/// kVectors vectors of time stay in registers over all gains.
template <int kVectors>
HWY_INLINE void sparse_at(const SparseRow& row, const float* gains, const int* columns, const float* const* in,
                          float* to, bool add, int t) {
  const Wide d;
  const std::size_t width = hn::Lanes(d);
  hn::Vec<Wide> sum[kVectors];
  for (int j = 0; j < kVectors; ++j) sum[j] = add ? hn::LoadU(d, to + t + j * width) : hn::Zero(d);
  for (int i = row.first; i < row.first + row.count; ++i) {
    const auto gain = hn::Set(d, gains[i]);
    const float* x = in[columns[i]] + t;
    for (int j = 0; j < kVectors; ++j) sum[j] = hn::MulAdd(gain, hn::LoadU(d, x + j * width), sum[j]);
  }
  for (int j = 0; j < kVectors; ++j) hn::StoreU(sum[j], d, to + t + j * width);
}

void MixSparse(const SparseRow* rows, int count, const float* gains, const int* columns, const float* const* in,
               float* const* out, bool add, int frames) {
  const int width = static_cast<int>(hn::Lanes(Wide()));
  for (int r = 0; r < count; ++r) {
    if (add && rows[r].count == 0) continue;
    float* to = out[rows[r].row];
    int t = 0;
    for (; t + 3 * width < frames; t += 4 * width) sparse_at<4>(rows[r], gains, columns, in, to, add, t);
    for (; t < frames; t += width) sparse_at<1>(rows[r], gains, columns, in, to, add, t);
  }
}

const char* Target() { return hwy::TargetName(HWY_TARGET); }

}  // namespace HWY_NAMESPACE
}  // namespace diffverb::runtime
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace diffverb::runtime {

HWY_EXPORT(Mix);
HWY_EXPORT(MixSparse);
HWY_EXPORT(Target);

int padded_lanes(int count) { return count <= 4 ? 4 : count <= 8 ? 8 : (count + 15) / 16 * 16; }

void mix(const float* m, int rows, int cols, const float* const* in, float* const* out, bool add, int frames) {
  HWY_DYNAMIC_DISPATCH(Mix)(m, rows, cols, in, out, add, frames);
}
void mix_sparse(const SparseRow* rows, int count, const float* gains, const int* columns, const float* const* in,
                float* const* out, bool add, int frames) {
  HWY_DYNAMIC_DISPATCH(MixSparse)(rows, count, gains, columns, in, out, add, frames);
}
const char* kernel_target() { return HWY_DYNAMIC_DISPATCH(Target)(); }

}  // namespace diffverb::runtime
#endif
