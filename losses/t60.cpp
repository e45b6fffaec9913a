#include <ATen/ops/arange.h>

#include <cmath>
#include <optional>

#include "core/device/precision.h"
#include "core/error.h"
#include "losses/checked_target.h"
#include "losses/energy_cells.h"
#include "losses/loss.h"
#include "losses/octave_cells.h"

namespace diffverb {
namespace {

/// Relative error of the decay time in octaves.
///
///   L = mean_{b,c,o} | T_h / T_g - 1 |,   T = -60 / slope
///   slope: of the line through D(t) by least squares over the time in which -5 dB >= D >= end
///   D(t) = 10 lg(sum_{s >= t} e(s) / sum_s e(s)),   end = -35 dB (T30) where the target has 45 dB above its noise,
///   -25 dB (T20) where it has 35; an octave with less does not count
///
/// h is the estimate, g the target, e energies in octaves and milliseconds (OctaveCells). D is a polygon, the squares
/// an integral over the part of it between the two levels, so T depends smoothly on e even where a decay takes a
/// millisecond. Noise floor: both decays are cut where the target's reaches its noise, and the share of energy that the
/// target's decay has beyond that is added to both. A decay that ends within the response without falling to `end` is
/// extrapolated, one that does not fall at all counts as 100 T_g.
///
/// Reads    response.ir [B, C, T], target.ir of the same shape; linear amplitude
/// Returns  scalar, a ratio, 0 to 99; 0.05 is a just noticeable difference
/// Gradient finite everywhere; zero at silence
/// Throws   ContractError on unequal shapes, types, devices or rates, where a channel of the target is silent, or
///          where no octave of the target decays far enough
/// Source   ISO 3382-1 5.3.3; Schroeder 1965; Lundeby et al. 1995
class T60 final : public Loss {
 public:
  explicit T60(Fields& f) {
    f.optional("from_hz", from_hz_, above(0), "Hz");
    f.optional("to_hz", to_hz_, above(0), "Hz");
    if (from_hz_ >= to_hz_) f.fail("from_hz", "must be below to_hz = " + std::to_string(to_hz_));
  }

  void prepare(const Response& target) override;
  at::Tensor evaluate(const Response& response) const override;

 private:
  static constexpr double kStartDb = -5, kT20Db = -25, kT30Db = -35, kMarginDb = 10;
  static constexpr double kSlowest = 0.01;  // of the target's rate of decay

  at::Tensor decay_rate(const at::Tensor& ir) const;  // [B, C O], dB a cell, >= 0

  double from_hz_ = 63, to_hz_ = 16000;
  CheckedTarget target_{"t60"};
  std::optional<OctaveCells> cells_;
  KnownCells known_;
  at::Tensor end_db_, least_;  // [B, C O, 1]
  at::Tensor time_;            // [cells - 1], cells
  at::Tensor rate_, heard_;    // [B, C O]
};

/// Sum over segments of the integral of a b, where a goes from a0 to a1 and b from b0 to b1 in a straight line.
at::Tensor products(const at::Tensor& a0, const at::Tensor& a1, const at::Tensor& b0, const at::Tensor& b1,
                    const at::Tensor& width) {
  return (width * (2 * a0 * b0 + a0 * b1 + a1 * b0 + 2 * a1 * b1)).sum(-1) / 6;
}

at::Tensor T60::decay_rate(const at::Tensor& ir) const {
  const auto energy = cells_->energy(ir) * known_.known;
  const auto to_come = energy_to_come(energy), whole = to_come.slice(-1, 0, 1);
  const auto rest = whole * (known_.tail + 1e-12) + least_;
  const auto level = 10 * ((to_come + rest).log10() - (whole + rest).log10());
  // The part of each segment that lies between the two levels, as shares of the segment.
  const auto above = level.slice(-1, 0, -1), below = level.slice(-1, 1);
  const auto fall = (above - below).clamp_min(1e-9);
  const auto first = ((above - kStartDb) / fall).clamp(0, 1), last = ((above - end_db_) / fall).clamp(0, 1);
  const auto width = last - first;
  const auto t0 = time_ + first, t1 = time_ + last;
  const auto l0 = above - first * fall, l1 = above - last * fall;
  const auto total = width.sum(-1, true) + 1e-9;
  const auto mean_t = (width * (t0 + t1)).sum(-1, true) / (2 * total);
  const auto mean_l = (width * (l0 + l1)).sum(-1, true) / (2 * total);
  const auto u0 = t0 - mean_t, u1 = t1 - mean_t, v0 = l0 - mean_l, v1 = l1 - mean_l;
  return -products(u0, u1, v0, v1, width) / (products(u0, u1, u0, u1, width) + 1e-7);
}

void T60::prepare(const Response& target) {
  const at::Tensor& ir = target_.set_audible(target);
  cells_.emplace("t60", ir, target_.sample_rate_hz(), from_hz_, to_hz_);
  known_ = cells_->known(ir);
  const auto energy = cells_->energy(ir) * known_.known, whole = energy.sum(-1, true);
  // What is heard of an octave at all, and how far its decay stands above the noise.
  const auto loudest = whole.amax(1, true);
  least_ = ((whole + 1e-6 * loudest) * 1e-18).clamp_min(1e-36);
  const auto range_db = -10 * (known_.tail / (1 + known_.tail)).clamp_min(1e-30).log10();
  const auto to_t30 = (range_db >= -kT30Db + kMarginDb).to(energy.scalar_type());
  end_db_ = kT20Db + (kT30Db - kT20Db) * to_t30;
  heard_ = ((range_db >= -kT20Db + kMarginDb).logical_and(whole > 1e-6 * loudest)).to(energy.scalar_type()).squeeze(-1);
  time_ = at::arange(cells_->cells() - 1, ir.options());
  rate_ = decay_rate(ir);
  heard_ = heard_ * (rate_ > 0).to(energy.scalar_type());
  if (may_read_from_device() && !(heard_.sum() > 0).item<bool>())
    throw ContractError("t60: no octave of the target decays by 35 dB above its noise");
}

at::Tensor T60::evaluate(const Response& response) const {
  const at::Tensor& ir = target_.check(response);
  const auto share = decay_rate(ir) / rate_.clamp_min(1e-30);
  const auto times = (1 + kSlowest * kSlowest) / (share.square() + kSlowest * kSlowest);  // (T_h / T_g)^2
  return weighted_mean((times.sqrt() - 1).abs(), heard_);
}

}  // namespace

DIFFVERB_PART(losses, t60, T60, "Relative error of the decay time in octaves, by regression on the decay curves",
              "ISO 3382-1; Schroeder 1965; Lundeby et al. 1995")

}  // namespace diffverb
