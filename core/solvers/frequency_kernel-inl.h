// Compiled once for each SIMD target (Highway's foreach_target): no ordinary include guard.
#if defined(DIFFVERB_FREQUENCY_KERNEL_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef DIFFVERB_FREQUENCY_KERNEL_INL_H_
#undef DIFFVERB_FREQUENCY_KERNEL_INL_H_
#else
#define DIFFVERB_FREQUENCY_KERNEL_INL_H_
#endif

#include <hwy/aligned_allocator.h>
#include <hwy/contrib/math/math-inl.h>
#include <hwy/highway.h>

#include <algorithm>
#include <cmath>
#include <complex>
#include <limits>
#include <numbers>
#include <vector>

#include "core/solvers/frequency_kernel.h"

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

/// 1 / x; in float32 an estimate and two Newton steps, because a division of a full register blocks the multipliers.
HWY_INLINE Vec<float> invert(Vec<float> x) {
  const Tag<float> tag;
  const auto two = hn::Set(tag, 2.0f);
  auto y = hn::ApproximateReciprocal(x);
  y = hn::Mul(y, hn::NegMulAdd(x, y, two));
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
  return {hn::MulAdd(x.im, y.im, hn::NegMulAdd(x.re, y.re, acc.re)), hn::NegMulAdd(x.im, y.re, hn::NegMulAdd(x.re, y.im, acc.im))};
}

/// acc + x * y
template <typename Scalar>
HWY_INLINE Complex<Scalar> add_product(Complex<Scalar> acc, Complex<Scalar> x, Complex<Scalar> y) {
  return {hn::NegMulAdd(x.im, y.im, hn::MulAdd(x.re, y.re, acc.re)), hn::MulAdd(x.im, y.re, hn::MulAdd(x.re, y.im, acc.im))};
}

/// A row-major array of complex vectors in the pack's scratch memory.
template <typename Scalar>
struct Pack {
  Scalar* data = nullptr;
  std::size_t lanes = 0;
  HWY_INLINE Complex<Scalar> load(std::size_t i) const {
    const Tag<Scalar> tag;
    return {hn::Load(tag, data + 2 * i * lanes), hn::Load(tag, data + (2 * i + 1) * lanes)};
  }
  HWY_INLINE void store(std::size_t i, Complex<Scalar> x) const {
    const Tag<Scalar> tag;
    hn::Store(x.re, tag, data + 2 * i * lanes);
    hn::Store(x.im, tag, data + (2 * i + 1) * lanes);
  }
};

/// sin and cos of 2 pi t for each bin of a pack: the phase m omega reaches thousands of turns, so it is reduced in double.
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

/// Everything that one group of `lanes` bins needs; the buffers are reused from group to group.
template <typename Scalar>
class PackSolver {
 public:
  PackSolver(const FrequencyProblem<Scalar>& problem, bool with_gradient)
      : p_(problem), lanes_(hn::Lanes(Tag<Scalar>())), n_(problem.lines), with_gradient_(with_gradient) {
    const std::size_t n = n_, i = p_.inputs, o = p_.outputs, s = p_.sections;
    const std::size_t complexes = n * n + n + 2 * n * i + n + (with_gradient ? 2 * n * s + n : 0) + o * i + n;
    scratch_ = hwy::AllocateAligned<Scalar>(lanes_ * (2 * complexes + n * n + 4));
    Scalar* cursor = scratch_.get();
    const auto take = [&](std::size_t count) {
      Pack<Scalar> pack{cursor, lanes_};
      cursor += 2 * count * lanes_;
      return pack;
    };
    matrix_ = take(n * n);
    gain_ = take(n);
    x_ = take(n * i);
    q_ = take(n * i);
    inverse_pivot_ = take(n);
    if (with_gradient) {
      numerators_ = take(n * s);
      denominators_ = take(n * s);
      log_gain_gradient_ = take(n);
    }
    grad_h_ = take(o * i);
    row_ = take(n);
    versine_ = cursor;
    sin_ = versine_ + lanes_;
    angle_ = sin_ + lanes_;
    cursor += 3 * lanes_;
    turns_.resize(lanes_);
    omega_.resize(lanes_);
    delay_magnitude_.resize(n);
    for (std::size_t j = 0; j < n; ++j) {
      delay_magnitude_[j] = static_cast<Scalar>(std::pow(p_.radius, -p_.delays[j]));
    }
    prepare_sections();
  }

