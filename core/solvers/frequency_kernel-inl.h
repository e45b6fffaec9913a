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
  GradientSums(const FrequencyProblem<Scalar>& p, const FrequencyNeeds& needs)
      : p_(p), needs_(needs), lanes_(hn::Lanes(Tag<Scalar>())) {
    const std::size_t n = p.lines;
    count_ =
        n * n + n * p.inputs + n * p.outputs + static_cast<std::size_t>(p.outputs) * p.inputs + n + 6 * n * p.sections;
    const std::size_t batch = 2 * LineGains<Scalar>::kBatch * n;
    sums_ = hwy::AllocateAligned<Scalar>((count_ + batch) * lanes_);
    std::fill(sums_.get(), sums_.get() + count_ * lanes_, Scalar(0));
    a_ = sums_.get();
    b_ = a_ + n * n * lanes_;
    c_ = b_ + n * p.inputs * lanes_;
    d_ = c_ + n * p.outputs * lanes_;
    delay_ = d_ + static_cast<std::size_t>(p.outputs) * p.inputs * lanes_;
    section_ = delay_ + n * lanes_;
    log_gain_ = {sums_.get() + count_ * lanes_, lanes_};  // [batch, N]
  }

  /// Pack `p` of the batch that `gains` holds.
  void add(PackSolver<Scalar>& s, const LineGains<Scalar>& gains, int p) {
    for (int input = 0; input < p_.inputs; ++input) add_input(s, input);
    if (needs_.delays || needs_.sos) add_log_gain(s, gains, p);
  }

  /// After the last pack of a batch.
  void finish_batch(const LineGains<Scalar>& gains, int packs) {
    if (!needs_.sos || p_.sections == 0) return;
    const std::size_t used = 2 * static_cast<std::size_t>(packs) * p_.lines * lanes_;
    const std::size_t all = 2 * static_cast<std::size_t>(LineGains<Scalar>::kBatch) * p_.lines * lanes_;
    std::fill(log_gain_.data + used, log_gain_.data + all, Scalar(0));
    gains.add_section_gradients(log_gain_, section_);
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

  /// dL / d log G_j = q_j X_j, kept for the sections; with d log G / dm = -(log r + j omega) for the delays.
  void add_log_gain(const PackSolver<Scalar>& s, const LineGains<Scalar>& gains, int p) {
    const Tag<Scalar> tag;
    const auto omega = gains.omega(p);
    const auto log_radius = hn::Set(tag, static_cast<Scalar>(std::log(p_.radius)));
    for (int j = 0; j < p_.lines; ++j) {
      Complex<Scalar> t{hn::Zero(tag), hn::Zero(tag)};
      for (int i = 0; i < p_.inputs; ++i)
        t = add_product<Scalar>(t, s.q_.load(j * p_.inputs + i), s.x_.load(j * p_.inputs + i));
      accumulate(delay_ + j * lanes_, hn::MulSub(omega, t.im, hn::Mul(log_radius, t.re)));
      log_gain_.store(static_cast<std::size_t>(p) * p_.lines + j, t);
    }
  }

  const FrequencyProblem<Scalar>& p_;
  FrequencyNeeds needs_;
  std::size_t lanes_, count_ = 0;
  hwy::AlignedFreeUniquePtr<Scalar[]> sums_;
  Scalar *a_ = nullptr, *b_ = nullptr, *c_ = nullptr, *d_ = nullptr, *delay_ = nullptr, *section_ = nullptr;
  Pack<Scalar> log_gain_;
};

template <typename Scalar>
void forward_range(const FrequencyProblem<Scalar>& problem, int begin, int end, Scalar* h) {
  PackSolver<Scalar> solver(problem);
  LineGains<Scalar> gains(problem);
  const int lanes = static_cast<int>(solver.lanes());
  for (int bin = begin; bin < end; bin += LineGains<Scalar>::kBatch * lanes) {
    const int packs = gains.evaluate(bin, end);
    for (int p = 0; p < packs; ++p) {
      const int at = bin + p * lanes;
      solver.set_gain(gains.pack(p));
      if (!solver.solve_without_pivoting()) solver.solve_with_pivoting(false);
      solver.write_output(at, std::min(lanes, end - at), h);
    }
  }
}

/// X and q of one pack.
template <typename Scalar>
void solve_both(PackSolver<Scalar>& solver) {
  const FrequencyProblem<Scalar>& problem = solver.p_;
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
}

template <typename Scalar>
void backward_range(const FrequencyProblem<Scalar>& problem, int begin, int end, const Scalar* grad_h,
                    const FrequencyNeeds& needs, FrequencyGradient& gradient) {
  PackSolver<Scalar> solver(problem);
  LineGains<Scalar> gains(problem);
  GradientSums<Scalar> sums(problem, needs);
  const int lanes = static_cast<int>(solver.lanes());
  for (int bin = begin; bin < end; bin += LineGains<Scalar>::kBatch * lanes) {
    const int packs = gains.evaluate(bin, end);
    for (int p = 0; p < packs; ++p) {
      const int at = bin + p * lanes;
      solver.set_gain(gains.pack(p));
      solver.read_output_gradient(at, std::min(lanes, end - at), grad_h);
      solve_both(solver);
      sums.add(solver, gains, p);
    }
    sums.finish_batch(gains, packs);
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
