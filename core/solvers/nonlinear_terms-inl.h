// Compiled once for each SIMD target (Highway's foreach_target): no ordinary include guard.
#if defined(DIFFVERB_NONLINEAR_TERMS_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef DIFFVERB_NONLINEAR_TERMS_INL_H_
#undef DIFFVERB_NONLINEAR_TERMS_INL_H_
#else
#define DIFFVERB_NONLINEAR_TERMS_INL_H_
#endif

#include <hwy/contrib/math/math-inl.h>
#include <hwy/highway.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "core/solvers/nonlinear_kernel.h"
#include "core/solvers/time_products-inl.h"

HWY_BEFORE_NAMESPACE();
namespace diffverb {
namespace HWY_NAMESPACE {
namespace time_kernel {
/// x[t] = limit tanh(x[t] / limit)
template <typename Scalar>
void saturate(Scalar* x, Scalar limit, int length) {
  const Tag<Scalar> tag;
  const int lanes = static_cast<int>(hn::Lanes(tag));
  const auto size = hn::Set(tag, limit), inverse = hn::Set(tag, 1 / limit);
  int t = 0;
  for (; t + lanes <= length; t += lanes)
    hn::StoreU(hn::Mul(size, hn::Tanh(tag, hn::Mul(inverse, hn::LoadU(tag, x + t)))), tag, x + t);
  if (t == length) return;
  HWY_ALIGN Scalar rest[HWY_MAX_BYTES / sizeof(Scalar)] = {};
  std::copy_n(x + t, length - t, rest);
  hn::Store(hn::Mul(size, hn::Tanh(tag, hn::Mul(inverse, hn::Load(tag, rest)))), tag, rest);
  std::copy_n(rest, length - t, x + t);
}

/// What a block's squares and products are, and their adjoint. Lines are rows of s, w and their cotangents.
template <typename Scalar>
class LoopTerms {
 public:
  using Rows = const Scalar* const*;

  LoopTerms(const NonlinearProblem<Scalar>& p, int block)
      : p_(p), n_(p.base.lines), scratch_(static_cast<std::size_t>(kParts * p.rank) * block), sums_(block) {
    std::vector<bool> is_filter(n_, false);
    for (const int z : p.base.filter_lines) is_filter[z] = true;
    for (int j = 0; j < n_; ++j) {
      if (!is_filter[j]) lines_.push_back(j);
    }
    for (int r = 0; r < p.rank; ++r) {
      for (int part = 0; part < kParts; ++part)
        parts_[part].push_back(scratch_.data() + static_cast<std::size_t>(kParts * r + part) * block);
    }
  }

  const std::vector<int>& lines() const { return lines_; }  // those that have a delay

  /// e and alpha of samples [n, n + length) from s, going on from e of the sample before.
  void follow(Rows s, int n, int length, Scalar* e, Scalar* alpha) {
    mean_squares(s, length);
    double level = n > 0 ? static_cast<double>(e[-1]) : 0.0;
    for (int t = 0; t < length; ++t) {
      level += p_.share * (sums_[t] - level);
      e[t] = static_cast<Scalar>(level);
      const double z = p_.drive[n + t] + p_.slope * std::log1p(level / p_.reference);
      alpha[t] = static_cast<Scalar>(p_.alpha_min + (p_.alpha_max - p_.alpha_min) / (1 + std::exp(-z)));
    }
  }

  /// w += alpha g s^2 + U ((P s) (Q s))
  void add(Rows s, const Scalar* alpha, int length, Scalar* const* w) {
    for (const int j : lines_) {
      const Scalar g = p_.square[j];
      if (g == 0) continue;
      for (int t = 0; t < length; ++t) w[j][t] += g * alpha[t] * s[j][t] * s[j][t];
    }
    if (p_.rank == 0) return;
    products(s, length);
    multiply_rows(p_.out, p_.rank, 1, n_, p_.rank, constant(kProduct), w, length, true);
  }

