#pragma once

#include <cstdint>

#include "core/tensor.h"

namespace diffverb {

/// Analysed responses (envelope/analysis.h), one a row.
struct EnvelopeBatch {
  at::Tensor energy;       // [B, K, NT]
  at::Tensor power;        // [B, 26, 128]
  at::Tensor known_bands;  // [B, K] bool
  at::Tensor known_cells;  // [B] int64
};

/// How far training changes what it sees of a room, so that rooms that were never measured are near some that were.
/// Standard deviations, over all bands about as far again as from one band to the next.
struct EnvelopeVariation {
  double share = 0.8;          // of the examples that are changed at all
  double gain_db = 2;          // of a band
  double slope_db_per_s = 40;  // at most; that all bands decay faster by
  double decay = 0.15;         // share of its own slope that a band decays faster by
  double early_db = 1.5;       // of the first 160 ms, by band and knot of the layout
  double floor_share = 0.6;    // of the examples that a noise floor is added to
  std::uint64_t seed = 0;      // of the step
};

/// Changes gain, decay and early energy, cuts ends and high bands, adds noise floors; energies sum to 1 again.
///
/// Powers follow the energies: each is scaled by what the change does to the power that the energies predict.
void vary_envelopes(EnvelopeBatch& batch, const EnvelopeVariation& variation);

}  // namespace diffverb
