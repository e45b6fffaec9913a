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
#include <vector>

#include "core/solvers/filter_lines-inl.h"
#include "core/solvers/recursion-inl.h"
#include "core/solvers/section_gradient-inl.h"
#include "core/solvers/time_kernel.h"
#include "core/solvers/time_products-inl.h"

HWY_BEFORE_NAMESPACE();
namespace diffverb {
namespace HWY_NAMESPACE {
namespace time_kernel {
/// The parts of a tape.
template <typename Scalar>
struct TapeView {
  Scalar* filtered;  // [N, max delay + T] h_j * v_j
  Scalar* driven;    // [N, T] v_j; without filters it is the other one
  Scalar* states;    // [segments, S, 2, padded N]
  TapeView(const Recursion<Scalar>& r, const TimeProblem<Scalar>& p, Scalar* tape)
      : filtered(tape),
        driven(filtered + p.lines * r.stride_),
        states(driven + (p.sections > 0 ? static_cast<std::size_t>(p.lines) * p.samples : 0)) {}
  static std::size_t size(const Recursion<Scalar>& r, const TimeProblem<Scalar>& p) {
    return p.lines * (r.stride_ + (p.sections > 0 ? p.samples : 0)) + r.segments_ * r.state_size();
  }
};

template <typename Scalar>
void forward(const TimeProblem<Scalar>& p, Scalar* output, Scalar* tape) {
  Recursion<Scalar> r(p);
  const TapeView<Scalar> store(r, p, tape);
  const std::size_t samples = p.samples;
  for (int j = 0; j < p.lines; ++j) std::fill_n(store.filtered + j * r.stride_, r.max_delay_, Scalar(0));
  auto states = r.aligned(r.state_size());
  const FilterPass<Scalar> filters(r);
  std::vector<Scalar> unused(r.block_);
  std::vector<const Scalar*> lines(p.lines), inputs(p.inputs);
  std::vector<Scalar*> driven(p.lines), outputs(p.outputs);
  for (int n = 0; n < p.samples; n += r.block_) {
    const int length = std::min(r.block_, p.samples - n);
    if (n % r.segment_ == 0) {
      std::copy_n(states.get(), r.state_size(), store.states + n / r.segment_ * r.state_size());
    }
    for (int j = 0; j < p.lines; ++j) {
      lines[j] = store.filtered + j * r.stride_ + (r.max_delay_ + n - p.delays[j]);
      driven[j] = p.sections > 0 ? store.driven + j * samples + n : store.filtered + j * r.stride_ + (r.max_delay_ + n);
    }
    for (int i = 0; i < p.inputs; ++i) inputs[i] = p.input + i * samples + n;
    for (int o = 0; o < p.outputs; ++o) outputs[o] = output + o * samples + n;
    for (const int z : p.filter_lines) std::fill_n(store.filtered + z * r.stride_ + r.max_delay_ + n, length, Scalar(0));
    for (const int z : p.filter_lines) {
      Scalar* row = store.filtered + z * r.stride_ + r.max_delay_ + n;
      multiply_rows(p.a + static_cast<std::size_t>(z) * p.lines, p.lines, 1, 1, p.lines, lines.data(), &row, length, false);
      multiply_rows(p.b + static_cast<std::size_t>(z) * p.inputs, p.inputs, 1, 1, p.inputs, inputs.data(), &row, length, true);
      if (p.sections == 0) driven[z] = unused.data();  // the row is read while the others are computed
      filters.filter(z, row, length, states.get());
    }
    multiply_rows(p.a, p.lines, 1, p.lines, p.lines, lines.data(), driven.data(), length, false);
    multiply_rows(p.b, p.inputs, 1, p.lines, p.inputs, inputs.data(), driven.data(), length, true);
    multiply_rows(p.c, p.lines, 1, p.outputs, p.lines, lines.data(), outputs.data(), length, false);
    multiply_rows(p.d, p.inputs, 1, p.outputs, p.inputs, inputs.data(), outputs.data(), length, true);
    if (p.sections == 0) continue;
    r.to_rows(store.driven + n, samples, length, r.rows_.get());
    r.filter_rows(r.rows_.get(), length, states.get(), nullptr, 0);
    r.to_lines(r.rows_.get(), length, store.filtered + r.max_delay_ + n, r.stride_);
  }
}

/// The adjoint, one segment of blocks at a time from the end.
template <typename Scalar>
class Adjoint {
 public:
  Adjoint(const TimeProblem<Scalar>& p, const Scalar* tape, const Scalar* grad_output, Scalar* workspace,
          TimeGradient<Scalar>& gradient)
      : p_(p),
        grad_output_(grad_output),
        gradient_(gradient),
        r_(p),
        tape_(r_, p, const_cast<Scalar*>(tape)),
        mixed_(workspace),
        driven_(workspace + p.lines * r_.stride_),
        sums_(r_),
        filters_(r_),
        unused_(r_.block_) {
    for (int j = 0; j < p.lines; ++j) std::fill_n(mixed_ + j * r_.stride_ + p.samples, r_.max_delay_, Scalar(0));
    costates_ = r_.aligned(r_.state_size());
    signals_ = r_.aligned(static_cast<std::size_t>(p.sections) * r_.segment_ * 3 * r_.padded_);
    gradient.a.assign(static_cast<std::size_t>(p.lines) * p.lines, 0);
    gradient.b.assign(static_cast<std::size_t>(p.lines) * p.inputs, 0);
    gradient.c.assign(static_cast<std::size_t>(p.outputs) * p.lines, 0);
    gradient.d.assign(static_cast<std::size_t>(p.outputs) * p.inputs, 0);
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
      sums_.flush();
      // Some segments at once: the sums of one are as long to add up as to make.
      if (segment % kSegmentsOfASum == 0) {
        const int length = std::min(kSegmentsOfASum * r_.segment_, p_.samples - begin);
        add_matrix_gradients(begin, length);
      }
    }
    if (gradient_.input) input_gradient();
    gradient_.sos = sums_.section_gradients(p_);
  }

