// Compiled once for each SIMD target (Highway's foreach_target): no ordinary include guard.
#if defined(DIFFVERB_TIME_KERNEL_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef DIFFVERB_TIME_KERNEL_INL_H_
#undef DIFFVERB_TIME_KERNEL_INL_H_
#else
#define DIFFVERB_TIME_KERNEL_INL_H_
#endif

#include <hwy/aligned_allocator.h>
#include <hwy/highway.h>

#include <algorithm>
#include <array>
#include <vector>

#include "core/solvers/svf.h"
#include "core/solvers/time_kernel.h"

HWY_BEFORE_NAMESPACE();
namespace diffverb {
namespace HWY_NAMESPACE {
namespace time_kernel {
namespace hn = hwy::HWY_NAMESPACE;

template <typename Scalar>
using Tag = hn::ScalableTag<Scalar>;
template <typename Scalar>
using Vec = hn::Vec<Tag<Scalar>>;

/// out[r][t] (+)= sum_c m[r, c] x[c][t] over `length` samples; four rows and two registers of time at once.
template <typename Scalar>
void multiply_rows(const Scalar* m, int row_stride, int column_stride, int rows, int columns, const Scalar* const* x,
                   Scalar* const* out, int length, bool add) {
  const Tag<Scalar> tag;
  const int lanes = static_cast<int>(hn::Lanes(tag));
  int t = 0;
  for (; t + lanes <= length; t += lanes) {
    for (int r = 0; r < rows; r += 4) {
      const int count = std::min(4, rows - r);
      if (count == 4) {
        Vec<Scalar> acc0 = hn::Zero(tag), acc1 = acc0, acc2 = acc0, acc3 = acc0;
        if (add) {
          acc0 = hn::LoadU(tag, out[r] + t);
          acc1 = hn::LoadU(tag, out[r + 1] + t);
          acc2 = hn::LoadU(tag, out[r + 2] + t);
          acc3 = hn::LoadU(tag, out[r + 3] + t);
        }
        const Scalar* w = m + r * row_stride;
        for (int c = 0; c < columns; ++c, w += column_stride) {
          const auto v = hn::LoadU(tag, x[c] + t);
          acc0 = hn::MulAdd(hn::Set(tag, w[0]), v, acc0);
          acc1 = hn::MulAdd(hn::Set(tag, w[row_stride]), v, acc1);
          acc2 = hn::MulAdd(hn::Set(tag, w[2 * row_stride]), v, acc2);
          acc3 = hn::MulAdd(hn::Set(tag, w[3 * row_stride]), v, acc3);
        }
        hn::StoreU(acc0, tag, out[r] + t);
        hn::StoreU(acc1, tag, out[r + 1] + t);
        hn::StoreU(acc2, tag, out[r + 2] + t);
        hn::StoreU(acc3, tag, out[r + 3] + t);
      } else {
        for (int i = r; i < r + count; ++i) {
          auto acc = add ? hn::LoadU(tag, out[i] + t) : hn::Zero(tag);
          for (int c = 0; c < columns; ++c)
            acc = hn::MulAdd(hn::Set(tag, m[i * row_stride + c * column_stride]), hn::LoadU(tag, x[c] + t), acc);
          hn::StoreU(acc, tag, out[i] + t);
        }
      }
    }
  }
  for (; t < length; ++t) {
    for (int r = 0; r < rows; ++r) {
      Scalar acc = add ? out[r][t] : Scalar(0);
      for (int c = 0; c < columns; ++c) acc += m[r * row_stride + c * column_stride] * x[c][t];
      out[r][t] = acc;
    }
  }
}

/// g[r, c] += sum_t x[r][t] y[c][t]
template <typename Scalar>
void add_outer(const Scalar* const* x, int rows, const Scalar* const* y, int columns, int length, double* g) {
  const Tag<Scalar> tag;
  const int lanes = static_cast<int>(hn::Lanes(tag));
  for (int r = 0; r < rows; r += 4) {
    for (int c = 0; c < columns; c += 4) {
      const int nr = std::min(4, rows - r), nc = std::min(4, columns - c);
      double tail[4][4] = {};
      int t = 0;
      if (nr == 4 && nc == 4) {
        Vec<Scalar> s00 = hn::Zero(tag), s01 = s00, s02 = s00, s03 = s00, s10 = s00, s11 = s00, s12 = s00, s13 = s00;
        Vec<Scalar> s20 = s00, s21 = s00, s22 = s00, s23 = s00, s30 = s00, s31 = s00, s32 = s00, s33 = s00;
        for (; t + lanes <= length; t += lanes) {
          const auto y0 = hn::LoadU(tag, y[c] + t), y1 = hn::LoadU(tag, y[c + 1] + t);
          const auto y2 = hn::LoadU(tag, y[c + 2] + t), y3 = hn::LoadU(tag, y[c + 3] + t);
          const auto x0 = hn::LoadU(tag, x[r] + t), x1 = hn::LoadU(tag, x[r + 1] + t);
          const auto x2 = hn::LoadU(tag, x[r + 2] + t), x3 = hn::LoadU(tag, x[r + 3] + t);
          s00 = hn::MulAdd(x0, y0, s00), s01 = hn::MulAdd(x0, y1, s01), s02 = hn::MulAdd(x0, y2, s02),
          s03 = hn::MulAdd(x0, y3, s03);
          s10 = hn::MulAdd(x1, y0, s10), s11 = hn::MulAdd(x1, y1, s11), s12 = hn::MulAdd(x1, y2, s12),
          s13 = hn::MulAdd(x1, y3, s13);
          s20 = hn::MulAdd(x2, y0, s20), s21 = hn::MulAdd(x2, y1, s21), s22 = hn::MulAdd(x2, y2, s22),
          s23 = hn::MulAdd(x2, y3, s23);
          s30 = hn::MulAdd(x3, y0, s30), s31 = hn::MulAdd(x3, y1, s31), s32 = hn::MulAdd(x3, y2, s32),
          s33 = hn::MulAdd(x3, y3, s33);
        }
        const Vec<Scalar>* sums[16] = {&s00, &s01, &s02, &s03, &s10, &s11, &s12, &s13,
                                       &s20, &s21, &s22, &s23, &s30, &s31, &s32, &s33};
        for (int i = 0; i < 16; ++i) tail[i / 4][i % 4] = hn::GetLane(hn::SumOfLanes(tag, *sums[i]));
      }
      for (int i = 0; i < nr; ++i) {
        for (int j = 0; j < nc; ++j) {
          double sum = tail[i][j];
          for (int k = t; k < length; ++k) sum += static_cast<double>(x[r + i][k]) * y[c + j][k];
          g[(r + i) * columns + c + j] += sum;
        }
      }
    }
  }
}

/// Shapes, coefficients over lines and scratch memory that the recursion and its adjoint share.
template <typename Scalar>
class Recursion {
 public:
  static constexpr int kSegment = 256;

