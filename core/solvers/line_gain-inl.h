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
#include <numbers>
#include <vector>

#include "core/solvers/complex-inl.h"
#include "core/solvers/frequency_kernel.h"

HWY_BEFORE_NAMESPACE();
namespace diffverb {
namespace HWY_NAMESPACE {
/// sin and cos of 2 pi t for each bin of a pack: the phase m omega reaches thousands of turns, so it is reduced in
/// double.
HWY_INLINE void phase(const double* turns, double delay, std::size_t lanes, float* reduced) {
  for (std::size_t l = 0; l < lanes; ++l) {
    const double t = turns[l] * delay;
    reduced[l] = static_cast<float>((t - std::nearbyint(t)) * (2 * std::numbers::pi));
  }
}
HWY_INLINE void phase(const double* turns, double delay, std::size_t lanes, double* reduced) {
  for (std::size_t l = 0; l < lanes; ++l) {
    const double t = turns[l] * delay;
    reduced[l] = (t - std::nearbyint(t)) * (2 * std::numbers::pi);
  }
}

/// G of every line for a batch of packs of bins, and the gradient of the sections that made it.
///
/// A batch, because a section's coefficients and gradient sums are then loaded once for several packs: one at a time,
/// the sums of 16 lines of 10 sections (61 kB) and their quadratics would pass through the cache for every pack.
template <typename Scalar>
class LineGains {
 public:
  static constexpr int kBatch = 4;

  explicit LineGains(const FrequencyProblem<Scalar>& problem)
      : p_(problem), lanes_(hn::Lanes(Tag<Scalar>())), n_(static_cast<std::size_t>(problem.lines)) {
    scratch_ = hwy::AllocateAligned<Scalar>(lanes_ * (2 * kBatch * n_ + 4 * kBatch));
    gains_ = scratch_.get();
    versine_ = gains_ + 2 * kBatch * n_ * lanes_;
    sin_ = versine_ + kBatch * lanes_;
    omega_ = sin_ + kBatch * lanes_;
    angle_ = omega_ + kBatch * lanes_;
    turns_.resize(kBatch * lanes_);
    delay_magnitude_.resize(n_);
    for (std::size_t j = 0; j < n_; ++j) delay_magnitude_[j] = static_cast<Scalar>(std::pow(p_.radius, -p_.delays[j]));
    prepare_sections();
  }

  /// Loads the bins [bin, bin + kBatch lanes) below `end`; missing lanes repeat the last bin so that nothing new can be
  /// singular. Returns the number of packs.
  int evaluate(int bin, int end) {
    const Tag<Scalar> tag;
    const int lanes = static_cast<int>(lanes_);
    const int packs = std::min(kBatch, (end - bin + lanes - 1) / lanes);
    for (int l = 0; l < kBatch * lanes; ++l) {
      const double omega = p_.omega[std::min(bin + l, end - 1)];
      omega_[l] = static_cast<Scalar>(omega);
      turns_[l] = omega / (2 * std::numbers::pi);
      angle_[l] = static_cast<Scalar>(std::remainder(omega, 2 * std::numbers::pi));
    }
    for (int p = 0; p < kBatch; ++p) {
      const auto w = hn::Load(tag, angle_ + p * lanes);
      const auto half = hn::Sin(tag, hn::Mul(w, hn::Set(tag, Scalar(0.5))));
      hn::Store(hn::Mul(hn::Set(tag, Scalar(2)), hn::Mul(half, half)), tag, versine_ + p * lanes);
      hn::Store(hn::Sin(tag, w), tag, sin_ + p * lanes);
    }
    for (std::size_t j = 0; j < n_; ++j) {
      for (int p = 0; p < packs; p += 2) evaluate_pair(j, p);
    }
    return packs;
  }

  /// The gains of all lines in one pack.
  Pack<Scalar> pack(int p) const { return {gains_ + 2 * static_cast<std::size_t>(p) * n_ * lanes_, lanes_}; }
  Vec<Scalar> omega(int p) const { return hn::Load(Tag<Scalar>(), omega_ + p * lanes_); }

  /// Adds the gradients of all sections over a batch; `log_gain` [kBatch, N] holds dL / d log G (zero in packs that are
  /// not there), `sums` [N, S, 6] registers.
  void add_section_gradients(const Pack<Scalar>& log_gain, Scalar* sums) const {
    const Tag<Scalar> tag;
    for (std::size_t j = 0; j < n_; ++j) {
      for (int k = 0; k < p_.sections; ++k) {
        const std::size_t index = j * p_.sections + k;
        const Scalar* t = section_.data() + 6 * index;
        Scalar* at = sums + 6 * index * lanes_;
        auto n0 = hn::Load(tag, at), n1 = hn::Load(tag, at + lanes_), n2 = hn::Load(tag, at + 2 * lanes_);
        auto d0 = hn::Load(tag, at + 3 * lanes_), d1 = hn::Load(tag, at + 4 * lanes_),
             d2 = hn::Load(tag, at + 5 * lanes_);
        for (int p = 0; p < kBatch; ++p) {
          const auto c = hn::Load(tag, versine_ + p * lanes_), s = hn::Load(tag, sin_ + p * lanes_);
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
        hn::Store(n1, tag, at + lanes_);
        hn::Store(n2, tag, at + 2 * lanes_);
        hn::Store(d0, tag, at + 3 * lanes_);
        hn::Store(d1, tag, at + 4 * lanes_);
        hn::Store(d2, tag, at + 5 * lanes_);
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
    }
  }

  static HWY_INLINE Complex<Scalar> quadratic(const Scalar* t, Vec<Scalar> versine, Vec<Scalar> sine) {
    const Tag<Scalar> tag;
    return {hn::MulAdd(hn::Set(tag, t[1]), versine, hn::Set(tag, t[0])), hn::Mul(hn::Set(tag, t[2]), sine)};
  }

  /// One line in two packs: two chains of products run side by side.
  void evaluate_pair(std::size_t j, int p) {
    const Tag<Scalar> tag;
    auto x = delay_gain(j, p), y = delay_gain(j, p + 1);
    const auto cx = hn::Load(tag, versine_ + p * lanes_), sx = hn::Load(tag, sin_ + p * lanes_);
    const auto cy = hn::Load(tag, versine_ + (p + 1) * lanes_), sy = hn::Load(tag, sin_ + (p + 1) * lanes_);
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
    pack(p).store(j, x);
    pack(p + 1).store(j, y);
  }

  Complex<Scalar> delay_gain(std::size_t j, int p) {
    const Tag<Scalar> tag;
    phase(turns_.data() + p * lanes_, p_.delays[j], lanes_, angle_);
    const auto angle = hn::Load(tag, angle_);
    const auto magnitude = hn::Set(tag, delay_magnitude_[j]);
    return {hn::Mul(magnitude, hn::Cos(tag, angle)), hn::Neg(hn::Mul(magnitude, hn::Sin(tag, angle)))};
  }

  const FrequencyProblem<Scalar>& p_;
  std::size_t lanes_, n_;
  hwy::AlignedFreeUniquePtr<Scalar[]> scratch_;
  Scalar *gains_ = nullptr, *versine_ = nullptr, *sin_ = nullptr, *omega_ = nullptr, *angle_ = nullptr;
  std::vector<double> turns_;
  std::vector<Scalar> delay_magnitude_, section_;
};

}  // namespace HWY_NAMESPACE
}  // namespace diffverb
HWY_AFTER_NAMESPACE();
#endif
