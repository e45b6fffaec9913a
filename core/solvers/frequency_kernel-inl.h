// Compiled once for each SIMD target (Highway's foreach_target): no ordinary include guard.
#if defined(DIFFVERB_FREQUENCY_KERNEL_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef DIFFVERB_FREQUENCY_KERNEL_INL_H_
#undef DIFFVERB_FREQUENCY_KERNEL_INL_H_
#else
#define DIFFVERB_FREQUENCY_KERNEL_INL_H_
#endif

#include <hwy/aligned_allocator.h>
#include <hwy/highway.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "core/solvers/complex-inl.h"
#include "core/solvers/frequency_kernel.h"
#include "core/solvers/line_gain-inl.h"
#include "core/solvers/pack_solver-inl.h"

HWY_BEFORE_NAMESPACE();
namespace diffverb {
namespace HWY_NAMESPACE {
/// Gradient sums of one chunk of bins, a register an entry; reduced over the lanes at the end.
template <typename Scalar>
class GradientSums {
 public:
  static constexpr int kBatch = LineGains<Scalar>::kBatch;

  GradientSums(const FrequencyProblem<Scalar>& p, const FrequencyNeeds& needs) : p_(p), needs_(needs) {
    const std::size_t n = p.lines, i = p.inputs, o = p.outputs;
    count_ = n * n + n * i + n * o + o * i + n + 6 * n * p.sections;
    sums_ = hwy::AllocateAligned<Scalar>((count_ + 2 * (o * i + kBatch * (n * i + n))) * lanes_of<Scalar>());
    std::fill(sums_.get(), sums_.get() + count_ * lanes_of<Scalar>(), Scalar(0));
    a_ = sums_.get();
    b_ = a_ + n * n * lanes_of<Scalar>();
    c_ = b_ + n * i * lanes_of<Scalar>();
    d_ = c_ + n * o * lanes_of<Scalar>();
    delay_ = d_ + o * i * lanes_of<Scalar>();
    section_ = delay_ + n * lanes_of<Scalar>();
    grad_h_ = {section_ + 6 * n * p.sections * lanes_of<Scalar>()};  // [O, I]
    q_ = grad_h_.from(o * i);                                        // [batch, N, I]
    log_gain_ = q_.from(kBatch * n * i);                             // [batch, N]
    terms_.resize(kBatch * i);
  }

  /// Packs [bin, ...) of a batch, `packs` of them. `next` are the states of the next batch, or null.
  void add(const PackStates<Scalar>* states, int packs, const LineGains<Scalar>& gains, int bin, int end,
           const Scalar* grad_h, const Scalar* next) {
    const int lanes = static_cast<int>(lanes_of<Scalar>());
    const std::size_t size = PackStates<Scalar>::size(p_, needs_.line_gains());
    for (int p = 0; p < packs; ++p) {
      const int at = bin + p * lanes;
      if (next) fetch_ahead<0>(next + p * size, size);
      read_output_gradient(at, std::min(lanes, end - at), grad_h);
      add_borders(states[p], p);
      if (needs_.line_gains()) add_log_gain(states[p], gains, p);
    }
    if (needs_.a) add_feedback(states, packs);
    if (!needs_.sos || p_.sections == 0) return;
    const std::size_t used = 2 * static_cast<std::size_t>(packs) * p_.lines * lanes_of<Scalar>();
    const std::size_t all = 2 * static_cast<std::size_t>(kBatch) * p_.lines * lanes_of<Scalar>();
    std::fill(log_gain_.data + used, log_gain_.data + all, Scalar(0));
    gains.add_section_gradients(log_gain_, section_);
  }