  explicit Recursion(const TimeProblem<Scalar>& p) : p_(p), lanes_(static_cast<int>(hn::Lanes(Tag<Scalar>()))) {
    padded_ = (p.lines + lanes_ - 1) / lanes_ * lanes_;
    max_delay_ = static_cast<int>(*std::max_element(p.delays, p.delays + p.lines));
    const int min_delay = static_cast<int>(*std::min_element(p.delays, p.delays + p.lines));
    block_ = std::min(min_delay, kSegment);
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
    const Tag<Scalar> tag;
    const auto two = hn::Set(tag, Scalar(2));
    for (int lane = 0; lane < padded_; lane += lanes_) {
      for (int s = 0; s < p_.sections; ++s) {
        const Scalar* k = coefficients_.get() + s * 6 * padded_ + lane;
        const auto a1 = hn::Load(tag, k), a2 = hn::Load(tag, k + padded_), a3 = hn::Load(tag, k + 2 * padded_);
        const auto m0 = hn::Load(tag, k + 3 * padded_), m1 = hn::Load(tag, k + 4 * padded_),
                   m2 = hn::Load(tag, k + 5 * padded_);
        Scalar* state = states + s * 2 * padded_ + lane;
        auto z1 = hn::Load(tag, state), z2 = hn::Load(tag, state + padded_);
        Scalar* signal = signals ? signals + static_cast<std::size_t>(s) * signal_stride * 3 * padded_ + lane : nullptr;
        for (int t = 0; t < length; ++t) {
          Scalar* row = rows + t * padded_ + lane;
          const auto x = hn::Load(tag, row);
          if (signal) {
            hn::Store(x, tag, signal);
            hn::Store(z1, tag, signal + padded_);
            hn::Store(z2, tag, signal + 2 * padded_);
            signal += 3 * padded_;
          }
          const auto v3 = hn::Sub(x, z2);
          const auto v1 = hn::MulAdd(a2, v3, hn::Mul(a1, z1));
          const auto v2 = hn::MulAdd(a3, v3, hn::MulAdd(a2, z1, z2));
          z1 = hn::MulSub(two, v1, z1);
          z2 = hn::MulSub(two, v2, z2);
          hn::Store(hn::MulAdd(m2, v2, hn::MulAdd(m1, v1, hn::Mul(m0, x))), tag, row);
        }
        hn::Store(z1, tag, state);
        hn::Store(z2, tag, state + padded_);
      }
    }
  }

