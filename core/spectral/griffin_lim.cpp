#include "core/spectral/griffin_lim.h"

#include <ATen/Parallel.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/isfinite.h>
#include <ATen/ops/ones_like.h>
#include <ATen/ops/tensor.h>
#include <ATen/ops/view_as_complex.h>
#include <ATen/ops/view_as_real.h>
#include <ATen/ops/where.h>
#include <ATen/ops/zeros.h>
#include <ATen/ops/zeros_like.h>

#include <cmath>
#include <limits>
#include <string>

#include "core/error.h"
#include "core/spectral/griffin_lim_kernel.h"
#include "core/spectral/istft.h"
#include "core/tensor.h"

namespace diffverb {
namespace {

using at::Tensor;

void check_options(const GriffinLimOptions& o) {
  const auto refuse = [](const std::string& what) { throw ContractError("griffin_lim: " + what); };
  if (o.fft_size < 2 || o.fft_size % 2 != 0)
    refuse("fft_size must be even and at least 2, got " + std::to_string(o.fft_size));
  if (o.hop_size < 1 || o.hop_size > o.fft_size / 2)
    refuse("hop_size must be in [1, fft_size / 2 = " + std::to_string(o.fft_size / 2) + "], got " +
           std::to_string(o.hop_size));
  if (o.iterations < 0) refuse("iterations must not be negative, got " + std::to_string(o.iterations));
  if (!(o.momentum >= 0 && o.momentum <= 1)) refuse("momentum must be in [0, 1], got " + std::to_string(o.momentum));
  if (!(o.relaxation > 0 && o.relaxation < 1))
    refuse("relaxation must be between 0 and 1, got " + std::to_string(o.relaxation));
  if (!(o.averaged_part >= 0 && o.averaged_part <= 1))
    refuse("averaged_part must be in [0, 1], got " + std::to_string(o.averaged_part));
  if (o.check_every < 1) refuse("check_every must be at least 1, got " + std::to_string(o.check_every));
  if (!(o.tolerance >= 0) || !(o.target >= 0)) refuse("tolerance and target must not be negative");
}

void check_magnitude(const Tensor& magnitude, const GriffinLimOptions& o) {
  if (magnitude.dim() != 3 || magnitude.size(1) != o.fft_size / 2 + 1 || magnitude.size(2) < 1 ||
      !at::isFloatingType(magnitude.scalar_type()))
    throw ContractError("griffin_lim: the magnitudes must be real, [B, " + std::to_string(o.fft_size / 2 + 1) +
                        ", T] with T >= 1, got " + (at::str(magnitude.sizes())));
  const auto good = at::isfinite(magnitude).logical_and(magnitude >= 0);
  if (good.all().item<bool>()) return;
  const auto at = good.logical_not().nonzero()[0].to(at::kCPU);
  throw ContractError("griffin_lim: magnitude [" + std::to_string(at[0].item<std::int64_t>()) + ", " +
                      std::to_string(at[1].item<std::int64_t>()) + ", " + std::to_string(at[2].item<std::int64_t>()) +
                      "] is negative or not finite");
}

std::int64_t samples_of(const Tensor& magnitude, const GriffinLimOptions& o) {
  const std::int64_t frames = magnitude.size(2), least = o.hop_size * (frames - 1);
  const std::int64_t samples = o.samples.value_or(least);
  if (samples < least || samples >= o.hop_size * frames || samples < 1)
    throw ContractError("griffin_lim: " + std::to_string(frames) + " frames with a hop of " +
                        std::to_string(o.hop_size) + " make " + std::to_string(least) + " to " +
                        std::to_string(o.hop_size * frames - 1) + " samples, got " + std::to_string(samples));
  if (o.padding == Padding::kReflect && samples <= o.fft_size / 2)
    throw ContractError("griffin_lim: reflect padding needs more than fft_size / 2 = " +
                        std::to_string(o.fft_size / 2) + " samples, got " + std::to_string(samples));
  return samples;
}

/// How many iterations, from the first, are averaged reflections.
std::int64_t averaged_iterations(const GriffinLimOptions& o) {
  return o.method == PhaseMethod::kAveragedReflections
             ? std::llround(o.averaged_part * static_cast<double>(o.iterations))
             : 0;
}

/// [B, F, T, 2] in the magnitudes' type, on their device
Tensor start_of(const Tensor& magnitude, const GriffinLimOptions& o) {
  if (o.start.defined()) {
    if (!o.start.is_complex() || o.start.sizes() != magnitude.sizes())
      throw ContractError("griffin_lim: the start must be complex and of the magnitudes' shape");
    return at::view_as_real(o.start.resolve_conj()).to(magnitude.device(), magnitude.scalar_type()).contiguous();
  }
  const std::int64_t rows = magnitude.size(0), bins = magnitude.size(1), frames = magnitude.size(2);
  auto phases = at::empty({rows, bins, frames, 2}, at::kFloat);
  auto* data = phases.mutable_data_ptr<float>();
  at::parallel_for(0, rows, 1, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t row = begin; row < end; ++row)
      random_phases(o.seed, static_cast<std::uint64_t>(o.first_row + row), static_cast<int>(o.fft_size),
                    static_cast<int>(frames), data + 2 * row * bins * frames);
  });
  return phases.to(magnitude.device(), magnitude.scalar_type());
}