  void reduce(FrequencyGradient& out) const {
    const std::size_t n = p_.lines;
    const auto total = [&](const Scalar* lane) {
      double sum = 0;
      for (std::size_t l = 0; l < lanes_of<Scalar>(); ++l) sum += lane[l];
      return sum;
    };
    const auto add_all = [&](std::vector<double>& target, const Scalar* from) {
      for (std::size_t i = 0; i < target.size(); ++i) target[i] += total(from + i * lanes_of<Scalar>());
    };
    add_all(out.a, a_);
    add_all(out.b, b_);
    add_all(out.c, c_);
    add_all(out.d, d_);
    add_all(out.delays, delay_);
    const double r = p_.radius;
    for (std::size_t s = 0; s < n * p_.sections; ++s) {
      const Scalar* lane = section_ + 6 * s * lanes_of<Scalar>();
      double t[6];
      for (int i = 0; i < 6; ++i) t[i] = total(lane + i * lanes_of<Scalar>());
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

  void read_output_gradient(int bin, int valid, const Scalar* grad_h) {
    const Tag<Scalar> tag;
    for (int k = 0; k < p_.outputs * p_.inputs; ++k) {
      const Scalar* in = grad_h + 2 * (static_cast<std::size_t>(k) * p_.bins + bin);
      Complex<Scalar> g;
      if (valid == static_cast<int>(lanes_of<Scalar>())) {
        hn::LoadInterleaved2(tag, in, g.re, g.im);
        grad_h_.store(k, g);
        continue;
      }
      Scalar* out = grad_h_.data + 2 * k * lanes_of<Scalar>();
      for (std::size_t l = 0; l < lanes_of<Scalar>(); ++l) {
        const bool inside = static_cast<int>(l) < valid;
        out[l] = inside ? in[2 * l] : Scalar(0);
        out[lanes_of<Scalar>() + l] = inside ? in[2 * l + 1] : Scalar(0);
      }
    }
  }

  /// q of a pack, and the sums of B, C and D.
  void add_borders(const PackStates<Scalar>& states, int p) {
    const int n = p_.lines, inputs = p_.inputs, outputs = p_.outputs;
    const Pack<Scalar> q = q_.from(static_cast<std::size_t>(p) * n * inputs);
    for (int i = 0; i < inputs; ++i) {
      for (int o = 0; o < outputs; ++o) {
        const auto g = grad_h_.load(o * inputs + i);
        accumulate(d_ + (o * inputs + i) * lanes_of<Scalar>(), g.re);
        for (int j = 0; j < n; ++j) {
          const auto s = states.s.load(j * inputs + i), w = states.w.load(o * n + j);
          accumulate(c_ + (o * n + j) * lanes_of<Scalar>(), hn::MulAdd(g.re, s.re, hn::Mul(g.im, s.im)));
          Complex<Scalar> sum{hn::MulAdd(g.re, w.re, hn::Mul(g.im, w.im)), hn::MulSub(g.re, w.im, hn::Mul(g.im, w.re))};
          if (o > 0) {
            const auto before = q.load(j * inputs + i);
            sum = {hn::Add(sum.re, before.re), hn::Add(sum.im, before.im)};
          }
          q.store(j * inputs + i, sum);
        }
      }
      for (int j = 0; j < n; ++j) accumulate(b_ + (j * inputs + i) * lanes_of<Scalar>(), q.load(j * inputs + i).re);
    }
  }

  /// dL / d log G_j = q_j X_j, kept for the sections; with d log G / dm = -(log r + j omega) for the delays.
  void add_log_gain(const PackStates<Scalar>& states, const LineGains<Scalar>& gains, int p) {
    const Tag<Scalar> tag;
    const auto omega = gains.omega(p);
    const auto log_radius = hn::Set(tag, static_cast<Scalar>(std::log(p_.radius)));
    const Pack<Scalar> q = q_.from(static_cast<std::size_t>(p) * p_.lines * p_.inputs);
    for (int j = 0; j < p_.lines; ++j) {
      Complex<Scalar> t{hn::Zero(tag), hn::Zero(tag)};
      for (int i = 0; i < p_.inputs; ++i)
        t = add_product<Scalar>(t, q.load(j * p_.inputs + i), states.x.load(j * p_.inputs + i));
      accumulate(delay_ + j * lanes_of<Scalar>(), hn::MulSub(omega, t.im, hn::Mul(log_radius, t.re)));
      log_gain_.store(static_cast<std::size_t>(p) * p_.lines + j, t);
    }
  }

  /// dA_nm += Re q_n s_m, a product of matrices over all bins of the batch: four rows of q and four columns of s meet in
  /// sixteen registers. A tile that is not full takes the last line again.
  void add_feedback(const PackStates<Scalar>* states, int packs) {
    const std::size_t n = p_.lines, inputs = p_.inputs, line = 2 * inputs * lanes_of<Scalar>();
    for (std::size_t p = 0; p < static_cast<std::size_t>(packs); ++p) {
      for (std::size_t i = 0; i < inputs; ++i)
        terms_[p * inputs + i] = {q_.from(p * n * inputs + i).data, states[p].s.from(i).data};
    }
    const std::size_t terms = packs * inputs;
    for (std::size_t row = 0; row < n; row += 4) {
      for (std::size_t column = 0; column < n; column += kTileColumns) {
        std::size_t left[4], right[kTileColumns];
        for (std::size_t r = 0; r < 4; ++r) left[r] = std::min(row + r, n - 1) * line;
        for (std::size_t c = 0; c < kTileColumns; ++c) right[c] = std::min(column + c, n - 1) * line;
        Vec<Scalar> sum[4][kTileColumns];
        add_tile(terms, left, right, sum);
        for (std::size_t r = 0; r < std::min<std::size_t>(4, n - row); ++r) {
          for (std::size_t c = 0; c < std::min<std::size_t>(kTileColumns, n - column); ++c)
            accumulate(a_ + ((row + r) * n + column + c) * lanes_of<Scalar>(), sum[r][c]);
        }
      }
    }
  }

  /// One loop over packs and inputs: the compiler keeps sums in registers over the innermost loop alone.
  HWY_INLINE void add_tile(std::size_t terms, const std::size_t* left, const std::size_t* right,
                           Vec<Scalar> (&sum)[4][kTileColumns]) const {
    const Tag<Scalar> tag;
    HWY_UNROLL(4) for (int r = 0; r < 4; ++r) {
      HWY_UNROLL(4) for (int c = 0; c < kTileColumns; ++c) sum[r][c] = hn::Zero(tag);
    }
    const Term* const all = terms_.data();
    for (std::size_t t = 0; t < terms; ++t) {
      const Scalar *q = all[t].q, *s = all[t].s;
      Complex<Scalar> rows[4];
      HWY_UNROLL(4) for (int r = 0; r < 4; ++r) {
        rows[r] = {hn::Load(tag, q + left[r]), hn::Load(tag, q + left[r] + lanes_of<Scalar>())};
      }
      HWY_UNROLL(4) for (int c = 0; c < kTileColumns; ++c) {
        const auto re = hn::Load(tag, s + right[c]), im = hn::Load(tag, s + right[c] + lanes_of<Scalar>());
        HWY_UNROLL(4) for (int r = 0; r < 4; ++r) {
          sum[r][c] = hn::MulAdd(rows[r].re, re, hn::NegMulAdd(rows[r].im, im, sum[r][c]));
        }
      }
    }
  }

  /// Where one input's part of a pack begins.
  struct Term {
    const Scalar *q, *s;
  };
  const FrequencyProblem<Scalar>& p_;
  FrequencyNeeds needs_;
  std::size_t count_ = 0;
  hwy::AlignedFreeUniquePtr<Scalar[]> sums_;
  Scalar *a_ = nullptr, *b_ = nullptr, *c_ = nullptr, *d_ = nullptr, *delay_ = nullptr, *section_ = nullptr;
  Pack<Scalar> grad_h_, q_, log_gain_;
  std::vector<Term> terms_;  // [batch, I]
};

template <typename Scalar>
void forward_range(const FrequencyProblem<Scalar>& problem, int begin, int end, Scalar* h, const FrequencyNeeds& needs,
                   Scalar* kept) {
  PackSolver<Scalar> solver(problem);
  LineGains<Scalar> gains(problem);
  const int lanes = static_cast<int>(lanes_of<Scalar>());
  const std::size_t size = PackStates<Scalar>::size(problem, needs.line_gains());
  for (int bin = begin; bin < end; bin += LineGains<Scalar>::kBatch * lanes) {
    const int packs = gains.evaluate(bin, end);
    for (int p = 0; p < packs; ++p) {
      const int at = bin + p * lanes;
      PackStates<Scalar> states;
      if (kept) states = PackStates<Scalar>::at(kept + at / lanes * size, problem, needs.line_gains());
      solver.solve(gains.pack(p), at, std::min(lanes, end - at), h, kept ? &states : nullptr);
    }
  }
}

template <typename Scalar>
void backward_range(const FrequencyProblem<Scalar>& problem, int begin, int end, const Scalar* grad_h,
                    const FrequencyNeeds& needs, const Scalar* kept, FrequencyGradient& gradient) {
  constexpr int kBatch = LineGains<Scalar>::kBatch;
  PackSolver<Scalar> solver(problem);
  LineGains<Scalar> gains(problem);
  GradientSums<Scalar> sums(problem, needs);
  const int lanes = static_cast<int>(lanes_of<Scalar>());
  const bool with_x = needs.line_gains();
  const std::size_t size = PackStates<Scalar>::size(problem, with_x);
  hwy::AlignedFreeUniquePtr<Scalar[]> own;
  if (!kept) own = hwy::AllocateAligned<Scalar>(kBatch * size);
  PackStates<Scalar> states[kBatch];
  for (int bin = begin; bin < end; bin += kBatch * lanes) {
    const int packs = kept ? gains.prepare(bin, end) : gains.evaluate(bin, end);
    for (int p = 0; p < packs; ++p) {
      const int at = bin + p * lanes;
      Scalar* data = kept ? const_cast<Scalar*>(kept) + at / lanes * size : own.get() + p * size;
      states[p] = PackStates<Scalar>::at(data, problem, with_x);
      if (!kept) solver.solve(gains.pack(p), at, std::min(lanes, end - at), nullptr, &states[p]);
    }
    const bool more = kept && bin + kBatch * lanes < end;
    sums.add(states, packs, gains, bin, end, grad_h, more ? kept + (bin / lanes + kBatch) * size : nullptr);
  }
  sums.reduce(gradient);
}

// Highway dispatches plain functions: one pair a scalar type.
void ForwardF32(const FrequencyProblem<float>& p, int begin, int end, float* h, const FrequencyNeeds& needs,
                float* states) {
  forward_range(p, begin, end, h, needs, states);
}
void ForwardF64(const FrequencyProblem<double>& p, int begin, int end, double* h, const FrequencyNeeds& needs,
                double* states) {
  forward_range(p, begin, end, h, needs, states);
}
void BackwardF32(const FrequencyProblem<float>& p, int begin, int end, const float* g, const FrequencyNeeds& needs,
                 const float* states, FrequencyGradient& out) {
  backward_range(p, begin, end, g, needs, states, out);
}
void BackwardF64(const FrequencyProblem<double>& p, int begin, int end, const double* g, const FrequencyNeeds& needs,
                 const double* states, FrequencyGradient& out) {
  backward_range(p, begin, end, g, needs, states, out);
}
int LanesF32() { return static_cast<int>(hn::Lanes(Tag<float>())); }
int LanesF64() { return static_cast<int>(hn::Lanes(Tag<double>())); }

}  // namespace HWY_NAMESPACE
}  // namespace diffverb
HWY_AFTER_NAMESPACE();
#endif