  /// Adjoint of filter_rows over the same rows, backwards in time; adds coefficient gradients to `sums` [S, 6, padded].
  void filter_rows_adjoint(Scalar* rows, int length, Scalar* costates, const Scalar* signals, int signal_stride,
                           Scalar* sums) const {
    const Tag<Scalar> tag;
    const auto two = hn::Set(tag, Scalar(2));
    for (int lane = 0; lane < padded_; lane += lanes_) {
      for (int s = p_.sections - 1; s >= 0; --s) {
        const Scalar* k = coefficients_.get() + s * 6 * padded_ + lane;
        const auto a1 = hn::Load(tag, k), a2 = hn::Load(tag, k + padded_), a3 = hn::Load(tag, k + 2 * padded_);
        const auto m0 = hn::Load(tag, k + 3 * padded_), m1 = hn::Load(tag, k + 4 * padded_),
                   m2 = hn::Load(tag, k + 5 * padded_);
        Scalar* costate = costates + s * 2 * padded_ + lane;
        Scalar* sum = sums + s * 6 * padded_ + lane;
        auto c1 = hn::Load(tag, costate), c2 = hn::Load(tag, costate + padded_);
        auto g1 = hn::Load(tag, sum), g2 = hn::Load(tag, sum + padded_), g3 = hn::Load(tag, sum + 2 * padded_);
        auto n0 = hn::Load(tag, sum + 3 * padded_), n1 = hn::Load(tag, sum + 4 * padded_),
             n2 = hn::Load(tag, sum + 5 * padded_);
        for (int t = length - 1; t >= 0; --t) {
          const Scalar* signal = signals + (static_cast<std::size_t>(s) * signal_stride + t) * 3 * padded_ + lane;
          const auto x = hn::Load(tag, signal), z1 = hn::Load(tag, signal + padded_),
                     z2 = hn::Load(tag, signal + 2 * padded_);
          const auto v3 = hn::Sub(x, z2);
          const auto v1 = hn::MulAdd(a2, v3, hn::Mul(a1, z1));
          const auto v2 = hn::MulAdd(a3, v3, hn::MulAdd(a2, z1, z2));
          Scalar* row = rows + t * padded_ + lane;
          const auto y = hn::Load(tag, row);
          const auto w1 = hn::MulAdd(two, c1, hn::Mul(m1, y));
          const auto w2 = hn::MulAdd(two, c2, hn::Mul(m2, y));
          const auto w3 = hn::MulAdd(a3, w2, hn::Mul(a2, w1));
          c1 = hn::MulAdd(a2, w2, hn::MulSub(a1, w1, c1));
          c2 = hn::Sub(hn::Sub(w2, w3), c2);
          g1 = hn::MulAdd(w1, z1, g1);
          g2 = hn::MulAdd(w2, z1, hn::MulAdd(w1, v3, g2));
          g3 = hn::MulAdd(w2, v3, g3);
          n0 = hn::MulAdd(y, x, n0);
          n1 = hn::MulAdd(y, v1, n1);
          n2 = hn::MulAdd(y, v2, n2);
          hn::Store(hn::MulAdd(m0, y, w3), tag, row);
        }
        hn::Store(c1, tag, costate);
        hn::Store(c2, tag, costate + padded_);
        hn::Store(g1, tag, sum);
        hn::Store(g2, tag, sum + padded_);
        hn::Store(g3, tag, sum + 2 * padded_);
        hn::Store(n0, tag, sum + 3 * padded_);
        hn::Store(n1, tag, sum + 4 * padded_);
        hn::Store(n2, tag, sum + 5 * padded_);
      }
    }
  }

