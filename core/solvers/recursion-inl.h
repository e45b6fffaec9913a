// Compiled once for each SIMD target (Highway's foreach_target): no ordinary include guard.
#if defined(DIFFVERB_RECURSION_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef DIFFVERB_RECURSION_INL_H_
#undef DIFFVERB_RECURSION_INL_H_
#else
#define DIFFVERB_RECURSION_INL_H_
#endif

#include <hwy/aligned_allocator.h>
#include <hwy/highway.h>

#include <algorithm>
#include <array>
#include <vector>

#include "core/solvers/svf.h"
#include "core/solvers/time_kernel.h"
#include "core/solvers/time_products-inl.h"

HWY_BEFORE_NAMESPACE();
namespace diffverb {
namespace HWY_NAMESPACE {
namespace time_kernel {
/// Shapes, coefficients over lines and scratch memory that the recursion and its adjoint share.
template <typename Scalar>
class Recursion {
 public:
  static constexpr int kSegment = 256;

  explicit Recursion(const TimeProblem<Scalar>& p) : p_(p), lanes_(static_cast<int>(hn::Lanes(Tag<Scalar>()))) {
    padded_ = (p.lines + lanes_ - 1) / lanes_ * lanes_;
    max_delay_ = static_cast<int>(*std::max_element(p.delays, p.delays + p.lines));
    block_ = kSegment;
    for (int j = 0; j < p.lines; ++j) {
      if (p.delays[j] > 0) block_ = static_cast<int>(std::min<std::int64_t>(p.delays[j], block_));
    }
    segment_ = std::max(1, kSegment / block_) * block_;
    segments_ = (p.samples + segment_ - 1) / segment_;
    stride_ = max_delay_ + p.samples;
    coefficients_ = aligned(static_cast<std::size_t>(p.sections) * 6 * padded_);
    for (int s = 0; s < p.sections; ++s) {
      for (int j = 0; j < p.lines; ++j) {
        const double* q = p.sos + 5 * (static_cast<std::size_t>(j) * p.sections + s);
        const Svf<double> f = svf_from_sos(q[0], q[1], q[2], q[3], q[4]);
        const double values[6] = {f.a1, f.a2, f.a3, f.m0, f.m1, f.m2};
        for (int i = 0; i < 6; ++i) coefficients_[(s * 6 + i) * padded_ + j] = static_cast<Scalar>(values[i]);
      }
    }
    rows_ = aligned(static_cast<std::size_t>(segment_) * padded_);
  }

  hwy::AlignedFreeUniquePtr<Scalar[]> aligned(std::size_t count) const {
    auto memory = hwy::AllocateAligned<Scalar>(std::max<std::size_t>(count, 1));
    std::fill(memory.get(), memory.get() + count, Scalar(0));
    return memory;
  }

  std::size_t state_size() const { return static_cast<std::size_t>(p_.sections) * 2 * padded_; }

  /// Lines to rows: from[j][t] -> rows[t, j]; 16 samples at a time keep both sides in the nearest cache.
  void to_rows(const Scalar* from, std::size_t stride, int length, Scalar* rows) const {
    for (int t0 = 0; t0 < length; t0 += 16) {
      const int end = std::min(t0 + 16, length);
      for (int j = 0; j < p_.lines; ++j) {
        const Scalar* line = from + j * stride;
        for (int t = t0; t < end; ++t) rows[t * padded_ + j] = line[t];
      }
    }
  }
  void to_lines(const Scalar* rows, int length, Scalar* to, std::size_t stride) const {
    for (int t0 = 0; t0 < length; t0 += 16) {
      const int end = std::min(t0 + 16, length);
      for (int j = 0; j < p_.lines; ++j) {
        Scalar* line = to + j * stride;
        for (int t = t0; t < end; ++t) line[t] = rows[t * padded_ + j];
      }
    }
  }

  /// Filters `length` rows in place through every section. With `signals` ([S, length, 3, padded]: x, z1, z2 before
  /// each step) it also leaves what the adjoint needs.
  void filter_rows(Scalar* rows, int length, Scalar* states, Scalar* signals, int signal_stride) const {
    for (int lane = 0; lane < padded_; lane += lanes_) {
      int s = 0;
      for (; s + 1 < p_.sections; s += 2) filter_sections<2>(s, lane, rows, length, states, signals, signal_stride);
      if (s < p_.sections) filter_sections<1>(s, lane, rows, length, states, signals, signal_stride);
    }
  }

