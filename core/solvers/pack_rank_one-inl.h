// Compiled once for each SIMD target (Highway's foreach_target): no ordinary include guard.
#if defined(DIFFVERB_PACK_RANK_ONE_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef DIFFVERB_PACK_RANK_ONE_INL_H_
#undef DIFFVERB_PACK_RANK_ONE_INL_H_
#else
#define DIFFVERB_PACK_RANK_ONE_INL_H_
#endif

#include <hwy/aligned_allocator.h>
#include <hwy/highway.h>

#include "core/solvers/complex-inl.h"
#include "core/solvers/frequency_kernel.h"

HWY_BEFORE_NAMESPACE();
namespace diffverb {
namespace HWY_NAMESPACE {
/// One pack of bins where A = diag(d) + u v^T, in O(N) by the formula of Sherman and Morrison:
///
///   E = G^-1 - diag(d),  G^-1 - A = E - u v^T,  sigma = 1 - sum_j u_j v_j / E_j
///   S = E^-1 B + E^-1 u tau,  tau = (v E^-1 B) / sigma
///   W = C E^-1 + rho v E^-1,  rho = (C E^-1 u) / sigma
///
/// In double, whatever the type of the problem: where a line alone is near resonance E_j is small although G^-1 - A is
/// not, and the two terms cancel.
template <typename Scalar>
class PackRankOne {
 public:
  explicit PackRankOne(const FrequencyProblem<Scalar>& problem) : p_(problem) {
    const std::size_t n = problem.lines;
    scratch_ = hwy::AllocateAligned<double>(2 * lanes_of<double>() * 2 * n);
    inverse_gain_ = {scratch_.get()};
    inverse_ = inverse_gain_.from(n);
  }

  /// Fills what is not null: s [N, I], w [O, N], h [O, I]. Returns false, with some of it written, where the terms
  /// cancel too much.
  bool solve(const Pack<Scalar>& inverse_gain, const Pack<Scalar>& s, const Pack<Scalar>& w,
             const Pack<Scalar>& h) const {
    for (std::size_t part = 0; part < lanes_of<Scalar>() / lanes_of<double>(); ++part) {
      if (!solve_part(inverse_gain, part, s, w, h)) return false;
    }
    return true;
  }

 private:
  using Value = Complex<double>;
  /// Of |E G|^2 and |sigma|^2: rounding of 1e-16 grows by its inverse root.
  static constexpr double kSmallest = sizeof(Scalar) == sizeof(float) ? 1e-12 : 1e-6;

  static HWY_INLINE Value scale(double factor, Value z) {
    const auto f = hn::Set(Tag<double>(), factor);
    return {hn::Mul(f, z.re), hn::Mul(f, z.im)};
  }
  static HWY_INLINE Value add_scaled(Value acc, double factor, Value z) {
    const auto f = hn::Set(Tag<double>(), factor);
    return {hn::MulAdd(f, z.re, acc.re), hn::MulAdd(f, z.im, acc.im)};
  }
  static HWY_INLINE Value real(double value) {
    const Tag<double> tag;
    return {hn::Set(tag, value), hn::Zero(tag)};
  }
  static HWY_INLINE Vec<double> power(Value z) { return hn::MulAdd(z.re, z.re, hn::Mul(z.im, z.im)); }

  static HWY_INLINE void load_part(const Pack<Scalar>& pack, std::size_t i, std::size_t part, double* out) {
    const std::size_t half = lanes_of<double>();
    const Scalar* in = pack.from(i).data + part * half;
    for (std::size_t l = 0; l < half; ++l) {
      out[l] = in[l];
      out[half + l] = in[lanes_of<Scalar>() + l];
    }
  }
  static HWY_INLINE void store_part(const Pack<Scalar>& pack, std::size_t i, std::size_t part, Value value) {
    const std::size_t half = lanes_of<double>();
    HWY_ALIGN double lanes[2 * hn::MaxLanes(Tag<double>())];
    Pack<double>{lanes}.store(0, value);
    Scalar* out = pack.from(i).data + part * half;
    for (std::size_t l = 0; l < half; ++l) {
      out[l] = static_cast<Scalar>(lanes[l]);
      out[lanes_of<Scalar>() + l] = static_cast<Scalar>(lanes[half + l]);
    }
  }

  bool solve_part(const Pack<Scalar>& inverse_gain, std::size_t part, const Pack<Scalar>& s, const Pack<Scalar>& w,
                  const Pack<Scalar>& h) const {
    const Tag<double> tag;
    const int n = p_.lines, inputs = p_.inputs, outputs = p_.outputs;
    const auto smallest = hn::Set(tag, kSmallest);
    bool safe = true;
    Value sigma = real(1);
    for (int j = 0; j < n; ++j) {
      load_part(inverse_gain, j, part, inverse_gain_.from(j).data);
      const Value g = inverse_gain_.load(j), e{hn::Sub(g.re, hn::Set(tag, p_.diagonal[j])), g.im};
      safe &= hn::AllTrue(tag, hn::Ge(power(e), hn::Mul(smallest, power(g))));
      const Value inverse = reciprocal<double>(e);
      inverse_.store(j, inverse);
      sigma = add_scaled(sigma, -p_.left[j] * p_.right[j], inverse);
    }
    if (!safe || !hn::AllTrue(tag, hn::Ge(power(sigma), smallest))) return false;
    const Value over = reciprocal<double>(sigma);
    for (int i = 0; i < inputs; ++i) {
      Value tau = real(0);
      for (int j = 0; j < n; ++j) tau = add_scaled(tau, p_.right[j] * p_.b[j * inputs + i], inverse_.load(j));
      tau = multiply<double>(tau, over);
      for (int o = 0; o < outputs && h.data; ++o) {
        Value sum = real(p_.d[o * inputs + i]);
        for (int j = 0; j < n; ++j) {
          const Value entering = add_scaled(real(p_.b[j * inputs + i]), p_.left[j], tau);
          sum = add_product<double>(sum, scale(p_.c[o * n + j], inverse_.load(j)), entering);
        }
        store_part(h, o * inputs + i, part, sum);
      }
      for (int j = 0; j < n && s.data; ++j) {
        const Value entering = add_scaled(real(p_.b[j * inputs + i]), p_.left[j], tau);
        store_part(s, j * inputs + i, part, multiply<double>(entering, inverse_.load(j)));
      }
    }
    for (int o = 0; o < outputs && w.data; ++o) {
      Value rho = real(0);
      for (int j = 0; j < n; ++j) rho = add_scaled(rho, p_.left[j] * p_.c[o * n + j], inverse_.load(j));
      rho = multiply<double>(rho, over);
      for (int j = 0; j < n; ++j) {
        const Value leaving = add_scaled(real(p_.c[o * n + j]), p_.right[j], rho);
        store_part(w, o * n + j, part, multiply<double>(leaving, inverse_.load(j)));
      }
    }
    return true;
  }

  const FrequencyProblem<Scalar>& p_;
  hwy::AlignedFreeUniquePtr<double[]> scratch_;
  Pack<double> inverse_gain_, inverse_;
};

}  // namespace HWY_NAMESPACE
}  // namespace diffverb
HWY_AFTER_NAMESPACE();
#endif
