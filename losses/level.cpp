#include <cmath>
#include <span>

#include "core/acoustics/decay.h"
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
/// Reads    response.ir [B, C, T], target.ir of the same shape; linear amplitude; where the target also has
///          "measured_ir" [B, C, T'], T' >= T, E_g is that response's energy without its noise floor, as far as one is
///          found
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
    auto energy = target_.set_audible(target).square().sum(-1);
    if (target.has("measured_ir")) energy = without_noise(target.get("measured_ir"), target.sample_rate_hz(), energy);
    floor_ = energy * std::pow(10.0, floor_db_ / 10);
    log_energy_ = (energy + floor_).log10();
  }
  at::Tensor evaluate(const Response& response) const override {
    const auto energy = target_.check(response).square().sum(-1);
    const auto difference_db = ((energy + floor_).log10() - log_energy_) * 10;
    return (distance_ == "squared" ? difference_db.square() : difference_db.abs()).mean();
  }

 private:
  /// A steady whistle of a long measurement can hold more energy than the late decay; nobody wants it played.
  static at::Tensor without_noise(const at::Tensor& measured, double rate_hz, const at::Tensor& energy) {
    const auto rows = measured.detach().to(at::kCPU, at::kDouble).flatten(0, 1).contiguous();
    auto out = energy.flatten().clone();
    for (std::int64_t r = 0; r < rows.size(0); ++r) {
      const double* row = rows.const_data_ptr<double>() + r * rows.size(1);
      const auto decay =
          acoustics::measure_decay(std::span<const double>(row, static_cast<std::size_t>(rows.size(1))), rate_hz, 0);
      if (decay.floor.found) out[r] = decay.energy[0];
    }
    return out.reshape(energy.sizes());
  }

  std::string distance_ = "absolute";
  double floor_db_ = -100;
  CheckedTarget target_{"level"};
  at::Tensor floor_, log_energy_;  // [B, C]
};

}  // namespace

DIFFVERB_PART(losses, level, Level, "Difference of the broadband level, dB", "")

}  // namespace diffverb