  /// Adjoint of filter_rows over the same rows, backwards in time; adds coefficient gradients to `sums` [S, 6, padded].
  void filter_rows_adjoint(Scalar* rows, int length, Scalar* costates, const Scalar* signals, int signal_stride,
                           Scalar* sums) const {
    for (int lane = 0; lane < padded_; lane += lanes_) {
      int s = p_.sections;
      if (s % 2 == 1) filter_sections_adjoint<1>(s -= 1, lane, rows, length, costates, signals, signal_stride, sums);
      while (s > 0) filter_sections_adjoint<2>(s -= 2, lane, rows, length, costates, signals, signal_stride, sums);
    }
  }

  /// `Count` sections in one pass over time: each one's state is a chain of dependent operations, and two chains
  /// overlap.
  template <int Count>
  void filter_sections(int s, int lane, Scalar* rows, int length, Scalar* states, Scalar* signals,
                       int signal_stride) const {
    const Tag<Scalar> tag;
    const auto one = hn::Set(tag, Scalar(1)), two = hn::Set(tag, Scalar(2));
    Vec<Scalar> a1[Count], a2[Count], a3[Count], m0[Count], m1[Count], m2[Count], z1[Count], z2[Count];
    Scalar* signal[Count];
    for (int i = 0; i < Count; ++i) {
      const Scalar* k = coefficients_.get() + (s + i) * 6 * padded_ + lane;
      a1[i] = hn::MulSub(two, hn::Load(tag, k), one);  // z1 += 2 (v1 - z1) in one step: (2 a1 - 1) z1 + 2 a2 v3
      a2[i] = hn::Mul(two, hn::Load(tag, k + padded_));
      a3[i] = hn::Mul(two, hn::Load(tag, k + 2 * padded_));
      m0[i] = hn::Load(tag, k + 3 * padded_);
      m1[i] = hn::Mul(hn::Set(tag, Scalar(0.5)), hn::Load(tag, k + 4 * padded_));  // v = (new z + old z) / 2
      m2[i] = hn::Mul(hn::Set(tag, Scalar(0.5)), hn::Load(tag, k + 5 * padded_));
      z1[i] = hn::Load(tag, states + (s + i) * 2 * padded_ + lane);
      z2[i] = hn::Load(tag, states + (s + i) * 2 * padded_ + padded_ + lane);
      signal[i] = signals ? signals + static_cast<std::size_t>(s + i) * signal_stride * 3 * padded_ + lane : nullptr;
    }
    for (int t = 0; t < length; ++t) {
      Scalar* row = rows + t * padded_ + lane;
      auto x = hn::Load(tag, row);
      for (int i = 0; i < Count; ++i) {
        if (signals) {
          hn::Store(x, tag, signal[i]);
          hn::Store(z1[i], tag, signal[i] + padded_);
          hn::Store(z2[i], tag, signal[i] + 2 * padded_);
          signal[i] += 3 * padded_;
        }
        const auto v3 = hn::Sub(x, z2[i]);
        const auto next1 = hn::MulAdd(a2[i], v3, hn::Mul(a1[i], z1[i]));
        const auto next2 = hn::MulAdd(a3[i], v3, hn::MulAdd(a2[i], z1[i], z2[i]));
        x = hn::MulAdd(m2[i], hn::Add(next2, z2[i]), hn::MulAdd(m1[i], hn::Add(next1, z1[i]), hn::Mul(m0[i], x)));
        z1[i] = next1;
        z2[i] = next2;
      }
      hn::Store(x, tag, row);
    }
    for (int i = 0; i < Count; ++i) {
      hn::Store(z1[i], tag, states + (s + i) * 2 * padded_ + lane);
      hn::Store(z2[i], tag, states + (s + i) * 2 * padded_ + padded_ + lane);
    }
  }

