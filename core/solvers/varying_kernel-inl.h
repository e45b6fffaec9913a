// Compiled once for each SIMD target (Highway's foreach_target): no ordinary include guard.
#if defined(DIFFVERB_VARYING_KERNEL_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef DIFFVERB_VARYING_KERNEL_INL_H_
#undef DIFFVERB_VARYING_KERNEL_INL_H_
#else
#define DIFFVERB_VARYING_KERNEL_INL_H_
#endif

#include <hwy/aligned_allocator.h>
#include <hwy/highway.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <vector>

#include "core/solvers/filter_lines-inl.h"
#include "core/solvers/recursion-inl.h"
#include "core/solvers/section_gradient-inl.h"
#include "core/solvers/time_products-inl.h"
#include "core/solvers/varying_kernel.h"

HWY_BEFORE_NAMESPACE();
namespace diffverb {
namespace HWY_NAMESPACE {
namespace time_kernel {
/// Lagrange's cubic weights for taps -1, 0, 1, 2 at 0 <= t < 1, and their slopes.
template <typename Scalar>
struct CubicWeights {
  Scalar at[4], slope[4];
  explicit HWY_INLINE CubicWeights(Scalar t) {
    const Scalar m = t - 1, l = t - 2, p = t + 1;
    at[0] = -t * m * l / 6, at[1] = p * m * l / 2, at[2] = -p * t * l / 2, at[3] = p * t * m / 6;
    slope[0] = -(m * l + t * l + t * m) / 6;
    slope[1] = (m * l + p * l + p * m) / 2;
    slope[2] = -(t * l + p * l + p * t) / 2;
    slope[3] = (t * m + p * m + p * t) / 6;
  }
};

/// A stretch of time in which every line output is known from before it, A moves between two matrices, and the filters
/// belong to one segment.
struct Stretch {
  int begin, length, segment;
};

/// Shapes and memory that the forward pass and its adjoint share.
template <typename Scalar>
class Varying {
 public:
  explicit Varying(const VaryingProblem<Scalar>& v)
      : v_(v),
        p_(v.base),
        n_(v.base.lines),
        samples_(v.base.samples),
        shortest_(shortest(v)),
        inner_(inner(v, shortest_)),
        r_(inner_),
        filters_(r_),
        is_filter_(n_, false) {
    for (const int z : p_.filter_lines) is_filter_[z] = true;
    double longest = 0;
    for (std::size_t k = 0; k < static_cast<std::size_t>(n_) * samples_; ++k) longest = std::max(longest, v.delays[k]);
    before_ = static_cast<int>(std::ceil(longest)) + 2;
    stride_ = static_cast<std::size_t>(before_) + samples_;
    for (int n = 0; n < samples_;) {
      const int segment = n / r_.segment_;
      int length = std::min({r_.block_, (segment + 1) * r_.segment_ - n, samples_ - n});
      if (v.matrices > 1) length = std::min(length, v.hop - n % v.hop);
      stretches_.push_back({n, length, segment});
      n += length;
    }
  }

  /// [N, before + T] f, [N, T] v, [N, T] s, states of the segments.
  std::size_t tape_size() const {
    return n_ * (stride_ + 2 * static_cast<std::size_t>(samples_)) + r_.segments_ * r_.state_size();
  }
  /// [N, before + T] of f, [N, T] of v, and rows of one stretch.
  std::size_t workspace_size() const { return n_ * (stride_ + samples_); }
  Scalar* filtered(Scalar* tape) const { return tape; }
  Scalar* driven(Scalar* tape) const { return tape + n_ * stride_; }
  Scalar* heard(Scalar* tape) const { return driven(tape) + static_cast<std::size_t>(n_) * samples_; }
  Scalar* states(Scalar* tape) const { return heard(tape) + static_cast<std::size_t>(n_) * samples_; }

  void forward(Scalar* output, Scalar* tape);
  void backward(Scalar* tape, const Scalar* grad_output, Scalar* workspace, VaryingGradient<Scalar>& gradient);

