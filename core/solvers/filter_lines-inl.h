// Compiled once for each SIMD target (Highway's foreach_target): no ordinary include guard.
#if defined(DIFFVERB_FILTER_LINES_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef DIFFVERB_FILTER_LINES_INL_H_
#undef DIFFVERB_FILTER_LINES_INL_H_
#else
#define DIFFVERB_FILTER_LINES_INL_H_
#endif

#include <cstddef>
#include <vector>

#include "core/solvers/recursion-inl.h"

HWY_BEFORE_NAMESPACE();
namespace diffverb {
namespace HWY_NAMESPACE {
namespace time_kernel {
/// The lines without delay, one at a time: what the others hear of a block is known only when these have filtered it.
///
/// The pass over all lines that follows computes theirs once more, by the same arithmetic from the same states, and so
/// keeps the states and the tape.
template <typename Scalar>
class FilterPass {
 public:
  explicit FilterPass(const Recursion<Scalar>& r) : r_(r), costates_(r.state_size() / r.padded_ * r.p_.lines) {}

  /// x in place; `states` [S, 2, padded] of all lines at the block's start, read only.
  void filter(int line, Scalar* x, int length, const Scalar* states) const {
    for (int s = 0; s < r_.p_.sections; ++s) {
      const Section k(r_, s, line);
      if (k.is_identity) continue;
      Scalar z1 = states[2 * s * r_.padded_ + line], z2 = states[(2 * s + 1) * r_.padded_ + line];
      for (int t = 0; t < length; ++t) {
        const Scalar v3 = x[t] - z2, v1 = k.a1 * z1 + k.a2 * v3, v2 = z2 + k.a2 * z1 + k.a3 * v3;
        z1 = 2 * v1 - z1;
        z2 = 2 * v2 - z2;
        x[t] = k.m0 * x[t] + k.m1 * v1 + k.m2 * v2;
      }
    }
  }

  /// The adjoint, backwards in time, in place; `signals` and `sums` as Recursion::filter_rows_adjoint has them, from the
  /// block's first sample on.
  void filter_adjoint(int line, Scalar* y, int length, const Scalar* signals, int signal_stride, Scalar* sums) {
    const std::size_t padded = r_.padded_;
    for (int s = r_.p_.sections - 1; s >= 0; --s) {
      const Section k(r_, s, line);
      Scalar* costate = costates_.data() + 2 * (static_cast<std::size_t>(line) * r_.p_.sections + s);
      Scalar c1 = costate[0], c2 = costate[1], g[6] = {};
      const Scalar* signal = signals + static_cast<std::size_t>(s) * signal_stride * 3 * padded + line;
      for (int t = length - 1; t >= 0; --t) {
        const Scalar* at = signal + t * 3 * padded;
        const Scalar x = at[0], z1 = at[padded], z2 = at[2 * padded], v3 = x - z2;
        const Scalar v1 = k.a1 * z1 + k.a2 * v3, v2 = z2 + k.a2 * z1 + k.a3 * v3;
        const Scalar w1 = 2 * c1 + k.m1 * y[t], w2 = 2 * c2 + k.m2 * y[t], w3 = k.a2 * w1 + k.a3 * w2;
        c1 = k.a1 * w1 - c1 + k.a2 * w2;
        c2 = w2 - w3 - c2;
        g[0] += w1 * z1;
        g[1] += w1 * v3 + w2 * z1;
        g[2] += w2 * v3;
        g[3] += y[t] * x;
        g[4] += y[t] * v1;
        g[5] += y[t] * v2;
        y[t] = k.m0 * y[t] + w3;
      }
      costate[0] = c1;
      costate[1] = c2;
      for (int i = 0; i < 6; ++i) sums[(s * 6 + i) * padded + line] += g[i];
    }
  }

 private:
  struct Section {
    Scalar a1, a2, a3, m0, m1, m2;
    bool is_identity;
    Section(const Recursion<Scalar>& r, int s, int line) {
      const Scalar* k = r.coefficients_.get() + static_cast<std::size_t>(s) * 6 * r.padded_ + line;
      a1 = k[0], a2 = k[r.padded_], a3 = k[2 * r.padded_];
      m0 = k[3 * r.padded_], m1 = k[4 * r.padded_], m2 = k[5 * r.padded_];
      is_identity = m0 == 1 && m1 == 0 && m2 == 0;
    }
  };

  const Recursion<Scalar>& r_;
  std::vector<Scalar> costates_;  // [N, S, 2]
};

}  // namespace time_kernel
}  // namespace HWY_NAMESPACE
}  // namespace diffverb
HWY_AFTER_NAMESPACE();
#endif
