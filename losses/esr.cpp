#include "losses/checked_target.h"
#include "losses/loss.h"

namespace diffverb {
namespace {

/// Error-to-signal ratio of the impulse responses.
///
///   L = mean_{b,c} ( sum_t (h(t) - g(t))^2 / sum_t g(t)^2 ),   h the estimate, g the target
///
/// Without pre-emphasis: a response at half the target's amplitude has 0.25, silence has 1.
///
/// Reads    response.ir [B, C, T], target.ir of the same shape; linear amplitude
/// Returns  scalar, a ratio of energies; >= 0; 0 iff they are equal
/// Gradient 2 (h - g) / (B C sum g^2); finite everywhere
/// Throws   ContractError on unequal shapes, types, devices or rates, or where a channel of the target is silent
/// Source   Wright, Damskaegg and Valimaki, Real-time black-box modelling with recurrent neural networks, DAFx 2019
class Esr final : public Loss {
 public:
  explicit Esr(Fields&) {}

  void prepare(const Response& target) override { energy_ = target_.set_audible(target).square().sum(-1); }
  at::Tensor evaluate(const Response& response) const override {
    return ((target_.check(response) - target_.ir()).square().sum(-1) / energy_).mean();
  }

 private:
  CheckedTarget target_{"esr"};
  at::Tensor energy_;  // [B, C]
};

}  // namespace

DIFFVERB_PART(losses, esr, Esr, "Error-to-signal ratio of the impulse responses", "Wright et al. 2019")

}  // namespace diffverb
