#include "losses/spectrogram_term.h"

#include <ATen/ops/linalg_vector_norm.h>

#include <cmath>

namespace diffverb {

void SpectrogramSettings::read(Fields& fields) {
  fields.optional("floor_db", floor_db, between(-200, -10), "dB");
  fields.optional("floor_power", floor_power, above(0));
  fields.choice("padding", padding, {"zero", "reflect"});
  fields.choice("convergence_over", convergence_over, {"each", "all"});
  fields.optional("convergence_weight", convergence_weight, at_least(0));
  fields.optional("log_weight", log_weight, at_least(0));
}

SpectrogramTerm::SpectrogramTerm(const at::Tensor& target, std::int64_t fft_size, std::int64_t hop_size,
                                 std::int64_t win_length, const SpectrogramSettings& settings)
    : frames_{fft_size, hop_size, win_length > 0 ? win_length : fft_size, padding_of(settings.padding)},
      convergence_weight_(settings.convergence_weight),
      log_weight_(settings.log_weight),
      norm_axes_(settings.convergence_over == "all" ? std::vector<std::int64_t>{0, 1, 2, 3}
                                                    : std::vector<std::int64_t>{2, 3}) {
  const auto of_target = power(target);
  floor_power_ = settings.floor_power.value_or(of_target.max().item<double>() * std::pow(10.0, settings.floor_db / 10));
  const auto magnitude = of_target.clamp_min(floor_power_).sqrt();
  norm_ = at::linalg_vector_norm(magnitude, 2, norm_axes_);
  if (StftDistance::has_kernel(target, fft_size)) {
    fused_ = std::make_shared<StftDistance>(target, frames_, floor_power_, norm_);
  } else {
    magnitude_ = magnitude;
    log_magnitude_ = magnitude.log();
  }
}

at::Tensor SpectrogramTerm::power(const at::Tensor& ir) const {
  return power_spectrogram(ir, frames_.fft_size, frames_.hop_size, frames_.padding, frames_.win_length);
}

at::Tensor SpectrogramTerm::operator()(const at::Tensor& ir) const {
  if (fused_) return (*fused_)(ir, convergence_weight_, log_weight_);
  const auto raised = power(ir).clamp_min(floor_power_);
  at::Tensor term;
  if (convergence_weight_ > 0) {
    const auto difference = at::linalg_vector_norm(raised.sqrt() - magnitude_, 2, norm_axes_);
    term = (difference / norm_).mean() * convergence_weight_;
  }
  if (log_weight_ > 0) {
    const auto distance = (raised.log() * 0.5 - log_magnitude_).abs().mean() * log_weight_;
    term = term.defined() ? term + distance : distance;
  }
  return term.defined() ? term : raised.sum() * 0;
}

}  // namespace diffverb
