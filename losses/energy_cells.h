#pragma once

#include <string>

#include "core/response.h"
#include "core/tensor.h"
#include "losses/checked_target.h"

namespace diffverb {

/// The energy of a response in cells of time, of each band or channel, and what of it is known.
struct EnergyCells {
  at::Tensor energy;  // [B, O, cells]
  at::Tensor known;   // the same shape, 0 or 1
  at::Tensor cell_s;  // [cells] lengths
};

/// What the losses of energy over time compare: the model's own energies, or those of the sound.
///
/// Reads    the tensors "<kind>_energy" and, of a target, "<kind>_known" and "cell_s", where a model has set them; else
///          ir [B, C, T], of which it sums squares in cells of 4 ms, all of them known
/// Throws   ContractError for a response shorter than one cell
EnergyCells energy_cells(const Response& response, const std::string& kind, const std::string& loss);

/// The energy from each cell's beginning on: [B, O, cells].
at::Tensor energy_to_come(const at::Tensor& energy);

/// 10 log10(x), for x >= 0: as if 1e-9 of `whole` were added, so that silence has a slope.
at::Tensor decibels(const at::Tensor& x, const at::Tensor& whole);

/// |x| with a rounded tip 0.1 wide, 0 at 0.
at::Tensor rounded_abs(const at::Tensor& x);

/// Mean over what is known; 0 where nothing is. Counts may be any weights >= 0.
at::Tensor weighted_mean(const at::Tensor& values, const at::Tensor& counts);

}  // namespace diffverb
