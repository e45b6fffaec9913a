#include <cstddef>

#include "runtime/kernels.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "runtime/transform_kernels.cpp"
#include <hwy/foreach_target.h>  // compiles this file once for each instruction set
// then
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace diffverb::runtime {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

#if HWY_TARGET == HWY_SCALAR
HWY_INLINE void transpose4(const float* in, std::size_t in_stride, float* out, std::size_t out_stride) {
  for (std::size_t r = 0; r < 4; ++r) {
    for (std::size_t c = 0; c < 4; ++c) out[c * out_stride + r] = in[r * in_stride + c];
  }
}
#else
/// A 4 x 4 block of floats: rows become columns.
HWY_INLINE void transpose4(const float* in, std::size_t in_stride, float* out, std::size_t out_stride) {
  const hn::Full128<float> d;
  const hn::Repartition<double, decltype(d)> dd;
  const auto a = hn::LoadU(d, in), b = hn::LoadU(d, in + in_stride), c = hn::LoadU(d, in + 2 * in_stride);
  const auto e = hn::LoadU(d, in + 3 * in_stride);
  const auto ab_low = hn::InterleaveLower(d, a, b), ab_high = hn::InterleaveUpper(d, a, b);
  const auto ce_low = hn::InterleaveLower(d, c, e), ce_high = hn::InterleaveUpper(d, c, e);
  const auto pair_lower = [&](auto p, auto q) {
    return hn::BitCast(d, hn::InterleaveLower(dd, hn::BitCast(dd, p), hn::BitCast(dd, q)));
  };
  const auto pair_upper = [&](auto p, auto q) {
    return hn::BitCast(d, hn::InterleaveUpper(dd, hn::BitCast(dd, p), hn::BitCast(dd, q)));
  };
  hn::StoreU(pair_lower(ab_low, ce_low), d, out);
  hn::StoreU(pair_upper(ab_low, ce_low), d, out + out_stride);
  hn::StoreU(pair_lower(ab_high, ce_high), d, out + 2 * out_stride);
  hn::StoreU(pair_upper(ab_high, ce_high), d, out + 3 * out_stride);
}
#endif

void Transpose(const float* in, std::size_t in_stride, int rows, float* out, std::size_t out_stride, int columns) {
  for (int r = 0; r < rows; r += 4) {
    for (int c = 0; c < columns; c += 4)
      transpose4(in + r * in_stride + c, in_stride, out + c * out_stride + r, out_stride);
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace diffverb::runtime
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace diffverb::runtime {

HWY_EXPORT(Transpose);

void interleave(const float* in, std::size_t stride, int lines, int lanes, float* out, int frames) {
  HWY_DYNAMIC_DISPATCH(Transpose)(in, stride, lines, out, static_cast<std::size_t>(lanes), frames);
}
void deinterleave(const float* in, int lines, int lanes, float* out, std::size_t stride, int frames) {
  HWY_DYNAMIC_DISPATCH(Transpose)(in, static_cast<std::size_t>(lanes), frames, out, stride, lines);
}

}  // namespace diffverb::runtime
#endif