 private:
  static constexpr int kSegmentsOfASum = 8;  // 2,048 samples of 16 lines lie in the second cache

  void replay_filters(int segment, int begin, int length) {
    if (p_.sections == 0) return;
    auto states = r_.aligned(r_.state_size());
    std::copy_n(tape_.states + segment * r_.state_size(), r_.state_size(), states.get());
    r_.to_rows(tape_.driven + begin, p_.samples, length, r_.rows_.get());
    r_.filter_rows(r_.rows_.get(), length, states.get(), signals_.get(), r_.segment_);
  }

  /// The adjoint of what line j was driven with, from sample n on. Without filters it is the mixed cotangent m_j samples
  /// later, where that stands.
  Scalar* driven(int j, int n) const {
    return p_.sections > 0 ? driven_ + static_cast<std::size_t>(j) * p_.samples + n
                           : mixed_ + j * r_.stride_ + n + p_.delays[j];
  }

  void step(int n, int offset, int length) {
    const std::size_t samples = p_.samples;
    std::vector<const Scalar*> grads(p_.outputs), driven_rows(p_.lines);
    std::vector<Scalar*> mixed(p_.lines);
    for (const int z : p_.filter_lines) std::fill_n(mixed_ + z * r_.stride_ + n, length, Scalar(0));
    if (p_.sections > 0) {
      for (int j = 0; j < p_.lines; ++j) {
        // The adjoint of the filtered signal at n is the mixed cotangent m_j samples later.
        const Scalar* from = mixed_ + j * r_.stride_ + n + p_.delays[j];
        std::copy_n(from, length, driven_ + j * samples + n);
      }
      r_.to_rows(driven_ + n, samples, length, r_.rows_.get());
      r_.filter_rows_adjoint(r_.rows_.get(), length, costates_.get(),
                             signals_.get() + static_cast<std::size_t>(offset) * 3 * r_.padded_, r_.segment_,
                             sums_.now());
      r_.to_lines(r_.rows_.get(), length, driven_ + n, samples);
    }
    for (int j = 0; j < p_.lines; ++j) {
      driven_rows[j] = driven(j, n);
      mixed[j] = mixed_ + j * r_.stride_ + n;
    }
    for (int o = 0; o < p_.outputs; ++o) grads[o] = grad_output_ + o * samples + n;
    for (auto z = p_.filter_lines.rbegin(); z != p_.filter_lines.rend(); ++z) {  // who hears it comes first
      Scalar* row = driven(*z, n);
      multiply_rows(p_.a + *z, 1, p_.lines, 1, p_.lines, driven_rows.data(), &row, length, false);
      multiply_rows(p_.c + *z, 1, p_.lines, 1, p_.outputs, grads.data(), &row, length, true);
      if (p_.sections > 0) {
        filters_.filter_adjoint(*z, row, length, signals_.get() + static_cast<std::size_t>(offset) * 3 * r_.padded_,
                                r_.segment_, sums_.now());
      }
      mixed[*z] = unused_.data();
    }
    multiply_rows(p_.a, 1, p_.lines, p_.lines, p_.lines, driven_rows.data(), mixed.data(), length, false);
    multiply_rows(p_.c, 1, p_.lines, p_.lines, p_.outputs, grads.data(), mixed.data(), length, true);
  }

