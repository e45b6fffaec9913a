#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "core/tensor.h"

namespace diffverb {

/// Interaural cross-correlation of the channels of a response, with a gradient: what measure_iacc
/// (core/acoustics/binaural.h) measures.
///
///   IACC = max_{|lag| <= 1 ms} | sum_t x_c(t) x_d(t + lag) | / sqrt((E_c + floor) (E_d + floor)),   E = sum_t x(t)^2
///
/// in the octaves 500, 1000 and 2000 Hz, as far as the rate has them, over 0..80 ms (early) and 80..1000 ms (late); floor
/// is 80 dB below the target's E.
class CrossCorrelation {
 public:
  /// Where early and late part.
  static constexpr double kSplitMs = 80;

  /// Takes the filters and floors from a target [B, C, T]; `loss` is named in errors.
  /// Throws   ContractError where the target ends before 80 ms or the rate has none of the octaves
  void set_target(const at::Tensor& ir, double rate_hz, const std::string& loss);

  /// [2, O, B, pairs]: early and late of each octave, of the pairs c < d of two or more channels.
  at::Tensor operator()(const at::Tensor& ir) const;

 private:
  at::Tensor octaves(const at::Tensor& ir) const;                                   // [O, B, C, T]
  at::Tensor part_of(const at::Tensor& octaves, std::size_t part) const;            // its early or late part
  at::Tensor correlations(const at::Tensor& heard, const at::Tensor& floor) const;  // [O, B, pairs]
  std::int64_t samples(double ms) const;

  double rate_hz_ = 0;
  std::int64_t fft_size_ = 0;
  at::Tensor filters_;             // [O, 1, 1, F] complex
  std::vector<at::Tensor> floor_;  // by part, [O, B, C]
};

}  // namespace diffverb
