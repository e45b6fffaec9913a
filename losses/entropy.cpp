#include <algorithm>
#include <cmath>

#include "core/spectral/stft.h"
#include "losses/checked_target.h"
#include "losses/loss.h"

namespace diffverb {
namespace {

/// Entropy of the energy in time and in frequency, and its rise over time.
///
///   H(x) = - sum_i p_i ln p_i / ln n,   p_i = x_i / sum_j x_j,   n the number of the x_i
///   L = mean_{b,c} ( w_t |H_h - H_g|                    H over frames, of the energy in each
///                  + w_f mean_k |H_h(k) - H_g(k)|       H(k) over bins, of frame k
///                  + w_r mean_k |J_h(k) - J_g(k)| )     J(k) over all bins and frames up to k, n as if it were all
///
/// h is the estimate, g the target; frames more than range_db below the target's loudest one are left out of the two
/// means. J is 0 where all energy came at once in one bin and rises as the sound spreads over time and frequency:
/// smoothly where echoes grow dense, in steps where they stay apart, and not far where a few modes ring on.
///
/// towards: most has no target: L = w_t (1 - H) + w_f mean_k (1 - H(k)) + w_r (1 - J(end) + sum_k max(0, J(k-1) -
/// J(k))), least where energy is spread as widely as can be and J never falls.
///
/// Reads    response.ir [B, C, T], target.ir of the same shape; linear amplitude
/// Returns  scalar without unit, each of the three parts 0..1; blind to level. value_at_target() is 0; towards: most, what
///          the target has
/// Gradient finite everywhere; zero at silence, whose entropies are 0
/// Throws   ContractError on unequal shapes, types, devices or rates, where a channel of the target is silent, or where
///          it is shorter than a hop; ConfigError for an odd transform size or where all three weights are 0
/// Source   Shannon 1948; spectral entropy: Misra et al. 2004; J: the running entropy of the energy, ours
class Entropy final : public Loss {
 public:
  explicit Entropy(Fields& f) {
    f.optional("fft_size", fft_size_, between(16, 1 << 20), "samples");
    if (fft_size_ % 2 != 0) f.fail("fft_size", "the transform size must be even, got " + std::to_string(fft_size_));
    f.optional("hop_size", hop_size_, at_least(1), "samples");
    if (hop_size_ > fft_size_) f.fail("hop_size", "must be at most fft_size = " + std::to_string(fft_size_));
    f.optional("range_db", range_db_, between(10, 100), "dB");
    f.choice("towards", towards_, {"target", "most"});
    f.optional("time_weight", time_weight_, at_least(0));
    f.optional("frequency_weight", frequency_weight_, at_least(0));
    f.optional("rise_weight", rise_weight_, at_least(0));
    if (time_weight_ + frequency_weight_ + rise_weight_ <= 0)
      f.fail("time_weight", "one of time_weight, frequency_weight and rise_weight must be above 0");
  }

  void prepare(const Response& target) override;
  at::Tensor evaluate(const Response& response) const override;
  double value_at_target() const override { return at_target_.defined() ? at_target_.item<double>() : 0; }

 private:
  struct Curves {
    at::Tensor time;       // [B, C]
    at::Tensor frequency;  // [B, C, K]
    at::Tensor rise;       // [B, C, K]
  };
  Curves curves(const at::Tensor& ir) const;
  at::Tensor distance(const Curves& estimate) const;
  at::Tensor lack(const Curves& estimate) const;

  std::int64_t fft_size_ = 1024, hop_size_ = 256;
  double range_db_ = 60, time_weight_ = 1, frequency_weight_ = 1, rise_weight_ = 1;
  std::string towards_ = "target";
  CheckedTarget target_{"entropy"};
  Curves curves_;
  at::Tensor scale_;      // [B, C, 1, 1], 1 / the target's strongest cell
  at::Tensor used_;       // [B, C, K], weights of frames that sum to 1
  at::Tensor at_target_;  // scalar, where it is not 0
};

constexpr double kTiny = 1e-30;  // gives x ln x a slope at 0

at::Tensor x_log_x(const at::Tensor& x) { return x * (x + kTiny).log(); }

/// H of the x, from the sums S of x and L of x ln x: (ln S - L / S) / ln n; 0 where S is far below the floor.
at::Tensor entropy_of(const at::Tensor& sum, const at::Tensor& sum_log, std::int64_t count, double floor) {
  const auto divisor = sum + kTiny;
  return (divisor.log() - sum_log / divisor) * (sum / (sum + floor)) / std::log(static_cast<double>(count));
}

Entropy::Curves Entropy::curves(const at::Tensor& ir) const {
  const double floor = std::pow(10.0, -(range_db_ + 60) / 10);  // 60 dB below what counts
  const auto energy = power_spectrogram(ir, fft_size_, hop_size_, Padding::kZero) * scale_;
  const std::int64_t bins = energy.size(2), frames = energy.size(3);
  const auto by_frame = energy.sum(2), log_by_frame = x_log_x(energy).sum(2);
  return {entropy_of(by_frame.sum(2), x_log_x(by_frame).sum(2), frames, floor),
          entropy_of(by_frame, log_by_frame, bins, floor),
          entropy_of(by_frame.cumsum(2), log_by_frame.cumsum(2), bins * frames, floor)};
}

void Entropy::prepare(const Response& target) {
  const at::Tensor& ir = target_.set_audible(target);
  if (ir.size(2) < hop_size_)
    throw ContractError("entropy: the target has " + std::to_string(ir.size(2)) +
                        " samples, expected at least hop_size = " + std::to_string(hop_size_));
  const auto power = power_spectrogram(ir, fft_size_, hop_size_, Padding::kZero);
  scale_ = power.amax({2, 3}, true).reciprocal();
  const auto by_frame = power.sum(2);
  used_ = (by_frame > by_frame.amax(2, true) * std::pow(10.0, -range_db_ / 10)).to(ir.scalar_type());
  used_ = used_ / used_.sum(2, true);
  curves_ = curves(ir);
  at_target_ = towards_ == "most" ? lack(curves_) : at::Tensor();
}

at::Tensor Entropy::distance(const Curves& estimate) const {
  return (time_weight_ * (estimate.time - curves_.time).abs() +
          frequency_weight_ * ((estimate.frequency - curves_.frequency).abs() * used_).sum(2) +
          rise_weight_ * ((estimate.rise - curves_.rise).abs() * used_).sum(2))
      .mean();
}

at::Tensor Entropy::lack(const Curves& estimate) const {
  const auto falls = (-estimate.rise.diff(1, 2)).clamp_min(0).sum(2);
  return (time_weight_ * (1 - estimate.time) + frequency_weight_ * ((1 - estimate.frequency) * used_).sum(2) +
          rise_weight_ * (1 - estimate.rise.select(2, -1) + falls))
      .mean();
}

at::Tensor Entropy::evaluate(const Response& response) const {
  const Curves estimate = curves(target_.check(response));
  return towards_ == "most" ? lack(estimate) : distance(estimate);
}

}  // namespace

DIFFVERB_PART(losses, entropy, Entropy,
              "Difference of the entropy of the energy in time and frequency, and of its rise",
              "Shannon 1948; Misra et al. 2004")

}  // namespace diffverb
