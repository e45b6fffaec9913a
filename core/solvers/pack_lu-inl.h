// Compiled once for each SIMD target (Highway's foreach_target): no ordinary include guard.
#if defined(DIFFVERB_PACK_LU_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef DIFFVERB_PACK_LU_INL_H_
#undef DIFFVERB_PACK_LU_INL_H_
#else
#define DIFFVERB_PACK_LU_INL_H_
#endif

#include <hwy/aligned_allocator.h>
#include <hwy/highway.h>

#include <algorithm>
#include <vector>

#include "core/solvers/complex-inl.h"
#include "core/solvers/frequency_kernel.h"

HWY_BEFORE_NAMESPACE();
namespace diffverb {
namespace HWY_NAMESPACE {
/// Columns of a tile of the elimination: two rows of it and their factors fill the registers.
inline constexpr int kTileColumns = HWY_TARGET <= HWY_AVX3 || HWY_ARCH_ARM_A64 ? 4 : 2;

/// LU factors of G^-1 - A for one pack of bins, bordered by the inputs' columns and the outputs' rows:
///
///   [ G^-1 - A  B ]   [ L    ] [ U  Y ]
///   [    C     -D ] = [ Z  I ] [   -H ]      Y = L^-1 B,  Z = C U^-1,  H = D + Z Y
///
/// These are the columns of I - A G divided by G: the multipliers L are the same, and all but the diagonal is real, so
/// that an entry starts from one number for all bins and the first pivot, whose row stays real, costs half.
///
/// Left-looking, by tiles of two rows: each entry stays in a register from its first term to its last and is stored
/// once, so the multipliers wait for nothing. No pivoting: factor() says where it would be needed. Lines stand in an
/// order in which A is block lower triangular (FrequencyProblem::block_begin): U is then block diagonal, and what it
/// has of zeros is left out.
template <typename Scalar>
class PackLu {
 public:
  explicit PackLu(const FrequencyProblem<Scalar>& problem) : p_(problem) {
    v_.lines = problem.lines;
    v_.stride = v_.lines + problem.inputs;
    const std::size_t entries = (v_.lines + problem.outputs) * v_.stride;
    const std::size_t size = 2 * lanes_of<Scalar>() * (entries + v_.lines);
    scratch_ = hwy::AllocateAligned<Scalar>(size);
    std::fill_n(scratch_.get(), size, Scalar(0));  // what factor() leaves out is read by the substitutions
    v_.matrix = {scratch_.get()};
    v_.inverse_pivot = v_.matrix.from(entries);
    fill_border();
    v_.real = border_.data();
  }

  /// Makes L, U, Y, Z and the corner for 1 / G of the pack. Returns false where a multiplier grows beyond 8 or a pivot
  /// vanishes in one of its bins.
  bool factor(const Pack<Scalar>& inverse_gain) {
    const Tag<Scalar> tag;
    v_.inverse_gain = inverse_gain;
    auto largest = hn::Zero(tag);
    for (int j = 0; j < p_.lines; j += kTileColumns) {
      with_width(std::min(kTileColumns, p_.lines - j),
                 [&](auto width) { largest = hn::Max(column_tile<width.value>(j), largest); });
    }
    for (int i = 0; i < p_.inputs; i += kTileColumns) {
      with_width(std::min(kTileColumns, p_.inputs - i), [&](auto width) { border_tile<width.value>(i); });
    }
    // The last pivot has no multipliers below it: it is looked at through its inverse, as one of I - A G.
    const auto last = multiply<Scalar>(v_.inverse_pivot.load(v_.lines - 1), inverse_gain.load(v_.lines - 1));
    const auto scale = hn::Set(tag, Scalar(1e-3));
    largest = hn::Max(hn::Mul(scale, hn::Max(hn::Abs(last.re), hn::Abs(last.im))), largest);
    return hn::AllTrue(tag, hn::Lt(largest, hn::Set(tag, Scalar(8))));
  }

  /// H of output o and input i, after factor().
  Complex<Scalar> response(std::size_t output, std::size_t input) const {
    const auto corner = v_.entry(v_.lines + output, v_.lines + input).load(0);
    return {hn::Neg(corner.re), hn::Neg(corner.im)};
  }

  /// S = U^-1 Y [N, I] and W = Z L^-1 [O, N], side by side: each alone waits for its own last row.
  void substitute(const Pack<Scalar>& s, const Pack<Scalar>& w) const {
    int i = p_.lines;
    for (; i % kTileColumns != 0; --i) substitute_rows<1>(i - 1, s, w);
    for (; i > 0; i -= kTileColumns) substitute_rows<kTileColumns>(i - kTileColumns, s, w);
  }

 private:
  template <int V>
  struct Constant {
    static constexpr int value = V;
  };
  template <int R, int W>
  using Tile = Complex<Scalar>[R][W];

