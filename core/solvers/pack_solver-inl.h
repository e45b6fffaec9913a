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
#include "core/solvers/line_gain-inl.h"
#include "core/solvers/pack_lu-inl.h"
#include "core/solvers/pack_rank_one-inl.h"

HWY_BEFORE_NAMESPACE();
namespace diffverb {
namespace HWY_NAMESPACE {
/// What the gradient needs of one pack of bins. P = I - A G.
template <typename Scalar>
struct PackStates {
  Pack<Scalar> s;  // [N, I] G P^-1 B, the line outputs
  Pack<Scalar> w;  // [O, N] C G P^-1
  Pack<Scalar> x;  // [N, I] P^-1 B, the lines' inputs; data is null where nobody asked for it

  /// Scalars that a pack takes.
  static std::size_t size(const FrequencyProblem<Scalar>& p, bool with_x) {
    const std::size_t n = p.lines;
    return 2 * lanes_of<Scalar>() * n * (p.inputs * (with_x ? 2u : 1u) + p.outputs);
  }
  static PackStates at(Scalar* data, const FrequencyProblem<Scalar>& p, bool with_x) {
    const std::size_t n = p.lines;
    PackStates states;
    states.s = {data};
    states.w = states.s.from(n * p.inputs);
    if (with_x) states.x = states.w.from(n * p.outputs);
    return states;
  }
};

/// Asks for memory that is wanted soon, to read it (0) or to write it (1).
template <int Write, typename Scalar>
HWY_INLINE void fetch_ahead(const Scalar* data, std::size_t size) {
  for (std::size_t k = 0; k < size; k += 64 / sizeof(Scalar)) __builtin_prefetch(data + k, Write, Write ? 2 : 3);
}

/// Solves packs of bins one after the other; the buffers are reused from pack to pack.
template <typename Scalar>
class PackSolver {
 public:
  explicit PackSolver(const FrequencyProblem<Scalar>& problem) : p_(problem), lu_(problem), rank_one_(problem) {
    const std::size_t entries = static_cast<std::size_t>(problem.lines) * problem.inputs;
    const std::size_t ends = static_cast<std::size_t>(problem.outputs) * problem.inputs;
    scratch_ = hwy::AllocateAligned<Scalar>(2 * lanes_of<Scalar>() * (entries + ends + 1));
    s_ = {scratch_.get()};
    h_ = s_.from(entries);
    last_ = h_.from(ends);
  }

  /// Writes H of the bins [bin, bin + valid) where `h` is not null, and the states where they are not.
  void solve(const Pack<Scalar>& inverse_gain, int bin, int valid, Scalar* h, const PackStates<Scalar>* states) {
    // The states are written long after: their lines come from memory while the factors are made.
    if (states) fetch_ahead<1>(states->s.data, PackStates<Scalar>::size(p_, states->x.data != nullptr));
    const Pack<Scalar> none;
    if (p_.left && rank_one_.solve(inverse_gain, states ? states->s : none, states ? states->w : none, h ? h_ : none)) {
      if (h) write([&](int o, int i) { return h_.load(o * p_.inputs + i); }, bin, valid, h);
    } else if (lu_.factor(inverse_gain)) {
      if (h) write([&](int o, int i) { return lu_.response(o, i); }, bin, valid, h);
      if (states) lu_.substitute(states->s, states->w);
    } else {
      const Pack<Scalar>& s = states ? states->s : s_;
      solve_with_pivoting(inverse_gain, s, states ? &states->w : nullptr);
      if (h) write([&](int o, int i) { return response(s, o, i); }, bin, valid, h);
    }
    if (states && states->x.data) unfilter(inverse_gain, states->s, states->x);
  }

 private:
  /// X = S / G; none where the filters let nothing pass, so that they have no gradient there.
  void unfilter(const Pack<Scalar>& inverse_gain, const Pack<Scalar>& s, const Pack<Scalar>& x) const {
    const Tag<Scalar> tag;
    constexpr double kSilent = LineGains<Scalar>::kLargest / 2;
    const auto most = hn::Set(tag, static_cast<Scalar>(kSilent * kSilent));
    for (int j = 0; j < p_.lines; ++j) {
      auto g = inverse_gain.load(j);
      const auto silent = hn::Ge(hn::MulAdd(g.re, g.re, hn::Mul(g.im, g.im)), most);
      g = {hn::IfThenZeroElse(silent, g.re), hn::IfThenZeroElse(silent, g.im)};
      for (int i = 0; i < p_.inputs; ++i) x.store(j * p_.inputs + i, multiply<Scalar>(g, s.load(j * p_.inputs + i)));
    }
  }

  /// D + C S
  Complex<Scalar> response(const Pack<Scalar>& s, int o, int i) const {
    const Tag<Scalar> tag;
    Complex<Scalar> acc{hn::Set(tag, p_.d[o * p_.inputs + i]), hn::Zero(tag)};
    for (int j = 0; j < p_.lines; ++j) {
      const auto c = hn::Set(tag, p_.c[o * p_.lines + j]);
      const auto line = s.load(j * p_.inputs + i);
      acc.re = hn::MulAdd(c, line.re, acc.re);
      acc.im = hn::MulAdd(c, line.im, acc.im);
    }
    return acc;
  }

