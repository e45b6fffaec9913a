#include "core/spectral/response_estimate.h"

#include <ATen/ops/arange.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/einsum.h>
#include <ATen/ops/eye.h>
#include <ATen/ops/fft_irfft.h>
#include <ATen/ops/fft_rfft.h>
#include <ATen/ops/linalg_inv.h>
#include <ATen/ops/zeros.h>
#include <ATen/ops/zeros_like.h>

#include <algorithm>

#include "core/acoustics/fft.h"
#include "core/error.h"

namespace diffverb {
namespace {

constexpr double kRegularisation = 1e-6;  // epsilon, of an input's energy
constexpr double kResidual = 1e-5;
constexpr int kMostRounds = 100;

std::int64_t fast_length(std::int64_t at_least) {
  return static_cast<std::int64_t>(acoustics::fast_fft_length(static_cast<std::size_t>(at_least)));
}

/// The normal equations of inputs of unit energy: sum_q r_pq * h_q = w_p,  r_pq(m) = sum_n inputs_p(n) inputs_q(n + m).
class NormalEquations {
 public:
  NormalEquations(const at::Tensor& inputs, const std::vector<std::int64_t>& samples)
      : taps_(*std::max_element(samples.begin(), samples.end())),
        whole_(fast_length(inputs.size(1) + taps_)),
        fft_size_(fast_length(2 * taps_)),
        circulant_size_(fast_length(taps_)),
        spectra_(at::fft_rfft(inputs, whole_)) {
    const std::int64_t count = inputs.size(0);
    mask_ = at::zeros({count, 1, taps_}, at::kDouble);
    for (std::int64_t p = 0; p < count; ++p) mask_[p].slice(1, 0, samples[static_cast<std::size_t>(p)]).fill_(1);
    auto correlation = at::fft_irfft(spectra_.conj().unsqueeze(1) * spectra_.unsqueeze(0), whole_);  // [P, P, whole]
    for (std::int64_t p = 0; p < count; ++p) correlation[p][p][0] += kRegularisation;
    const auto later = correlation.slice(2, 0, taps_), earlier = correlation.slice(2, whole_ - taps_ + 1);
    const auto gap = at::zeros({count, count, fft_size_ - 2 * taps_ + 1}, at::kDouble);
    product_ = at::fft_rfft(at::cat({later, gap, earlier}, 2), fft_size_);
    // c(k) = ((L - k) r(k) + k r(k - L)) / L, on a length L that is quick to transform.
    const std::int64_t size = circulant_size_;
    const auto share = at::arange(size, at::kDouble) / static_cast<double>(size);
    const auto room = at::zeros({count, count, size - taps_}, at::kDouble);
    const auto first = at::cat({later, room}, 2), before = at::cat({room, correlation.slice(2, whole_ - taps_)}, 2);
    auto blocks = at::fft_rfft((1 - share) * first + share * before, size).permute({2, 0, 1}).contiguous();
    blocks = (blocks + blocks.conj().transpose(1, 2)) / 2;
    blocks = blocks + kRegularisation * at::eye(count, blocks.options());
    inverse_ = at::linalg_inv(blocks);  // [F, P, P]
  }
  at::Tensor right_side(const at::Tensor& wet) const {
    const auto cross = spectra_.conj().unsqueeze(1) * at::fft_rfft(wet, whole_).unsqueeze(0);
    return at::fft_irfft(cross, whole_).slice(2, 0, taps_) * mask_;
  }
  at::Tensor times(const at::Tensor& h) const {
    const auto sums = at::einsum("pqf,qcf->pcf", {product_, at::fft_rfft(h, fft_size_)});
    return at::fft_irfft(sums, fft_size_).slice(2, 0, taps_) * mask_;
  }
  at::Tensor precondition(const at::Tensor& residual) const {
    const auto sums = at::einsum("fpq,qcf->pcf", {inverse_, at::fft_rfft(residual, circulant_size_)});
    return at::fft_irfft(sums, circulant_size_).slice(2, 0, taps_) * mask_;
  }

 private:
  std::int64_t taps_, whole_, fft_size_, circulant_size_;
  at::Tensor spectra_, mask_, product_, inverse_;
};

/// Sum over inputs and taps, a column each.
at::Tensor inner(const at::Tensor& a, const at::Tensor& b) { return (a * b).sum(at::IntArrayRef{0, 2}, true); }

}  // namespace

at::Tensor estimate_responses(const at::Tensor& inputs, const at::Tensor& wet,
                              const std::vector<std::int64_t>& samples) {
  if (inputs.dim() != 2 || wet.dim() != 2 || inputs.size(1) != wet.size(1) ||
      inputs.size(0) != static_cast<std::int64_t>(samples.size()) ||
      *std::min_element(samples.begin(), samples.end()) < 1)
    throw ContractError("estimate_responses: inputs [P, N], wet [C, N] and P lengths of 1 or more expected");
  const at::NoGradGuard no_grad;
  const auto scale = inputs.norm(2, {1}, true).clamp_min(1e-300);  // [P, 1]
  const NormalEquations equations(inputs / scale, samples);
  const auto wanted = equations.right_side(wet);
  auto h = at::zeros_like(wanted), residual = wanted.clone();
  auto z = equations.precondition(residual), direction = z.clone();
  auto energy = inner(residual, z);
  const auto goal = (inner(wanted, wanted) * (kResidual * kResidual)).clamp_min(1e-300);
  for (int round = 0; round < kMostRounds && (inner(residual, residual) > goal).any().item<bool>(); ++round) {
    const auto moved = equations.times(direction);
    const auto step = energy / inner(direction, moved).clamp_min(1e-300);
    h += step * direction;
    residual -= step * moved;
    z = equations.precondition(residual);
    const auto next = inner(residual, z);
    direction = z + next / energy.clamp_min(1e-300) * direction;
    energy = next;
  }
  return h / scale.unsqueeze(2);
}

at::Tensor estimate_response(const at::Tensor& dry, const at::Tensor& wet, std::int64_t samples) {
  return estimate_responses(dry.unsqueeze(0), wet, {samples})[0];
}

}  // namespace diffverb