  template <typename Work>
  static HWY_INLINE void with_width(int width, const Work& work) {
    if (width >= 4) return work(Constant<4>());
    if (width == 3) return work(Constant<3>());
    if (width == 2) return work(Constant<2>());
    work(Constant<1>());
  }

  /// The bordered matrix but for 1 / G: [ -A B; C -D ].
  void fill_border() {
    const int n = p_.lines, inputs = p_.inputs;
    for (int i = 0; i < n; ++i) {
      for (int j = 0; j < n; ++j) border_.push_back(-p_.a[i * n + j]);
      for (int k = 0; k < inputs; ++k) border_.push_back(p_.b[i * inputs + k]);
    }
    for (int o = 0; o < p_.outputs; ++o) {
      for (int j = 0; j < n; ++j) border_.push_back(p_.c[o * n + j]);
      for (int k = 0; k < inputs; ++k) border_.push_back(-p_.d[o * inputs + k]);
    }
  }

  /// The steps on a tile of R rows and W columns. Taken as a local copy: a store of a register could otherwise have
  /// changed any member. Loops have constant bounds, so that a tile lies in registers.
  struct View {
    std::size_t lines, stride;
    const Scalar* real;  // [N + O, N + I]
    Pack<Scalar> matrix, inverse_pivot, inverse_gain;

    HWY_INLINE Pack<Scalar> entry(std::size_t i, std::size_t j) const { return matrix.from(i * stride + j); }

    /// Entries with the steps of the pivots [begin, end) done: t - L(rows i.., k) U(k, columns j..). Row `begin` of U is
    /// still real.
    template <int R, int W>
    HWY_INLINE void reduced(std::size_t i, std::size_t j, std::size_t begin, std::size_t end, Tile<R, W>& t) const {
      const Tag<Scalar> tag;
      const Scalar *from = real + i * stride + j, *first = real + begin * stride + j;
      if (begin == end) {
        HWY_UNROLL(4) for (int r = 0; r < R; ++r) {
          HWY_UNROLL(4) for (int c = 0; c < W; ++c) t[r][c] = {hn::Set(tag, from[r * stride + c]), hn::Zero(tag)};
        }
        return;
      }
      HWY_UNROLL(4) for (int r = 0; r < R; ++r) {
        const auto l = entry(i + r, begin).load(0);
        const auto minus = hn::Neg(l.im);
        HWY_UNROLL(4) for (int c = 0; c < W; ++c) {
          const auto u = hn::Set(tag, first[c]);
          t[r][c] = {hn::NegMulAdd(l.re, u, hn::Set(tag, from[r * stride + c])), hn::Mul(minus, u)};
        }
      }
      subtract_products<R, W>(i, j, begin + 1, end, t);
    }

    template <int R, int W>
    HWY_INLINE void subtract_products(std::size_t i, std::size_t j, std::size_t begin, std::size_t end,
                                      Tile<R, W>& t) const {
      Pack<Scalar> left = entry(i, begin), above = entry(begin, j);
      const std::size_t row = stride;
      for (std::size_t k = begin; k < end; ++k, left = left.from(1), above = above.from(row)) {
        Complex<Scalar> l[R];
        HWY_UNROLL(4) for (int r = 0; r < R; ++r) l[r] = left.load(r * row);
        HWY_UNROLL(4) for (int c = 0; c < W; ++c) {
          const auto u = above.load(c);
          HWY_UNROLL(4) for (int r = 0; r < R; ++r) t[r][c] = subtract_product<Scalar>(t[r][c], l[r], u);
        }
      }
    }

    template <int R, int W>
    HWY_INLINE void store(std::size_t i, std::size_t j, const Tile<R, W>& t) const {
      const Pack<Scalar> at = entry(i, j);
      HWY_UNROLL(4) for (int r = 0; r < R; ++r) {
        HWY_UNROLL(4) for (int c = 0; c < W; ++c) at.store(r * stride + c, t[r][c]);
      }
    }

    /// Multipliers of pivot j + Q, and what they take from the columns right of it.
    template <int R, int W, int Q>
    HWY_INLINE void eliminate(std::size_t j, Tile<R, W>& t, Vec<Scalar>& largest) const {
      if constexpr (Q < W) {
        const auto inverse = inverse_pivot.load(j + Q);
        const Pack<Scalar> pivot = entry(j + Q, j);
        HWY_UNROLL(4) for (int r = 0; r < R; ++r) {
          t[r][Q] = multiply<Scalar>(t[r][Q], inverse);
          largest = hn::Max(hn::Max(hn::Abs(t[r][Q].re), hn::Abs(t[r][Q].im)), largest);
        }
        HWY_UNROLL(3) for (int c = Q + 1; c < W; ++c) {
          const auto u = pivot.load(c);
          HWY_UNROLL(4) for (int r = 0; r < R; ++r) t[r][c] = subtract_product<Scalar>(t[r][c], t[r][Q], u);
        }
      }
    }