  const TimeProblem<Scalar>& p_;
  int lanes_, padded_ = 0, max_delay_ = 0, block_ = 0, segment_ = 0, segments_ = 0;
  std::size_t stride_ = 0;
  hwy::AlignedFreeUniquePtr<Scalar[]> coefficients_, rows_;
};

template <typename Scalar>
void forward(const TimeProblem<Scalar>& p, Scalar* output, TimeTape<Scalar>& store) {
  Recursion<Scalar> r(p);
  const std::size_t samples = p.samples;
  store.filtered.resize(p.lines * r.stride_);
  for (int j = 0; j < p.lines; ++j) std::fill_n(store.filtered.data() + j * r.stride_, r.max_delay_, Scalar(0));
  store.driven.resize(p.lines * samples);
  store.states.resize(r.segments_ * r.state_size());
  auto states = r.aligned(r.state_size());
  std::vector<const Scalar*> lines(p.lines), inputs(p.inputs);
  std::vector<Scalar*> driven(p.lines), outputs(p.outputs);
  for (int n = 0; n < p.samples; n += r.block_) {
    const int length = std::min(r.block_, p.samples - n);
    if (n % r.segment_ == 0) {
      std::copy_n(states.get(), r.state_size(), store.states.begin() + n / r.segment_ * r.state_size());
    }
    for (int j = 0; j < p.lines; ++j) {
      lines[j] = store.filtered.data() + j * r.stride_ + (r.max_delay_ + n - p.delays[j]);
      driven[j] = store.driven.data() + j * samples + n;
    }
    for (int i = 0; i < p.inputs; ++i) inputs[i] = p.input + i * samples + n;
    for (int o = 0; o < p.outputs; ++o) outputs[o] = output + o * samples + n;
    multiply_rows(p.a, p.lines, 1, p.lines, p.lines, lines.data(), driven.data(), length, false);
    multiply_rows(p.b, p.inputs, 1, p.lines, p.inputs, inputs.data(), driven.data(), length, true);
    multiply_rows(p.c, p.lines, 1, p.outputs, p.lines, lines.data(), outputs.data(), length, false);
    multiply_rows(p.d, p.inputs, 1, p.outputs, p.inputs, inputs.data(), outputs.data(), length, true);
    Scalar* to = store.filtered.data() + r.max_delay_ + n;
    if (p.sections == 0) {
      for (int j = 0; j < p.lines; ++j) std::copy_n(driven[j], length, to + j * r.stride_);
    } else {
      r.to_rows(store.driven.data() + n, samples, length, r.rows_.get());
      r.filter_rows(r.rows_.get(), length, states.get(), nullptr, 0);
      r.to_lines(r.rows_.get(), length, to, r.stride_);
    }
  }
}

/// The adjoint, one segment of blocks at a time from the end.
template <typename Scalar>
class Adjoint {
 public:
  Adjoint(const TimeProblem<Scalar>& p, const TimeTape<Scalar>& tape, const Scalar* grad_output,
          TimeWorkspace<Scalar>& workspace, TimeGradient<Scalar>& gradient)
      : p_(p),
        tape_(tape),
        grad_output_(grad_output),
        gradient_(gradient),
        r_(p),
        mixed_(workspace.mixed),
        driven_(workspace.driven) {
    mixed_.resize(p.lines * r_.stride_);
    for (int j = 0; j < p.lines; ++j) std::fill_n(mixed_.data() + j * r_.stride_ + p.samples, r_.max_delay_, Scalar(0));
    driven_.resize(static_cast<std::size_t>(p.lines) * p.samples);
    costates_ = r_.aligned(r_.state_size());
    sums_ = r_.aligned(static_cast<std::size_t>(p.sections) * 6 * r_.padded_);
    signals_ = r_.aligned(static_cast<std::size_t>(p.sections) * r_.segment_ * 3 * r_.padded_);
    gradient.a.assign(static_cast<std::size_t>(p.lines) * p.lines, 0);
    gradient.b.assign(static_cast<std::size_t>(p.lines) * p.inputs, 0);
    gradient.c.assign(static_cast<std::size_t>(p.outputs) * p.lines, 0);
    gradient.d.assign(static_cast<std::size_t>(p.outputs) * p.inputs, 0);
    sos_sums_.assign(static_cast<std::size_t>(p.sections) * 6 * r_.padded_, 0);
  }

