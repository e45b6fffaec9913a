#pragma once

#include <cstdint>
#include <vector>

#include "core/tensor.h"

namespace diffverb {

/// A signal [..., T] behind as many zeros as a first frame reaches back: [..., T + frame - 1].
at::Tensor with_history(const at::Tensor& signal, std::int64_t frame);

/// The frames of a signal at hop 1, each sample behind the frame - 1 before it, oldest first.
///
/// Reads    signal [..., T + frame - 1], its first frame - 1 samples history
/// Returns  [..., T, frame], a strided view of it: nothing is copied
/// Gradient to the signal
at::Tensor frame_signal(const at::Tensor& signal, std::int64_t frame);

/// The level of a signal on a slow scale, for kernels that depend on it.
///
///   e_k = sqrt(s_k),   s_k(n) = s_k(n - 1) + (1 - exp(-1 / (tau_k rate))) (mean_i u_i(n)^2 - s_k(n - 1))
///
/// Reads    input [B, I, T]; computes in float64
/// Returns  [B, K, T] float64; 0 for silence
at::Tensor slow_levels(const at::Tensor& input, const std::vector<double>& state_ms, double sample_rate_hz);

/// A frame of the last samples through one hidden layer, sample by sample, which may depend on slow levels.
///
///   z_h(n) = bias_h + sum_i sum_k kernels_hik u_i(n - F + 1 + k)
///   z_h'   = (1 + sum_k scale_hk e_k) z_h + sum_k shift_hk e_k
///   y_o(n) = sum_h output_oh (relu(z_h'(n)) - relu(bias_h))
///
/// What the network would give for silence is taken away, so that silence stays silent. The kernel of unit h is in effect
/// (1 + scale . e) kernels_h: it grows and shrinks with the level.
///
/// Memory   beside its input and output a play without gradient holds 2 H + F numbers for each of kBlock samples
struct FrameNetwork {
  static constexpr std::int64_t kBlock = 16384;

  at::Tensor kernels;            // [H, I, F], oldest sample first
  at::Tensor bias;               // [H]
  at::Tensor output;             // [O, H]
  at::Tensor scale, shift;       // [H, K]; undefined where there are no levels
  std::vector<double> state_ms;  // K times, tau

  /// Reads    input [B, I, T]; computes in its type
  /// Returns  [B, O, T]
  at::Tensor play(const at::Tensor& input, double sample_rate_hz) const;
};

}  // namespace diffverb
