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
/// Sounds without relation leave noise in p, whose power follows how their envelopes go together,
///
///   c(n) = sum_t v(t) w(t + n),   v, w the power of all channels of either in blocks of 5 ms.
///
/// They are related where either of two figures stands out of that, the first for spaces with an arrival, the second
/// for diffuse ones:
///
///   peak    the largest e over the noise power in the 50 ms to either side of it, as its lower quartile says;
///           unrelated up to three times the largest of so many squared normal numbers (in 50 ms envelopes change the
///           noise by less)
///   share   of all e, what stands in 100 ms around the largest; unrelated up to 1.5 times that of c, and six standard
///           deviations
///
/// The delay is the onset (core/acoustics/preparation.h: 20 dB below the peak) of the response that division gives,
/// W D^* / (|D|^2 + epsilon), within 200 ms before its largest sample near that peak.
///
/// Source   Knapp and Carter 1976, "The generalized correlation method for estimation of time delay"
struct Arrival {
  std::int64_t delay_samples = 0;       // of wet behind dry; below 0 where wet was begun later
  double peak = 0, unrelated_peak = 0;  // ratios of powers
  double share = 0, unrelated_share = 0;
  bool arrives() const { return peak > unrelated_peak; }  // what is related and not diffuse
  bool related() const { return arrives() || share > unrelated_share; }
};

/// Reads    dry [I, T], wet [C, T'] float64, without DC, not silent
Arrival find_arrival(const at::Tensor& dry, const at::Tensor& wet, double sample_rate_hz);

}  // namespace diffverb
