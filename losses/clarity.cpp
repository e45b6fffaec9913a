#include <optional>

#include "core/device/precision.h"
#include "core/error.h"
#include "losses/energy_cells.h"
#include "losses/loss.h"
#include "losses/octave_cells.h"

namespace diffverb {
namespace {

/// Difference of clarity (C80, C50) or definition (D50) in octaves.
///
///   L = mean_{b,o} |C_h - C_g|,   E: energy before split_ms after the octave's onset, R: the energy after it
///   C = 10 lg(E / R) dB within +- 25 dB with of: clarity;   C = E / (E + R) with of: definition
///
/// h is the estimate, g the target; split_ms is 80 for C80, 50 for C50 and D50. Of a sound the octaves' energies are
/// cut where the target reaches its noise, and the share that its decay has beyond that counts as late (OctaveCells).
/// An octave 70 dB below the whole does not count.
///
/// Reads    "octave_energy" [B, O, cells] of both, onset at the first cell, where the model gives them
///          (energy_cells.h); else ir [B, C, T], octaves from from_hz to to_hz, from the target's onset on
/// Returns  scalar, dB; without unit with of: definition
/// Gradient finite everywhere
/// Throws   ContractError on unequal shapes, types, devices or rates, where a channel of the target is silent, where
///          it ends before split_ms, or where none of its octaves decays
/// Source   ISO 3382-1, A.2.3
class Clarity final : public Loss {
 public:
  explicit Clarity(Fields& f) {
    f.choice("of", of_, {"clarity", "definition"});
    f.optional("split_ms", split_ms_, above(0), "ms");
    f.optional("from_hz", from_hz_, above(0), "Hz");
    f.optional("to_hz", to_hz_, above(0), "Hz");
    if (from_hz_ >= to_hz_) f.fail("from_hz", "must be below to_hz = " + std::to_string(to_hz_));
  }

  void prepare(const Response& target) override {
    checked_.set_audible(target);
    octaves_.reset();
    target.has("octave_energy") ? divide_given(target) : divide_sound(target.ir().detach());
    if (may_read_from_device() && early_.min().item<double>() >= 1)
      throw ContractError("clarity: the target ends before split_ms = " + std::to_string(split_ms_));
    const auto energy = energies(target).detach();
    whole_ = energy.sum(-1);
    clarity_ = clarity(energy);
    heard_ = (whole_ > 1e-7 * whole_.sum(-1, true)).to(energy.scalar_type());
    if (octaves_ && may_read_from_device() && !(heard_.sum() > 0).item<bool>())
      throw ContractError("clarity: no octave of the target decays above its noise");
  }

  at::Tensor evaluate(const Response& response) const override {
    checked_.check(response);
    const auto difference = clarity(energies(response)) - clarity_;
    return weighted_mean(of_ == "clarity" ? rounded_abs(difference) : difference.abs(), heard_);
  }

 private:
  void divide_given(const Response& target) {
    const EnergyCells cells = energy_cells(target, "octave", "clarity");
    known_ = {cells.known, at::Tensor(), at::Tensor()};
    early_ = (cells.cell_s.cumsum(0) <= split_ms_ / 1e3 + 1e-6).to(cells.energy.scalar_type());
  }
  void divide_sound(const at::Tensor& ir);

  at::Tensor energies(const Response& response) const {
    const auto energy = octaves_ ? octaves_->energy(response.ir()) : energy_cells(response, "octave", "clarity").energy;
    return energy * known_.known;
  }

  at::Tensor clarity(const at::Tensor& energy) const {
    const auto early = (energy * early_).sum(-1);
    auto late = (energy * (1 - early_)).sum(-1);
    if (known_.tail.defined()) late = late + (early + late) * known_.tail.squeeze(-1);
    const auto all = early + late;
    if (of_ == "definition") return (early + 1e-9 * whole_) / (all + 1e-9 * whole_ + 1e-30);
    // Beyond 25 dB no ear tells; adding 0.3 % of the energy to both sides rounds it off there.
    const auto little = 3e-3 * all + 1e-9 * whole_;
    return 10 * ((early + little).clamp_min(1e-30).log10() - (late + little).clamp_min(1e-30).log10());
  }

  std::string of_ = "clarity";
  double split_ms_ = 80, from_hz_ = 63, to_hz_ = 16000;
  CheckedTarget checked_{"clarity"};
  std::optional<OctaveCells> octaves_;  // of a sound
  KnownCells known_;
  at::Tensor early_;                    // [cells] or [B, C O, cells], the share of a cell that is early
  at::Tensor whole_, clarity_, heard_;  // [B, O]
};

void Clarity::divide_sound(const at::Tensor& ir) {
  octaves_.emplace("clarity", ir, checked_.sample_rate_hz(), from_hz_, to_hz_);
  known_ = octaves_->known(ir);
  early_ = octaves_->share_before(known_.begin_s + split_ms_ / 1e3);
}

}  // namespace

DIFFVERB_PART(losses, clarity, Clarity, "Difference of clarity (C80, C50) or definition (D50) in octaves", "ISO 3382-1")

}  // namespace diffverb
