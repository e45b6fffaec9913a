#pragma once

#include "core/tensor.h"

namespace diffverb {

/// Linear maps from the energies of an envelope model to what is measured of a response that has them.
///
/// The model's sound is noise in bands with given energies; a measurement filters it again, and so smears it in time
/// and leaks between bands. Both are linear in energy, so that a loss in the measured domain needs no sound.
///
///   P(b, f) = sum_kt leak(b, k) energy(k, t) window(t, f) + sum_k leak(b, k) direct(k) window(0, f)
///   M(k, t) = sum_s smear(k, t, s) energy(k, s) + direct_smear(k, t) direct(k)      (t among the first 125 cells)
///
/// P is the power of a bin of band b in frame f of the distance's transform (layout.h), where the response's samples at
/// 48 kHz have unit energy in all; M the energy that band k of an analysis shows in cell t; octaves [O, K] sums bands
/// to what the octave filters of core/acoustics let through, 125 Hz to 8 kHz.
struct EnvelopeOperators {
  at::Tensor leak;          // [26, K] float32
  at::Tensor window;        // [NT, 128]
  at::Tensor smear;         // [K, 125, 125] (cell measured, cell of the source)
  at::Tensor direct_smear;  // [K, 125]
  at::Tensor octaves;       // [O, K]
  at::Tensor knots;         // [J, NT] gain of early energy
  at::Tensor cell_s;        // [NT] lengths
  at::Tensor time_s;        // [NT] middles

  EnvelopeOperators to(at::Device device) const;
};

/// Computed once (a second), on the CPU.
const EnvelopeOperators& envelope_operators();

/// Power of the distance's bands, [B, 26, 128].
at::Tensor predict_power(const EnvelopeOperators& maps, const at::Tensor& direct, const at::Tensor& energy);
/// Energy by band and cell as an analysis would show it, [B, K, NT].
at::Tensor predict_energy(const EnvelopeOperators& maps, const at::Tensor& direct, const at::Tensor& energy);

}  // namespace diffverb