    /// Where the pivot vanishes `largest` says so at once: what follows is no number, and the maximum of a number and none
    /// is the second one, or whichever is a number. Hence `largest` always comes second.
    static HWY_INLINE Complex<Scalar> invert_pivot(Complex<Scalar> pivot, Vec<Scalar>& largest) {
      const Tag<Scalar> tag;
      const auto power = hn::MulAdd(pivot.re, pivot.re, hn::Mul(pivot.im, pivot.im));
      const auto vanishes = hn::Lt(power, hn::Set(tag, static_cast<Scalar>(sizeof(Scalar) == 4 ? 1e-30 : 1e-200)));
      largest = hn::IfThenElse(vanishes, hn::Set(tag, Scalar(1e6)), largest);
      return reciprocal<Scalar>(pivot);
    }

    /// The rows with the pivots Q, Q + 1 of a tile of columns.
    template <int R, int W, int Q>
    HWY_INLINE void pivot_rows(std::size_t j, std::size_t begin, Vec<Scalar>& largest) const {
      Tile<R, W> t;
      reduced<R, W>(j + Q, j, begin, j, t);
      HWY_UNROLL(4) for (int r = 0; r < R; ++r) {
        const auto g = inverse_gain.load(j + Q + r);
        t[r][Q + r] = {hn::Add(t[r][Q + r].re, g.re), hn::Add(t[r][Q + r].im, g.im)};
      }
      if constexpr (Q == 2) {
        eliminate<R, W, 0>(j, t, largest);
        eliminate<R, W, 1>(j, t, largest);
      }
      const auto inverse = invert_pivot(t[0][Q], largest);
      inverse_pivot.store(j + Q, inverse);
      if constexpr (R == 2) {
        const auto l = multiply<Scalar>(t[1][Q], inverse);
        t[1][Q] = l;
        largest = hn::Max(hn::Max(hn::Abs(l.re), hn::Abs(l.im)), largest);
        HWY_UNROLL(3) for (int c = Q + 1; c < W; ++c) t[1][c] = subtract_product<Scalar>(t[1][c], l, t[0][c]);
        inverse_pivot.store(j + Q + 1, invert_pivot(t[1][Q + 1], largest));
      }
      store<R, W>(j + Q, j, t);
    }

    /// Rows above the pivots: entries of U or Y.
    template <int R, int W>
    HWY_INLINE void above(std::size_t i, std::size_t j, std::size_t begin) const {
      Tile<R, W> t;
      reduced<R, W>(i, j, begin, i, t);
      HWY_UNROLL(3) for (int q = 0; q + 1 < R; ++q) {
        HWY_UNROLL(3) for (int r = q + 1; r < R; ++r) {
          const auto l = entry(i + r, i + q).load(0);
          HWY_UNROLL(4) for (int c = 0; c < W; ++c) t[r][c] = subtract_product<Scalar>(t[r][c], l, t[q][c]);
        }
      }
      store<R, W>(i, j, t);
    }

    /// Rows below the pivots: entries of L or Z.
    template <int R, int W>
    HWY_INLINE void below(std::size_t i, std::size_t j, std::size_t begin, Vec<Scalar>& largest) const {
      Tile<R, W> t;
      reduced<R, W>(i, j, begin, j, t);
      eliminate<R, W, 0>(j, t, largest);
      eliminate<R, W, 1>(j, t, largest);
      eliminate<R, W, 2>(j, t, largest);
      eliminate<R, W, 3>(j, t, largest);
      store<R, W>(i, j, t);
    }
  };

  std::size_t block_begin(int line) const { return p_.block_begin ? p_.block_begin[line] : 0; }
  std::size_t block_end(int line) const { return p_.block_end ? p_.block_end[line] : v_.lines; }

  /// Returns the largest multiplier, bin by bin.
  template <int W>
  HWY_NOINLINE Vec<Scalar> column_tile(int column) {
    const View v = v_;
    const std::size_t j = column, begin = block_begin(column), n = v.lines, rows = n + p_.outputs;
    auto largest = hn::Zero(Tag<Scalar>()), any_size = largest;  // an output's gains may be as large as they like
    std::size_t i = begin;
    for (; i + 1 < j; i += 2) v.template above<2, W>(i, j, begin);
    if (i < j) v.template above<1, W>(i, j, begin);
    if constexpr (W == 1) {
      v.template pivot_rows<1, W, 0>(j, begin, largest);
    } else {
      v.template pivot_rows<2, W, 0>(j, begin, largest);
      if constexpr (W == 3) v.template pivot_rows<1, W, 2>(j, begin, largest);
      if constexpr (W == 4) v.template pivot_rows<2, W, 2>(j, begin, largest);
    }
    for (i = j + W; i + 1 < n; i += 2) v.template below<2, W>(i, j, begin, largest);
    if (i < n) v.template below<1, W>(i, j, begin, largest);
    for (i = n; i + 1 < rows; i += 2) v.template below<2, W>(i, j, begin, any_size);
    if (i < rows) v.template below<1, W>(i, j, begin, any_size);
    return largest;
  }

