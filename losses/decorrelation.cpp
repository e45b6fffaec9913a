#include <ATen/ops/arange.h>
#include <ATen/ops/real.h>
#include <ATen/ops/sinc.h>
#include <ATen/ops/stack.h>

#include <cmath>
#include <numbers>
#include <vector>

#include "losses/band_coherence.h"
#include "losses/checked_target.h"
#include "losses/cross_correlation.h"
#include "losses/loss.h"

namespace diffverb {
namespace {

/// How far apart the channels sound: interaural cross-correlation, early and late, and coherence of the diffuse tail.
///
///   L = w_i mean_{b,c<d,o,p} | IACC_h - IACC_g | + w_c mean_{b,c<d,k} | Re gamma_h(k) - r(k) |
///
/// h is the estimate, g the target; both from g's onset on; IACC of octave o, early and late p
/// (losses/cross_correlation.h: IACC_E3 and IACC_L3); gamma(k) the coherence in third octave k of what comes after 80 ms
/// (losses/band_coherence.h); r(k) by `coherence`, d = distance_m, w = 2 pi f / 343 m/s:
///
///   target       Re gamma_g(k)
///   microphones  sin(w d) / (w d), meant over the bins of k: two microphones in a diffuse field
///   ears         sinc(2.2 w d) / sqrt(1 + (0.5 w d)^4), sinc x = sin x / x: a head of that width
///
/// With one channel there is nothing to compare: L is 0 and so is its gradient.
///
/// Reads    response.ir [B, C, T], target.ir of the same shape; linear amplitude
/// Returns  scalar without unit, 0..w_i + 2 w_c; blind to level. value_at_target() is 0, or the target's distance from the
///          diffuse field
/// Gradient finite everywhere; zero at silence
/// Throws   ContractError on unequal shapes, types, devices or rates, where a channel of the target is silent or ends
///          before 80 ms behind the onset, or where the rate leaves none of the octaves; ConfigError where both
///          weights are 0
/// Source   ISO 3382-1 Annex B; Cook et al. 1955 (microphones); Lindevald and Benade 1986 (ears)
class Decorrelation final : public Loss {
 public:
  explicit Decorrelation(Fields& f) {
    f.optional("iacc_weight", iacc_weight_, at_least(0));
    f.optional("coherence_weight", coherence_weight_, at_least(0));
    if (iacc_weight_ + coherence_weight_ <= 0) f.fail("iacc_weight", "iacc_weight or coherence_weight must be above 0");
    f.choice("coherence", coherence_of_, {"target", "microphones", "ears"});
    f.optional("distance_m", distance_m_, above(0), "m");
    late_.read(f, /*with_from_ms=*/false);
  }

  void prepare(const Response& target) override;
  at::Tensor evaluate(const Response& response) const override;
  double value_at_target() const override { return at_target_.defined() ? at_target_.item<double>() : 0; }

 private:
  at::Tensor diffuse_field(const at::Tensor& like) const;  // [K]
  at::Tensor distance(const at::Tensor& ir) const;         // from the onset on
  at::Tensor from_onset(const at::Tensor& ir) const { return ir.slice(2, onset_); }

  double iacc_weight_ = 1, coherence_weight_ = 1, distance_m_ = 0.15;
  std::string coherence_of_ = "target";
  CrossCorrelation correlation_;
  BandCoherence late_{"decorrelation", CrossCorrelation::kSplitMs};
  CheckedTarget target_{"decorrelation"};
  std::int64_t onset_ = 0;  // of the target's first channel to begin
  at::Tensor iacc_;         // [2, O, B, pairs]
  at::Tensor coherence_;    // [K, B, C, C] or [K, 1, 1, 1]
  at::Tensor at_target_;    // scalar, where it is not 0
};

at::Tensor Decorrelation::diffuse_field(const at::Tensor& like) const {
  constexpr double kSpeed = 343;  // m/s
  const double bin_hz = target_.sample_rate_hz() / static_cast<double>(late_.fft_size());
  const auto x =
      at::arange(late_.fft_size() / 2 + 1, at::kDouble) * (2 * std::numbers::pi * bin_hz * distance_m_ / kSpeed);
  const auto sinc = [](const at::Tensor& t) { return at::sinc(t / std::numbers::pi); };
  const auto field = coherence_of_ == "ears" ? sinc(2.2 * x) / (1 + (0.5 * x).pow(4)).sqrt() : sinc(x);
  std::vector<at::Tensor> bands;
  for (const auto& band : late_.bands().split(field)) bands.push_back(band.mean());
  return at::stack(bands).to(like.options());
}

void Decorrelation::prepare(const Response& target) {
  target_.set_audible(target);
  at_target_ = at::Tensor();
  if (target_.ir().size(1) == 1) return;
  onset_ = target_.onsets().first;
  const auto ir = from_onset(target_.ir());
  correlation_.set_target(ir, target_.sample_rate_hz(), "decorrelation");
  iacc_ = correlation_(ir);
  late_.set_target(ir, target_.sample_rate_hz());
  if (coherence_of_ == "target") {
    coherence_ = at::real(late_(ir));
  } else {
    coherence_ = diffuse_field(ir).reshape({-1, 1, 1, 1});
    at_target_ = distance(ir);
  }
}

at::Tensor Decorrelation::distance(const at::Tensor& ir) const {
  return iacc_weight_ * (correlation_(ir) - iacc_).abs().mean() +
         coherence_weight_ * mean_over_pairs((at::real(late_(ir)) - coherence_).abs());
}

at::Tensor Decorrelation::evaluate(const Response& response) const {
  const at::Tensor& ir = target_.check(response);
  return ir.size(1) == 1 ? ir.sum() * 0 : distance(from_onset(ir));
}

}  // namespace

DIFFVERB_PART(losses, decorrelation, Decorrelation,
              "Difference of the interaural cross-correlation, and of the late coherence or from a diffuse field's",
              "ISO 3382-1 Annex B; Cook et al. 1955; Lindevald and Benade 1986")

}  // namespace diffverb
