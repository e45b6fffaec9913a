#include "losses/energy_cells.h"
#include "losses/loss.h"

namespace diffverb {
namespace {

/// Difference of level in octaves.
///
///   L = mean_b,o |10 log10(E / E')|,  E the energy of all that is known
///
/// Reads    "octave_energy" [B, O, cells] of both, or ir, broadband (losses/energy_cells.h)
/// Returns  scalar, dB; 0 where levels are equal
/// Gradient to the energies or the ir
/// Throws   ContractError on unequal shapes, types, devices or rates, or a silent target
class OctaveLevel final : public Loss {
 public:
  explicit OctaveLevel(Fields&) {}

  void prepare(const Response& target) override {
    checked_.set_audible(target);
    cells_ = energy_cells(target, "octave", "octave_level");
    energy_ = (cells_.energy * cells_.known).sum(-1).detach();
    heard_ = (energy_ > 1e-7 * energy_.sum(-1, true)).to(energy_.scalar_type());
  }

  at::Tensor evaluate(const Response& response) const override {
    checked_.check(response);
    const auto energy = (energy_cells(response, "octave", "octave_level").energy * cells_.known).sum(-1);
    return weighted_mean(rounded_abs(decibels(energy, energy_) - decibels(energy_, energy_)), heard_);
  }

 private:
  CheckedTarget checked_{"octave_level"};
  EnergyCells cells_;
  at::Tensor energy_, heard_;
};

}  // namespace

DIFFVERB_PART(losses, octave_level, OctaveLevel, "Difference of level in octaves, dB", "")

}  // namespace diffverb
