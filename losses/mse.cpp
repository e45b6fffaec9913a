#include "losses/checked_target.h"
#include "losses/loss.h"

namespace diffverb {
namespace {

/// Mean squared error of the impulse responses, or of another tensor that the model gives.
///
///   L = mean_{b,c,t} (h(t) - g(t))^2,   h the estimate, g the target
///
/// Reads    response.ir [B, C, T], target.ir of the same shape, linear amplitude; or the tensor that `of` names
/// Returns  scalar, amplitude squared; >= 0; 0 iff they are equal
/// Gradient 2 (h - g) / (B C T)
/// Throws   ContractError on unequal shapes, types, devices or rates
/// Source   -
class Mse final : public Loss {
 public:
  explicit Mse(Fields& f) { target_.read_of(f); }

  void prepare(const Response& target) override { target_.set(target); }
  at::Tensor evaluate(const Response& response) const override {
    return (target_.check(response) - target_.ir()).square().mean();
  }

 private:
  CheckedTarget target_{"mse"};
};

}  // namespace

DIFFVERB_PART(losses, mse, Mse, "Mean squared error of the impulse responses, or of another tensor", "")

}  // namespace diffverb
