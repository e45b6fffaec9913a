#pragma once

#include <cstdint>

#include "core/tensor.h"

namespace diffverb {

/// Products of filtered signals, filtered once more: what a Volterra kernel of order P is that has a low rank.
///
///   y_o = sum_g a_og * sum_r prod_{j = 1..P} sum_i f_ogrji * u_i
///
/// A kernel h(t_1, ..., t_P) of rank R is one group of R products without `after`: h = sum_r f_r1 o ... o f_rP. A filter
/// behind the product makes a group of a kernel that has no low rank by itself: of Hammerstein's g * x^2, whose kernel is
/// g on its diagonal, one product and the filter g.
struct ProductTerms {
  at::Tensor factors;  // f [O, G, R, P, I, L]
  at::Tensor after;    // a [O, G, A]; undefined: none

  std::int64_t order() const { return factors.size(3); }
  /// How many samples of the input an output sample depends on.
  std::int64_t memory_samples() const;
  /// Reads    input [B, I, T]; computes in its type
  /// Returns  [B, O, T]
  /// Gradient to the factors, the filters behind them and the input
  at::Tensor play(const at::Tensor& input) const;
};

/// Products at the rate of the signal, or at twice this rate, where they do not alias.
///
/// A product of P signals has P times their bandwidth, and what lies beyond half the rate comes back below it. At twice the
/// rate products of up to three signals come back above half the old rate only, where the filter of the way back takes them
/// out. Both rates' filters are one low-pass of 63 taps (Kaiser, 80 dB, from 0.42 of the rate on), whose phases are made
/// part of the factors and of the filters behind them: what plays is ProductTerms again, with two groups for one. It costs
/// twice as much, and kHalfBandDelay samples of delay.
///
/// Reads    factors [O, R, P, I, L]; after [O, R, A], a filter behind each product, or undefined; oversampling 1 or 2
/// Gradient to both
ProductTerms make_products(const at::Tensor& factors, const at::Tensor& after, std::int64_t oversampling);

/// By how many samples products at twice the rate come later.
inline constexpr std::int64_t kHalfBandDelay = 31;

}  // namespace diffverb
