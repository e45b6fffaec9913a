#include <ATen/ops/equal.h>
#include <ATen/ops/zeros.h>

#include <cmath>
#include <vector>

#include "core/device/precision.h"
#include "core/error.h"
#include "losses/energy_cells.h"
#include "losses/loss.h"

namespace diffverb {
namespace {

/// Distance of the maps of energy over band and time, in dB: what a band-wise envelope gets wrong anywhere.
///
///   L = mean_b,k,g |10 log10(p / p')|,  p = power in stretch g of band k; a stretch covers `stretch` of the time
///   before it (at least a cell), and 90 dB below the response's energy a second nothing counts
///
/// Reads    "band_energy" [B, K, cells] of both, or ir, broadband (losses/energy_cells.h)
/// Returns  scalar, dB
/// Gradient to the energies or the ir
/// Throws   ContractError on unequal shapes, types, devices or rates, or a silent target
class BandMap final : public Loss {
 public:
  explicit BandMap(Fields& f) { f.optional("stretch", stretch_, between(0, 1)); }

  void prepare(const Response& target) override {
    checked_.set_audible(target);
    cells_ = energy_cells(target, "band", "band_map");
    const auto energy = (cells_.energy * cells_.known).detach();
    groups_ = groups_of(cells_.cell_s, energy.options());
    floor_ = 1e-9 * energy.sum(at::IntArrayRef({1, 2}), true);
    level_db_ = level(energy);
    counts_ = (cells_.known.matmul(groups_) > 0.5 * groups_.sum(0)).to(energy.scalar_type());
  }

  at::Tensor evaluate(const Response& response) const override {
    checked_.check(response);
    const auto energy = energy_cells(response, "band", "band_map").energy * cells_.known;
    return weighted_mean(rounded_abs(level(energy) - level_db_), counts_);
  }

 private:
  at::Tensor level(const at::Tensor& energy) const {
    return 10 * (energy.matmul(groups_) / cells_.cell_s.unsqueeze(0).matmul(groups_) + floor_).log10();
  }

  struct Grouping {
    at::Tensor cell_s, groups;  // lengths, on the CPU
  };

  /// The groups are made on the CPU, once for each division of time.
  at::Tensor groups_of(const at::Tensor& cell_s, const at::TensorOptions& options) {
    const bool may_read = may_read_from_device();
    const auto on_cpu = may_read ? cell_s.to(at::kCPU, at::kDouble).contiguous() : at::Tensor();
    for (auto it = groupings_.rbegin(); it != groupings_.rend(); ++it) {
      const bool same = may_read ? at::equal(it->cell_s, on_cpu) : it->cell_s.numel() == cell_s.numel();
      if (same && it->groups.device() == options.device() && it->groups.dtype() == options.dtype()) return it->groups;
    }
    if (!may_read) throw ContractError("band_map: cells that were not seen before, while a step is recorded");
    groupings_.push_back({on_cpu, make_groups(on_cpu).to(options.device(), options.dtype())});
    return groupings_.back().groups;
  }

  /// [cells, groups] of 0 and 1.
  at::Tensor make_groups(const at::Tensor& on_cpu) const {
    const double* lengths = on_cpu.const_data_ptr<double>();
    std::vector<std::int64_t> group_of;
    double time = 0, begin = 0;
    for (std::int64_t cell = 0, group = 0; cell < on_cpu.numel(); ++cell, time += lengths[cell - 1]) {
      if (cell > 0 && time - begin >= stretch_ * begin - 1e-9) {
        ++group;
        begin = time;
      }
      group_of.push_back(group);
    }
    auto out = at::zeros({on_cpu.numel(), group_of.back() + 1}, at::kFloat);
    for (std::size_t i = 0; i < group_of.size(); ++i) out[static_cast<std::int64_t>(i)][group_of[i]] = 1;
    return out;
  }

  double stretch_ = 0.12;
  CheckedTarget checked_{"band_map"};
  EnergyCells cells_;
  at::Tensor groups_, floor_, level_db_, counts_;
  std::vector<Grouping> groupings_;  // never dropped: a recorded step goes on reading its own
};

}  // namespace

DIFFVERB_PART(losses, band_map, BandMap, "Distance of energy over band and time, dB", "")

}  // namespace diffverb