  /// s_bar += what squares, alpha, e and products hand back of w_bar; `level_bar` is the cotangent of e and goes on to
  /// earlier blocks. e and alpha begin at sample n of their signals.
  void add_adjoint(Rows s, const Scalar* e, const Scalar* alpha, Rows w_bar, int n, int length, double& level_bar,
                   Scalar* const* s_bar, NonlinearGradient<Scalar>& g) {
    alpha_adjoint(s, e, alpha, w_bar, n, length, level_bar, g);  // leaves the cotangent of the mean square in sums_
    const double share = 2.0 / static_cast<double>(std::max<std::size_t>(lines_.size(), 1));
    for (const int j : lines_) {
      const Scalar twice = 2 * p_.square[j];
      for (int t = 0; t < length; ++t)
        s_bar[j][t] += s[j][t] * (twice * alpha[t] * w_bar[j][t] + static_cast<Scalar>(share * sums_[t]));
    }
    if (p_.rank == 0) return;
    products(s, length);
    multiply_rows(p_.out, 1, p_.rank, p_.rank, n_, w_bar, parts_[kCotangent].data(), length, false);
    add_outer(w_bar, n_, constant(kProduct), p_.rank, length, g.out.data());
    for (int r = 0; r < p_.rank; ++r) {
      Scalar *a = parts_[kLeft][r], *b = parts_[kRight][r];
      const Scalar* c = parts_[kCotangent][r];
      for (int t = 0; t < length; ++t) {
        const Scalar heard = a[t];
        a[t] = c[t] * b[t];
        b[t] = c[t] * heard;
      }
    }
    add_outer(constant(kLeft), p_.rank, s, n_, length, g.left.data());
    add_outer(constant(kRight), p_.rank, s, n_, length, g.right.data());
    multiply_rows(p_.left, 1, n_, n_, p_.rank, constant(kLeft), s_bar, length, true);
    multiply_rows(p_.right, 1, n_, n_, p_.rank, constant(kRight), s_bar, length, true);
  }

  /// v_bar -> w_bar = v_bar (1 - (v / limit)^2) in place. Returns what v_bar has to say to the limit.
  double saturation_adjoint(const Scalar* v, int length, Scalar* bar) const {
    if (!p_.saturates) return 0;
    double sum = 0;
    for (int t = 0; t < length; ++t) {
      const double x = std::clamp(static_cast<double>(v[t]) / p_.limit, -1.0, 1.0), slope = 1 - x * x;
      sum += static_cast<double>(bar[t]) * (slope > 0 ? x - std::atanh(x) * slope : x);
      bar[t] *= static_cast<Scalar>(slope);
    }
    return sum;
  }

 private:
  enum Part { kLeft, kRight, kProduct, kCotangent, kParts };

  Rows constant(Part part) const { return parts_[part].data(); }

  void mean_squares(Rows s, int length) {
    std::fill_n(sums_.begin(), length, 0.0);
    for (const int j : lines_) {
      for (int t = 0; t < length; ++t) sums_[t] += static_cast<double>(s[j][t]) * static_cast<double>(s[j][t]);
    }
    for (int t = 0; t < length; ++t) sums_[t] /= static_cast<double>(std::max<std::size_t>(lines_.size(), 1));
  }

  void products(Rows s, int length) {
    multiply_rows(p_.left, n_, 1, p_.rank, n_, s, parts_[kLeft].data(), length, false);
    multiply_rows(p_.right, n_, 1, p_.rank, n_, s, parts_[kRight].data(), length, false);
    for (int r = 0; r < p_.rank; ++r) {
      for (int t = 0; t < length; ++t) parts_[kProduct][r][t] = parts_[kLeft][r][t] * parts_[kRight][r][t];
    }
  }

  void alpha_adjoint(Rows s, const Scalar* e, const Scalar* alpha, Rows w_bar, int n, int length, double& level_bar,
                     NonlinearGradient<Scalar>& g) {
    std::fill_n(sums_.begin(), length, 0.0);  // the cotangent of alpha
    for (const int j : lines_) {
      double square_bar = 0;
      for (int t = 0; t < length; ++t) {
        const double part = static_cast<double>(w_bar[j][t]) * s[j][t] * s[j][t];
        square_bar += part * alpha[t];
        sums_[t] += part * p_.square[j];
      }
      g.square[j] += square_bar;
    }
    const double span = p_.alpha_max - p_.alpha_min;
    for (int t = length - 1; t >= 0; --t) {
      const double up = alpha[t] - p_.alpha_min;
      const double z_bar = span > 0 ? sums_[t] * up * (span - up) / span : 0;
      g.drive[n + t] = z_bar;
      g.slope += z_bar * std::log1p(e[t] / p_.reference);
      level_bar += z_bar * p_.slope / (p_.reference + e[t]);
      sums_[t] = p_.share * level_bar;
      level_bar *= 1 - p_.share;
    }
  }

  const NonlinearProblem<Scalar>& p_;
  int n_;
  std::vector<int> lines_;
  std::vector<Scalar> scratch_;
  std::vector<Scalar*> parts_[kParts];  // [R] rows of each part
  std::vector<double> sums_;            // [block]
};

}  // namespace time_kernel
}  // namespace HWY_NAMESPACE
}  // namespace diffverb
HWY_AFTER_NAMESPACE();
#endif
