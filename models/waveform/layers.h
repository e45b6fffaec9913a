#pragma once

#include <cstdint>
#include <map>
#include <string>

#include "core/seed.h"
#include "core/tensor.h"

namespace diffverb {

/// A convolution over time, or a dense layer where `taps` is 1 and there is no time.
///
///   y(o, t) = b(o) + sum_{i,j} W(o, i, j) x(i, stride t + dilation (j - (taps - 1) / 2))
///
/// Beyond both ends x is 0, so that without a stride there are as many outputs as inputs.
struct WaveConv {
  at::Tensor weight;  // [out, in, taps]
  at::Tensor bias;    // [out]

  static WaveConv make(std::int64_t inputs, std::int64_t outputs, std::int64_t taps, at::ScalarType type);
  /// Uniform in +- scale / sqrt(inputs taps), bias 0.
  void reset(Random& random, double scale);
  /// Reads    x [B, in, F], or [B, in] where taps is 1
  /// Returns  [B, out, ceil(F / stride)] or [B, out]; a stride s > 1 takes s taps that lie side by side
  at::Tensor forward(const at::Tensor& x, std::int64_t dilation = 1, std::int64_t stride = 1) const;
  void add_parameters(const std::string& prefix, std::map<std::string, at::Tensor>& to) const;
};

/// tanh(a) sigmoid(b), a the first half of the channels and b the second.
///
/// Reads    x [B, 2 C, F] float32 or float64
/// Returns  [B, C, F]
/// Gradient analytic, once
/// Source   van den Oord et al. 2016, WaveNet, equation 2
at::Tensor gated_unit(const at::Tensor& x);

/// A residual block of WaveNet with a dilated convolution of three taps, conditioned twice: on a point for all times
/// (FiLM) and on a sequence.
///
///   y = x + W_out gate(W_d * ((1 + gamma(z)) x + beta(z)) + V c)
///
/// z and c are optional: a block is made with or without either. At first W_out is small and gamma = beta = 0.
///
/// Reads    x [B, C, F], z [B, L], c [B, C', F]
/// Returns  [B, C, F]; sees `dilation` frames to either side
/// Source   van den Oord et al. 2016, WaveNet, 2.4 and 2.5; Perez et al. 2018, FiLM; Steinmetz et al. 2021, FiNS
struct WaveBlock {
  std::int64_t dilation = 1;
  WaveConv dilated;    // C -> 2 C, 3 taps
  WaveConv condition;  // C' -> 2 C, 1 tap; undefined without c
  WaveConv film;       // L -> 2 C; undefined without z
  WaveConv out;        // C -> C, 1 tap

  struct Sizes {
    std::int64_t channels = 0, latent = 0, condition = 0;  // 0: without
  };
  static WaveBlock make(const Sizes& sizes, std::int64_t dilation, at::ScalarType type);
  void reset(Random& random);
  at::Tensor forward(const at::Tensor& x, const at::Tensor& z, const at::Tensor& c) const;
  void add_parameters(const std::string& prefix, std::map<std::string, at::Tensor>& to) const;
};

/// Pairs of windowed cosines and sines, spaced evenly in mel from 40 Hz to 95 % of half the rate, each of unit energy
/// and about as wide as the distance to its neighbours: what the filter banks at both ends start from.
///
/// Returns  [2 pairs, taps] float64: all cosines, then all sines
/// Source   Zeghidour et al. 2021, LEAF (learned filters that begin as a mel scale)
at::Tensor mel_wavelets(std::int64_t pairs, std::int64_t taps, double rate_hz);

}  // namespace diffverb
