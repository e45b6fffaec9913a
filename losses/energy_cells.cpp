#include "losses/energy_cells.h"

#include <ATen/ops/full.h>
#include <ATen/ops/log10.h>
#include <ATen/ops/ones_like.h>

#include <cmath>

#include "core/error.h"

namespace diffverb {

EnergyCells energy_cells(const Response& response, const std::string& kind, const std::string& loss) {
  if (response.has(kind + "_energy")) {
    const at::Tensor& energy = response.get(kind + "_energy");
    if (!response.has(kind + "_known")) return {energy, {}, {}};  // what is known stands with the target
    return {energy, response.get(kind + "_known"), response.get("cell_s")};
  }
  constexpr double kCellSeconds = 0.004;
  const at::Tensor& ir = response.ir();
  const std::int64_t length = std::llround(kCellSeconds * response.sample_rate_hz()), cells = ir.size(2) / length;
  if (cells < 2) throw ContractError(loss + ": the response must be at least 8 ms long");
  const auto energy = ir.slice(2, 0, cells * length).reshape({ir.size(0), ir.size(1), cells, length}).square().sum(-1);
  return {energy, at::ones_like(energy), at::full({cells}, kCellSeconds, energy.options())};
}

at::Tensor energy_to_come(const at::Tensor& energy) { return energy.flip(-1).cumsum(-1).flip(-1); }

at::Tensor decibels(const at::Tensor& x, const at::Tensor& whole) {
  return 10 * at::log10((x + 1e-9 * whole).clamp_min(1e-30));
}

at::Tensor rounded_abs(const at::Tensor& x) {
  constexpr double kTip = 0.1;
  return (x.square() + kTip * kTip).sqrt() - kTip;
}

at::Tensor weighted_mean(const at::Tensor& values, const at::Tensor& counts) {
  return (values * counts).sum() / counts.sum().clamp_min(1e-12);
}

}  // namespace diffverb
