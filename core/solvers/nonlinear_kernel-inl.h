// Compiled once for each SIMD target (Highway's foreach_target): no ordinary include guard.
#if defined(DIFFVERB_NONLINEAR_KERNEL_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef DIFFVERB_NONLINEAR_KERNEL_INL_H_
#undef DIFFVERB_NONLINEAR_KERNEL_INL_H_
#else
#define DIFFVERB_NONLINEAR_KERNEL_INL_H_
#endif

#include <hwy/aligned_allocator.h>
#include <hwy/highway.h>

#include <algorithm>
#include <vector>

#include "core/solvers/filter_lines-inl.h"
#include "core/solvers/nonlinear_kernel.h"
#include "core/solvers/nonlinear_terms-inl.h"
#include "core/solvers/recursion-inl.h"
#include "core/solvers/section_gradient-inl.h"
#include "core/solvers/time_products-inl.h"

HWY_BEFORE_NAMESPACE();
namespace diffverb {
namespace HWY_NAMESPACE {
namespace time_kernel {
/// The recursion and its adjoint; the linear ones (time_kernel-inl.h) with w in the place of v and the terms between.
template <typename Scalar>
class Nonlinear {
 public:
  explicit Nonlinear(const NonlinearProblem<Scalar>& problem)
      : q_(problem), p_(problem.base), n_(p_.lines), t_(p_.samples), r_(p_), filters_(r_), terms_(problem, r_.block_) {}

  std::size_t tape_size() const {
    return n_ * (r_.stride_ + (p_.sections > 0 ? t_ : 0)) + 2 * t_ + r_.segments_ * r_.state_size();
  }
  std::size_t workspace_size() const { return n_ * (r_.stride_ + t_); }

  void forward(Scalar* output, Scalar* tape);
  void backward(Scalar* tape, const Scalar* grad_output, Scalar* workspace, NonlinearGradient<Scalar>& gradient);

 private:
  // The parts of the tape.
  Scalar* filtered(Scalar* tape) const { return tape; }                 // [N, max delay + T] h * v
  Scalar* alpha(Scalar* tape) const { return tape + n_ * r_.stride_; }  // [T]
  Scalar* level(Scalar* tape) const { return alpha(tape) + t_; }        // [T] e
  Scalar* states(Scalar* tape) const { return level(tape) + t_; }       // [segments, S, 2, padded N]
  Scalar* stored(Scalar* tape) const {
    return states(tape) + r_.segments_ * r_.state_size();
  }  // [N, T] v, with filters
  /// v of a line from sample n on; without filters it is the filtered signal.
  Scalar* driven(Scalar* tape, int j, int n) const {
    return p_.sections > 0 ? stored(tape) + j * t_ + n : filtered(tape) + j * r_.stride_ + r_.max_delay_ + n;
  }
  Scalar* heard(Scalar* tape, int j, int n) const {
    return filtered(tape) + j * r_.stride_ + (r_.max_delay_ + n - p_.delays[j]);
  }

  template <typename At>
  auto rows(int count, At at) const {
    std::vector<decltype(at(0))> out(count);
    for (int j = 0; j < count; ++j) out[j] = at(j);
    return out;
  }
  std::vector<const Scalar*> heard_rows(Scalar* tape, int n) const {
    return rows(n_, [&](int j) -> const Scalar* { return heard(tape, j, n); });
  }
  std::vector<const Scalar*> input_rows(int n) const {
    return rows(p_.inputs, [&](int i) { return p_.input + i * t_ + n; });
  }
  std::vector<const Scalar*> output_rows(const Scalar* output, int n) const {
    return rows(p_.outputs, [&](int o) { return output + o * t_ + n; });
  }