GriffinLimResult by_kernel(const Tensor& magnitude, std::int64_t samples, const GriffinLimOptions& o) {
  const auto m = magnitude.contiguous(), start = start_of(magnitude, o);
  const std::int64_t rows = m.size(0);
  GriffinLimResult result{at::empty({rows, samples}, m.options()), std::vector<double>(static_cast<std::size_t>(rows)),
                          std::vector<std::int64_t>(static_cast<std::size_t>(rows))};
  GriffinLimProblem p;
  p.fft_size = static_cast<int>(o.fft_size), p.hop_size = static_cast<int>(o.hop_size);
  p.frames = static_cast<int>(m.size(2)), p.samples = static_cast<int>(samples);
  p.reflect = o.padding == Padding::kReflect;
  p.averaged_iterations = static_cast<int>(averaged_iterations(o));
  p.momentum = static_cast<float>(o.momentum / (1 + o.momentum));
  p.relaxation = static_cast<float>(o.relaxation);
  p.iterations = static_cast<int>(o.iterations);
  p.check_every = o.tolerance > 0 || o.target > 0 ? static_cast<int>(o.check_every) : 0;
  p.tolerance = o.tolerance, p.target = o.target;
  p.magnitude = m.const_data_ptr<float>(), p.start = start.const_data_ptr<float>();
  p.signal = result.signal.mutable_data_ptr<float>();
  p.convergence = result.convergence.data(), p.iterations_done = result.iterations.data();
  at::parallel_for(0, rows, 1, [&](std::int64_t begin, std::int64_t end) { griffin_lim_rows(p, begin, end); });
  return result;
}

/// The same in tensor operations. Rows that have stopped leave the batch.
class TensorRetrieval {
 public:
  TensorRetrieval(const Tensor& magnitude, std::int64_t samples, const GriffinLimOptions& o)
      : o_(o), averaged_(averaged_iterations(o) > 0), samples_(samples), magnitude_(magnitude) {
    const std::int64_t rows = magnitude.size(0);
    const auto most = magnitude.amax({1, 2}, true);
    scale_ = at::where(most > 0, most, at::ones_like(most));
    magnitude_ = magnitude / scale_;
    auto start = start_of(magnitude, o);
    for (const std::int64_t bin : {std::int64_t{0}, o.fft_size / 2}) start.select(1, bin).select(-1, 1).zero_();
    state_ = at::view_as_complex(start) * magnitude_;
    result_.signal = at::zeros({rows, samples}, magnitude.options());
    result_.convergence.assign(static_cast<std::size_t>(rows), 0.0);
    result_.iterations.assign(static_cast<std::size_t>(rows), 0);
    before_.assign(static_cast<std::size_t>(rows), std::numeric_limits<double>::infinity());
    for (std::int64_t row = 0; row < rows; ++row) active_.push_back(row);
  }