  std::size_t lanes() const { return lanes_; }

  /// Loads the bins [bin, bin + valid); missing lanes repeat the last bin so that nothing new can be singular.
  void evaluate_gain(int bin, int valid) {
    const Tag<Scalar> tag;
    for (std::size_t l = 0; l < lanes_; ++l) {
      omega_[l] = p_.omega[bin + std::min<int>(static_cast<int>(l), valid - 1)];
      turns_[l] = omega_[l] / (2 * std::numbers::pi);
    }
    for (std::size_t l = 0; l < lanes_; ++l) angle_[l] = static_cast<Scalar>(std::remainder(omega_[l], 2 * std::numbers::pi));
    const auto w = hn::Load(tag, angle_);
    const auto half = hn::Sin(tag, hn::Mul(w, hn::Set(tag, Scalar(0.5))));
    hn::Store(hn::Mul(hn::Set(tag, Scalar(2)), hn::Mul(half, half)), tag, versine_);
    hn::Store(hn::Sin(tag, w), tag, sin_);
    for (int j = 0; j < n_; ++j) evaluate_line(j);
  }

  /// X = (I - A G)^-1 B; also leaves the factors for the transposed solve. Returns false where pivoting would be needed.
  bool solve_without_pivoting() {
    assemble();
    return eliminate() && (substitute(), true);
  }

  /// q^T = row^T G P^-1 for input i, from the factors.
  void solve_transposed(int input) {
    const int n = n_;
    for (int j = 0; j < n; ++j) {  // U^T y = r
      auto acc = multiply<Scalar>(row_.load(j), gain_.load(j));
      for (int k = 0; k < j; ++k) acc = subtract_product<Scalar>(acc, q_.load(k * p_.inputs + input), matrix_.load(k * n + j));
      q_.store(j * p_.inputs + input, multiply<Scalar>(acc, inverse_pivot_.load(j)));
    }
    for (int j = n - 2; j >= 0; --j) {  // L^T q = y
      auto acc = q_.load(j * p_.inputs + input);
      for (int k = j + 1; k < n; ++k) acc = subtract_product<Scalar>(acc, q_.load(k * p_.inputs + input), matrix_.load(k * n + j));
      q_.store(j * p_.inputs + input, acc);
    }
  }

  /// The row vector sum_o conj(grad_h_oi) C_o of input i.
  void gather_row(int input) {
    const Tag<Scalar> tag;
    for (int j = 0; j < n_; ++j) {
      Complex<Scalar> acc{hn::Zero(tag), hn::Zero(tag)};
      for (int o = 0; o < p_.outputs; ++o) {
        const auto g = grad_h_.load(o * p_.inputs + input);
        const auto c = hn::Set(tag, p_.c[o * n_ + j]);
        acc.re = hn::MulAdd(g.re, c, acc.re);
        acc.im = hn::NegMulAdd(g.im, c, acc.im);
      }
      row_.store(j, acc);
    }
  }

  void solve_with_pivoting(bool transposed);

  void write_output(int bin, int valid, Scalar* h);
  void read_output_gradient(int bin, int valid, const Scalar* grad_h);

  Pack<Scalar> matrix_, gain_, x_, q_, inverse_pivot_, numerators_, denominators_, log_gain_gradient_, grad_h_, row_;
  Scalar *versine_ = nullptr, *sin_ = nullptr, *angle_ = nullptr;
  const FrequencyProblem<Scalar>& p_;
  std::vector<double> omega_, turns_;