  template <int Count>
  void filter_sections_adjoint(int s, int lane, Scalar* rows, int length, Scalar* costates, const Scalar* signals,
                               int signal_stride, Scalar* sums) const {
    const Tag<Scalar> tag;
    const auto two = hn::Set(tag, Scalar(2));
    Vec<Scalar> a1[Count], a2[Count], a3[Count], m0[Count], m1[Count], m2[Count], c1[Count], c2[Count];
    Vec<Scalar> g1[Count], g2[Count], g3[Count], n0[Count], n1[Count], n2[Count];
    const Scalar* signal[Count];
    for (int i = 0; i < Count; ++i) {
      const Scalar* k = coefficients_.get() + (s + i) * 6 * padded_ + lane;
      a1[i] = hn::Load(tag, k), a2[i] = hn::Load(tag, k + padded_), a3[i] = hn::Load(tag, k + 2 * padded_);
      m0[i] = hn::Load(tag, k + 3 * padded_), m1[i] = hn::Load(tag, k + 4 * padded_),
      m2[i] = hn::Load(tag, k + 5 * padded_);
      const Scalar* costate = costates + (s + i) * 2 * padded_ + lane;
      c1[i] = hn::Load(tag, costate), c2[i] = hn::Load(tag, costate + padded_);
      g1[i] = g2[i] = g3[i] = n0[i] = n1[i] = n2[i] = hn::Zero(tag);
      signal[i] = signals + static_cast<std::size_t>(s + i) * signal_stride * 3 * padded_ + lane;
    }
    for (int t = length - 1; t >= 0; --t) {
      Scalar* row = rows + t * padded_ + lane;
      auto y = hn::Load(tag, row);
      for (int i = Count - 1; i >= 0; --i) {
        const Scalar* at = signal[i] + static_cast<std::size_t>(t) * 3 * padded_;
        const auto x = hn::Load(tag, at), z1 = hn::Load(tag, at + padded_), z2 = hn::Load(tag, at + 2 * padded_);
        const auto v3 = hn::Sub(x, z2);
        const auto v1 = hn::MulAdd(a2[i], v3, hn::Mul(a1[i], z1));
        const auto v2 = hn::MulAdd(a3[i], v3, hn::MulAdd(a2[i], z1, z2));
        const auto w1 = hn::MulAdd(two, c1[i], hn::Mul(m1[i], y));
        const auto w2 = hn::MulAdd(two, c2[i], hn::Mul(m2[i], y));
        const auto w3 = hn::MulAdd(a3[i], w2, hn::Mul(a2[i], w1));
        c1[i] = hn::MulAdd(a2[i], w2, hn::MulSub(a1[i], w1, c1[i]));
        c2[i] = hn::Sub(hn::Sub(w2, w3), c2[i]);
        g1[i] = hn::MulAdd(w1, z1, g1[i]);
        g2[i] = hn::MulAdd(w2, z1, hn::MulAdd(w1, v3, g2[i]));
        g3[i] = hn::MulAdd(w2, v3, g3[i]);
        n0[i] = hn::MulAdd(y, x, n0[i]);
        n1[i] = hn::MulAdd(y, v1, n1[i]);
        n2[i] = hn::MulAdd(y, v2, n2[i]);
        y = hn::MulAdd(m0[i], y, w3);
      }
      hn::Store(y, tag, row);
    }
    for (int i = 0; i < Count; ++i) {
      Scalar* costate = costates + (s + i) * 2 * padded_ + lane;
      hn::Store(c1[i], tag, costate);
      hn::Store(c2[i], tag, costate + padded_);
      const Vec<Scalar> parts[6] = {g1[i], g2[i], g3[i], n0[i], n1[i], n2[i]};
      for (int k = 0; k < 6; ++k) {
        Scalar* sum = sums + ((s + i) * 6 + k) * padded_ + lane;
        hn::Store(hn::Add(hn::Load(tag, sum), parts[k]), tag, sum);
      }
    }
  }

  const TimeProblem<Scalar>& p_;
  int lanes_, padded_ = 0, max_delay_ = 0, block_ = 0, segment_ = 0, segments_ = 0;
  std::size_t stride_ = 0;
  hwy::AlignedFreeUniquePtr<Scalar[]> coefficients_, rows_;
};

}  // namespace time_kernel
}  // namespace HWY_NAMESPACE
}  // namespace diffverb
HWY_AFTER_NAMESPACE();
#endif