  GriffinLimResult run() {
    const bool checks = o_.tolerance > 0 || o_.target > 0;
    const std::int64_t switch_at = averaged_iterations(o_);
    Tensor estimate = state_, previous;
    Tensor spectrum = averaged_ ? reflect(state_, estimate) : state_;
    for (std::int64_t done = 0;; ++done) {
      if (averaged_ && done == switch_at) {
        averaged_ = false;
        spectrum = estimate;
      }
      if (done == o_.iterations || (checks && done > 0 && done % o_.check_every == 0)) {
        const auto kept = finish_rows(averaged_ ? estimate : spectrum, done);
        if (active_.empty()) return std::move(result_);
        if (kept.defined()) {
          for (Tensor* t : {&magnitude_, &scale_, &state_, &estimate, &spectrum, &previous})
            if (t->defined()) *t = t->index_select(0, kept);
        }
      }
      const Tensor signal = istft(spectrum, o_.fft_size, o_.hop_size, samples_);
      if (averaged_) {
        spectrum = reflect(o_.relaxation * transform(signal) + state_, estimate);
      } else {
        const double g = o_.momentum / (1 + o_.momentum);
        spectrum = project(transform(previous.defined() && g > 0 ? signal - g * previous : signal));
        previous = signal;
      }
    }
  }

 private:
  Tensor transform(const Tensor& signal) const { return stft(signal, o_.fft_size, o_.hop_size, o_.padding); }
  Tensor project(const Tensor& c) const { return c * (magnitude_ / c.abs().clamp_min(1e-15)); }

  /// estimate <- P c, state <- r c + (1 - 2 r) P c; returns 2 P c - c
  Tensor reflect(const Tensor c, Tensor& estimate) {  // by value: c may be state_
    estimate = project(c);
    state_ = o_.relaxation * c + (1 - 2 * o_.relaxation) * estimate;
    return 2 * estimate - c;
  }

  /// Stores the rows that are done and returns the places in the batch of those that are not, if that is not all.
  Tensor finish_rows(const Tensor& spectrum, std::int64_t done) {
    const auto signal = istft(spectrum, o_.fft_size, o_.hop_size, samples_);
    const auto convergence =
        spectral_convergence(signal, magnitude_, o_.fft_size, o_.hop_size, o_.padding).to(at::kCPU, at::kDouble);
    std::vector<std::int64_t> kept, stopped, rows_kept, rows_stopped;
    for (std::size_t i = 0; i < active_.size(); ++i) {
      const auto row = static_cast<std::size_t>(active_[i]);
      const double now = convergence.const_data_ptr<double>()[i];
      const std::int64_t steps = done - result_.iterations[row];
      const bool stop = done == o_.iterations ||
                        griffin_lim_is_done(before_[row], now, steps, averaged_ ? 0 : o_.tolerance, o_.target);
      before_[row] = result_.convergence[row] = now;
      result_.iterations[row] = done;
      (stop ? stopped : kept).push_back(static_cast<std::int64_t>(i));
      (stop ? rows_stopped : rows_kept).push_back(active_[i]);
    }
    if (stopped.empty()) return {};
    const auto device = magnitude_.device();
    const auto places = at::tensor(stopped, at::kLong).to(device);
    result_.signal.index_copy_(0, at::tensor(rows_stopped, at::kLong).to(device),
                               (signal * scale_.select(2, 0)).index_select(0, places));
    active_ = rows_kept;
    return at::tensor(kept, at::kLong).to(device);
  }

  const GriffinLimOptions& o_;
  bool averaged_;
  std::int64_t samples_;
  Tensor magnitude_, scale_, state_;
  GriffinLimResult result_;
  std::vector<double> before_;
  std::vector<std::int64_t> active_;
};

}  // namespace

Tensor spectral_convergence(const Tensor& signal, const Tensor& magnitude, std::int64_t fft_size, std::int64_t hop_size,
                            Padding padding) {
  const auto error = (stft(signal, fft_size, hop_size, padding).abs() - magnitude).flatten(1).norm(2, {1});
  const auto norm = magnitude.flatten(1).norm(2, {1});
  return at::where(norm > 0, error / norm, at::zeros_like(norm));
}

GriffinLimResult griffin_lim(const Tensor& magnitude, const GriffinLimOptions& options) {
  at::NoGradGuard no_grad;
  check_options(options);
  check_magnitude(magnitude, options);
  const std::int64_t samples = samples_of(magnitude, options);
  if (magnitude.size(0) == 0) return {at::empty({0, samples}, magnitude.options()), {}, {}};
  const bool kernel = options.kernel && magnitude.is_cpu() && magnitude.scalar_type() == at::kFloat &&
                      griffin_lim_has_kernel(static_cast<int>(options.fft_size), static_cast<int>(options.hop_size));
  if (kernel) return by_kernel(magnitude, samples, options);
  return TensorRetrieval(magnitude, samples, options).run();
}

}  // namespace diffverb
