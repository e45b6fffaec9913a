#pragma once

#include <vector>

#include "core/network/delay_network.h"
#include "core/tensor.h"

namespace diffverb {

/// Transfer function on a grid by one fused solve a bin, with its analytic gradient (no autograd graph inside).
///
///   H(z_k) = C G (I - A G)^-1 B + D,   z_k = radius * exp(j omega_k)
///
/// Reads    omega_rad [K] float64, radians a sample; radius >= 1 suppresses time aliasing: multiply the impulse
///          response by radius^n afterwards. Delays are taken as they are: a real delay is an ideal z^-m;
///          with_whole_delays() gives what plays. The grid is any list of bins: a band, a log-spaced sweep, each
///          costs the same.
/// Returns  [O, I, K] complex of the network's type
/// Gradient for A, B, C, D, delays and line_sos
/// Precision  float32 is some 1e-7 / d of the largest value away from float64 where the loop loses a share d each time
///          round, in the response and its gradients: 1e-5 for d = 1e-2, 1e-3 for 1e-4, some percent below 1e-6. A radius
///          that damps aliases (30 dB over the transform) keeps it at 2e-6 whatever d is. `diffverb bench precision`
/// Throws   ContractError on shapes, types or devices
at::Tensor frequency_response(const DelayNetwork& network, const at::Tensor& omega_rad, double radius = 1.0);

/// Networks of one shape and type at once, on one grid, in one call of the kernel: [R, O, I, K]. The same values and
/// gradients as one by one.
at::Tensor frequency_response(const std::vector<DelayNetwork>& networks, const at::Tensor& omega_rad,
                              double radius = 1.0);

/// The network's answer to input signals, exact, by blocks no longer than the shortest delay; the gradient is the
/// adjoint recursion.
///
/// Reads    input [I, T] of the network's type; delays must be whole (with_whole_delays)
/// Returns  [O, T]
/// Gradient for A, B, C, D, line_sos and the input
/// Precision  float32 stays within 2e-6 of the largest value of float64 over 10 s, however slowly the loop decays
at::Tensor time_response(const DelayNetwork& network, const at::Tensor& input);

/// Networks of one shape and type at once, one a thread: [R, O, T]. The input is [I, T] for all of them, or [R, I, T]. The
/// same values and gradients as one by one.
at::Tensor time_response(const std::vector<DelayNetwork>& networks, const at::Tensor& input);

/// What moves while a network plays.
struct Varying {
  at::Tensor delays;             // [N, T] samples, >= 3, float64; undefined: the network's
  at::Tensor matrices;           // [M, N, N], hop_samples apart and linear between; undefined: the network's A
  std::int64_t hop_samples = 0;  // (M - 1) hop_samples >= T
};

/// time_response of a network whose delays and feedback matrix move, and of one whose delays are not whole.
///
///   s_j(n) = f_j(n - m_j(n)) by Lagrange's cubic interpolation, f_j = h_j * v_j;  v = A(n) s + B u
///
/// Passive as long as every A(n) is: |H| <= 1 for the interpolation at every phase. (with_whole_delays() is another
/// interpolator, the one that is exported.)
/// Reads    input [I, T] of the network's type
/// Returns  [O, T]
/// Gradient for A (or the matrices), B, C, D, line_sos, the input, and the delays at every sample
/// Throws   ContractError on shapes, types, a delay below 3 samples, or matrices that do not reach over the input
/// Source   Laakso et al. 1996; Schlecht and Habets 2015, "Time-varying feedback matrices in feedback delay networks"
at::Tensor varying_time_response(const DelayNetwork& network, const at::Tensor& input, const Varying& varying);

/// time_response to a unit impulse at each input in turn: [O, I, T].
at::Tensor impulse_response(const DelayNetwork& network, std::int64_t samples);

/// The same through the frequency solver on a grid of fft_size bins: [O, I, fft_size]; tails beyond fft_size alias,
/// damped by radius^-fft_size with alias_decay_db = 20 log10(radius) fft_size.
at::Tensor impulse_response_by_fft(const DelayNetwork& network, std::int64_t fft_size, double alias_decay_db = 0.0);

}  // namespace diffverb
