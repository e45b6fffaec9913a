#include <cmath>

#include "losses/checked_target.h"
#include "losses/loss.h"

namespace diffverb {
namespace {

/// Difference of the broadband level, in dB.
///
///   L = mean_{b,c} d( 10 lg((E_h + floor) / (E_g + floor)) ),   E = sum_t h(t)^2,   floor = 10^(floor_db / 10) E_g
///   d(x) = |x|  with distance: absolute;   d(x) = x^2  with distance: squared
///
/// h is the estimate, g the target. Half the amplitude is 6.02 dB.
///
/// Reads    response.ir [B, C, T], target.ir of the same shape; linear amplitude
/// Returns  scalar, dB (squared: dB^2); >= 0; 0 iff each channel has the target's energy
/// Gradient finite everywhere; zero at silence
/// Throws   ContractError on unequal shapes, types, devices or rates, or where a channel of the target is silent
/// Source   -
class Level final : public Loss {
 public:
  explicit Level(Fields& f) {
    f.choice("distance", distance_, {"absolute", "squared"});
    f.optional("floor_db", floor_db_, between(-200, -10), "dB");
  }

  void prepare(const Response& target) override {
    const auto energy = target_.set_audible(target).square().sum(-1);
    floor_ = energy * std::pow(10.0, floor_db_ / 10);
    log_energy_ = (energy + floor_).log10();
  }
  torch::Tensor evaluate(const Response& response) const override {
    const auto energy = target_.check(response).square().sum(-1);
    const auto difference_db = ((energy + floor_).log10() - log_energy_) * 10;
    return (distance_ == "squared" ? difference_db.square() : difference_db.abs()).mean();
  }

 private:
  std::string distance_ = "absolute";
  double floor_db_ = -100;
  CheckedTarget target_{"level"};
  torch::Tensor floor_, log_energy_;  // [B, C]
};

}  // namespace

DIFFVERB_PART(losses, level, Level, "Difference of the broadband level, dB", "")

}  // namespace diffverb
