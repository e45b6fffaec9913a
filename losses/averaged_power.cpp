#include <ATen/ops/linalg_vector_norm.h>
#include <ATen/ops/matmul.h>
#include <ATen/ops/maximum.h>
#include <ATen/ops/zeros.h>

#include <algorithm>
#include <cmath>
#include <numbers>

#include "core/spectral/stft.h"
#include "losses/checked_target.h"
#include "losses/loss.h"

namespace diffverb {
namespace {

/// Averaged power convergence: distance of spectrograms smoothed over time and frequency, made for late reverberation.
///
///   L = mean_{b,c} ||P_h - P_g||_F / N,   P = (|STFT|^exponent) * W,   W = w_f w_k^T of Hann windows
///   N = max(||P_h||_F, 0.001 ||P_g||_F)  with normalise: both;   N = ||P_g||_F  with normalise: target
///
/// h is the estimate, g the target. The smoothing takes away the fluctuation between two realisations of one decaying
/// noise and leaves its average power. The source divides by ||P_h|| ||P_g||; that is multiplied by ||P_g|| here, a
/// constant, so that L has no unit and does not change when both responses are scaled. The source's formula takes
/// powers (exponent 2, here the default), its published code magnitudes (exponent 1). W is shortened to the bins and
/// frames that there are; it is evaluated at every stride-th bin and frame.
///
/// Reads    response.ir [B, C, T], target.ir of the same shape; linear amplitude
/// Returns  scalar without unit; >= 0; 0 iff the averages agree
/// Gradient finite everywhere; with exponent 2 zero at silence
/// Throws   ContractError on unequal shapes, types, devices or rates, or where a channel of the target is silent;
///          ConfigError for a transform size that is odd
/// Source   Dal Santo, Prawda, Schlecht and Valimaki, Similarity metrics for late reverberation, Asilomar 2024
class AveragedPower final : public Loss {
 public:
  explicit AveragedPower(Fields& f) {
    f.optional("fft_size", fft_size_, between(16, 1 << 20), "samples");
    if (fft_size_ % 2 != 0) f.fail("fft_size", "the transform size must be even, got " + std::to_string(fft_size_));
    f.optional("hop_size", hop_size_, at_least(1), "samples");
    if (hop_size_ > fft_size_) f.fail("hop_size", "must be at most fft_size = " + std::to_string(fft_size_));
    f.optional("smoothing_bins", smoothing_bins_, at_least(1), "bins");
    f.optional("smoothing_frames", smoothing_frames_, at_least(1), "frames");
    f.optional("stride", stride_, at_least(1));
    f.optional("exponent", exponent_, between(1, 2));
    f.choice("normalise", normalise_, {"both", "target"});
  }

  void prepare(const Response& target) override;
  at::Tensor evaluate(const Response& response) const override;

 private:
  at::Tensor average(const at::Tensor& ir) const;  // [B, C, F', K']

  std::int64_t fft_size_ = 1024, hop_size_ = 256, smoothing_bins_ = 64, smoothing_frames_ = 64, stride_ = 4;
  double exponent_ = 2, floor_ = 0;
  std::string normalise_ = "both";
  CheckedTarget target_{"averaged_power"};
  at::Tensor over_bins_;    // [F', F]
  at::Tensor over_frames_;  // [K, K']
  at::Tensor average_;      // [B, C, F', K']
  at::Tensor norm_;         // [B, C]
};

/// Weighted means of `width` neighbours, every stride-th: [outputs, size]. Symmetric Hann weights that are nowhere 0.
at::Tensor smoothing(std::int64_t size, std::int64_t width, std::int64_t stride) {
  width = std::min(width, size);
  std::vector<double> window(static_cast<std::size_t>(width));
  double sum = 0;
  for (std::int64_t i = 0; i < width; ++i) {
    const double phase = 2 * std::numbers::pi * static_cast<double>(i + 1) / static_cast<double>(width + 1);
    sum += window[i] = 0.5 - 0.5 * std::cos(phase);
  }
  const std::int64_t outputs = (size - width) / stride + 1;
  auto matrix = at::zeros({outputs, size}, at::kDouble);
  auto* data = matrix.data_ptr<double>();
  for (std::int64_t o = 0; o < outputs; ++o) {
    for (std::int64_t i = 0; i < width; ++i) data[o * size + o * stride + i] = window[i] / sum;
  }
  return matrix;
}

at::Tensor AveragedPower::average(const at::Tensor& ir) const {
  auto power = power_spectrogram(ir, fft_size_, hop_size_, Padding::kZero);
  if (exponent_ != 2) {
    // The slope of x^(exponent / 2) is infinite at 0, hence a floor 120 dB below the strongest of the target.
    power = power.clamp_min(floor_).pow(exponent_ / 2);
  }
  return at::matmul(over_bins_, at::matmul(power, over_frames_));
}

void AveragedPower::prepare(const Response& target) {
  const at::Tensor& ir = target_.set_audible(target);
  const auto power = power_spectrogram(ir, fft_size_, hop_size_, Padding::kZero);
  floor_ = power.max().item<double>() * 1e-12;
  over_bins_ = smoothing(power.size(2), smoothing_bins_, stride_).to(ir.options());
  over_frames_ = smoothing(power.size(3), smoothing_frames_, stride_).t().to(ir.options());
  average_ = average(ir);
  norm_ = at::linalg_vector_norm(average_, 2, at::IntArrayRef{2, 3});
}

at::Tensor AveragedPower::evaluate(const Response& response) const {
  const auto estimate = average(target_.check(response));
  const auto distance = at::linalg_vector_norm(estimate - average_, 2, at::IntArrayRef{2, 3});
  if (normalise_ == "target") return (distance / norm_).mean();
  return (distance / at::maximum(at::linalg_vector_norm(estimate, 2, at::IntArrayRef{2, 3}), norm_ * 1e-3)).mean();
}

}  // namespace

DIFFVERB_PART(losses, averaged_power, AveragedPower,
              "Averaged power convergence: distance of spectrograms smoothed over time and frequency",
              "Dal Santo et al. 2024")

}  // namespace diffverb