  /// Columns of inputs: Y, and the corner.
  template <int W>
  HWY_NOINLINE void border_tile(int input) {
    const View v = v_;
    const std::size_t n = v.lines, j = n + input, outputs = p_.outputs;
    constexpr int kRows = W == 1 ? 4 : 2;  // fewer than eight sums would wait for one another
    std::size_t i = 0;
    for (; i + kRows <= n; i += kRows) v.template above<kRows, W>(i, j, 0);
    for (; i < n; ++i) v.template above<1, W>(i, j, 0);
    for (std::size_t o = 0; o < outputs; ++o) {
      Tile<1, W> t;
      v.template reduced<1, W>(n + o, j, 0, n, t);
      v.template store<1, W>(n + o, j, t);
    }
  }

  template <int R>
  HWY_INLINE void substitute_rows(int i, const Pack<Scalar>& s, const Pack<Scalar>& w) const {
    for (int input = 0; input < p_.inputs; ++input) right_rows<R>(i, input, s);
    for (int output = 0; output < p_.outputs; ++output) left_columns<R>(i, output, w);
  }

  /// s_i = (y_i - sum_{k > i} U_ik s_k) / U_ii for rows i .. i + R - 1.
  template <int R>
  HWY_INLINE void right_rows(std::size_t i, std::size_t input, const Pack<Scalar>& s) const {
    const View v = v_;
    const std::size_t inputs = p_.inputs;
    Complex<Scalar> t[R];
    HWY_UNROLL(4) for (int r = 0; r < R; ++r) t[r] = v.entry(i + r, v.lines + input).load(0);
    const std::size_t end = block_end(static_cast<int>(i) + R - 1);
    Pack<Scalar> right = v.entry(i, i + R), solved = s.from((i + R) * inputs + input);
    for (std::size_t k = i + R; k < end; ++k, right = right.from(1), solved = solved.from(inputs)) {
      const auto known = solved.load(0);
      HWY_UNROLL(4) for (int r = 0; r < R; ++r) {
        t[r] = subtract_product<Scalar>(t[r], right.load(r * v.stride), known);
      }
    }
    HWY_UNROLL(4) for (int q = 0; q < R; ++q) {
      const int r = R - 1 - q;
      t[r] = multiply<Scalar>(t[r], v.inverse_pivot.load(i + r));
      s.store((i + r) * inputs + input, t[r]);
      HWY_UNROLL(4) for (int above = 0; above < R; ++above) {
        if (above < r) t[above] = subtract_product<Scalar>(t[above], v.entry(i + above, i + r).load(0), t[r]);
      }
    }
  }
  /// w_j = z_j - sum_{k > j} w_k L_kj for columns j .. j + R - 1.
  template <int R>
  HWY_INLINE void left_columns(std::size_t j, std::size_t output, const Pack<Scalar>& w) const {
    const View v = v_;
    Complex<Scalar> t[R];
    HWY_UNROLL(4) for (int r = 0; r < R; ++r) t[r] = v.entry(v.lines + output, j + r).load(0);
    Pack<Scalar> below = v.entry(j + R, j), solved = w.from(output * v.lines + j + R);
    for (std::size_t k = j + R; k < v.lines; ++k, below = below.from(v.stride), solved = solved.from(1)) {
      const auto known = solved.load(0);
      HWY_UNROLL(4) for (int r = 0; r < R; ++r) t[r] = subtract_product<Scalar>(t[r], known, below.load(r));
    }
    HWY_UNROLL(4) for (int q = 0; q < R; ++q) {
      const int r = R - 1 - q;
      w.store(output * v.lines + j + r, t[r]);
      HWY_UNROLL(4) for (int left = 0; left < R; ++left) {
        if (left < r) t[left] = subtract_product<Scalar>(t[left], t[r], v.entry(j + r, j + left).load(0));
      }
    }
  }

  const FrequencyProblem<Scalar>& p_;
  hwy::AlignedFreeUniquePtr<Scalar[]> scratch_;
  std::vector<Scalar> border_;
  View v_{};
};

}  // namespace HWY_NAMESPACE
}  // namespace diffverb
HWY_AFTER_NAMESPACE();
#endif