 private:
  /// A section times z, with p = b0 r + b2 / r and q = b0 r - b2 / r: (b1 + p) - p (1 - cos w) + j q sin w, and the same for
  /// the denominator. The factor z cancels in the quotient, and a quadratic costs two multiplications. The sum b1 + p is
  /// made in double and 1 - cos w as 2 sin^2(w / 2): at 63 Hz a direct evaluation in float32 is off by 0.2 %.
  void prepare_sections() {
    const std::size_t count = static_cast<std::size_t>(n_) * p_.sections;
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

  void evaluate_line(int j) {
    const Tag<Scalar> tag;
    phase(turns_.data(), p_.delays[j], lanes_, angle_);
    const auto angle = hn::Load(tag, angle_);
    const auto magnitude = hn::Set(tag, delay_magnitude_[j]);
    Complex<Scalar> numerator{hn::Mul(magnitude, hn::Cos(tag, angle)), hn::Neg(hn::Mul(magnitude, hn::Sin(tag, angle)))};
    Complex<Scalar> denominator{hn::Set(tag, Scalar(1)), hn::Zero(tag)};
    const auto c = hn::Load(tag, versine_), s = hn::Load(tag, sin_);
    for (int k = 0; k < p_.sections; ++k) {
      const std::size_t index = static_cast<std::size_t>(j) * p_.sections + k;
      const Scalar* t = section_.data() + 6 * index;
      const Complex<Scalar> num{hn::MulAdd(hn::Set(tag, t[1]), c, hn::Set(tag, t[0])), hn::Mul(hn::Set(tag, t[2]), s)};
      const Complex<Scalar> den{hn::MulAdd(hn::Set(tag, t[4]), c, hn::Set(tag, t[3])), hn::Mul(hn::Set(tag, t[5]), s)};
      if (with_gradient_) {
        numerators_.store(index, num);
        denominators_.store(index, den);
      }
      numerator = multiply<Scalar>(numerator, num);
      denominator = multiply<Scalar>(denominator, den);
      if (k % 2 == 1 || k + 1 == p_.sections) {
        // Two at a time: a quadratic is 1e-5 at the bottom of the spectrum, and a product of many leaves float32's range.
        numerator = multiply<Scalar>(numerator, reciprocal<Scalar>(denominator));
        denominator = {hn::Set(tag, Scalar(1)), hn::Zero(tag)};
      }
    }
    gain_.store(j, numerator);
  }

  void assemble() {
    const Tag<Scalar> tag;
    for (int j = 0; j < n_; ++j) {
      const auto g = gain_.load(j);
      for (int i = 0; i < n_; ++i) {
        const auto a = hn::Set(tag, p_.a[i * n_ + j]);
        const auto one = hn::Set(tag, Scalar(i == j ? 1 : 0));
        matrix_.store(i * n_ + j, {hn::NegMulAdd(a, g.re, one), hn::Neg(hn::Mul(a, g.im))});
      }
    }
  }

  /// In-place LU, two pivots at a time: a rank-2 update of two rows makes 16 multiply-adds of 8 loads and 4 stores.
  bool eliminate() {
    const Tag<Scalar> tag;
    const int n = n_;
    auto largest = hn::Zero(tag);
    for (int k = 0; k < n; k += 2) {
      const bool pair = k + 1 < n;
      const auto inverse0 = reciprocal<Scalar>(matrix_.load(k * n + k));
      inverse_pivot_.store(k, inverse0);
      Complex<Scalar> inverse1 = inverse0;
      if (pair) {
        const auto l = multiply<Scalar>(matrix_.load((k + 1) * n + k), inverse0);
        matrix_.store((k + 1) * n + k, l);
        largest = hn::Max(largest, hn::MulAdd(l.re, l.re, hn::Mul(l.im, l.im)));
        for (int j = k + 1; j < n; ++j) {
          matrix_.store((k + 1) * n + j, subtract_product<Scalar>(matrix_.load((k + 1) * n + j), l, matrix_.load(k * n + j)));
        }
        inverse1 = reciprocal<Scalar>(matrix_.load((k + 1) * n + k + 1));
        inverse_pivot_.store(k + 1, inverse1);
      }
      if (!pair) break;
      int i = k + 2;
      for (; i + 1 < n; i += 2) {
        Complex<Scalar> l[2][2];
        for (int r = 0; r < 2; ++r) {
          const int row = (i + r) * n;
          l[r][0] = multiply<Scalar>(matrix_.load(row + k), inverse0);
          l[r][1] = multiply<Scalar>(subtract_product<Scalar>(matrix_.load(row + k + 1), l[r][0], matrix_.load(k * n + k + 1)), inverse1);
          matrix_.store(row + k, l[r][0]);
          matrix_.store(row + k + 1, l[r][1]);
          for (int c = 0; c < 2; ++c) {
            largest = hn::Max(largest, hn::MulAdd(l[r][c].re, l[r][c].re, hn::Mul(l[r][c].im, l[r][c].im)));
          }
        }
        for (int j = k + 2; j < n; ++j) {
          const auto u0 = matrix_.load(k * n + j), u1 = matrix_.load((k + 1) * n + j);
          auto v0 = matrix_.load(i * n + j), v1 = matrix_.load((i + 1) * n + j);
          v0 = subtract_product<Scalar>(v0, l[0][0], u0);
          v1 = subtract_product<Scalar>(v1, l[1][0], u0);
          v0 = subtract_product<Scalar>(v0, l[0][1], u1);
          v1 = subtract_product<Scalar>(v1, l[1][1], u1);
          matrix_.store(i * n + j, v0);
          matrix_.store((i + 1) * n + j, v1);
        }
      }
      if (i < n) {
        const int row = i * n;
        const auto l0 = multiply<Scalar>(matrix_.load(row + k), inverse0);
        const auto l1 = multiply<Scalar>(subtract_product<Scalar>(matrix_.load(row + k + 1), l0, matrix_.load(k * n + k + 1)), inverse1);
        matrix_.store(row + k, l0);
        matrix_.store(row + k + 1, l1);
        for (const auto& l : {l0, l1}) largest = hn::Max(largest, hn::MulAdd(l.re, l.re, hn::Mul(l.im, l.im)));
        for (int j = k + 2; j < n; ++j) {
          auto v = subtract_product<Scalar>(matrix_.load(row + j), l0, matrix_.load(k * n + j));
          matrix_.store(row + j, subtract_product<Scalar>(v, l1, matrix_.load((k + 1) * n + j)));
        }
      }
    }
    // |l| > 8 anywhere, or not a number: this group needs pivoting. (Last pivot checked through its inverse.)
    const auto last = inverse_pivot_.load(n - 1);
    largest = hn::Max(largest, hn::Mul(hn::Set(tag, Scalar(1e-6)), hn::MulAdd(last.re, last.re, hn::Mul(last.im, last.im))));
    return hn::AllTrue(tag, hn::Lt(largest, hn::Set(tag, Scalar(64))));
  }

  void substitute() {
    const Tag<Scalar> tag;
    const int n = n_, inputs = p_.inputs;
    for (int input = 0; input < inputs; ++input) {
      for (int j = 0; j < n; ++j) {
        Complex<Scalar> acc{hn::Set(tag, p_.b[j * inputs + input]), hn::Zero(tag)};
        for (int k = 0; k < j; ++k) acc = subtract_product<Scalar>(acc, matrix_.load(j * n + k), x_.load(k * inputs + input));
        x_.store(j * inputs + input, acc);
      }
      for (int j = n - 1; j >= 0; --j) {
        auto acc = x_.load(j * inputs + input);
        for (int k = j + 1; k < n; ++k) acc = subtract_product<Scalar>(acc, matrix_.load(j * n + k), x_.load(k * inputs + input));
        x_.store(j * inputs + input, multiply<Scalar>(acc, inverse_pivot_.load(j)));
      }
    }
  }

  std::size_t lanes_;
  int n_;
  bool with_gradient_;
  hwy::AlignedFreeUniquePtr<Scalar[]> scratch_;
  std::vector<Scalar> delay_magnitude_, section_;
};

/// The rare path: partial pivoting, one bin at a time in double precision.
template <typename Scalar>
void PackSolver<Scalar>::solve_with_pivoting(bool transposed) {
  using C = std::complex<double>;
  const int n = n_, inputs = p_.inputs;
  const auto get = [&](const Pack<Scalar>& pack, int i, std::size_t l) {
    return C(pack.data[2 * i * lanes_ + l], pack.data[(2 * i + 1) * lanes_ + l]);
  };
  const auto put = [&](const Pack<Scalar>& pack, int i, std::size_t l, C value) {
    pack.data[2 * i * lanes_ + l] = static_cast<Scalar>(value.real());
    pack.data[(2 * i + 1) * lanes_ + l] = static_cast<Scalar>(value.imag());
  };
  std::vector<C> m(static_cast<std::size_t>(n) * n), rhs(static_cast<std::size_t>(n) * inputs);
  for (std::size_t l = 0; l < lanes_; ++l) {
    for (int i = 0; i < n; ++i) {
      for (int j = 0; j < n; ++j) {
        const C value = C(i == j ? 1.0 : 0.0) - static_cast<double>(p_.a[i * n + j]) * get(gain_, j, l);
        m[transposed ? j * n + i : i * n + j] = value;
      }
    }
    for (int i = 0; i < n; ++i) {
      for (int c = 0; c < inputs; ++c) rhs[i * inputs + c] = transposed ? get(q_, i * inputs + c, l) : C(p_.b[i * inputs + c]);
    }
    for (int k = 0; k < n; ++k) {
      int best = k;
      for (int i = k + 1; i < n; ++i) {
        if (std::abs(m[i * n + k]) > std::abs(m[best * n + k])) best = i;
      }
      if (best != k) {
        std::swap_ranges(m.begin() + k * n, m.begin() + (k + 1) * n, m.begin() + best * n);
        std::swap_ranges(rhs.begin() + k * inputs, rhs.begin() + (k + 1) * inputs, rhs.begin() + best * inputs);
      }
      for (int i = k + 1; i < n; ++i) {
        const C f = m[i * n + k] / m[k * n + k];
        for (int j = k; j < n; ++j) m[i * n + j] -= f * m[k * n + j];
        for (int c = 0; c < inputs; ++c) rhs[i * inputs + c] -= f * rhs[k * inputs + c];
      }
    }
    for (int i = n - 1; i >= 0; --i) {
      for (int c = 0; c < inputs; ++c) {
        C acc = rhs[i * inputs + c];
        for (int j = i + 1; j < n; ++j) acc -= m[i * n + j] * rhs[j * inputs + c];
        rhs[i * inputs + c] = acc / m[i * n + i];
      }
    }
    for (int i = 0; i < n * inputs; ++i) put(transposed ? q_ : x_, i, l, rhs[i]);
  }
}

template <typename Scalar>
void PackSolver<Scalar>::write_output(int bin, int valid, Scalar* h) {
  const Tag<Scalar> tag;
  for (int o = 0; o < p_.outputs; ++o) {
    for (int i = 0; i < p_.inputs; ++i) {
      Complex<Scalar> acc{hn::Set(tag, p_.d[o * p_.inputs + i]), hn::Zero(tag)};
      for (int j = 0; j < n_; ++j) {
        const auto s = multiply<Scalar>(gain_.load(j), x_.load(j * p_.inputs + i));
        const auto c = hn::Set(tag, p_.c[o * n_ + j]);
        acc.re = hn::MulAdd(c, s.re, acc.re);
        acc.im = hn::MulAdd(c, s.im, acc.im);
      }
      Scalar* out = h + 2 * (static_cast<std::size_t>(o * p_.inputs + i) * p_.bins + bin);
      row_.store(0, acc);
      for (int l = 0; l < valid; ++l) {
        out[2 * l] = row_.data[l];
        out[2 * l + 1] = row_.data[lanes_ + l];
      }
    }
  }
}

template <typename Scalar>
void PackSolver<Scalar>::read_output_gradient(int bin, int valid, const Scalar* grad_h) {
  for (int k = 0; k < p_.outputs * p_.inputs; ++k) {
    const Scalar* in = grad_h + 2 * (static_cast<std::size_t>(k) * p_.bins + bin);
    Scalar* out = grad_h_.data + 2 * k * lanes_;
    for (std::size_t l = 0; l < lanes_; ++l) {
      const bool inside = static_cast<int>(l) < valid;
      out[l] = inside ? in[2 * l] : Scalar(0);
      out[lanes_ + l] = inside ? in[2 * l + 1] : Scalar(0);
    }
  }
}

/// Gradient sums of one chunk of bins, a register an entry; reduced over the lanes at the end.
template <typename Scalar>
class GradientSums {
 public:
  GradientSums(const FrequencyProblem<Scalar>& p, const FrequencyNeeds& needs) : p_(p), needs_(needs), lanes_(hn::Lanes(Tag<Scalar>())) {
    const std::size_t n = p.lines;
    count_ = n * n + n * p.inputs + n * p.outputs + static_cast<std::size_t>(p.outputs) * p.inputs + n + 6 * n * p.sections;
    sums_ = hwy::AllocateAligned<Scalar>(count_ * lanes_);
    std::fill(sums_.get(), sums_.get() + count_ * lanes_, Scalar(0));
    a_ = sums_.get();
    b_ = a_ + n * n * lanes_;
    c_ = b_ + n * p.inputs * lanes_;
    d_ = c_ + n * p.outputs * lanes_;
    delay_ = d_ + static_cast<std::size_t>(p.outputs) * p.inputs * lanes_;
    section_ = delay_ + n * lanes_;
  }

