// Compiled once for each SIMD target (Highway's foreach_target): no ordinary include guard.
#if defined(DIFFVERB_LINE_GAIN_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef DIFFVERB_LINE_GAIN_INL_H_
#undef DIFFVERB_LINE_GAIN_INL_H_
#else
#define DIFFVERB_LINE_GAIN_INL_H_
#endif

#include <hwy/aligned_allocator.h>
#include <hwy/contrib/math/math-inl.h>
#include <hwy/highway.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>
#include <vector>

#include "core/solvers/complex-inl.h"
#include "core/solvers/frequency_kernel.h"

HWY_BEFORE_NAMESPACE();
namespace diffverb {
namespace HWY_NAMESPACE {
/// What is left of `turns` times `delay` after whole turns: the phase reaches thousands of turns, so it is reduced in
/// double.
template <typename Scalar>
HWY_INLINE void reduced_turns(const double* turns, double delay, Scalar* reduced) {
  for (std::size_t l = 0; l < lanes_of<Scalar>(); ++l) {
    const double t = turns[l] * delay;
    reduced[l] = static_cast<Scalar>(t - std::nearbyint(t));
  }
}

/// exp(-2 pi j t) for |t| <= 1/2: polynomials on an eighth of a turn around the nearest quarter.
HWY_INLINE Complex<float> unit_phase(Vec<float> t) {
  const Tag<float> tag;
  const hn::RebindToSigned<Tag<float>> whole;
  const auto quarter = hn::Round(hn::Mul(t, hn::Set(tag, 4.0f)));
  const auto y = hn::NegMulAdd(quarter, hn::Set(tag, 0.25f), t);
  const auto y2 = hn::Mul(y, y);
  const auto c = [&](double value) { return hn::Set(tag, static_cast<float>(value)); };
  // The Taylor series of sin and cos of 2 pi y; at y = 1/8 the first terms left out are 3e-7 / 4 and 3e-8.
  auto sine = hn::MulAdd(y2, c(42.058693944897654), c(-76.70585975306136));
  sine = hn::MulAdd(y2, sine, c(81.60524927607504));
  sine = hn::MulAdd(y2, sine, c(-41.341702240399755));
  sine = hn::Mul(y, hn::MulAdd(y2, sine, c(6.283185307179586)));
  auto cosine = hn::MulAdd(y2, c(60.24464137187666), c(-85.45681720669373));
  cosine = hn::MulAdd(y2, cosine, c(64.93939402266829));
  cosine = hn::MulAdd(y2, cosine, c(-19.739208802178716));
  cosine = hn::MulAdd(y2, cosine, c(1));
  const auto q = hn::ConvertTo(whole, quarter);
  const auto two = hn::Set(whole, 2);
  const auto odd = hn::RebindMask(tag, hn::Eq(hn::And(q, hn::Set(whole, 1)), hn::Set(whole, 1)));
  const auto sign = [&](auto bits) { return hn::BitCast(tag, hn::ShiftLeft<30>(hn::And(bits, two))); };
  return {hn::Xor(hn::IfThenElse(odd, sine, cosine), sign(hn::Add(q, hn::Set(whole, 1)))),
          hn::Xor(hn::IfThenElse(odd, cosine, sine), sign(hn::Add(q, two)))};
}
HWY_INLINE Complex<double> unit_phase(Vec<double> t) {
  const Tag<double> tag;
  const auto angle = hn::Mul(t, hn::Set(tag, 2 * std::numbers::pi));
  return {hn::Cos(tag, angle), hn::Neg(hn::Sin(tag, angle))};
}

/// 1 / G of every line for a batch of packs of bins, and the gradient of the sections that made it.
///
/// Where a filter silences a line 1 / G would be infinite: a section's zero on a bin is passed by at a distance that
/// rounding hides, the same for the gain and its gradient, and what several zeros still make smaller ends at 1 / kLargest.
///
/// A batch, because a section's coefficients and gradient sums are then loaded once for several packs: one at a time,
/// the sums of 16 lines of 10 sections (61 kB) and their quadratics would pass through the cache for every pack.
template <typename Scalar>
class LineGains {
 public:
  static constexpr int kBatch = 4;
  static constexpr bool kSingle = sizeof(Scalar) == sizeof(float);
  static constexpr double kLargest = kSingle ? 1e15 : 1e100;  // squared it is still a number
  static constexpr double kSmallest = kSingle ? 1e-12 : 1e-50;

