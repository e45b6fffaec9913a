#include "core/device/precision.h"
#include "core/error.h"
#include "losses/energy_cells.h"
#include "losses/loss.h"

namespace diffverb {
namespace {

/// Difference of clarity (C80) in octaves.
///
///   C = 10 log10(energy before split_ms / energy after it),  L = mean_b,o |C - C'|, C within +- 25 dB
///
/// Reads    "octave_energy" [B, O, cells] of both, or ir, broadband (losses/energy_cells.h); the onset is at the first
///          cell
/// Returns  scalar, dB
/// Gradient to the energies or the ir
/// Throws   ContractError on unequal shapes, types, devices or rates, a silent target, or one that ends before split_ms
/// Source   ISO 3382-1, A.2.3
class OctaveClarity final : public Loss {
 public:
  explicit OctaveClarity(Fields& f) { f.optional("split_ms", split_ms_, above(0), "ms"); }

  void prepare(const Response& target) override {
    checked_.set_audible(target);
    cells_ = energy_cells(target, "octave", "octave_clarity");
    const auto ends = cells_.cell_s.cumsum(0);
    early_ = (ends <= split_ms_ / 1e3 + 1e-6).to(cells_.energy.scalar_type());
    if (may_read_from_device() && early_.min().item<double>() > 0)
      throw ContractError("octave_clarity: the response ends before split_ms = " + std::to_string(split_ms_));
    const auto energy = (cells_.energy * cells_.known).detach();
    whole_ = energy.sum(-1);
    clarity_db_ = clarity(energy);
    heard_ = (whole_ > 1e-7 * whole_.sum(-1, true)).to(energy.scalar_type());
  }

  at::Tensor evaluate(const Response& response) const override {
    checked_.check(response);
    const auto energy = energy_cells(response, "octave", "octave_clarity").energy * cells_.known;
    return weighted_mean(rounded_abs(clarity(energy) - clarity_db_), heard_);
  }

 private:
  at::Tensor clarity(const at::Tensor& energy) const {
    // Beyond 25 dB no ear tells; adding 0.3 % of the energy to both sides rounds it off there.
    const auto early = (energy * early_).sum(-1), late = (energy * (1 - early_)).sum(-1);
    const auto little = 3e-3 * (early + late) + 1e-9 * whole_;
    return 10 * ((early + little).clamp_min(1e-30).log10() - (late + little).clamp_min(1e-30).log10());
  }

  double split_ms_ = 80;
  CheckedTarget checked_{"octave_clarity"};
  EnergyCells cells_;
  at::Tensor early_, whole_, clarity_db_, heard_;
};

}  // namespace

DIFFVERB_PART(losses, octave_clarity, OctaveClarity, "Difference of clarity (C80) in octaves, dB", "ISO 3382-1")

}  // namespace diffverb
