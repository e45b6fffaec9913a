#include <ATen/ops/hann_window.h>
#include <ATen/ops/matmul.h>
#include <ATen/ops/sigmoid.h>

#include <algorithm>
#include <cmath>
#include <numbers>

#include "losses/checked_target.h"
#include "losses/loss.h"

namespace diffverb {
namespace {

/// Difference of the echo density over time, with a soft count in place of the step.
///
///   L = mean_{b,c,t} |eta_h(t) - eta_g(t)|
///   eta(t) = sum_s w(s - t) S((|h(s)| / sigma(t) - 1) / softness) / erfc(1 / sqrt 2)
///   sigma(t)^2 = sum_s w(s - t) h(s)^2 + floor^2,   S(x) = 1 / (1 + e^-x)
///
/// h is the estimate, g the target; w a Hann window of window_ms that sums to 1, every step_ms; t runs over the windows
/// that lie within the response and in which the target's sigma is at most range_db below its largest; floor lies
/// range_db + 60 dB below the largest. For a diffuse tail the soft count is about 1 as the hard one is, for a few
/// echoes about 0.
///
/// Reads    response.ir [B, C, T], target.ir of the same shape; linear amplitude
/// Returns  scalar without unit, 0 to about 3
/// Gradient finite everywhere
/// Throws   ContractError on unequal shapes, types, devices or rates, where a channel of the target is silent, or where
///          T is shorter than the window; ConfigError where the step is longer than the window
/// Source   Abel and Huang, A simple, robust measure of reverberation echo density, AES 121 (2006); the soft count is
///          ours
class EchoDensity final : public Loss {
 public:
  explicit EchoDensity(Fields& f) {
    f.optional("window_ms", window_ms_, between(1, 1000), "ms");
    f.optional("step_ms", step_ms_, above(0), "ms");
    if (step_ms_ > window_ms_) f.fail("step_ms", "must be at most window_ms = " + std::to_string(window_ms_));
    f.optional("softness", softness_, between(0.001, 1));
    f.optional("range_db", range_db_, between(10, 120), "dB");
  }

  void prepare(const Response& target) override;
  at::Tensor evaluate(const Response& response) const override;

 private:
  at::Tensor frames(const at::Tensor& ir) const { return ir.unfold(2, window_.size(0), hop_); }  // [B, C, K, W]
  at::Tensor density(const at::Tensor& ir) const;                                                // [B, C, K]

  double window_ms_ = 25, step_ms_ = 5, softness_ = 0.1, range_db_ = 60;
  CheckedTarget target_{"echo_density"};
  std::int64_t hop_ = 1;
  at::Tensor window_;          // [W], sums to 1
  at::Tensor floor_;           // [B, C, 1], power
  at::Tensor used_, density_;  // [B, C, K]
  double count_ = 0;
};

at::Tensor EchoDensity::density(const at::Tensor& ir) const {
  const auto parts = frames(ir);
  const auto sigma = (at::matmul(parts.square(), window_) + floor_).sqrt().unsqueeze(3);
  const auto beyond = at::sigmoid((parts.abs() / sigma - 1) / softness_);
  return at::matmul(beyond, window_) / std::erfc(1 / std::numbers::sqrt2);
}

void EchoDensity::prepare(const Response& target) {
  const at::Tensor& ir = target_.set_audible(target);
  const auto samples = [&](double ms) {
    return std::max<std::int64_t>(1, std::llround(ms * 1e-3 * target_.sample_rate_hz()));
  };
  const std::int64_t width = samples(window_ms_);
  hop_ = samples(step_ms_);
  if (ir.size(2) < width)
    throw ContractError("echo_density: the window of " + std::to_string(width) +
                        " samples is longer than the target, " + std::to_string(ir.size(2)) + " samples");
  window_ = at::hann_window(width + 1, ir.options()).slice(0, 1);  // without the 0 at its edge
  window_ = window_ / window_.sum();
  const auto power = at::matmul(frames(ir).square(), window_);
  const auto audible = power > power.amax(2, true) * std::pow(10.0, -range_db_ / 10);
  floor_ = power.amax(2, true) * std::pow(10.0, -(range_db_ + 60) / 10);
  if (!(floor_ > 0).all().item<bool>())
    throw ContractError("echo_density: a channel of the target has no sound in any window");
  used_ = audible.to(ir.scalar_type());
  count_ = used_.sum().item<double>();
  density_ = density(ir);
}

at::Tensor EchoDensity::evaluate(const Response& response) const {
  const at::Tensor& ir = target_.check(response);
  return ((density(ir) - density_).abs() * used_).sum() / count_;
}

}  // namespace

DIFFVERB_PART(losses, echo_density, EchoDensity, "Difference of the echo density over time, by a soft count",
              "Abel and Huang 2006")

}  // namespace diffverb