  void play_filter_lines(Scalar* tape, int n, int length, const Scalar* states, Scalar** driven);
  void replay(Scalar* tape, int segment, int begin, int length, Scalar* signals) const;
  void step_back(Scalar* tape, const Scalar* grad_output, int n, int offset, int length, NonlinearGradient<Scalar>& g);
  void add_matrix_gradients(Scalar* tape, const Scalar* grad_output, NonlinearGradient<Scalar>& g) const;

  const NonlinearProblem<Scalar>& q_;
  const TimeProblem<Scalar>& p_;
  int n_;
  std::size_t t_;
  Recursion<Scalar> r_;
  FilterPass<Scalar> filters_;
  LoopTerms<Scalar> terms_;
  // Of the adjoint.
  Scalar *mixed_ = nullptr, *w_bar_ = nullptr;  // [N, T + max delay] s_bar, [N, T]
  Scalar *signals_ = nullptr, *costates_ = nullptr, *sums_ = nullptr;
  std::vector<Scalar> unused_;
  double level_bar_ = 0;
};

/// What filter lines play in a block, which all others are about to hear: rows of `driven` that would be written again
/// while they are read are put aside.
template <typename Scalar>
void Nonlinear<Scalar>::play_filter_lines(Scalar* tape, int n, int length, const Scalar* states, Scalar** driven) {
  const auto lines = heard_rows(tape, n), inputs = input_rows(n);
  for (const int z : p_.filter_lines) std::fill_n(heard(tape, z, n), length, Scalar(0));
  for (const int z : p_.filter_lines) {
    Scalar* row = heard(tape, z, n);
    multiply_rows(p_.a + static_cast<std::size_t>(z) * n_, n_, 1, 1, n_, lines.data(), &row, length, false);
    multiply_rows(p_.b + static_cast<std::size_t>(z) * p_.inputs, p_.inputs, 1, 1, p_.inputs, inputs.data(), &row,
                  length, true);
    if (p_.sections == 0) driven[z] = unused_.data();
    filters_.filter(z, row, length, states);
  }
}

template <typename Scalar>
void Nonlinear<Scalar>::forward(Scalar* output, Scalar* tape) {
  for (int j = 0; j < n_; ++j) std::fill_n(filtered(tape) + j * r_.stride_, r_.max_delay_, Scalar(0));
  auto state = r_.aligned(r_.state_size());
  unused_.resize(r_.block_);
  for (int n = 0; n < p_.samples; n += r_.block_) {
    const int length = std::min(r_.block_, p_.samples - n);
    if (n % r_.segment_ == 0)
      std::copy_n(state.get(), r_.state_size(), states(tape) + n / r_.segment_ * r_.state_size());
    auto v = rows(n_, [&](int j) { return driven(tape, j, n); });
    play_filter_lines(tape, n, length, state.get(), v.data());
    const auto s = heard_rows(tape, n), inputs = input_rows(n);
    terms_.follow(s.data(), n, length, level(tape) + n, alpha(tape) + n);
    multiply_rows(p_.a, n_, 1, n_, n_, s.data(), v.data(), length, false);
    multiply_rows(p_.b, p_.inputs, 1, n_, p_.inputs, inputs.data(), v.data(), length, true);
    terms_.add(s.data(), alpha(tape) + n, length, v.data());
    if (q_.saturates) {
      for (const int j : terms_.lines()) saturate(v[j], static_cast<Scalar>(q_.limit), length);
    }
    const auto y = rows(p_.outputs, [&](int o) { return output + o * t_ + n; });
    multiply_rows(p_.c, n_, 1, p_.outputs, n_, s.data(), y.data(), length, false);
    multiply_rows(p_.d, p_.inputs, 1, p_.outputs, p_.inputs, inputs.data(), y.data(), length, true);
    if (p_.sections == 0) continue;
    r_.to_rows(stored(tape) + n, t_, length, r_.rows_.get());
    r_.filter_rows(r_.rows_.get(), length, state.get(), nullptr, 0);
    r_.to_lines(r_.rows_.get(), length, filtered(tape) + r_.max_delay_ + n, r_.stride_);
  }
}

template <typename Scalar>
void Nonlinear<Scalar>::replay(Scalar* tape, int segment, int begin, int length, Scalar* signals) const {
  if (p_.sections == 0) return;
  auto state = r_.aligned(r_.state_size());
  std::copy_n(states(tape) + segment * r_.state_size(), r_.state_size(), state.get());
  r_.to_rows(stored(tape) + begin, t_, length, r_.rows_.get());
  r_.filter_rows(r_.rows_.get(), length, state.get(), signals, r_.segment_);
}

template <typename Scalar>
void Nonlinear<Scalar>::backward(Scalar* tape, const Scalar* grad_output, Scalar* workspace,
                                 NonlinearGradient<Scalar>& g) {
  mixed_ = workspace, w_bar_ = workspace + n_ * r_.stride_;
  for (int j = 0; j < n_; ++j) std::fill_n(mixed_ + j * r_.stride_ + t_, r_.max_delay_, Scalar(0));
  const auto costates = r_.aligned(r_.state_size());
  const auto signals = r_.aligned(static_cast<std::size_t>(p_.sections) * r_.segment_ * 3 * r_.padded_);
  SectionSums<Scalar> sums(r_);
  signals_ = signals.get(), costates_ = costates.get(), sums_ = sums.now();
  unused_.resize(r_.block_);
  const auto size = [](int rows, int columns) { return static_cast<std::size_t>(rows) * columns; };
  g.a.assign(size(n_, n_), 0), g.b.assign(size(n_, p_.inputs), 0);
  g.c.assign(size(p_.outputs, n_), 0), g.d.assign(size(p_.outputs, p_.inputs), 0);
  g.square.assign(n_, 0), g.out.assign(size(n_, q_.rank), 0);
  g.left.assign(size(q_.rank, n_), 0), g.right.assign(size(q_.rank, n_), 0);
  for (int segment = r_.segments_ - 1; segment >= 0; --segment) {
    const int begin = segment * r_.segment_, end = std::min(begin + r_.segment_, p_.samples);
    replay(tape, segment, begin, end - begin, signals_);
    for (int block = (end - begin - 1) / r_.block_; block >= 0; --block) {
      const int n = begin + block * r_.block_;
      step_back(tape, grad_output, n, n - begin, std::min(r_.block_, end - n), g);
    }
    sums.flush();
  }
  g.sos = sums.section_gradients(p_);
  add_matrix_gradients(tape, grad_output, g);
}

template <typename Scalar>
void Nonlinear<Scalar>::step_back(Scalar* tape, const Scalar* grad_output, int n, int offset, int length,
                                  NonlinearGradient<Scalar>& g) {
  const Scalar* signals = signals_ + static_cast<std::size_t>(offset) * 3 * r_.padded_;
  for (const int z : p_.filter_lines) std::fill_n(mixed_ + z * r_.stride_ + n, length, Scalar(0));
  for (int j = 0; j < n_; ++j)  // the cotangent of what a line plays at n stands where it is heard
    std::copy_n(mixed_ + j * r_.stride_ + n + p_.delays[j], length, w_bar_ + j * t_ + n);
  if (p_.sections > 0) {
    r_.to_rows(w_bar_ + n, t_, length, r_.rows_.get());
    r_.filter_rows_adjoint(r_.rows_.get(), length, costates_, signals, r_.segment_, sums_);
    r_.to_lines(r_.rows_.get(), length, w_bar_ + n, t_);
  }
  for (const int j : terms_.lines())
    g.limit += terms_.saturation_adjoint(driven(tape, j, n), length, w_bar_ + j * t_ + n);
  const auto w_bar = rows(n_, [&](int j) -> const Scalar* { return w_bar_ + j * t_ + n; });
  const auto y_bar = output_rows(grad_output, n);
  auto s_bar = rows(n_, [&](int j) { return mixed_ + j * r_.stride_ + n; });
  for (auto z = p_.filter_lines.rbegin(); z != p_.filter_lines.rend(); ++z) {  // who hears it comes first
    Scalar* row = w_bar_ + *z * t_ + n;
    multiply_rows(p_.a + *z, 1, n_, 1, n_, w_bar.data(), &row, length, false);
    multiply_rows(p_.c + *z, 1, n_, 1, p_.outputs, y_bar.data(), &row, length, true);
    if (p_.sections > 0) filters_.filter_adjoint(*z, row, length, signals, r_.segment_, sums_);
    s_bar[*z] = unused_.data();
  }
  multiply_rows(p_.a, 1, n_, n_, n_, w_bar.data(), s_bar.data(), length, false);
  multiply_rows(p_.c, 1, n_, n_, p_.outputs, y_bar.data(), s_bar.data(), length, true);
  terms_.add_adjoint(heard_rows(tape, n).data(), level(tape) + n, alpha(tape) + n, w_bar.data(), n, length, level_bar_,
                     s_bar.data(), g);
}

template <typename Scalar>
void Nonlinear<Scalar>::add_matrix_gradients(Scalar* tape, const Scalar* grad_output,
                                             NonlinearGradient<Scalar>& g) const {
  const auto w_bar = rows(n_, [&](int j) -> const Scalar* { return w_bar_ + j * t_; });
  const auto s = heard_rows(tape, 0), u = input_rows(0), y_bar = output_rows(grad_output, 0);
  add_outer(w_bar.data(), n_, s.data(), n_, p_.samples, g.a.data());
  add_outer(w_bar.data(), n_, u.data(), p_.inputs, p_.samples, g.b.data());
  add_outer(y_bar.data(), p_.outputs, s.data(), n_, p_.samples, g.c.data());
  add_outer(y_bar.data(), p_.outputs, u.data(), p_.inputs, p_.samples, g.d.data());
  if (!g.input) return;
  const auto u_bar = rows(p_.inputs, [&](int i) { return g.input + i * t_; });
  multiply_rows(p_.b, 1, p_.inputs, p_.inputs, n_, w_bar.data(), u_bar.data(), p_.samples, false);
  multiply_rows(p_.d, 1, p_.inputs, p_.inputs, p_.outputs, y_bar.data(), u_bar.data(), p_.samples, true);
}

std::size_t NonlinearTapeF32(const NonlinearProblem<float>& p) { return Nonlinear<float>(p).tape_size(); }
std::size_t NonlinearTapeF64(const NonlinearProblem<double>& p) { return Nonlinear<double>(p).tape_size(); }
std::size_t NonlinearWorkspaceF32(const NonlinearProblem<float>& p) { return Nonlinear<float>(p).workspace_size(); }
std::size_t NonlinearWorkspaceF64(const NonlinearProblem<double>& p) { return Nonlinear<double>(p).workspace_size(); }
void NonlinearForwardF32(const NonlinearProblem<float>& p, float* y, float* tape) {
  Nonlinear<float>(p).forward(y, tape);
}
void NonlinearForwardF64(const NonlinearProblem<double>& p, double* y, double* tape) {
  Nonlinear<double>(p).forward(y, tape);
}
void NonlinearBackwardF32(const NonlinearProblem<float>& p, const float* tape, const float* g, float* workspace,
                          NonlinearGradient<float>& out) {
  Nonlinear<float>(p).backward(const_cast<float*>(tape), g, workspace, out);
}
void NonlinearBackwardF64(const NonlinearProblem<double>& p, const double* tape, const double* g, double* workspace,
                          NonlinearGradient<double>& out) {
  Nonlinear<double>(p).backward(const_cast<double*>(tape), g, workspace, out);
}

}  // namespace time_kernel
}  // namespace HWY_NAMESPACE
}  // namespace diffverb
HWY_AFTER_NAMESPACE();
#endif