  explicit LineGains(const FrequencyProblem<Scalar>& problem)
      : p_(problem), n_(static_cast<std::size_t>(problem.lines)) {
    scratch_ = hwy::AllocateAligned<Scalar>(lanes_of<Scalar>() * (2 * kBatch * n_ + 4 * kBatch));
    inverse_ = scratch_.get();
    versine_ = inverse_ + 2 * kBatch * n_ * lanes_of<Scalar>();
    sin_ = versine_ + kBatch * lanes_of<Scalar>();
    omega_ = sin_ + kBatch * lanes_of<Scalar>();
    angle_ = omega_ + kBatch * lanes_of<Scalar>();
    turns_.resize(kBatch * lanes_of<Scalar>());
    delay_magnitude_.resize(n_);
    for (std::size_t j = 0; j < n_; ++j)
      delay_magnitude_[j] = static_cast<Scalar>(std::min(std::pow(p_.radius, p_.delays[j]), kLargest));
    prepare_sections();
  }

  /// Loads the bins [bin, bin + kBatch lanes) below `end`; missing lanes repeat the last bin so that nothing new can be
  /// singular. Returns the number of packs. The gradients of sections need no more than this.
  int prepare(int bin, int end) {
    const Tag<Scalar> tag;
    const int lanes = static_cast<int>(lanes_of<Scalar>());
    const int packs = std::min(kBatch, (end - bin + lanes - 1) / lanes);
    const int there = std::min(kBatch * lanes, end - bin);
    std::copy_n(p_.omega + bin, there, turns_.begin());
    std::fill(turns_.begin() + there, turns_.end(), p_.omega[end - 1]);
    for (int l = 0; l < kBatch * lanes; ++l) omega_[l] = static_cast<Scalar>(turns_[l]);
    for (double& turns : turns_) turns *= 0.5 / std::numbers::pi;
    if (p_.sections == 0) return packs;
    for (int l = 0; l < kBatch * lanes; ++l)
      angle_[l] = static_cast<Scalar>((turns_[l] - std::nearbyint(turns_[l])) * (2 * std::numbers::pi));
    for (int p = 0; p < kBatch; ++p) {
      const auto w = hn::Load(tag, angle_ + p * lanes);
      const auto half = hn::Sin(tag, hn::Mul(w, hn::Set(tag, Scalar(0.5))));
      const auto versine = hn::Mul(hn::Set(tag, Scalar(2)), hn::Mul(half, half)), sine = hn::Sin(tag, w);
      const auto least = hn::Set(tag, static_cast<Scalar>(kSmallest));
      const auto most = hn::Set(tag, 2 - 2 * std::numeric_limits<Scalar>::epsilon());
      hn::Store(hn::Clamp(versine, least, most), tag, versine_ + p * lanes);
      hn::Store(hn::IfThenElse(hn::Lt(hn::Abs(sine), least), least, sine), tag, sin_ + p * lanes);
    }
    return packs;
  }

  /// The same, and 1 / G of all lines.
  int evaluate(int bin, int end) {
    const int packs = prepare(bin, end);
    for (std::size_t j = 0; j < n_; ++j) {
      for (int p = 0; p < packs; p += 2) evaluate_pair(j, p);
    }
    return packs;
  }

  /// 1 / G of all lines in one pack.
  Pack<Scalar> pack(int p) const { return Pack<Scalar>{inverse_}.from(static_cast<std::size_t>(p) * n_); }
  Vec<Scalar> omega(int p) const { return hn::Load(Tag<Scalar>(), omega_ + p * lanes_of<Scalar>()); }

