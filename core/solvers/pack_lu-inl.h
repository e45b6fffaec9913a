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

#include "core/solvers/complex-inl.h"
#include "core/solvers/frequency_kernel.h"

HWY_BEFORE_NAMESPACE();
namespace diffverb {
namespace HWY_NAMESPACE {
/// Columns of a tile of the elimination: two rows of it and their factors fill the registers.
inline constexpr int kTileColumns = HWY_TARGET <= HWY_AVX3 || HWY_ARCH_ARM_A64 ? 4 : 2;

/// LU factors of I - A G for one pack of bins, bordered by the inputs' columns and the outputs' rows:
///
///   [ I - A G  B ]   [ L    ] [ U  Y ]
///   [   C G   -D ] = [ Z  I ] [   -H ]      Y = L^-1 B,  Z = C G U^-1,  H = D + Z Y
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
    v_.inputs = problem.inputs;
    v_.stride = v_.lines + v_.inputs;
    v_.a = problem.a;
    v_.c = problem.c;
    const std::size_t entries = (v_.lines + problem.outputs) * v_.stride;
    const std::size_t size = 2 * lanes_of<Scalar>() * (entries + v_.lines);
    scratch_ = hwy::AllocateAligned<Scalar>(size);
    std::fill_n(scratch_.get(), size, Scalar(0));  // what factor() leaves out is read by the substitutions
    v_.matrix = {scratch_.get()};
    v_.inverse_pivot = v_.matrix.from(entries);
  }

  /// Makes L, U, Y, Z and the corner for the pack's gains. Returns false where a multiplier grows beyond 8 or a pivot
  /// vanishes in one of its bins.
  bool factor(const Pack<Scalar>& gain) {
    const Tag<Scalar> tag;
    v_.gain = gain;
    auto largest = hn::Zero(tag);
    for (int j = 0; j < p_.lines; j += kTileColumns) {
      with_width(std::min(kTileColumns, p_.lines - j),
                 [&](auto width) { largest = hn::Max(largest, column_tile<width.value>(j)); });
    }
    for (int i = 0; i < p_.inputs; i += kTileColumns) {
      with_width(std::min(kTileColumns, p_.inputs - i), [&](auto width) { border_tile<width.value>(i); });
    }
    // The last pivot has no multipliers below it: it is looked at through its inverse.
    const auto last = v_.inverse_pivot.load(v_.lines - 1);
    const auto scale = hn::Set(tag, Scalar(1e-3));
    largest = hn::Max(largest, hn::Mul(scale, hn::Max(hn::Abs(last.re), hn::Abs(last.im))));
    return hn::AllTrue(tag, hn::Lt(largest, hn::Set(tag, Scalar(8))));
  }

  /// H of output o and input i, after factor().
  Complex<Scalar> response(std::size_t output, std::size_t input) const {
    const auto corner = v_.entry(v_.lines + output, v_.lines + input).load(0);
    return {hn::Neg(corner.re), hn::Neg(corner.im)};
  }

  /// X = U^-1 Y [N, I]
  void solve_right(const Pack<Scalar>& x) const {
    for (int input = 0; input < p_.inputs; ++input) {
      int i = p_.lines;
      for (; i % kTileColumns != 0; --i) right_rows<1>(i - 1, input, x);
      for (; i > 0; i -= kTileColumns) right_rows<kTileColumns>(i - kTileColumns, input, x);
    }
  }