 private:
  static std::int64_t shortest(const VaryingProblem<Scalar>& v) {
    const std::size_t count = static_cast<std::size_t>(v.base.lines) * v.base.samples;
    double least = Recursion<Scalar>::kSegment + 2;
    for (std::size_t k = 0; k < count; ++k) {
      if (v.delays[k] > 0) least = std::min(least, v.delays[k]);
    }
    return static_cast<std::int64_t>(std::floor(least));
  }
  /// What Recursion is told: it blocks by this delay, and filters.
  TimeProblem<Scalar> inner(const VaryingProblem<Scalar>& v, std::int64_t shortest) {
    block_delays_.assign(v.base.lines, std::max<std::int64_t>(1, shortest - 2));
    TimeProblem<Scalar> p = v.base;
    p.delays = block_delays_.data();
    return p;
  }

  struct Reading {
    std::ptrdiff_t at;  // of tap -1
    Scalar t;
  };
  HWY_INLINE Reading reading(int j, int n) const {
    const double position = n - v_.delays[static_cast<std::size_t>(j) * samples_ + n];
    const double whole = std::floor(position);
    return {static_cast<std::ptrdiff_t>(whole) - 1 + before_, static_cast<Scalar>(position - whole)};
  }

  /// How far A has moved from matrix q to q + 1.
  Scalar moved(int n) const { return static_cast<Scalar>(n % v_.hop) / static_cast<Scalar>(v_.hop); }
  const Scalar* matrix(int q) const { return p_.a + static_cast<std::size_t>(q) * n_ * n_; }
  /// A_(q+1) - A_q, kept until q changes.
  const Scalar* difference(int q) {
    if (q != difference_of_) {
      difference_.resize(static_cast<std::size_t>(n_) * n_);
      for (std::size_t k = 0; k < difference_.size(); ++k) difference_[k] = matrix(q + 1)[k] - matrix(q)[k];
      difference_of_ = q;
    }
    return difference_.data();
  }

  std::vector<Scalar*> rows(Scalar* from, std::size_t stride, int count) const {
    std::vector<Scalar*> out(count);
    for (int j = 0; j < count; ++j) out[j] = from + j * stride;
    return out;
  }
  std::vector<const Scalar*> rows(const Scalar* from, std::size_t stride, int count) const {
    std::vector<const Scalar*> out(count);
    for (int j = 0; j < count; ++j) out[j] = from + j * stride;
    return out;
  }

  void read_lines(const Stretch& s, const Scalar* filtered, Scalar* heard) const;
  void mix(const Stretch& s, int first, int count, const Scalar* heard, Scalar* const* driven);
  void filter_back(const Stretch& s, const Scalar* grad_output, const Scalar* signals, Scalar* sums, Scalar* driven_bar);
  void replay_filters(int segment, const Scalar* driven, const Scalar* states, Scalar* signals) const;
  void mix_back(const Stretch& s, int first, int count, const Scalar* driven_bar, const Scalar* grad_output,
                Scalar* const* heard_bar);
  void scatter(const Stretch& s, const Scalar* heard_bar, const Scalar* filtered, Scalar* filtered_bar,
               double* delays_bar) const;
  void add_matrix_gradients(const Stretch& s, const Scalar* driven_bar, const Scalar* heard,
                            VaryingGradient<Scalar>& g);