  /// Adds the gradients of all sections over a batch; `log_gain` [kBatch, N] holds dL / d log G (zero in packs that are
  /// not there), `sums` [N, S, 6] registers.
  void add_section_gradients(const Pack<Scalar>& log_gain, Scalar* sums) const {
    const Tag<Scalar> tag;
    for (std::size_t j = 0; j < n_; ++j) {
      for (int k = 0; k < p_.sections; ++k) {
        const std::size_t index = j * p_.sections + k;
        const Scalar* t = section_.data() + 6 * index;
        Scalar* at = sums + 6 * index * lanes_of<Scalar>();
        auto n0 = hn::Load(tag, at), n1 = hn::Load(tag, at + lanes_of<Scalar>()),
             n2 = hn::Load(tag, at + 2 * lanes_of<Scalar>());
        auto d0 = hn::Load(tag, at + 3 * lanes_of<Scalar>()), d1 = hn::Load(tag, at + 4 * lanes_of<Scalar>()),
             d2 = hn::Load(tag, at + 5 * lanes_of<Scalar>());
        for (int p = 0; p < kBatch; ++p) {
          const auto c = hn::Load(tag, versine_ + p * lanes_of<Scalar>()),
                     s = hn::Load(tag, sin_ + p * lanes_of<Scalar>());
          const auto g = log_gain.load(p * n_ + j);
          const auto num = quadratic(t, c, s), den = quadratic(t + 3, c, s);
          // g / num and g / den by one reciprocal: 1 / |num|^2 = |den|^2 / (|num|^2 |den|^2).
          const auto num2 = hn::MulAdd(num.re, num.re, hn::Mul(num.im, num.im));
          const auto den2 = hn::MulAdd(den.re, den.re, hn::Mul(den.im, den.im));
          const auto inverse = invert(hn::Mul(num2, den2));
          const auto by_num = hn::Mul(den2, inverse), by_den = hn::Mul(num2, inverse);
          const auto num_re = hn::Mul(by_num, hn::MulAdd(g.re, num.re, hn::Mul(g.im, num.im)));
          const auto num_im = hn::Mul(by_num, hn::MulSub(g.im, num.re, hn::Mul(g.re, num.im)));
          const auto den_re = hn::Mul(by_den, hn::MulAdd(g.re, den.re, hn::Mul(g.im, den.im)));
          const auto den_im = hn::Mul(by_den, hn::MulSub(g.im, den.re, hn::Mul(g.re, den.im)));
          n0 = hn::Add(n0, num_re);
          n1 = hn::MulAdd(num_re, c, n1);
          n2 = hn::NegMulAdd(num_im, s, n2);
          d0 = hn::Add(d0, den_re);
          d1 = hn::MulAdd(den_re, c, d1);
          d2 = hn::NegMulAdd(den_im, s, d2);
        }
        hn::Store(n0, tag, at);
        hn::Store(n1, tag, at + lanes_of<Scalar>());
        hn::Store(n2, tag, at + 2 * lanes_of<Scalar>());
        hn::Store(d0, tag, at + 3 * lanes_of<Scalar>());
        hn::Store(d1, tag, at + 4 * lanes_of<Scalar>());
        hn::Store(d2, tag, at + 5 * lanes_of<Scalar>());
      }
    }
  }

 private:
  /// A section times z, with p = b0 r + b2 / r and q = b0 r - b2 / r: (b1 + p) - p (1 - cos w) + j q sin w, and the
  /// same for the denominator. The factor z cancels in the quotient, and a quadratic costs two multiplications. The sum
  /// b1 + p is made in double and 1 - cos w as 2 sin^2(w / 2): at 63 Hz a direct evaluation in float32 is off by 0.2 %.
  void prepare_sections() {
    const std::size_t count = n_ * p_.sections;
    section_.resize(6 * count);
    const double r = p_.radius;
    for (std::size_t s = 0; s < count; ++s) {
      const double* q = p_.sos + 5 * s;
      Scalar* t = section_.data() + 6 * s;
      t[0] = static_cast<Scalar>(q[1] + q[0] * r + q[2] / r);
      t[1] = static_cast<Scalar>(-(q[0] * r + q[2] / r));
      t[2] = static_cast<Scalar>(q[0] * r - q[2] / r);
      t[3] = static_cast<Scalar>(q[3] + r + q[4] / r);
      t[4] = static_cast<Scalar>(-(r + q[4] / r));
      t[5] = static_cast<Scalar>(r - q[4] / r);
      if (t[0] == 0 && t[1] == 0 && t[2] == 0)
        t[0] = static_cast<Scalar>(kSmallest);  // a section that lets nothing pass
    }
  }

