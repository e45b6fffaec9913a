// Compiled once for each SIMD target (Highway's foreach_target): no ordinary include guard.
#if defined(DIFFVERB_COMPLEX_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef DIFFVERB_COMPLEX_INL_H_
#undef DIFFVERB_COMPLEX_INL_H_
#else
#define DIFFVERB_COMPLEX_INL_H_
#endif

#include <hwy/highway.h>

#include <cstddef>

HWY_BEFORE_NAMESPACE();
namespace diffverb {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

template <typename Scalar>
using Tag = hn::ScalableTag<Scalar>;
template <typename Scalar>
using Vec = hn::Vec<Tag<Scalar>>;

template <typename Scalar>
struct Complex {
  Vec<Scalar> re, im;
};

template <typename Scalar>
HWY_INLINE Complex<Scalar> multiply(Complex<Scalar> x, Complex<Scalar> y) {
  return {hn::NegMulAdd(x.im, y.im, hn::Mul(x.re, y.re)), hn::MulAdd(x.im, y.re, hn::Mul(x.re, y.im))};
}

/// 1 / x; in float32 an estimate and Newton steps, because a division of a full register blocks the multipliers. On x86
/// the estimate has 12 bits at least, so that one step leaves 1.3e-7; elsewhere it may have 8.
HWY_INLINE Vec<float> invert(Vec<float> x) {
  const Tag<float> tag;
  const auto two = hn::Set(tag, 2.0f);
  auto y = hn::ApproximateReciprocal(x);
  if (!HWY_ARCH_X86) y = hn::Mul(y, hn::NegMulAdd(x, y, two));
  return hn::Mul(y, hn::NegMulAdd(x, y, two));
}
HWY_INLINE Vec<double> invert(Vec<double> x) { return hn::Div(hn::Set(Tag<double>(), 1.0), x); }

template <typename Scalar>
HWY_INLINE Complex<Scalar> reciprocal(Complex<Scalar> x) {
  const auto inverse = invert(hn::MulAdd(x.re, x.re, hn::Mul(x.im, x.im)));
  return {hn::Mul(x.re, inverse), hn::Neg(hn::Mul(x.im, inverse))};
}

/// acc - x * y
template <typename Scalar>
HWY_INLINE Complex<Scalar> subtract_product(Complex<Scalar> acc, Complex<Scalar> x, Complex<Scalar> y) {
  return {hn::MulAdd(x.im, y.im, hn::NegMulAdd(x.re, y.re, acc.re)),
          hn::NegMulAdd(x.im, y.re, hn::NegMulAdd(x.re, y.im, acc.im))};
}

/// acc + x * y
template <typename Scalar>
HWY_INLINE Complex<Scalar> add_product(Complex<Scalar> acc, Complex<Scalar> x, Complex<Scalar> y) {
  return {hn::NegMulAdd(x.im, y.im, hn::MulAdd(x.re, y.re, acc.re)),
          hn::MulAdd(x.im, y.re, hn::MulAdd(x.re, y.im, acc.im))};
}

/// A constant wherever registers have one size.
template <typename Scalar>
HWY_INLINE std::size_t lanes_of() {
  return hn::Lanes(Tag<Scalar>());
}

/// A row-major array of complex vectors in the pack's scratch memory.
template <typename Scalar>
struct Pack {
  Scalar* data = nullptr;
  HWY_INLINE Complex<Scalar> load(std::size_t i) const {
    const Tag<Scalar> tag;
    const Scalar* at = data + 2 * i * lanes_of<Scalar>();
    return {hn::Load(tag, at), hn::Load(tag, at + lanes_of<Scalar>())};
  }
  HWY_INLINE void store(std::size_t i, Complex<Scalar> x) const {
    const Tag<Scalar> tag;
    Scalar* at = data + 2 * i * lanes_of<Scalar>();
    hn::Store(x.re, tag, at);
    hn::Store(x.im, tag, at + lanes_of<Scalar>());
  }
  /// The array from entry i on.
  HWY_INLINE Pack from(std::size_t i) const { return {data + 2 * i * lanes_of<Scalar>()}; }
};

}  // namespace HWY_NAMESPACE
}  // namespace diffverb
HWY_AFTER_NAMESPACE();
#endif