  template <typename Response>
  void write(const Response& response, int bin, int valid, Scalar* h) {
    const Tag<Scalar> tag;
    for (int o = 0; o < p_.outputs; ++o) {
      for (int i = 0; i < p_.inputs; ++i) {
        const Complex<Scalar> value = response(o, i);
        Scalar* out = h + 2 * (static_cast<std::size_t>(o * p_.inputs + i) * p_.bins + bin);
        if (valid == static_cast<int>(lanes_of<Scalar>())) {
          hn::StoreInterleaved2(value.re, value.im, tag, out);
          continue;
        }
        last_.store(0, value);
        for (int l = 0; l < valid; ++l) {
          out[2 * l] = last_.data[l];
          out[2 * l + 1] = last_.data[lanes_of<Scalar>() + l];
        }
      }
    }
  }

  void solve_with_pivoting(const Pack<Scalar>& inverse_gain, const Pack<Scalar>& s, const Pack<Scalar>* w);

  const FrequencyProblem<Scalar>& p_;
  PackLu<Scalar> lu_;
  PackRankOne<Scalar> rank_one_;
  hwy::AlignedFreeUniquePtr<Scalar[]> scratch_;
  Pack<Scalar> s_, h_, last_;
};

/// (G^-1 - A) S = B and, transposed, (G^-1 - A)^T W^T = C^T of one bin, by elimination with row pivoting in double precision.
class PivotedBin {
 public:
  using Value = std::complex<double>;
  PivotedBin(std::vector<Value> matrix, int n) : m_(std::move(matrix)), n_(n) {}

  /// [N, columns] in place.
  void solve(std::vector<Value> m, std::vector<Value>& rhs, int columns) const {
    const int n = n_;
    for (int k = 0; k < n; ++k) {
      int best = k;
      for (int i = k + 1; i < n; ++i) {
        if (std::abs(m[i * n + k]) > std::abs(m[best * n + k])) best = i;
      }
      if (best != k) {
        std::swap_ranges(m.begin() + k * n, m.begin() + (k + 1) * n, m.begin() + best * n);
        std::swap_ranges(rhs.begin() + k * columns, rhs.begin() + (k + 1) * columns, rhs.begin() + best * columns);
      }
      for (int i = k + 1; i < n; ++i) {
        const Value f = m[i * n + k] / m[k * n + k];
        for (int j = k; j < n; ++j) m[i * n + j] -= f * m[k * n + j];
        for (int c = 0; c < columns; ++c) rhs[i * columns + c] -= f * rhs[k * columns + c];
      }
    }
    for (int i = n - 1; i >= 0; --i) {
      for (int c = 0; c < columns; ++c) {
        Value acc = rhs[i * columns + c];
        for (int j = i + 1; j < n; ++j) acc -= m[i * n + j] * rhs[j * columns + c];
        rhs[i * columns + c] = acc / m[i * n + i];
      }
    }
  }
  void solve_right(std::vector<Value>& rhs, int columns) const { solve(m_, rhs, columns); }
  void solve_left(std::vector<Value>& rhs, int columns) const {
    std::vector<Value> transposed(m_.size());
    for (int i = 0; i < n_; ++i) {
      for (int j = 0; j < n_; ++j) transposed[j * n_ + i] = m_[i * n_ + j];
    }
    solve(std::move(transposed), rhs, columns);
  }

 private:
  std::vector<Value> m_;
  int n_;
};

/// The rare path, one bin at a time.
template <typename Scalar>
void PackSolver<Scalar>::solve_with_pivoting(const Pack<Scalar>& inverse_gain, const Pack<Scalar>& s,
                                             const Pack<Scalar>* w) {
  using Value = PivotedBin::Value;
  const int n = p_.lines, inputs = p_.inputs, outputs = p_.outputs;
  const auto put = [&](const Pack<Scalar>& pack, int i, std::size_t l, Value value) {
    pack.data[2 * i * lanes_of<Scalar>() + l] = static_cast<Scalar>(value.real());
    pack.data[(2 * i + 1) * lanes_of<Scalar>() + l] = static_cast<Scalar>(value.imag());
  };
  std::vector<Value> matrix(static_cast<std::size_t>(n) * n), right, left;
  for (std::size_t l = 0; l < lanes_of<Scalar>(); ++l) {
    for (int i = 0; i < n * n; ++i) matrix[i] = -static_cast<double>(p_.a[i]);
    for (int j = 0; j < n; ++j) {
      matrix[j * n + j] += Value(inverse_gain.data[2 * j * lanes_of<Scalar>() + l],
                                 inverse_gain.data[(2 * j + 1) * lanes_of<Scalar>() + l]);
    }
    const PivotedBin bin(matrix, n);
    right.assign(p_.b, p_.b + static_cast<std::size_t>(n) * inputs);
    bin.solve_right(right, inputs);
    for (int i = 0; i < n * inputs; ++i) put(s, i, l, right[i]);
    if (!w) continue;
    left.resize(static_cast<std::size_t>(n) * outputs);
    for (int j = 0; j < n; ++j) {
      for (int o = 0; o < outputs; ++o) left[j * outputs + o] = static_cast<double>(p_.c[o * n + j]);
    }
    bin.solve_left(left, outputs);
    for (int j = 0; j < n; ++j) {
      for (int o = 0; o < outputs; ++o) put(*w, o * n + j, l, left[j * outputs + o]);
    }
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace diffverb
HWY_AFTER_NAMESPACE();
#endif
