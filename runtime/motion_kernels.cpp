#include "runtime/motion_kernels.h"

#include <algorithm>
#include <cmath>
#include <cstdint>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "runtime/motion_kernels.cpp"
#include <hwy/foreach_target.h>  // compiles this file once for each instruction set
// then
#include <hwy/contrib/math/math-inl.h>
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace diffverb::runtime {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

using Wide = hn::CappedTag<float, 16>;
using Exact = hn::CappedTag<double, 8>;
using ExactVec = hn::Vec<Exact>;

inline int width() { return static_cast<int>(hn::Lanes(Exact())); }

HWY_INLINE ExactVec sine_at(const Phasor& p, int t) {
  const Exact d;
  return hn::MulAdd(hn::Set(d, p.s), hn::LoadU(d, p.cos + t), hn::Mul(hn::Set(d, p.c), hn::LoadU(d, p.sin + t)));
}
HWY_INLINE ExactVec cosine_at(const Phasor& p, int t) {
  const Exact d;
  return hn::NegMulAdd(hn::Set(d, p.s), hn::LoadU(d, p.sin + t), hn::Mul(hn::Set(d, p.c), hn::LoadU(d, p.cos + t)));
}

/// With sin 2x = 2 s c and sin 3x = 3 s - 4 s^3 the noise is s (2 + c - 4/3 s^2) / 3.
HWY_INLINE ExactVec motion_at(const PlayedMotion& m, const double* level, int t) {
  const Exact d;
  const auto sine = sine_at(m.sine, t), s = sine_at(m.noise, t), c = cosine_at(m.noise, t);
  const auto inner =
      hn::NegMulAdd(hn::Mul(hn::Set(d, 4.0 / 9), s), s, hn::MulAdd(c, hn::Set(d, 1.0 / 3), hn::Set(d, 2.0 / 3)));
  return hn::MulAdd(hn::LoadU(d, level + t), hn::MulSub(s, inner, sine), sine);
}

void SetMotion(const PlayedMotion& m, const double* level, int frames, double* to) {
  const Exact d;
  const auto depth = hn::Set(d, m.depth);
  for (int t = 0; t < frames; t += width()) hn::StoreU(hn::Mul(depth, motion_at(m, level, t)), d, to + t);
}
void AddMotion(const PlayedMotion& m, const double* level, int frames, double* to) {
  const Exact d;
  const auto depth = hn::Set(d, m.depth);
  for (int t = 0; t < frames; t += width())
    hn::StoreU(hn::MulAdd(depth, motion_at(m, level, t), hn::LoadU(d, to + t)), d, to + t);
}

void SetSine(const Phasor& p, double amplitude, double base, int frames, double* to) {
  const Exact d;
  const auto by = hn::Set(d, amplitude), rest = hn::Set(d, base);
  for (int t = 0; t < frames; t += width()) hn::StoreU(hn::MulAdd(by, sine_at(p, t), rest), d, to + t);
}

/// In single precision, to some 1e-7; beyond the ends exactly 0 and 1, whether all of it is taken as quiet or not.
template <class D>
HWY_INLINE hn::Vec<D> loudness(D d, hn::Vec<D> mean_square) {
  const auto quiet = hn::Set(d, 1e-4f), one = hn::Set(d, 1.0f);
  const auto is_quiet = hn::Le(mean_square, quiet), is_loud = hn::Ge(mean_square, hn::Set(d, 0.1f));
  const auto outside = hn::IfThenElseZero(is_loud, one);
  if (hn::AllTrue(d, hn::Or(is_quiet, is_loud))) return outside;
  const auto log = hn::Log10(d, hn::Max(mean_square, quiet));
  const auto between = hn::Min(one, hn::Max(hn::Zero(d), hn::MulAdd(log, hn::Set(d, 1.0f / 3), hn::Set(d, 4.0f / 3))));
  return hn::IfThenElse(hn::Or(is_quiet, is_loud), outside, between);
}

void ToLoudness(double* mean, int frames) {
  const Exact d;
  const hn::Rebind<float, Exact> df;
#if HWY_TARGET == HWY_SCALAR
  for (int t = 0; t < frames; ++t)
    hn::StoreU(hn::PromoteTo(d, loudness(df, hn::DemoteTo(df, hn::LoadU(d, mean + t)))), d, mean + t);
#else
  const Wide dw;
  for (int t = 0; t < frames; t += 2 * width()) {
    const auto low = hn::DemoteTo(df, hn::LoadU(d, mean + t)),
               high = hn::DemoteTo(df, hn::LoadU(d, mean + t + width()));
    const auto level = loudness(dw, hn::Combine(dw, high, low));
    hn::StoreU(hn::PromoteTo(d, hn::LowerHalf(df, level)), d, mean + t);
    hn::StoreU(hn::PromoteTo(d, hn::UpperHalf(df, level)), d, mean + t + width());
  }
#endif
}

void Split(const double* x, int frames, int* whole, float* part) {
  const Exact d;
  const hn::Rebind<std::int32_t, Exact> di;
  const hn::Rebind<float, Exact> df;
  for (int t = 0; t < frames; t += width()) {
    const auto value = hn::LoadU(d, x + t), above = hn::Ceil(value);
    hn::StoreU(hn::DemoteTo(di, above), di, whole + t);
    hn::StoreU(hn::DemoteTo(df, hn::Sub(above, value)), df, part + t);
  }
}

/// sin 2 pi u, |u| <= 1/4: Taylor's series with its last coefficients fitted, to some 1e-8.
template <class D, class V>
HWY_INLINE V quarter_sine(D d, V u) {
  const V x = hn::Mul(u, hn::Set(d, 6.283185307179586f)), xx = hn::Mul(x, x);
  V p = hn::Set(d, -2.3889859e-08f);
  p = hn::MulAdd(p, xx, hn::Set(d, 2.7525562e-06f));
  p = hn::MulAdd(p, xx, hn::Set(d, -1.9840874e-04f));
  p = hn::MulAdd(p, xx, hn::Set(d, 8.3333310e-03f));
  p = hn::MulAdd(p, xx, hn::Set(d, -1.6666667e-01f));
  return hn::MulAdd(hn::Mul(p, xx), x, x);
}

void ToRotation(const double* radius, const double* turns, double ramp, double first, int frames, float* c, float* s) {
  const Exact d;
  const hn::Rebind<float, Exact> df;
  const auto step = hn::Set(d, ramp), quarter = hn::Set(d, 0.25), half = hn::Set(d, 0.5);
  for (int t = 0; t < frames; t += width()) {
    const auto time = hn::Add(hn::Iota(d, 0), hn::Set(d, first + t));
    auto u = hn::MulAdd(step, time, hn::LoadU(d, turns + t));
    u = hn::Sub(u, hn::Round(u));
    const auto r = hn::DemoteTo(df, hn::LoadU(d, radius + t));
    const auto size = hn::Abs(u), folded = hn::CopySign(hn::Min(size, hn::Sub(half, size)), u);
    hn::StoreU(hn::Mul(r, quarter_sine(df, hn::DemoteTo(df, hn::Sub(quarter, size)))), df, c + t);
    hn::StoreU(hn::Mul(r, quarter_sine(df, hn::DemoteTo(df, folded))), df, s + t);
  }
}

void Rotate(const float* c, const float* s, const float* a, const float* b, int frames, float* to_a, float* to_b) {
  const Wide d;
  for (int t = 0; t < frames; t += static_cast<int>(hn::Lanes(d))) {
    const auto cos = hn::LoadU(d, c + t), sin = hn::LoadU(d, s + t), x = hn::LoadU(d, a + t), y = hn::LoadU(d, b + t);
    hn::StoreU(hn::NegMulAdd(sin, y, hn::Mul(cos, x)), d, to_a + t);
    hn::StoreU(hn::MulAdd(sin, x, hn::Mul(cos, y)), d, to_b + t);
  }
}

void Scale(const float* factor, const float* a, int frames, float* to) {
  const Wide d;
  for (int t = 0; t < frames; t += static_cast<int>(hn::Lanes(d)))
    hn::StoreU(hn::Mul(hn::LoadU(d, factor + t), hn::LoadU(d, a + t)), d, to + t);
}

using WideVec = hn::Vec<Wide>;
HWY_INLINE WideVec cubic(WideVec t, WideVec x0, WideVec x1, WideVec x2, WideVec x3) {
  const Wide d;
  const auto m = hn::Sub(t, hn::Set(d, 1.0f)), l = hn::Sub(t, hn::Set(d, 2.0f)), p = hn::Add(t, hn::Set(d, 1.0f));
  const auto ml = hn::Mul(m, l), pt = hn::Mul(p, t), sixth = hn::Set(d, 1.0f / 6), half = hn::Set(d, 0.5f);
  const auto outer = hn::NegMulAdd(hn::Mul(t, ml), x0, hn::Mul(hn::Mul(pt, m), x3));
  const auto inner = hn::NegMulAdd(hn::Mul(pt, l), x2, hn::Mul(hn::Mul(p, ml), x1));
  return hn::MulAdd(outer, sixth, hn::Mul(inner, half));
}

void ReadMoving(const float* ring, std::size_t size, std::size_t from, const int* whole, const float* part, int frames,
                float* to) {
  const Wide d;
  const hn::RebindToSigned<Wide> di;
  const int lanes = static_cast<int>(hn::Lanes(d)), end = static_cast<int>(size), origin = static_cast<int>(from);
  HWY_ALIGN float x[4][16] = {};
  const auto wrapped = [end](int at) { return at < 0 ? at + end : at >= end ? at - end : at; };
  for (int t = 0; t < frames; t += lanes) {
    const auto fraction = hn::LoadU(d, part + t);
    const int count = std::min(lanes, frames - t), begin = wrapped(origin + t - whole[t] - 1);
    const auto same = hn::Eq(hn::LoadU(di, whole + t), hn::Set(di, whole[t]));
    const bool is_straight = hn::AllTrue(di, hn::Or(same, hn::Not(hn::FirstN(di, static_cast<std::size_t>(count)))));
    if (is_straight && begin + lanes + 3 <= end) {
      const float* at = ring + begin;
      hn::StoreU(cubic(fraction, hn::LoadU(d, at), hn::LoadU(d, at + 1), hn::LoadU(d, at + 2), hn::LoadU(d, at + 3)), d,
                 to + t);
      continue;
    }
    for (int lane = 0; lane < count; ++lane) {
      int at = wrapped(origin + t + lane - whole[t + lane] - 1);
      for (auto& tap : x) {
        tap[lane] = ring[at];
        at = at + 1 < end ? at + 1 : 0;
      }
    }
    hn::StoreU(cubic(fraction, hn::Load(d, x[0]), hn::Load(d, x[1]), hn::Load(d, x[2]), hn::Load(d, x[3])), d, to + t);
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace diffverb::runtime
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace diffverb::runtime {

HWY_EXPORT(SetMotion);
HWY_EXPORT(AddMotion);
HWY_EXPORT(SetSine);
HWY_EXPORT(ToLoudness);
HWY_EXPORT(Split);
HWY_EXPORT(ToRotation);
HWY_EXPORT(Rotate);
HWY_EXPORT(Scale);
HWY_EXPORT(ReadMoving);

void set_motion(const PlayedMotion& motion, const double* level, int frames, double* to) {
  HWY_DYNAMIC_DISPATCH(SetMotion)(motion, level, frames, to);
}
void add_motion(const PlayedMotion& motion, const double* level, int frames, double* to) {
  HWY_DYNAMIC_DISPATCH(AddMotion)(motion, level, frames, to);
}
void set_sine(const Phasor& phasor, double amplitude, double base, int frames, double* to) {
  HWY_DYNAMIC_DISPATCH(SetSine)(phasor, amplitude, base, frames, to);
}
void to_loudness(double* mean_square, int frames) { HWY_DYNAMIC_DISPATCH(ToLoudness)(mean_square, frames); }
void split(const double* x, int frames, int* whole, float* part) {
  HWY_DYNAMIC_DISPATCH(Split)(x, frames, whole, part);
}
void to_rotation(const double* radius, const double* turns, double ramp, double first, int frames, float* c, float* s) {
  HWY_DYNAMIC_DISPATCH(ToRotation)(radius, turns, ramp, first, frames, c, s);
}
void rotate(const float* c, const float* s, const float* a, const float* b, int frames, float* to_a, float* to_b) {
  HWY_DYNAMIC_DISPATCH(Rotate)(c, s, a, b, frames, to_a, to_b);
}
void scale(const float* factor, const float* a, int frames, float* to) {
  HWY_DYNAMIC_DISPATCH(Scale)(factor, a, frames, to);
}
void read_at_moving_delay(const float* ring, std::size_t size, std::size_t from, const int* whole, const float* part,
                          int frames, float* to) {
  HWY_DYNAMIC_DISPATCH(ReadMoving)(ring, size, from, whole, part, frames, to);
}

}  // namespace diffverb::runtime
#endif
