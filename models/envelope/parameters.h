#pragma once

#include "core/tensor.h"
#include "models/envelope/operators.h"

namespace diffverb {

/// What a room sounds like, in numbers for each band: direct sound, two exponential decays, the shape of the early
/// energy, and a noise floor.
///
///   e_k(t) = 10^(level_k / 10) g_k(t) ((1 - mix_k) d(t; t1_k) + mix_k d(t; t2_k)) + 10^(floor_k / 10)
///   d(t; T) = r exp(-r t), r = 6 ln 10 / T;   g_k(t) = 10^(sum_j early_jk knot_j(t) / 10), 1 from 160 ms on
///
/// so that without its floor every band falls for ever, whatever the numbers are. Energies are relative to a response
/// of unit energy.
/// Source   two-slope decay: Xiang et al. 2005; envelopes as a decoder's output: Steinmetz et al. 2021, Lin et al. 2024
struct EnvelopeParameters {
  at::Tensor level_db, direct_db;  // [B, K] energy of the decays, of the direct sound
  at::Tensor t1_s, t2_s;           // [B, K] decay times, t1 <= t2
  at::Tensor mix;                  // [B, K] share of the second decay
  at::Tensor floor_db;             // [B, K] power of the noise floor, energy a second
  at::Tensor early_db;             // [B, J, K]

  /// Numbers a band, of which the network gives each.
  static std::int64_t count();
  /// Reads    outputs [B, count() K] of a network, any numbers
  /// Returns  parameters within bounds: decay times 0.04 to 12 s (72 s for the second), early gains within 12 dB
  static EnvelopeParameters from_outputs(const at::Tensor& outputs);
};

/// Energy in each cell of the layout, [B, K, NT]; `with_floor` keeps the noise floor.
at::Tensor cell_energy(const EnvelopeOperators& maps, const EnvelopeParameters& parameters, bool with_floor = true);
/// Energy of the direct sound, [B, K].
at::Tensor direct_energy(const EnvelopeParameters& parameters);

}  // namespace diffverb
