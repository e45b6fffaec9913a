#include <ATen/ops/ones_like.h>

#include "losses/energy_cells.h"
#include "losses/loss.h"

namespace diffverb {
namespace {

/// Distance of the energy decay curves in octaves, each from its own beginning, early decay weighing more.
///
///   D(t) = 10 log10(sum_{s >= t} e(s) / sum_s e(s)),   L = mean_b,o  int w |D - D'| dt / int w dt
///   w = 1 where the target lies above -range_db, 1 + early_weight above -early_db
///
/// Reads    "octave_energy" [B, O, cells] of both, "octave_known" and "cell_s" of the target, or the ir of both,
///          broadband (losses/energy_cells.h)
/// Returns  scalar, dB; 0 where the curves are equal, whatever the levels
/// Gradient to the energies or the ir
/// Throws   ContractError on unequal shapes, types, devices or rates, or a silent target
/// Source   Schroeder 1965; ISO 3382-1
class OctaveDecay final : public Loss {
 public:
  explicit OctaveDecay(Fields& f) {
    f.optional("range_db", range_db_, between(5, 80), "dB");
    f.optional("early_db", early_db_, between(1, 80), "dB");
    f.optional("early_weight", early_weight_, between(0, 100));
  }

  void prepare(const Response& target) override {
    checked_.set_audible(target);
    cells_ = energy_cells(target, "octave", "octave_decay");
    const auto energy = (cells_.energy * cells_.known).detach();
    curve_db_ = curve(energy);
    const auto above = (curve_db_ > -range_db_).to(energy.scalar_type()) * cells_.known;
    weight_ = above * (1 + early_weight_ * (curve_db_ > -early_db_).to(energy.scalar_type())) * cells_.cell_s;
    heard_ = (energy.sum(-1) > kLeastShare * energy.sum(-1).sum(-1, true)).to(energy.scalar_type());
  }

  at::Tensor evaluate(const Response& response) const override {
    checked_.check(response);
    const auto energy = energy_cells(response, "octave", "octave_decay").energy * cells_.known;
    const auto distance = rounded_abs(curve(energy) - curve_db_);
    const auto by_octave = (distance * weight_).sum(-1) / weight_.sum(-1).clamp_min(1e-9);
    return weighted_mean(by_octave, heard_);
  }

 private:
  static constexpr double kLeastShare = 1e-7;  // an octave below it is not there

  static at::Tensor curve(const at::Tensor& energy) {
    const auto to_come = energy_to_come(energy), whole = to_come.slice(-1, 0, 1) + 1e-20;
    return decibels(to_come / whole, at::ones_like(whole));
  }

  double range_db_ = 40, early_db_ = 13, early_weight_ = 3;
  CheckedTarget checked_{"octave_decay"};
  EnergyCells cells_;
  at::Tensor curve_db_, weight_, heard_;
};

}  // namespace

DIFFVERB_PART(losses, octave_decay, OctaveDecay, "Distance of energy decay curves in octaves, level left out, dB",
              "Schroeder 1965; ISO 3382-1")

}  // namespace diffverb