  void add(PackSolver<Scalar>& s) {
    for (int input = 0; input < p_.inputs; ++input) add_input(s, input);
    if (needs_.delays || needs_.sos) add_filters(s);
  }

  void reduce(FrequencyGradient& out) const {
    const std::size_t n = p_.lines;
    const auto total = [&](const Scalar* lane) {
      double sum = 0;
      for (std::size_t l = 0; l < lanes_; ++l) sum += lane[l];
      return sum;
    };
    const auto add_all = [&](std::vector<double>& target, const Scalar* from) {
      for (std::size_t i = 0; i < target.size(); ++i) target[i] += total(from + i * lanes_);
    };
    add_all(out.a, a_);
    add_all(out.b, b_);
    add_all(out.c, c_);
    add_all(out.d, d_);
    add_all(out.delays, delay_);
    const double r = p_.radius;
    for (std::size_t s = 0; s < n * p_.sections; ++s) {
      const Scalar* lane = section_ + 6 * s * lanes_;
      double t[6];
      for (int i = 0; i < 6; ++i) t[i] = total(lane + i * lanes_);
      double* g = out.sos.data() + 5 * s;
      const double sum = t[0] - t[1], sum_den = t[3] - t[4];  // d / d(b0 r + b2 / r), with cos w = 1 - versine
      g[0] += r * (sum + t[2]);
      g[1] += t[0];
      g[2] += (sum - t[2]) / r;
      g[3] -= t[3];
      g[4] -= (sum_den - t[5]) / r;
    }
  }

