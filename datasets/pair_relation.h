#pragma once

#include <cstdint>

#include "core/tensor.h"

namespace diffverb {

/// When a recording first hears what was played, and whether it hears it at all.
///
/// From the cross-correlation of all channels of both, every bin at equal weight (the phase transform):
///
///   p_io(n) = F^-1{ W_o D_i^* / |W_o D_i^*| },   e(n) = sum_io p_io(n)^2
///
/// Sounds without relation leave noise in p, whose power may follow how their envelopes go together; what a space made of
/// a sound has an arrival, before which there is little. So `peak` is the largest e over the noise power in the 50 ms to
/// either side of it, as its lower quartile says, and `unrelated_peak` three times what the largest of so many squared
/// normal numbers comes to: envelopes change the noise by less within these 50 ms.
///
/// The delay is the onset (core/acoustics/preparation.h: 20 dB below the peak) of the response that division gives,
/// W D^* / (|D|^2 + epsilon), within 200 ms before its largest sample near that peak.
///
/// Source   Knapp and Carter 1976, "The generalized correlation method for estimation of time delay"
struct Arrival {
  std::int64_t delay_samples = 0;       // of wet behind dry; below 0 where wet was begun later
  double peak = 0, unrelated_peak = 0;  // ratios of powers
  bool related() const { return peak > unrelated_peak; }
};

/// Reads    dry [I, T], wet [C, T'] float64, without DC, not silent
Arrival find_arrival(const at::Tensor& dry, const at::Tensor& wet, double sample_rate_hz);

}  // namespace diffverb
