// Compiled once for each SIMD target (Highway's foreach_target): no ordinary include guard.
#if defined(DIFFVERB_PACK_SOLVER_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef DIFFVERB_PACK_SOLVER_INL_H_
#undef DIFFVERB_PACK_SOLVER_INL_H_
#else
#define DIFFVERB_PACK_SOLVER_INL_H_
#endif

#include <hwy/aligned_allocator.h>
#include <hwy/highway.h>

#include <algorithm>
#include <cmath>
#include <complex>
#include <vector>

#include "core/solvers/complex-inl.h"
#include "core/solvers/frequency_kernel.h"

HWY_BEFORE_NAMESPACE();
namespace diffverb {
namespace HWY_NAMESPACE {
/// Everything that one group of `lanes` bins needs; the buffers are reused from group to group.
template <typename Scalar>
class PackSolver {
 public:
  explicit PackSolver(const FrequencyProblem<Scalar>& problem)
      : p_(problem), lanes_(hn::Lanes(Tag<Scalar>())), n_(problem.lines) {
    const std::size_t n = n_, i = p_.inputs, o = p_.outputs;
    scratch_ = hwy::AllocateAligned<Scalar>(2 * lanes_ * (n * n + 2 * n * i + n + o * i + n));
    Scalar* cursor = scratch_.get();
    const auto take = [&](std::size_t count) {
      Pack<Scalar> pack{cursor, lanes_};
      cursor += 2 * count * lanes_;
      return pack;
    };
    matrix_ = take(n * n);
    x_ = take(n * i);
    q_ = take(n * i);
    inverse_pivot_ = take(n);
    grad_h_ = take(o * i);
    row_ = take(n);
  }

  std::size_t lanes() const { return lanes_; }

  /// The pack's gains, made by LineGains.
  void set_gain(const Pack<Scalar>& gain) { gain_ = gain; }

  /// X = (I - A G)^-1 B; also leaves the factors for the transposed solve. Returns false where pivoting would be
  /// needed.
  bool solve_without_pivoting() {
    assemble();
    return eliminate() && (substitute(), true);
  }

  /// q^T = row^T G P^-1 for input i, from the factors.
  void solve_transposed(int input) {
    const int n = n_;
    for (int j = 0; j < n; ++j) {  // U^T y = r
      auto acc = multiply<Scalar>(row_.load(j), gain_.load(j));
      for (int k = 0; k < j; ++k)
        acc = subtract_product<Scalar>(acc, q_.load(k * p_.inputs + input), matrix_.load(k * n + j));
      q_.store(j * p_.inputs + input, multiply<Scalar>(acc, inverse_pivot_.load(j)));
    }
    for (int j = n - 2; j >= 0; --j) {  // L^T q = y
      auto acc = q_.load(j * p_.inputs + input);
      for (int k = j + 1; k < n; ++k)
        acc = subtract_product<Scalar>(acc, q_.load(k * p_.inputs + input), matrix_.load(k * n + j));
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

  Pack<Scalar> matrix_, gain_, x_, q_, inverse_pivot_, grad_h_, row_;
  const FrequencyProblem<Scalar>& p_;

 private:
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
          matrix_.store((k + 1) * n + j,
                        subtract_product<Scalar>(matrix_.load((k + 1) * n + j), l, matrix_.load(k * n + j)));
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
          l[r][1] = multiply<Scalar>(
              subtract_product<Scalar>(matrix_.load(row + k + 1), l[r][0], matrix_.load(k * n + k + 1)), inverse1);
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
        const auto l1 = multiply<Scalar>(
            subtract_product<Scalar>(matrix_.load(row + k + 1), l0, matrix_.load(k * n + k + 1)), inverse1);
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
    largest =
        hn::Max(largest, hn::Mul(hn::Set(tag, Scalar(1e-6)), hn::MulAdd(last.re, last.re, hn::Mul(last.im, last.im))));
    return hn::AllTrue(tag, hn::Lt(largest, hn::Set(tag, Scalar(64))));
  }

  void substitute() {
    const Tag<Scalar> tag;
    const int n = n_, inputs = p_.inputs;
    for (int input = 0; input < inputs; ++input) {
      for (int j = 0; j < n; ++j) {
        Complex<Scalar> acc{hn::Set(tag, p_.b[j * inputs + input]), hn::Zero(tag)};
        for (int k = 0; k < j; ++k)
          acc = subtract_product<Scalar>(acc, matrix_.load(j * n + k), x_.load(k * inputs + input));
        x_.store(j * inputs + input, acc);
      }
      for (int j = n - 1; j >= 0; --j) {
        auto acc = x_.load(j * inputs + input);
        for (int k = j + 1; k < n; ++k)
          acc = subtract_product<Scalar>(acc, matrix_.load(j * n + k), x_.load(k * inputs + input));
        x_.store(j * inputs + input, multiply<Scalar>(acc, inverse_pivot_.load(j)));
      }
    }
  }

  std::size_t lanes_;
  int n_;
  hwy::AlignedFreeUniquePtr<Scalar[]> scratch_;
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
      for (int c = 0; c < inputs; ++c)
        rhs[i * inputs + c] = transposed ? get(q_, i * inputs + c, l) : C(p_.b[i * inputs + c]);
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

}  // namespace HWY_NAMESPACE
}  // namespace diffverb
HWY_AFTER_NAMESPACE();
#endif