 private:
  static HWY_INLINE void accumulate(Scalar* at, Vec<Scalar> value) {
    const Tag<Scalar> tag;
    hn::Store(hn::Add(hn::Load(tag, at), value), tag, at);
  }

  void add_input(PackSolver<Scalar>& s, int input) {
    const Tag<Scalar> tag;
    const int n = p_.lines;
    for (int m = 0; m < n; ++m) s.row_.store(m, multiply<Scalar>(s.gain_.load(m), s.x_.load(m * p_.inputs + input)));
    for (int i = 0; i < n; i += 4) {  // four rows of A at once: each line output is loaded once for four sums
      const int rows = std::min(4, n - i);
      Complex<Scalar> q[4];
      for (int r = 0; r < rows; ++r) {
        q[r] = s.q_.load((i + r) * p_.inputs + input);
        accumulate(b_ + ((i + r) * p_.inputs + input) * lanes_, q[r].re);
      }
      for (int m = 0; needs_.a && m < n; ++m) {
        const auto x = s.row_.load(m);
        for (int r = 0; r < rows; ++r) {
          Scalar* at = a_ + ((i + r) * n + m) * lanes_;
          hn::Store(hn::MulAdd(q[r].re, x.re, hn::NegMulAdd(q[r].im, x.im, hn::Load(tag, at))), tag, at);
        }
      }
    }
    for (int o = 0; o < p_.outputs; ++o) {
      const auto g = s.grad_h_.load(o * p_.inputs + input);
      accumulate(d_ + (o * p_.inputs + input) * lanes_, g.re);
      for (int j = 0; j < n; ++j) {
        const auto x = s.row_.load(j);
        accumulate(c_ + (o * n + j) * lanes_, hn::MulAdd(g.re, x.re, hn::Mul(g.im, x.im)));
      }
    }
  }