  void run() {
    for (int segment = r_.segments_ - 1; segment >= 0; --segment) {
      const int begin = segment * r_.segment_, end = std::min(begin + r_.segment_, p_.samples);
      replay_filters(segment, begin, end - begin);
      const int last = (end - begin - 1) / r_.block_;
      for (int block = last; block >= 0; --block) {
        const int n = begin + block * r_.block_;
        step(n, n - begin, std::min(r_.block_, end - n));
      }
      flush_sums();
    }
    if (gradient_.input) input_gradient();
    finish_sections();
  }

 private:
  void replay_filters(int segment, int begin, int length) {
    if (p_.sections == 0) return;
    auto states = r_.aligned(r_.state_size());
    std::copy_n(tape_.states.begin() + segment * r_.state_size(), r_.state_size(), states.get());
    r_.to_rows(tape_.driven.data() + begin, p_.samples, length, r_.rows_.get());
    r_.filter_rows(r_.rows_.get(), length, states.get(), signals_.get(), r_.segment_);
  }

  void step(int n, int offset, int length) {
    const std::size_t samples = p_.samples;
    std::vector<const Scalar*> lines(p_.lines), inputs(p_.inputs), grads(p_.outputs), driven_const(p_.lines);
    std::vector<Scalar*> mixed(p_.lines);
    for (int j = 0; j < p_.lines; ++j) {
      // The adjoint of the filtered signal at n is the mixed cotangent m_j samples later.
      const Scalar* from = mixed_.data() + j * r_.stride_ + n + p_.delays[j];
      std::copy_n(from, length, driven_.data() + j * samples + n);
    }
    if (p_.sections > 0) {
      r_.to_rows(driven_.data() + n, samples, length, r_.rows_.get());
      r_.filter_rows_adjoint(r_.rows_.get(), length, costates_.get(),
                             signals_.get() + static_cast<std::size_t>(offset) * 3 * r_.padded_, r_.segment_,
                             sums_.get());
      r_.to_lines(r_.rows_.get(), length, driven_.data() + n, samples);
    }
    for (int j = 0; j < p_.lines; ++j) {
      driven_const[j] = driven_.data() + j * samples + n;
      mixed[j] = mixed_.data() + j * r_.stride_ + n;
      lines[j] = tape_.filtered.data() + j * r_.stride_ + (r_.max_delay_ + n - p_.delays[j]);
    }
    for (int i = 0; i < p_.inputs; ++i) inputs[i] = p_.input + i * samples + n;
    for (int o = 0; o < p_.outputs; ++o) grads[o] = grad_output_ + o * samples + n;
    multiply_rows(p_.a, 1, p_.lines, p_.lines, p_.lines, driven_const.data(), mixed.data(), length, false);
    multiply_rows(p_.c, 1, p_.lines, p_.lines, p_.outputs, grads.data(), mixed.data(), length, true);
    add_outer(driven_const.data(), p_.lines, lines.data(), p_.lines, length, gradient_.a.data());
    add_outer(driven_const.data(), p_.lines, inputs.data(), p_.inputs, length, gradient_.b.data());
    add_outer(grads.data(), p_.outputs, lines.data(), p_.lines, length, gradient_.c.data());
    add_outer(grads.data(), p_.outputs, inputs.data(), p_.inputs, length, gradient_.d.data());
  }

