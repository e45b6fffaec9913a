#include <algorithm>
#include <cstddef>
#include <utility>

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

using Wide = hn::CappedTag<float, 16>;

/// One stage of Stockham's transform for strides of at least a vector of D: the inner loop is contiguous.
template <class D>
void fft_stage(D d, const float* xr, const float* xi, float* yr, float* yi, const float* twiddle, int n, int stride) {
  const int half = n / 2;
  for (int p = 0; p < half; p += stride) {
    const auto wr = hn::Set(d, twiddle[p]), wi = hn::Set(d, twiddle[half + p]);
    for (int q = 0; q < stride; q += static_cast<int>(hn::Lanes(d))) {
      const auto ar = hn::LoadU(d, xr + p + q), ai = hn::LoadU(d, xi + p + q);
      const auto br = hn::LoadU(d, xr + p + q + half), bi = hn::LoadU(d, xi + p + q + half);
      const auto sr = hn::Sub(ar, br), si = hn::Sub(ai, bi);
      hn::StoreU(hn::Add(ar, br), d, yr + 2 * p + q);
      hn::StoreU(hn::Add(ai, bi), d, yi + 2 * p + q);
      hn::StoreU(hn::NegMulAdd(si, wi, hn::Mul(sr, wr)), d, yr + 2 * p + q + stride);
      hn::StoreU(hn::MulAdd(sr, wi, hn::Mul(si, wr)), d, yi + 2 * p + q + stride);
    }
  }
}

#if HWY_TARGET == HWY_SCALAR
void fft_first_stages(const float* xr, const float* xi, float* yr, float* yi, const float* twiddle, int n, int stride) {
  fft_stage(hn::CappedTag<float, 1>(), xr, xi, yr, yi, twiddle, n, stride);
}
#else
/// The stages of stride 1 and 2: sums and differences interleave by one and by two samples. `twiddle` has a value for
/// each of the n/2 butterflies.
template <int kStride>
void fft_interleaved(const float* xr, const float* xi, float* yr, float* yi, const float* twiddle, int n) {
  const Wide d;
  const hn::Repartition<double, Wide> dd;
  const int half = n / 2;
  const auto store = [&](hn::Vec<Wide> sum, hn::Vec<Wide> difference, float* to) {
    if constexpr (kStride == 1) {
      hn::StoreInterleaved2(sum, difference, d, to);
    } else {
      hn::StoreInterleaved2(hn::BitCast(dd, sum), hn::BitCast(dd, difference), dd, reinterpret_cast<double*>(to));
    }
  };
  for (int i = 0; i < half; i += static_cast<int>(hn::Lanes(d))) {
    const auto ar = hn::LoadU(d, xr + i), ai = hn::LoadU(d, xi + i);
    const auto br = hn::LoadU(d, xr + i + half), bi = hn::LoadU(d, xi + i + half);
    const auto wr = hn::LoadU(d, twiddle + i), wi = hn::LoadU(d, twiddle + half + i);
    const auto sr = hn::Sub(ar, br), si = hn::Sub(ai, bi);
    store(hn::Add(ar, br), hn::NegMulAdd(si, wi, hn::Mul(sr, wr)), yr + 2 * i);
    store(hn::Add(ai, bi), hn::MulAdd(sr, wi, hn::Mul(si, wr)), yi + 2 * i);
  }
}

void fft_first_stages(const float* xr, const float* xi, float* yr, float* yi, const float* twiddle, int n, int stride) {
  if (stride == 1) return fft_interleaved<1>(xr, xi, yr, yi, twiddle, n);
  fft_interleaved<2>(xr, xi, yr, yi, twiddle + n, n);
}
#endif

/// Stockham's self-sorting radix-2 transform, decimation in frequency.
void Fft(float* re, float* im, float* work, const float* twiddle, int n) {
  float *xr = re, *xi = im, *yr = work, *yi = work + n;
  for (int stride = 1; stride < n; stride *= 2) {
    if (stride <= 2) {
      fft_first_stages(xr, xi, yr, yi, twiddle, n, stride);
    } else if (stride == 4) {
      fft_stage(hn::CappedTag<float, 4>(), xr, xi, yr, yi, twiddle, n, stride);
    } else if (stride == 8) {
      fft_stage(hn::CappedTag<float, 8>(), xr, xi, yr, yi, twiddle, n, stride);
    } else {
      fft_stage(Wide(), xr, xi, yr, yi, twiddle, n, stride);
    }
    std::swap(xr, yr);
    std::swap(xi, yi);
  }
  if (xr != re) {
    std::copy_n(xr, n, re);
    std::copy_n(xi, n, im);
  }
}

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

HWY_EXPORT(Fft);
HWY_EXPORT(Transpose);

void fft(float* re, float* im, float* work, const float* twiddle, int n) {
  HWY_DYNAMIC_DISPATCH(Fft)(re, im, work, twiddle, n);
}
void interleave(const float* in, std::size_t stride, int lines, int lanes, float* out, int frames) {
  HWY_DYNAMIC_DISPATCH(Transpose)(in, stride, lines, out, static_cast<std::size_t>(lanes), frames);
}
void deinterleave(const float* in, int lines, int lanes, float* out, std::size_t stride, int frames) {
  HWY_DYNAMIC_DISPATCH(Transpose)(in, static_cast<std::size_t>(lanes), frames, out, stride, lines);
}

}  // namespace diffverb::runtime
#endif