  void add_filters(PackSolver<Scalar>& s) {
    const Tag<Scalar> tag;
    const auto versine = hn::Load(tag, s.versine_), sine = hn::Load(tag, s.sin_);
    for (std::size_t l = 0; l < lanes_; ++l) s.angle_[l] = static_cast<Scalar>(s.omega_[l]);
    const auto omega = hn::Load(tag, s.angle_);
    const auto log_radius = hn::Set(tag, static_cast<Scalar>(std::log(p_.radius)));
    for (int j = 0; j < p_.lines; ++j) {
      Complex<Scalar> t{hn::Zero(tag), hn::Zero(tag)};
      for (int i = 0; i < p_.inputs; ++i) t = add_product<Scalar>(t, s.q_.load(j * p_.inputs + i), s.x_.load(j * p_.inputs + i));
      accumulate(delay_ + j * lanes_, hn::MulSub(omega, t.im, hn::Mul(log_radius, t.re)));
      for (int k = 0; k < p_.sections; ++k) {
        const std::size_t index = static_cast<std::size_t>(j) * p_.sections + k;
        Scalar* at = section_ + 6 * index * lanes_;
        for (const auto* quadratic : {&s.numerators_, &s.denominators_}) {
          const auto ratio = multiply<Scalar>(t, reciprocal<Scalar>(quadratic->load(index)));
          accumulate(at, ratio.re);
          accumulate(at + lanes_, hn::Mul(ratio.re, versine));
          accumulate(at + 2 * lanes_, hn::Neg(hn::Mul(ratio.im, sine)));
          at += 3 * lanes_;
        }
      }
    }
  }

