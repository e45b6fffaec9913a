#include <ATen/ops/where.h>
#include <torch/csrc/autograd/custom_function.h>

#include <cmath>
#include <optional>

#include "core/device/device.h"
#include "core/error.h"
#include "core/spectral/masking.h"
#include "core/spectral/stft.h"
#include "losses/checked_target.h"
#include "losses/loss.h"

namespace diffverb {
namespace {

/// What a step needs of the target; frames of all rows stand one after the other, n of them.
struct MaskedTarget {
  std::int64_t fft_size = 1024, hop_size = 256;
  at::Tensor membership;  // [bands, F]
  at::Tensor magnitude;   // [n, F]
  at::Tensor threshold;   // [n, bands], energy

  at::Tensor spectra(const at::Tensor& ir) const {  // [n, F]
    return stft(ir, fft_size, hop_size, Padding::kZero).transpose(-1, -2).flatten(0, 2);
  }
};

/// The mean excess in dB and its gradient. What is masked is left out of the way back: a frame without an audible band
/// is neither multiplied nor transformed.
class AudibleExcess : public torch::autograd::Function<AudibleExcess> {
 public:
  static at::Tensor forward(torch::autograd::AutogradContext* context, const at::Tensor& ir, const MaskedTarget* target,
                            bool with_gradient) {
    const auto spectra = target->spectra(ir), magnitude = spectra.abs();
    const auto error = magnitude - target->magnitude;
    const auto energy = error.square().matmul(target->membership.t());
    const auto excess = energy / target->threshold;
    const double share = 10 / std::log(10.0) / static_cast<double>(excess.numel());
    const auto value = excess.clamp_min(1).log().sum() * share;
    if (!with_gradient) return value;
    const auto audible = excess > 1;
    at::Tensor chosen;  // how many frames that are is not to be asked of a GPU: there all of them
    if (ir.is_cpu() && !on_gpu(ir)) chosen = audible.any(1).nonzero().squeeze(1);
    const auto pick = [&](const at::Tensor& x) { return chosen.defined() ? x.index_select(0, chosen) : x; };
    // d 10 lg(energy) = share / energy d energy,  d energy = 2 error d|S|,  d|S| = d|S|^2 / (2 |S|)
    const auto weight = at::where(pick(audible), share / pick(energy), 0.0).matmul(target->membership);
    const auto slopes = pick(spectra) * (weight * pick(error) / pick(magnitude).clamp_min(1e-30));
    context->save_for_backward({power_gradient(slopes, chosen, ir.sizes(), target->hop_size)});
    return value;
  }

  static torch::autograd::variable_list backward(torch::autograd::AutogradContext* context,
                                                 torch::autograd::variable_list gradients) {
    if (at::GradMode::is_enabled())
      throw ContractError("masked: a gradient of the gradient is not supported (create_graph)");
    return {context->get_saved_variables()[0] * gradients[0], at::Tensor(), at::Tensor()};
  }
};

/// Error of the short-time magnitudes above what the target masks: what is masked costs nothing.
///
///   L = mean_{b,c,z,k} max(0, 10 lg(sum_{f in band z} (|H| - |G|)^2 / threshold(z, k)))
///
/// h is the estimate, g the target, z bands of bands_per_bark a Bark; the threshold is that of simultaneous masking
/// within a frame and over bands, of forward masking for forward_ms after it, and quiet_db below the loudest band
/// (core/spectral/masking.h). It is computed once, from the target.
///
/// Reads    response.ir [B, C, T], target.ir of the same shape; linear amplitude
/// Returns  scalar, dB (noise to mask); >= 0; 0 where no band's error is above the threshold
/// Gradient finite everywhere, zero at silence; frames in which all is masked cost nothing on the CPU
/// Throws   ContractError on unequal shapes, types, devices or rates, where a channel of the target is silent, or on a
///          gradient of the gradient; ConfigError for a transform size that is odd, or a hop longer than it
/// Source   Johnston 1988; Schroeder, Atal and Hall 1979; Zwicker and Fastl ch. 4 (forward masking); Brandenburg and
///          Sporer 1992 (noise to mask ratio)
class Masked final : public Loss {
 public:
  explicit Masked(Fields& f) {
    f.optional("fft_size", target_.fft_size, between(64, 1 << 20), "samples");
    if (target_.fft_size % 2 != 0)
      f.fail("fft_size", "the transform size must be even, got " + std::to_string(target_.fft_size));
    f.optional("hop_size", target_.hop_size, at_least(1), "samples");
    if (target_.hop_size > target_.fft_size)
      f.fail("hop_size", "must be at most fft_size = " + std::to_string(target_.fft_size));
    f.optional("bands_per_bark", options_.bands_per_bark, between(0.5, 10));
    f.optional("forward_ms", options_.forward_ms, above(0), "ms");
    f.optional("quiet_db", options_.quiet_db, between(-200, -10), "dB");
  }

  void prepare(const Response& target) override {
    const at::Tensor& ir = checked_.set_audible(target);
    const MaskingModel model(target_.fft_size, target_.hop_size, checked_.sample_rate_hz(), options_, ir.options());
    const auto power = power_spectrogram(ir, target_.fft_size, target_.hop_size, Padding::kZero);
    target_.membership = model.membership();
    target_.magnitude = target_.spectra(ir).abs();
    target_.threshold = model.threshold(power).transpose(-1, -2).flatten(0, 2).contiguous();
  }
  at::Tensor evaluate(const Response& response) const override {
    const at::Tensor& ir = checked_.check(response);
    return AudibleExcess::apply(ir, &target_, at::GradMode::is_enabled() && ir.requires_grad());
  }

 private:
  MaskingOptions options_;
  CheckedTarget checked_{"masked"};
  MaskedTarget target_;
};

}  // namespace

DIFFVERB_PART(losses, masked, Masked, "Error of short-time magnitudes above the target's masking threshold, dB",
              "Johnston 1988; Schroeder et al. 1979; Zwicker and Fastl")

}  // namespace diffverb