  const VaryingProblem<Scalar>& v_;
  const TimeProblem<Scalar>& p_;
  int n_, samples_, before_ = 0;
  std::vector<std::int64_t> block_delays_;
  std::int64_t shortest_;
  TimeProblem<Scalar> inner_;
  Recursion<Scalar> r_;
  FilterPass<Scalar> filters_;
  std::vector<bool> is_filter_;
  std::size_t stride_ = 0;
  std::vector<Stretch> stretches_;
  std::vector<Scalar> difference_, moved_rows_;
  int difference_of_ = -1;
};

template <typename Scalar>
void Varying<Scalar>::read_lines(const Stretch& s, const Scalar* filtered, Scalar* heard) const {
  for (int j = 0; j < n_; ++j) {
    if (is_filter_[j]) continue;
    const Scalar* f = filtered + j * stride_;
    Scalar* out = heard + static_cast<std::size_t>(j) * samples_;
    for (int n = s.begin; n < s.begin + s.length; ++n) {
      const Reading r = reading(j, n);
      const CubicWeights<Scalar> w(r.t);
      const Scalar* x = f + r.at;
      out[n] = w.at[0] * x[0] + w.at[1] * x[1] + w.at[2] * x[2] + w.at[3] * x[3];
    }
  }
}

/// Rows [first, first + count) of v = A(n) s + B u over a stretch; `driven` points to them.
template <typename Scalar>
void Varying<Scalar>::mix(const Stretch& s, int first, int count, const Scalar* heard, Scalar* const* driven) {
  const std::size_t t = samples_;
  const auto lines = rows(heard + s.begin, t, n_), inputs = rows(p_.input + s.begin, t, p_.inputs);
  const int q = v_.matrices > 1 ? s.begin / v_.hop : 0;
  const std::size_t row = static_cast<std::size_t>(first) * n_;
  multiply_rows(matrix(q) + row, n_, 1, count, n_, lines.data(), driven, s.length, false);
  if (v_.matrices > 1) {
    moved_rows_.resize(static_cast<std::size_t>(n_) * s.length);
    const auto extra = rows(moved_rows_.data(), s.length, count);
    multiply_rows(difference(q) + row, n_, 1, count, n_, lines.data(), extra.data(), s.length, false);
    for (int k = 0; k < s.length; ++k) {
      const Scalar w = moved(s.begin + k);
      for (int j = 0; j < count; ++j) driven[j][k] += w * extra[j][k];
    }
  }
  multiply_rows(p_.b + static_cast<std::size_t>(first) * p_.inputs, p_.inputs, 1, count, p_.inputs, inputs.data(), driven,
                s.length, true);
}

template <typename Scalar>
void Varying<Scalar>::forward(Scalar* output, Scalar* tape) {
  Scalar *f = filtered(tape), *v = driven(tape), *s = heard(tape);
  for (int j = 0; j < n_; ++j) std::fill_n(f + j * stride_, before_, Scalar(0));
  auto state = r_.aligned(r_.state_size());
  int segment = -1;
  for (const Stretch& at : stretches_) {
    if (at.segment != segment) std::copy_n(state.get(), r_.state_size(), states(tape) + at.segment * r_.state_size());
    segment = at.segment;
    read_lines(at, f, s);
    const std::size_t t = samples_;
    const auto lines = rows(static_cast<const Scalar*>(s) + at.begin, t, n_),
               inputs = rows(p_.input + at.begin, t, p_.inputs);
    const auto driven_rows = rows(v + at.begin, t, n_), outputs = rows(output + at.begin, t, p_.outputs);
    for (const int z : p_.filter_lines) std::fill_n(s + z * t + at.begin, at.length, Scalar(0));
    for (const int z : p_.filter_lines) {
      Scalar* row = s + z * t + at.begin;
      mix(at, z, 1, s, &row);
      filters_.filter(z, row, at.length, state.get());
    }
    mix(at, 0, n_, s, driven_rows.data());
    multiply_rows(p_.c, n_, 1, p_.outputs, n_, lines.data(), outputs.data(), at.length, false);
    multiply_rows(p_.d, p_.inputs, 1, p_.outputs, p_.inputs, inputs.data(), outputs.data(), at.length, true);
    Scalar* to = f + before_ + at.begin;
    if (p_.sections == 0) {
      for (int j = 0; j < n_; ++j) std::copy_n(driven_rows[j], at.length, to + j * stride_);
    } else {
      r_.to_rows(v + at.begin, t, at.length, r_.rows_.get());
      r_.filter_rows(r_.rows_.get(), at.length, state.get(), nullptr, 0);
      r_.to_lines(r_.rows_.get(), at.length, to, stride_);
    }
  }
}

template <typename Scalar>
void Varying<Scalar>::replay_filters(int segment, const Scalar* driven, const Scalar* kept, Scalar* signals) const {
  if (p_.sections == 0) return;
  const int begin = segment * r_.segment_, length = std::min(r_.segment_, samples_ - begin);
  auto state = r_.aligned(r_.state_size());
  std::copy_n(kept + segment * r_.state_size(), r_.state_size(), state.get());
  r_.to_rows(driven + begin, samples_, length, r_.rows_.get());
  r_.filter_rows(r_.rows_.get(), length, state.get(), signals, r_.segment_);
}

/// Rows [first, first + count) of s_bar = A(n)^T v_bar + C^T y_bar over a stretch; `heard_bar` points to them.
template <typename Scalar>
void Varying<Scalar>::mix_back(const Stretch& s, int first, int count, const Scalar* driven_bar,
                               const Scalar* grad_output, Scalar* const* heard_bar) {
  const std::size_t t = samples_;
  const auto v = rows(driven_bar + s.begin, t, n_), y = rows(grad_output + s.begin, t, p_.outputs);
  const int q = v_.matrices > 1 ? s.begin / v_.hop : 0;
  multiply_rows(matrix(q) + first, 1, n_, count, n_, v.data(), heard_bar, s.length, false);
  if (v_.matrices > 1) {
    moved_rows_.resize(static_cast<std::size_t>(n_) * s.length);
    for (int j = 0; j < n_; ++j) {
      for (int k = 0; k < s.length; ++k)
        moved_rows_[static_cast<std::size_t>(j) * s.length + k] = moved(s.begin + k) * v[j][k];
    }
    const auto scaled = rows(static_cast<const Scalar*>(moved_rows_.data()), s.length, n_);
    multiply_rows(difference(q) + first, 1, n_, count, n_, scaled.data(), heard_bar, s.length, true);
  }
  multiply_rows(p_.c + first, 1, n_, count, p_.outputs, y.data(), heard_bar, s.length, true);
}

/// v_bar of the lines without delay, once that of all who hear them is known; `signals` and `sums` from the stretch on.
template <typename Scalar>
void Varying<Scalar>::filter_back(const Stretch& s, const Scalar* grad_output, const Scalar* signals, Scalar* sums,
                                  Scalar* driven_bar) {
  for (auto z = p_.filter_lines.rbegin(); z != p_.filter_lines.rend(); ++z) {
    Scalar* row = driven_bar + static_cast<std::size_t>(*z) * samples_ + s.begin;
    mix_back(s, *z, 1, driven_bar, grad_output, &row);
    if (p_.sections > 0) filters_.filter_adjoint(*z, row, s.length, signals, r_.segment_, sums);
  }
}

template <typename Scalar>
void Varying<Scalar>::scatter(const Stretch& s, const Scalar* heard_bar, const Scalar* filtered, Scalar* filtered_bar,
                              double* delays_bar) const {
  for (int j = 0; j < n_; ++j) {
    if (is_filter_[j]) {
      std::fill_n(delays_bar + static_cast<std::size_t>(j) * samples_ + s.begin, s.length, 0.0);
      continue;
    }
    const Scalar *f = filtered + j * stride_, *bar = heard_bar + static_cast<std::size_t>(j) * s.length;
    Scalar* to = filtered_bar + j * stride_;
    for (int k = 0; k < s.length; ++k) {
      const Reading r = reading(j, s.begin + k);
      const CubicWeights<Scalar> w(r.t);
      const Scalar* x = f + r.at;
      Scalar slope = 0;
      for (int tap = 0; tap < 4; ++tap) {
        to[r.at + tap] += w.at[tap] * bar[k];
        slope += w.slope[tap] * x[tap];
      }
      delays_bar[static_cast<std::size_t>(j) * samples_ + s.begin + k] = -static_cast<double>(slope) * bar[k];
    }
  }
}

template <typename Scalar>
void Varying<Scalar>::add_matrix_gradients(const Stretch& s, const Scalar* driven_bar, const Scalar* heard,
                                           VaryingGradient<Scalar>& g) {
  const std::size_t t = samples_, size = static_cast<std::size_t>(n_) * n_;
  const auto v = rows(driven_bar + s.begin, t, n_), x = rows(heard + s.begin, t, n_);
  const int q = v_.matrices > 1 ? s.begin / v_.hop : 0;
  add_outer(v.data(), n_, x.data(), n_, s.length, g.a.data() + q * size);
  if (v_.matrices == 1) return;
  // moved_rows_ holds w v_bar, from mix_back.
  const auto scaled = rows(static_cast<const Scalar*>(moved_rows_.data()), s.length, n_);
  std::vector<double> part(size, 0);
  add_outer(scaled.data(), n_, x.data(), n_, s.length, part.data());
  for (std::size_t k = 0; k < size; ++k) {
    g.a[q * size + k] -= part[k];
    g.a[(q + 1) * size + k] += part[k];
  }
}

template <typename Scalar>
void Varying<Scalar>::backward(Scalar* tape, const Scalar* grad_output, Scalar* workspace, VaryingGradient<Scalar>& g) {
  const std::size_t t = samples_;
  Scalar *f_bar = workspace, *v_bar = workspace + n_ * stride_;
  std::fill_n(f_bar, n_ * stride_, Scalar(0));
  g.a.assign(static_cast<std::size_t>(v_.matrices) * n_ * n_, 0);
  g.b.assign(static_cast<std::size_t>(n_) * p_.inputs, 0);
  g.c.assign(static_cast<std::size_t>(p_.outputs) * n_, 0);
  g.d.assign(static_cast<std::size_t>(p_.outputs) * p_.inputs, 0);
  auto costates = r_.aligned(r_.state_size());
  auto signals = r_.aligned(static_cast<std::size_t>(p_.sections) * r_.segment_ * 3 * r_.padded_);
  SectionSums<Scalar> sums(r_);
  std::vector<Scalar> s_bar(static_cast<std::size_t>(n_) * r_.block_);
  int segment = r_.segments_;
  for (auto at = stretches_.rbegin(); at != stretches_.rend(); ++at) {
    if (at->segment != segment) {
      sums.flush();
      segment = at->segment;
      replay_filters(segment, driven(tape), states(tape), signals.get());
    }
    for (int j = 0; j < n_; ++j)
      std::copy_n(f_bar + j * stride_ + before_ + at->begin, at->length, v_bar + j * t + at->begin);
    const std::size_t offset = static_cast<std::size_t>(at->begin - segment * r_.segment_) * 3 * r_.padded_;
    if (p_.sections > 0) {
      r_.to_rows(v_bar + at->begin, t, at->length, r_.rows_.get());
      r_.filter_rows_adjoint(r_.rows_.get(), at->length, costates.get(), signals.get() + offset, r_.segment_,
                             sums.now());
      r_.to_lines(r_.rows_.get(), at->length, v_bar + at->begin, t);
    }
    filter_back(*at, grad_output, signals.get() + offset, sums.now(), v_bar);
    mix_back(*at, 0, n_, v_bar, grad_output, rows(s_bar.data(), at->length, n_).data());
    add_matrix_gradients(*at, v_bar, heard(tape), g);
    scatter(*at, s_bar.data(), filtered(tape), f_bar, g.delays);
  }
  sums.flush();
  g.sos = sums.section_gradients(p_);
  const auto v = rows(static_cast<const Scalar*>(v_bar), t, n_), u = rows(p_.input, t, p_.inputs);
  const auto x = rows(static_cast<const Scalar*>(heard(tape)), t, n_), y = rows(grad_output, t, p_.outputs);
  add_outer(v.data(), n_, u.data(), p_.inputs, samples_, g.b.data());
  add_outer(y.data(), p_.outputs, x.data(), n_, samples_, g.c.data());
  add_outer(y.data(), p_.outputs, u.data(), p_.inputs, samples_, g.d.data());
  if (!g.input) return;
  const auto out = rows(g.input, t, p_.inputs);
  multiply_rows(p_.b, 1, p_.inputs, p_.inputs, n_, v.data(), out.data(), samples_, false);
  multiply_rows(p_.d, 1, p_.inputs, p_.inputs, p_.outputs, y.data(), out.data(), samples_, true);
}

std::size_t VaryingTapeF32(const VaryingProblem<float>& p) { return Varying<float>(p).tape_size(); }
std::size_t VaryingTapeF64(const VaryingProblem<double>& p) { return Varying<double>(p).tape_size(); }
std::size_t VaryingWorkspaceF32(const VaryingProblem<float>& p) { return Varying<float>(p).workspace_size(); }
std::size_t VaryingWorkspaceF64(const VaryingProblem<double>& p) { return Varying<double>(p).workspace_size(); }
void VaryingForwardF32(const VaryingProblem<float>& p, float* y, float* tape) { Varying<float>(p).forward(y, tape); }
void VaryingForwardF64(const VaryingProblem<double>& p, double* y, double* tape) {
  Varying<double>(p).forward(y, tape);
}
void VaryingBackwardF32(const VaryingProblem<float>& p, const float* tape, const float* g, float* workspace,
                        VaryingGradient<float>& out) {
  Varying<float>(p).backward(const_cast<float*>(tape), g, workspace, out);
}
void VaryingBackwardF64(const VaryingProblem<double>& p, const double* tape, const double* g, double* workspace,
                        VaryingGradient<double>& out) {
  Varying<double>(p).backward(const_cast<double*>(tape), g, workspace, out);
}

}  // namespace time_kernel
}  // namespace HWY_NAMESPACE
}  // namespace diffverb
HWY_AFTER_NAMESPACE();
#endif
