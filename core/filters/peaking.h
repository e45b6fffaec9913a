#pragma once

#include <vector>

#include "core/tensor.h"

namespace diffverb {

/// Peaking equaliser sections with differentiable gains.
///
///   A = 10^(gain_db / 40),  alpha = sin(w0) / (2 Q)
///   b = [1 + alpha A, -2 cos w0, 1 - alpha A] / (1 + alpha / A),  a = [1, -2 cos w0, 1 - alpha / A] / (1 + alpha / A)
///
/// The magnitude lies between 1 and 10^(gain_db / 20) at every frequency: a section with gain_db <= 0 can only cut.
///
/// Reads    gain_db [..., K] float64; centres_hz K values in (0, rate / 2); q > 0
/// Returns  [..., K, 5] float64: b0 b1 b2 a1 a2
/// Gradient to gain_db
/// Throws   ContractError on shapes, or a centre outside (0, rate / 2)
/// Source   Bristow-Johnson, Audio EQ cookbook
at::Tensor peaking_sos(const at::Tensor& gain_db, const std::vector<double>& centres_hz, double q,
                       double sample_rate_hz);

/// High shelves with differentiable gains: 0 dB far below the corner, half of gain_db at it, gain_db up to half the
/// rate.
///
/// Reads    gain_db [...] float64; corner_hz in (0, rate / 2)
/// Returns  [..., 5] float64
/// Gradient to gain_db
/// Throws   ContractError on another type, or a corner outside (0, rate / 2)
/// Source   Bristow-Johnson, Audio EQ cookbook, slope 1
at::Tensor high_shelf_sos(const at::Tensor& gain_db, double corner_hz, double sample_rate_hz);

/// Second-order Butterworth high-pass, [5] float64. Source: Audio EQ cookbook. Throws ContractError outside (0, rate /
/// 2).
at::Tensor high_pass_sos(double cutoff_hz, double sample_rate_hz, at::Device device = at::kCPU);

/// Transfer function of cascades on a grid, by the fused kernel: sos [O, S, 5] float64 -> [O, K] complex of `dtype`.
/// Gradient to sos. `is_sound`: the sections are known to be stable (DelayNetwork::is_sound).
at::Tensor cascade_response(const at::Tensor& sos, const at::Tensor& omega_rad, at::ScalarType dtype,
                            bool is_sound = false);

/// Nominal third-octave centres 1000 * 2^(k/3) Hz from `from_hz` up to `share` of the sample rate.
std::vector<double> third_octave_centres(double from_hz, double to_hz, double sample_rate_hz, double share = 0.45);
/// The same for octaves.
std::vector<double> octave_centres(double from_hz, double to_hz, double sample_rate_hz, double share = 0.45);

}  // namespace diffverb
