#include <ATen/ops/fft_rfft.h>
#include <ATen/ops/stack.h>
#include <ATen/ops/view_as_real.h>

#include <algorithm>
#include <cmath>
#include <optional>

#include "core/acoustics/fft.h"
#include "core/acoustics/preparation.h"
#include "core/device/precision.h"
#include "core/error.h"
#include "core/spectral/filter_bank.h"
#include "losses/checked_target.h"
#include "losses/loss.h"

namespace diffverb {
namespace {

/// Spectral flatness of the late part against that of Gaussian noise.
///
///   L = mean_{b,c} | F - e^-gamma |,   e^-gamma = 0.5615
///   F = exp( mean_f ln((P(f) + 0.0001 m) / (1.0001 m)) ),   m the mean of P over f's third octave
///   P = |H|^2,   H the transform of h from from_ms after the target's onset on
///
/// Flatness is the geometric over the arithmetic mean; within third octaves, so that a room's colour does not count. Of
/// a diffuse tail |H|^2 is exponentially distributed and F is 0.5615 (gamma is Euler's constant), give or take 0.02 for
/// a second of noise. Ringing modes have less, a single echo has 1. What is added to P bounds the slope in a null, and
/// raises F of noise by 0.0005.
///
/// Reads    response.ir [B, C, T]; of the target its shape, onset and level
/// Returns  scalar without unit, 0 to 0.5615. value_at_target() is the target's own distance from 0.5615
/// Gradient finite everywhere; zero at silence
/// Throws   ContractError on unequal shapes, types, devices or rates, where a channel of the target is silent after
///          from_ms, or where no third octave of the range holds a bin; ConfigError where from_hz >= to_hz
/// Source   Johnston 1988 (flatness); Schroeder 1954 (the statistics of |H|)
class Flatness final : public Loss {
 public:
  explicit Flatness(Fields& f) {
    f.optional("from_ms", from_ms_, at_least(0), "ms");
    f.optional("from_hz", from_hz_, above(0), "Hz");
    f.optional("to_hz", to_hz_, above(0), "Hz");
    if (from_hz_ >= to_hz_) f.fail("from_hz", "must be below to_hz = " + std::to_string(to_hz_));
  }

  void prepare(const Response& target) override {
    const at::Tensor& ir = target_.set_audible(target);
    // Of the last channel: a late part that begins before an onset would be no late part.
    first_ = target_.onsets().last + std::llround(from_ms_ * 1e-3 * target_.sample_rate_hz());
    if (first_ >= ir.size(2)) throw ContractError("flatness: the target ends before from_ms");
    fft_size_ = static_cast<std::int64_t>(acoustics::fast_fft_length(static_cast<std::size_t>(ir.size(2) - first_)));
    bands_.emplace(fft_size_, target_.sample_rate_hz(), from_hz_, std::min(to_hz_, target_.sample_rate_hz() / 2));
    floor_ = power(ir).mean(-1, true) * 1e-12;
    if (may_read_from_device() && !(floor_ > 0).all().item<bool>())
      throw ContractError("flatness: a channel of the target is silent after from_ms");
    at_target_ = distance(ir);
  }
  at::Tensor evaluate(const Response& response) const override { return distance(target_.check(response)); }
  double value_at_target() const override { return at_target_.defined() ? at_target_.item<double>() : 0; }

 private:
  static constexpr double kOfNoise = 0.56145948356688516;  // e^-gamma
  static constexpr double kRaised = 1e-4;

  at::Tensor power(const at::Tensor& ir) const {  // [B, C, F]
    return at::view_as_real(at::fft_rfft(ir.slice(2, first_), fft_size_)).square().sum(-1);
  }
  at::Tensor distance(const at::Tensor& ir) const {
    at::Tensor logarithms;  // [B, C], summed over bins
    std::int64_t bins = 0;
    for (const at::Tensor& band : bands_->split(power(ir))) {
      const auto mean = band.mean(-1, true);
      const auto sum = (band + kRaised * mean + floor_).log().sum(-1) -
                       ((1 + kRaised) * mean + floor_).log().squeeze(-1) * band.size(-1);
      logarithms = logarithms.defined() ? logarithms + sum : sum;
      bins += band.size(-1);
    }
    return ((logarithms / static_cast<double>(bins)).exp() - kOfNoise).abs().mean();
  }

  double from_ms_ = 80, from_hz_ = 200, to_hz_ = 16000;
  CheckedTarget target_{"flatness"};
  std::int64_t first_ = 0, fft_size_ = 0;
  std::optional<ThirdOctaveBins> bands_;
  at::Tensor floor_;      // [B, C, 1], power that silence has
  at::Tensor at_target_;  // scalar
};

}  // namespace

DIFFVERB_PART(losses, flatness, Flatness, "Spectral flatness of the late part against Gaussian noise's 0.5615",
              "Johnston 1988; Schroeder 1954")

}  // namespace diffverb