  /// W = Z L^-1 [O, N]
  void solve_left(const Pack<Scalar>& w) const {
    for (int output = 0; output < p_.outputs; ++output) {
      int j = p_.lines;
      for (; j % kTileColumns != 0; --j) left_columns<1>(j - 1, output, w);
      for (; j > 0; j -= kTileColumns) left_columns<kTileColumns>(j - kTileColumns, output, w);
    }
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

  /// The steps on a tile of R rows and W columns. Taken as a local copy: a store of a register could otherwise have
  /// changed any member. Loops have constant bounds, so that a tile lies in registers.
  struct View {
    std::size_t lines, stride, inputs;
    const Scalar *a, *c;
    Pack<Scalar> matrix, inverse_pivot, gain;

    HWY_INLINE Pack<Scalar> entry(std::size_t i, std::size_t j) const { return matrix.from(i * stride + j); }

    /// Entries of a real matrix with `columns` columns, times gains and `sign`.
    template <int R, int W>
    HWY_INLINE void start_filtered(const Scalar* from, std::size_t j, Scalar sign, Tile<R, W>& t) const {
      const Tag<Scalar> tag;
      const Pack<Scalar> g = gain.from(j);
      HWY_UNROLL(4) for (int c = 0; c < W; ++c) {
        const auto value = g.load(c);
        HWY_UNROLL(2) for (int r = 0; r < R; ++r) {
          const auto factor = hn::Set(tag, sign * from[r * lines + j + c]);
          t[r][c] = {hn::Mul(factor, value.re), hn::Mul(factor, value.im)};
        }
      }
    }
    template <int R, int W>
    HWY_INLINE void start_feedback(std::size_t i, std::size_t j, Tile<R, W>& t) const {
      start_filtered<R, W>(a + i * lines, j, Scalar(-1), t);
    }
    template <int R, int W>
    HWY_INLINE void start_real(const Scalar* from, Scalar sign, Tile<R, W>& t) const {
      const Tag<Scalar> tag;
      HWY_UNROLL(2) for (int r = 0; r < R; ++r) {
        HWY_UNROLL(4) for (int c = 0; c < W; ++c) {
          t[r][c] = {hn::Set(tag, sign * from[r * inputs + c]), hn::Zero(tag)};
        }
      }
    }

    /// t -= L(rows i.., k) U(k, columns j..) for k in [begin, end).
    template <int R, int W>
    HWY_INLINE void subtract_products(std::size_t i, std::size_t j, std::size_t begin, std::size_t end,
                                      Tile<R, W>& t) const {
      Pack<Scalar> left = entry(i, begin), above = entry(begin, j);
      const std::size_t row = stride;
      for (std::size_t k = begin; k < end; ++k, left = left.from(1), above = above.from(row)) {
        const auto l0 = left.load(0), l1 = left.load(R == 2 ? row : 0);
        HWY_UNROLL(4) for (int c = 0; c < W; ++c) {
          const auto u = above.load(c);
          t[0][c] = subtract_product<Scalar>(t[0][c], l0, u);
          if (R == 2) t[R - 1][c] = subtract_product<Scalar>(t[R - 1][c], l1, u);
        }
      }
    }

    template <int R, int W>
    HWY_INLINE void store(std::size_t i, std::size_t j, const Tile<R, W>& t) const {
      const Pack<Scalar> at = entry(i, j);
      HWY_UNROLL(2) for (int r = 0; r < R; ++r) {
        HWY_UNROLL(4) for (int c = 0; c < W; ++c) at.store(r * stride + c, t[r][c]);
      }
    }

    /// Rows above the pivots: entries of U or Y.
    template <int R, int W>
    HWY_INLINE void finish_above(std::size_t i, std::size_t j, std::size_t begin, Tile<R, W>& t) const {
      subtract_products<R, W>(i, j, begin, i, t);
      if (R == 2) {
        const auto l = entry(i + 1, i).load(0);
        HWY_UNROLL(4) for (int c = 0; c < W; ++c) t[R - 1][c] = subtract_product<Scalar>(t[R - 1][c], l, t[0][c]);
      }
      store<R, W>(i, j, t);
    }

    /// Multipliers of pivot j + Q, and what they take from the columns right of it.
    template <int R, int W, int Q>
    HWY_INLINE void eliminate(std::size_t j, Tile<R, W>& t, Vec<Scalar>& largest) const {
      if constexpr (Q < W) {
        const auto inverse = inverse_pivot.load(j + Q);
        const Pack<Scalar> pivot = entry(j + Q, j);
        HWY_UNROLL(2) for (int r = 0; r < R; ++r) {
          t[r][Q] = multiply<Scalar>(t[r][Q], inverse);
          largest = hn::Max(largest, hn::Max(hn::Abs(t[r][Q].re), hn::Abs(t[r][Q].im)));
        }
        HWY_UNROLL(3) for (int c = Q + 1; c < W; ++c) {
          const auto u = pivot.load(c);
          HWY_UNROLL(2) for (int r = 0; r < R; ++r) t[r][c] = subtract_product<Scalar>(t[r][c], t[r][Q], u);
        }
      }
    }

    /// Rows below the pivots: entries of L or Z.
    template <int R, int W>
    HWY_INLINE void finish_below(std::size_t i, std::size_t j, std::size_t begin, Tile<R, W>& t,
                                 Vec<Scalar>& largest) const {
      subtract_products<R, W>(i, j, begin, j, t);
      eliminate<R, W, 0>(j, t, largest);
      eliminate<R, W, 1>(j, t, largest);
      eliminate<R, W, 2>(j, t, largest);
      eliminate<R, W, 3>(j, t, largest);
      store<R, W>(i, j, t);
    }

    /// The rows with the pivots Q, Q + 1 of a tile of columns.
    template <int R, int W, int Q>
    HWY_INLINE void pivot_rows(std::size_t j, std::size_t begin, Vec<Scalar>& largest) const {
      Tile<R, W> t;
      start_feedback<R, W>(j + Q, j, t);
      HWY_UNROLL(2) for (int r = 0; r < R; ++r) {
        t[r][Q + r].re = hn::Add(t[r][Q + r].re, hn::Set(Tag<Scalar>(), Scalar(1)));
      }
      subtract_products<R, W>(j + Q, j, begin, j, t);
      if constexpr (Q == 2) {
        eliminate<R, W, 0>(j, t, largest);
        eliminate<R, W, 1>(j, t, largest);
      }
      const auto inverse = reciprocal<Scalar>(t[0][Q]);
      inverse_pivot.store(j + Q, inverse);
      if constexpr (R == 2) {
        const auto l = multiply<Scalar>(t[1][Q], inverse);
        t[1][Q] = l;
        largest = hn::Max(largest, hn::Max(hn::Abs(l.re), hn::Abs(l.im)));
        HWY_UNROLL(3) for (int c = Q + 1; c < W; ++c) t[1][c] = subtract_product<Scalar>(t[1][c], l, t[0][c]);
        inverse_pivot.store(j + Q + 1, reciprocal<Scalar>(t[1][Q + 1]));
      }
      store<R, W>(j + Q, j, t);
    }

    template <int R, int W>
    HWY_INLINE void inner_above(std::size_t i, std::size_t j, std::size_t begin) const {
      Tile<R, W> t;
      start_feedback<R, W>(i, j, t);
      finish_above<R, W>(i, j, begin, t);
    }
    template <int R, int W>
    HWY_INLINE void inner_below(std::size_t i, std::size_t j, std::size_t begin, Vec<Scalar>& largest) const {
      Tile<R, W> t;
      start_feedback<R, W>(i, j, t);
      finish_below<R, W>(i, j, begin, t, largest);
    }
    template <int R, int W>
    HWY_INLINE void output_below(std::size_t o, std::size_t j, std::size_t begin) const {
      Tile<R, W> t;
      start_filtered<R, W>(c + o * lines, j, Scalar(1), t);
      auto any_size = hn::Zero(Tag<Scalar>());  // an output's gains may be as large as they like
      finish_below<R, W>(lines + o, j, begin, t, any_size);
    }
    template <int R, int W>
    HWY_INLINE void input_above(const Scalar* b, std::size_t i, std::size_t input) const {
      Tile<R, W> t;
      start_real<R, W>(b + i * inputs + input, Scalar(1), t);
      finish_above<R, W>(i, lines + input, 0, t);
    }
  };

  std::size_t block_begin(int line) const { return p_.block_begin ? p_.block_begin[line] : 0; }
  std::size_t block_end(int line) const { return p_.block_end ? p_.block_end[line] : v_.lines; }

  /// Returns the largest multiplier, bin by bin.
  template <int W>
  HWY_NOINLINE Vec<Scalar> column_tile(int column) {
    const View v = v_;
    const std::size_t j = column, begin = block_begin(column), n = v.lines, outputs = p_.outputs;
    auto largest = hn::Zero(Tag<Scalar>());
    std::size_t i = begin;
    for (; i + 1 < j; i += 2) v.template inner_above<2, W>(i, j, begin);
    if (i < j) v.template inner_above<1, W>(i, j, begin);
    if constexpr (W == 1) {
      v.template pivot_rows<1, W, 0>(j, begin, largest);
    } else {
      v.template pivot_rows<2, W, 0>(j, begin, largest);
      if constexpr (W == 3) v.template pivot_rows<1, W, 2>(j, begin, largest);
      if constexpr (W == 4) v.template pivot_rows<2, W, 2>(j, begin, largest);
    }
    for (i = j + W; i + 1 < n; i += 2) v.template inner_below<2, W>(i, j, begin, largest);
    if (i < n) v.template inner_below<1, W>(i, j, begin, largest);
    std::size_t o = 0;
    for (; o + 1 < outputs; o += 2) v.template output_below<2, W>(o, j, begin);
    if (o < outputs) v.template output_below<1, W>(o, j, begin);
    return largest;
  }

  /// Columns of inputs: Y, and the corner.
  template <int W>
  HWY_NOINLINE void border_tile(int input) {
    const View v = v_;
    const std::size_t n = v.lines, first = input, outputs = p_.outputs;
    const Scalar *b = p_.b, *d = p_.d;
    std::size_t i = 0;
    for (; i + 1 < n; i += 2) v.template input_above<2, W>(b, i, first);
    if (i < n) v.template input_above<1, W>(b, i, first);
    for (std::size_t o = 0; o < outputs; ++o) {
      Tile<1, W> t;
      v.template start_real<1, W>(d + o * v.inputs + first, Scalar(-1), t);
      v.template subtract_products<1, W>(n + o, n + first, 0, n, t);
      v.template store<1, W>(n + o, n + first, t);
    }
  }

  /// x_i = (y_i - sum_{k > i} U_ik x_k) / U_ii for rows i .. i + R - 1.
  template <int R>
  HWY_INLINE void right_rows(std::size_t i, std::size_t input, const Pack<Scalar>& x) const {
    const View v = v_;
    Complex<Scalar> t[R];
    HWY_UNROLL(4) for (int r = 0; r < R; ++r) t[r] = v.entry(i + r, v.lines + input).load(0);
    const std::size_t end = block_end(static_cast<int>(i) + R - 1);
    Pack<Scalar> right = v.entry(i, i + R), solved = x.from((i + R) * v.inputs + input);
    for (std::size_t k = i + R; k < end; ++k, right = right.from(1), solved = solved.from(v.inputs)) {
      const auto known = solved.load(0);
      HWY_UNROLL(4) for (int r = 0; r < R; ++r) {
        t[r] = subtract_product<Scalar>(t[r], right.load(r * v.stride), known);
      }
    }
    HWY_UNROLL(4) for (int q = 0; q < R; ++q) {
      const int r = R - 1 - q;
      t[r] = multiply<Scalar>(t[r], v.inverse_pivot.load(i + r));
      x.store((i + r) * v.inputs + input, t[r]);
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
  View v_{};
};

}  // namespace HWY_NAMESPACE
}  // namespace diffverb
HWY_AFTER_NAMESPACE();
#endif
