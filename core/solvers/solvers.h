#pragma once

#include <torch/types.h>

#include "core/network/delay_network.h"

namespace diffverb {

/// Transfer function on a grid by one fused solve a bin, with its analytic gradient (no autograd graph inside).
///
///   H(z_k) = C G (I - A G)^-1 B + D,   z_k = radius * exp(j omega_k)
///
/// Reads    omega_rad [K] float64, radians a sample; radius >= 1 suppresses time aliasing: multiply the impulse
///          response by radius^n afterwards. Delays are taken as they are: a real delay is an ideal z^-m;
///          with_whole_delays() gives what plays.
/// Returns  [O, I, K] complex of the network's type
/// Gradient for A, B, C, D, delays and line_sos
/// Throws   ContractError on shapes, types or devices
torch::Tensor frequency_response(const DelayNetwork& network, const torch::Tensor& omega_rad, double radius = 1.0);

/// The network's answer to input signals, exact, by blocks no longer than the shortest delay; the gradient is the
/// adjoint recursion.
///
/// Reads    input [I, T] of the network's type; delays must be whole (with_whole_delays)
/// Returns  [O, T]
/// Gradient for A, B, C, D, line_sos and the input
torch::Tensor time_response(const DelayNetwork& network, const torch::Tensor& input);

/// time_response to a unit impulse at each input in turn: [O, I, T].
torch::Tensor impulse_response(const DelayNetwork& network, std::int64_t samples);

/// The same through the frequency solver on a grid of fft_size bins: [O, I, fft_size]; tails beyond fft_size alias,
/// damped by radius^-fft_size with alias_decay_db = 20 log10(radius) fft_size.
torch::Tensor impulse_response_by_fft(const DelayNetwork& network, std::int64_t fft_size, double alias_decay_db = 0.0);

}  // namespace diffverb
