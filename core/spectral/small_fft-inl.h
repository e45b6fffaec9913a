// Compiled once for each SIMD target (Highway's foreach_target): no ordinary include guard.
#if defined(DIFFVERB_SMALL_FFT_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef DIFFVERB_SMALL_FFT_INL_H_
#undef DIFFVERB_SMALL_FFT_INL_H_
#else
#define DIFFVERB_SMALL_FFT_INL_H_
#endif

#include <cmath>
#include <numbers>
#include <vector>

#include "core/solvers/complex-inl.h"

HWY_BEFORE_NAMESPACE();
namespace diffverb {
namespace HWY_NAMESPACE {
// Transforms of 8 to 64 points, each SIMD lane a transform of its own: no shuffle anywhere. Forward, e^{-j...}; the
// inverse is the same with real and imaginary parts exchanged on the way in and out.

using Cplx = Complex<float>;

HWY_INLINE Cplx add(Cplx a, Cplx b) { return {hn::Add(a.re, b.re), hn::Add(a.im, b.im)}; }
HWY_INLINE Cplx subtract(Cplx a, Cplx b) { return {hn::Sub(a.re, b.re), hn::Sub(a.im, b.im)}; }
HWY_INLINE Cplx swap_parts(Cplx a) { return {a.im, a.re}; }

/// x (w[0] + j w[1]), one factor for all lanes
HWY_INLINE Cplx rotate(Cplx x, const float* w) {
  const Tag<float> tag;
  const auto re = hn::Set(tag, w[0]), im = hn::Set(tag, w[1]);
  return {hn::NegMulAdd(x.im, im, hn::Mul(x.re, re)), hn::MulAdd(x.im, re, hn::Mul(x.re, im))};
}

HWY_INLINE void butterfly4(Cplx& a, Cplx& b, Cplx& c, Cplx& d) {
  const Cplx even = add(a, c), even_difference = subtract(a, c), odd = add(b, d), odd_difference = subtract(b, d);
  a = add(even, odd);
  c = subtract(even, odd);
  b = {hn::Add(even_difference.re, odd_difference.im), hn::Sub(even_difference.im, odd_difference.re)};
  d = {hn::Sub(even_difference.re, odd_difference.im), hn::Add(even_difference.im, odd_difference.re)};
}

HWY_INLINE void butterfly8(Cplx* x) {
  const auto root = hn::Set(Tag<float>(), 0.70710678118654752f);
  Cplx e0 = x[0], e1 = x[2], e2 = x[4], e3 = x[6], o0 = x[1], o1 = x[3], o2 = x[5], o3 = x[7];
  butterfly4(e0, e1, e2, e3);
  butterfly4(o0, o1, o2, o3);
  o1 = {hn::Mul(root, hn::Add(o1.re, o1.im)), hn::Mul(root, hn::Sub(o1.im, o1.re))};
  o2 = {o2.im, hn::Neg(o2.re)};
  o3 = {hn::Mul(root, hn::Sub(o3.im, o3.re)), hn::Neg(hn::Mul(root, hn::Add(o3.re, o3.im)))};
  x[0] = add(e0, o0), x[4] = subtract(e0, o0);
  x[1] = add(e1, o1), x[5] = subtract(e1, o1);
  x[2] = add(e2, o2), x[6] = subtract(e2, o2);
  x[3] = add(e3, o3), x[7] = subtract(e3, o3);
}

template <int kPoints>
HWY_INLINE void butterfly(Cplx* x) {
  static_assert(kPoints == 4 || kPoints == 8);
  if constexpr (kPoints == 4) {
    butterfly4(x[0], x[1], x[2], x[3]);
  } else {
    butterfly8(x);
  }
}

/// n = kSecond n1 + n2, k = k1 + kFirst k2: kSecond transforms of kFirst points, a rotation, and the other way round.
template <int kPoints>
struct SmallFft {
  static_assert(kPoints == 16 || kPoints == 32 || kPoints == 64);
  static constexpr int kFirst = kPoints == 64 ? 8 : 4, kSecond = kPoints / kFirst;

  /// [kSecond][kFirst - 1] factors e^{-j 2 pi n2 k1 / kPoints}
  static std::vector<float> twiddles() {
    std::vector<float> w;
    for (int n2 = 0; n2 < kSecond; ++n2) {
      for (int k1 = 1; k1 < kFirst; ++k1) {
        const double angle = -2 * std::numbers::pi * n2 * k1 / kPoints;
        w.push_back(static_cast<float>(std::cos(angle)));
        w.push_back(static_cast<float>(std::sin(angle)));
      }
    }
    return w;
  }

  /// load(n) gives the points, store(k, x) takes the result; `temp` holds kPoints complex vectors.
  template <typename Load, typename Store>
  static HWY_INLINE void run(const float* twiddles, Pack<float> temp, const Load& load, const Store& store) {
    for (int n2 = 0; n2 < kSecond; ++n2) {
      Cplx x[kFirst];
#pragma GCC unroll 8
      for (int n1 = 0; n1 < kFirst; ++n1) x[n1] = load(kSecond * n1 + n2);
      butterfly<kFirst>(x);
      temp.store(n2, x[0]);
#pragma GCC unroll 8
      for (int k1 = 1; k1 < kFirst; ++k1)
        temp.store(k1 * kSecond + n2, rotate(x[k1], twiddles + 2 * (n2 * (kFirst - 1) + k1 - 1)));
    }
    for (int k1 = 0; k1 < kFirst; ++k1) {
      Cplx x[kSecond];
#pragma GCC unroll 8
      for (int n2 = 0; n2 < kSecond; ++n2) x[n2] = temp.load(k1 * kSecond + n2);
      butterfly<kSecond>(x);
#pragma GCC unroll 8
      for (int k2 = 0; k2 < kSecond; ++k2) store(k1 + kFirst * k2, x[k2]);
    }
  }
};

}  // namespace HWY_NAMESPACE
}  // namespace diffverb
HWY_AFTER_NAMESPACE();
#endif