  static HWY_INLINE Complex<Scalar> quadratic(const Scalar* t, Vec<Scalar> versine, Vec<Scalar> sine) {
    const Tag<Scalar> tag;
    return {hn::MulAdd(hn::Set(tag, t[1]), versine, hn::Set(tag, t[0])), hn::Mul(hn::Set(tag, t[2]), sine)};
  }

  /// One line in two packs: two chains of products run side by side.
  void evaluate_pair(std::size_t j, int p) {
    const Tag<Scalar> tag;
    if (p_.sections == 0) {
      pack(p).store(j, inverse_delay(j, p));
      pack(p + 1).store(j, inverse_delay(j, p + 1));
      return;
    }
    Complex<Scalar> x{hn::Set(tag, Scalar(1)), hn::Zero(tag)}, y = x;
    const auto cx = hn::Load(tag, versine_ + p * lanes_of<Scalar>()), sx = hn::Load(tag, sin_ + p * lanes_of<Scalar>());
    const auto cy = hn::Load(tag, versine_ + (p + 1) * lanes_of<Scalar>()),
               sy = hn::Load(tag, sin_ + (p + 1) * lanes_of<Scalar>());
    const Scalar* t = section_.data() + 6 * j * p_.sections;
    int k = 0;
    // Two sections by one reciprocal, not more: a quadratic is 1e-5 at the bottom of the spectrum, and a product of
    // many leaves float32's range.
    for (; k + 1 < p_.sections; k += 2, t += 12) {
      x = multiply<Scalar>(multiply<Scalar>(x, multiply<Scalar>(quadratic(t, cx, sx), quadratic(t + 6, cx, sx))),
                           reciprocal<Scalar>(multiply<Scalar>(quadratic(t + 3, cx, sx), quadratic(t + 9, cx, sx))));
      y = multiply<Scalar>(multiply<Scalar>(y, multiply<Scalar>(quadratic(t, cy, sy), quadratic(t + 6, cy, sy))),
                           reciprocal<Scalar>(multiply<Scalar>(quadratic(t + 3, cy, sy), quadratic(t + 9, cy, sy))));
    }
    if (k < p_.sections) {
      x = multiply<Scalar>(x, multiply<Scalar>(quadratic(t, cx, sx), reciprocal<Scalar>(quadratic(t + 3, cx, sx))));
      y = multiply<Scalar>(y, multiply<Scalar>(quadratic(t, cy, sy), reciprocal<Scalar>(quadratic(t + 3, cy, sy))));
    }
    pack(p).store(j, bounded_inverse(x, inverse_delay(j, p)));
    pack(p + 1).store(j, bounded_inverse(y, inverse_delay(j, p + 1)));
  }

  /// delay / gain
  static HWY_INLINE Complex<Scalar> bounded_inverse(Complex<Scalar> gain, Complex<Scalar> delay) {
    const Tag<Scalar> tag;
    const auto least = hn::Set(tag, static_cast<Scalar>(1 / kLargest));
    const auto gain2 = hn::MulAdd(gain.re, gain.re, hn::Mul(gain.im, gain.im));
    gain.re = hn::IfThenElse(hn::Lt(gain2, hn::Mul(least, least)), least, gain.re);
    return multiply<Scalar>(delay, reciprocal<Scalar>(gain));
  }

  Complex<Scalar> inverse_delay(std::size_t j, int p) {
    const Tag<Scalar> tag;
    reduced_turns(turns_.data() + p * lanes_of<Scalar>(), p_.delays[j], angle_);
    const auto unit = unit_phase(hn::Load(tag, angle_));
    const auto magnitude = hn::Set(tag, delay_magnitude_[j]);
    return {hn::Mul(magnitude, unit.re), hn::Neg(hn::Mul(magnitude, unit.im))};
  }

  const FrequencyProblem<Scalar>& p_;
  std::size_t n_;
  hwy::AlignedFreeUniquePtr<Scalar[]> scratch_;
  Scalar *inverse_ = nullptr, *versine_ = nullptr, *sin_ = nullptr, *omega_ = nullptr, *angle_ = nullptr;
  std::vector<double> turns_;
  std::vector<Scalar> delay_magnitude_, section_;
};

}  // namespace HWY_NAMESPACE
}  // namespace diffverb
HWY_AFTER_NAMESPACE();
#endif
