#include <ATen/ops/real.h>

#include "losses/band_coherence.h"
#include "losses/checked_target.h"
#include "losses/loss.h"

namespace diffverb {
namespace {

/// Difference of the coherence between channels, by third octaves.
///
///   L = mean_{b,k,c<d} | q(gamma_h) - q(gamma_g) |,   gamma: losses/band_coherence.h
///   q(z) = z  with of: complex;   |z|  with of: magnitude;   Re z  with of: real
///
/// h is the estimate, g the target, both from from_ms on. The complex difference is never less than the other two. With
/// one channel there is nothing to compare: L is 0 and so is its gradient.
///
/// Reads    response.ir [B, C, T], target.ir of the same shape; linear amplitude
/// Returns  scalar without unit, 0..2
/// Gradient finite everywhere; zero at silence
/// Throws   ContractError on unequal shapes, types, devices or rates, where a channel of the target is silent or ends
///          before from_ms, or where no third octave of the range holds a bin (T too short); ConfigError where from_hz
///          >= to_hz
/// Source   coherence in bands as core/acoustics/binaural.h measures it; ISO 3382-1 Annex B for its use
class Coherence final : public Loss {
 public:
  explicit Coherence(Fields& f) {
    f.choice("of", of_, {"complex", "magnitude", "real"});
    measure_.read(f, /*with_from_ms=*/true);
  }

  void prepare(const Response& target) override {
    const at::Tensor& ir = target_.set_audible(target);
    if (ir.size(1) == 1) return;
    measure_.set_target(ir, target_.sample_rate_hz());
    coherence_ = measure_(ir);
  }
  at::Tensor evaluate(const Response& response) const override {
    const at::Tensor& ir = target_.check(response);
    if (ir.size(1) == 1) return ir.sum() * 0;
    const auto estimate = measure_(ir);
    if (of_ == "complex") return mean_over_pairs((estimate - coherence_).abs());
    if (of_ == "magnitude") return mean_over_pairs((estimate.abs() - coherence_.abs()).abs());
    return mean_over_pairs(at::real(estimate - coherence_).abs());
  }

 private:
  std::string of_ = "complex";
  BandCoherence measure_{"coherence", 0};
  CheckedTarget target_{"coherence"};
  at::Tensor coherence_;  // [K, B, C, C]
};

}  // namespace

DIFFVERB_PART(losses, coherence, Coherence, "Difference of the coherence between channels by third octaves",
              "ISO 3382-1 Annex B")

}  // namespace diffverb
