#include <ATen/ops/constant_pad_nd.h>
#include <ATen/ops/ones.h>
#include <ATen/ops/stack.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "core/error.h"
#include "core/spectral/stft.h"
#include "losses/checked_target.h"
#include "losses/loss.h"

namespace diffverb {
namespace {

/// Log-spectral distance, smoothed over third octaves and three frames: how far apart two spectrograms are to an ear
/// that does not hear single bins.
///
///   L = mean_b,f sqrt(mean_k (10 log10(S / S'))^2),   S = mean over three frames of max(P, floor)
///   P(k, f) = mean power of the bins of band k; the floor lies 80 dB below the target's largest power
///
/// Reads    "third_octave_power" [B, K, F] of both, "frame_known" [B, F] of the target; or ir [B, C, T], of which it
///          takes the short-time spectrum (1024 points every 256), each channel by itself
/// Returns  scalar, dB
/// Gradient to the powers or the ir
/// Throws   ContractError on unequal shapes, types, devices or rates, or a silent target
class SmoothedLsd final : public Loss {
 public:
  explicit SmoothedLsd(Fields& f) { f.optional("span_db", span_db_, between(10, 140), "dB"); }

  void prepare(const Response& target) override {
    checked_.set_audible(target);
    const auto power = bands(target).detach();
    floor_ = power.amax(at::IntArrayRef({1, 2}), true) * (2 * std::pow(10.0, -span_db_ / 10));
    smoothed_ = smooth(raise(power)).log10();
    heard_ = (power > floor_).any(1).to(power.scalar_type());
    if (target.has("frame_known")) heard_ = heard_ * target.get("frame_known");
  }

  at::Tensor evaluate(const Response& response) const override {
    checked_.check(response);
    const auto power = bands(response);
    const auto difference = 10 * (smooth(raise(power)).log10() - smoothed_);
    const auto by_frame = (difference.square().mean(1) + kTip * kTip).sqrt() - kTip;
    return (by_frame * heard_).sum() / heard_.sum().clamp_min(1);
  }

 private:
  static constexpr double kTip = 0.03;  // dB: the root's slope stays finite where all agrees
  static constexpr std::int64_t kFftSize = 1024, kHop = 256;

  static at::Tensor bands(const Response& response) {
    if (response.has("third_octave_power")) return response.get("third_octave_power");
    const auto power = power_spectrogram(response.ir().flatten(0, 1), kFftSize, kHop, Padding::kZero);
    std::vector<at::Tensor> rows;
    for (std::int64_t low = 0, high = 1; low < kFftSize / 2 + 1; low = high) {
      high = std::max(low + 1, static_cast<std::int64_t>(std::llround(static_cast<double>(low) * std::exp2(1.0 / 3))));
      high = std::min<std::int64_t>(high, kFftSize / 2 + 1);
      rows.push_back(power.slice(1, low, high).mean(1));
    }
    return at::stack(rows, 1);
  }

  /// Mean over a frame and its neighbours, as many as there are.
  static at::Tensor smooth(const at::Tensor& power) {
    const std::int64_t frames = power.size(2);
    const auto padded = at::constant_pad_nd(power, {1, 1});
    const auto sum = padded.slice(2, 0, frames) + padded.slice(2, 1, frames + 1) + padded.slice(2, 2, frames + 2);
    const auto ones = at::constant_pad_nd(at::ones({frames}, power.options()), {1, 1});
    return sum / (ones.slice(0, 0, frames) + ones.slice(0, 1, frames + 1) + ones.slice(0, 2, frames + 2));
  }

  /// Softly at least the floor: a band that has died away still has a slope.
  at::Tensor raise(const at::Tensor& power) const {
    return 0.5 * (power + floor_ + ((power - floor_).square() + 1e-4 * floor_.square()).sqrt());
  }

  double span_db_ = 80;
  CheckedTarget checked_{"smoothed_lsd"};
  at::Tensor floor_, smoothed_, heard_;
};

}  // namespace

DIFFVERB_PART(losses, smoothed_lsd, SmoothedLsd, "Log-spectral distance over third octaves and three frames, dB", "")

}  // namespace diffverb