  const FrequencyProblem<Scalar>& p_;
  FrequencyNeeds needs_;
  std::size_t lanes_, count_ = 0;
  hwy::AlignedFreeUniquePtr<Scalar[]> sums_;
  Scalar *a_ = nullptr, *b_ = nullptr, *c_ = nullptr, *d_ = nullptr, *delay_ = nullptr, *section_ = nullptr;
};

template <typename Scalar>
void forward_range(const FrequencyProblem<Scalar>& problem, int begin, int end, Scalar* h) {
  PackSolver<Scalar> solver(problem, false);
  const int lanes = static_cast<int>(solver.lanes());
  for (int bin = begin; bin < end; bin += lanes) {
    const int valid = std::min(lanes, end - bin);
    solver.evaluate_gain(bin, valid);
    if (!solver.solve_without_pivoting()) solver.solve_with_pivoting(false);
    solver.write_output(bin, valid, h);
  }
}

template <typename Scalar>
void backward_range(const FrequencyProblem<Scalar>& problem, int begin, int end, const Scalar* grad_h,
                    const FrequencyNeeds& needs, FrequencyGradient& gradient) {
  PackSolver<Scalar> solver(problem, true);
  GradientSums<Scalar> sums(problem, needs);
  const int lanes = static_cast<int>(solver.lanes());
  for (int bin = begin; bin < end; bin += lanes) {
    const int valid = std::min(lanes, end - bin);
    solver.evaluate_gain(bin, valid);
    solver.read_output_gradient(bin, valid, grad_h);
    const bool plain = solver.solve_without_pivoting();
    if (!plain) solver.solve_with_pivoting(false);
    for (int input = 0; input < problem.inputs; ++input) {
      solver.gather_row(input);
      if (plain) {
        solver.solve_transposed(input);
      } else {
        for (int j = 0; j < problem.lines; ++j) {
          solver.q_.store(j * problem.inputs + input, multiply<Scalar>(solver.row_.load(j), solver.gain_.load(j)));
        }
      }
    }
    if (!plain) solver.solve_with_pivoting(true);
    sums.add(solver);
  }
  sums.reduce(gradient);
}

// Highway dispatches plain functions: one pair a scalar type.
void ForwardF32(const FrequencyProblem<float>& p, int begin, int end, float* h) { forward_range(p, begin, end, h); }
void ForwardF64(const FrequencyProblem<double>& p, int begin, int end, double* h) { forward_range(p, begin, end, h); }
void BackwardF32(const FrequencyProblem<float>& p, int begin, int end, const float* g, const FrequencyNeeds& needs,
                 FrequencyGradient& out) {
  backward_range(p, begin, end, g, needs, out);
}
void BackwardF64(const FrequencyProblem<double>& p, int begin, int end, const double* g, const FrequencyNeeds& needs,
                 FrequencyGradient& out) {
  backward_range(p, begin, end, g, needs, out);
}
int LanesF32() { return static_cast<int>(hn::Lanes(Tag<float>())); }
int LanesF64() { return static_cast<int>(hn::Lanes(Tag<double>())); }

}  // namespace HWY_NAMESPACE
}  // namespace diffverb
HWY_AFTER_NAMESPACE();
#endif