  /// Sums of one segment are added in double: over a long response float32 alone would lose digits.
  void flush_sums() {
    for (std::size_t i = 0; i < sos_sums_.size(); ++i) {
      sos_sums_[i] += sums_[i];
      sums_[i] = 0;
    }
  }

  void input_gradient() {
    std::vector<const Scalar*> driven(p_.lines), grads(p_.outputs);
    std::vector<Scalar*> out(p_.inputs);
    for (int j = 0; j < p_.lines; ++j) driven[j] = driven_.data() + static_cast<std::size_t>(j) * p_.samples;
    for (int o = 0; o < p_.outputs; ++o) grads[o] = grad_output_ + static_cast<std::size_t>(o) * p_.samples;
    for (int i = 0; i < p_.inputs; ++i) out[i] = gradient_.input + static_cast<std::size_t>(i) * p_.samples;
    multiply_rows(p_.b, 1, p_.inputs, p_.inputs, p_.lines, driven.data(), out.data(), p_.samples, false);
    multiply_rows(p_.d, 1, p_.inputs, p_.inputs, p_.outputs, grads.data(), out.data(), p_.samples, true);
  }

  /// From the state-variable coefficients back to b0 b1 b2 a1 a2.
  void finish_sections() {
    gradient_.sos.assign(static_cast<std::size_t>(p_.lines) * p_.sections * 5, 0);
    for (int s = 0; s < p_.sections; ++s) {
      for (int j = 0; j < p_.lines; ++j) {
        const std::size_t at = 5 * (static_cast<std::size_t>(j) * p_.sections + s);
        std::array<Dual<5>, 5> q;
        for (int i = 0; i < 5; ++i) q[i] = Dual<5>::variable(p_.sos[at + i], i);
        const Svf<Dual<5>> f = svf_from_sos(q[0], q[1], q[2], q[3], q[4]);
        const Dual<5>* parts[6] = {&f.a1, &f.a2, &f.a3, &f.m0, &f.m1, &f.m2};
        for (int k = 0; k < 6; ++k) {
          const double g = sos_sums_[(s * 6 + k) * r_.padded_ + j];
          for (int i = 0; i < 5; ++i) gradient_.sos[at + i] += g * parts[k]->partial[i];
        }
      }
    }
  }

  const TimeProblem<Scalar>& p_;
  const TimeTape<Scalar>& tape_;
  const Scalar* grad_output_;
  TimeGradient<Scalar>& gradient_;
  Recursion<Scalar> r_;
  std::vector<Scalar>&mixed_, &driven_;
  std::vector<double> sos_sums_;
  hwy::AlignedFreeUniquePtr<Scalar[]> costates_, sums_, signals_;
};

void TimeForwardF32(const TimeProblem<float>& p, float* y, TimeTape<float>& tape) { forward(p, y, tape); }
void TimeBackwardF32(const TimeProblem<float>& p, const TimeTape<float>& tape, const float* g,
                     TimeWorkspace<float>& workspace, TimeGradient<float>& out) {
  Adjoint<float>(p, tape, g, workspace, out).run();
}
void TimeForwardF64(const TimeProblem<double>& p, double* y, TimeTape<double>& tape) { forward(p, y, tape); }
void TimeBackwardF64(const TimeProblem<double>& p, const TimeTape<double>& tape, const double* g,
                     TimeWorkspace<double>& workspace, TimeGradient<double>& out) {
  Adjoint<double>(p, tape, g, workspace, out).run();
}

}  // namespace time_kernel
}  // namespace HWY_NAMESPACE
}  // namespace diffverb
HWY_AFTER_NAMESPACE();
#endif