  /// The sums over samples [n, n + length), all of which are done.
  void add_matrix_gradients(int n, int length) {
    const std::size_t samples = p_.samples;
    std::vector<const Scalar*> lines(p_.lines), inputs(p_.inputs), grads(p_.outputs), driven_rows(p_.lines);
    for (int j = 0; j < p_.lines; ++j) {
      driven_rows[j] = driven(j, n);
      lines[j] = tape_.filtered + j * r_.stride_ + (r_.max_delay_ + n - p_.delays[j]);
    }
    for (int i = 0; i < p_.inputs; ++i) inputs[i] = p_.input + i * samples + n;
    for (int o = 0; o < p_.outputs; ++o) grads[o] = grad_output_ + o * samples + n;
    add_outer(driven_rows.data(), p_.lines, lines.data(), p_.lines, length, gradient_.a.data());
    add_outer(driven_rows.data(), p_.lines, inputs.data(), p_.inputs, length, gradient_.b.data());
    add_outer(grads.data(), p_.outputs, lines.data(), p_.lines, length, gradient_.c.data());
    add_outer(grads.data(), p_.outputs, inputs.data(), p_.inputs, length, gradient_.d.data());
  }

  void input_gradient() {
    std::vector<const Scalar*> driven_rows(p_.lines), grads(p_.outputs);
    std::vector<Scalar*> out(p_.inputs);
    for (int j = 0; j < p_.lines; ++j) driven_rows[j] = driven(j, 0);
    for (int o = 0; o < p_.outputs; ++o) grads[o] = grad_output_ + static_cast<std::size_t>(o) * p_.samples;
    for (int i = 0; i < p_.inputs; ++i) out[i] = gradient_.input + static_cast<std::size_t>(i) * p_.samples;
    multiply_rows(p_.b, 1, p_.inputs, p_.inputs, p_.lines, driven_rows.data(), out.data(), p_.samples, false);
    multiply_rows(p_.d, 1, p_.inputs, p_.inputs, p_.outputs, grads.data(), out.data(), p_.samples, true);
  }

  const TimeProblem<Scalar>& p_;
  const Scalar* grad_output_;
  TimeGradient<Scalar>& gradient_;
  Recursion<Scalar> r_;
  TapeView<Scalar> tape_;  // read only
  Scalar *mixed_, *driven_;
  SectionSums<Scalar> sums_;
  FilterPass<Scalar> filters_;
  std::vector<Scalar> unused_;
  hwy::AlignedFreeUniquePtr<Scalar[]> costates_, signals_;
};

std::size_t TapeSizeF32(const TimeProblem<float>& p) { return TapeView<float>::size(Recursion<float>(p), p); }
std::size_t TapeSizeF64(const TimeProblem<double>& p) { return TapeView<double>::size(Recursion<double>(p), p); }
void TimeForwardF32(const TimeProblem<float>& p, float* y, float* tape) { forward(p, y, tape); }
void TimeBackwardF32(const TimeProblem<float>& p, const float* tape, const float* g, float* workspace,
                     TimeGradient<float>& out) {
  Adjoint<float>(p, tape, g, workspace, out).run();
}
void TimeForwardF64(const TimeProblem<double>& p, double* y, double* tape) { forward(p, y, tape); }
void TimeBackwardF64(const TimeProblem<double>& p, const double* tape, const double* g, double* workspace,
                     TimeGradient<double>& out) {
  Adjoint<double>(p, tape, g, workspace, out).run();
}

}  // namespace time_kernel
}  // namespace HWY_NAMESPACE
}  // namespace diffverb
HWY_AFTER_NAMESPACE();
#endif
