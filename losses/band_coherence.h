#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "core/fields.h"
#include "core/spectral/filter_bank.h"
#include "core/tensor.h"

namespace diffverb {

/// Coherence between the channels of a response by third octaves, with a gradient: what measure_coherence
/// (core/acoustics/binaural.h) measures.
///
///   gamma_cd(k) = sum_{f in band k} X_c conj X_d / sqrt((E_c + floor) (E_d + floor)),   E_c = sum_{f in band k} |X_c|^2
///
/// X is the Fourier transform of the response from from_ms on, floor = 10^(floor_db / 10) of the target's E_c in that
/// band. gamma is 1 for equal channels, 0 for unrelated ones.
class BandCoherence {
 public:
  /// Reads    loss: named in errors; from_ms: where the key is not read or not given
  BandCoherence(std::string loss, double from_ms) : loss_(std::move(loss)), from_ms_(from_ms) {}

  /// Reads the keys from_hz, to_hz, floor_db and, where `with_from_ms`, from_ms.
  void read(Fields& fields, bool with_from_ms);

  /// Takes the bands and floors from a target [B, C, T].
  /// Throws   ContractError where a channel is silent or ends before from_ms, or where no third octave of the range
  ///          holds a bin
  void set_target(const at::Tensor& ir, double rate_hz);

  /// [K, B, C, C] complex, of a response of the target's shape.
  at::Tensor operator()(const at::Tensor& ir) const;

  /// Of the target's transform.
  const ThirdOctaveBins& bands() const { return *bands_; }
  std::int64_t fft_size() const { return fft_size_; }

 private:
  at::Tensor cross_spectra(const at::Tensor& ir) const;    // [K, B, C, C] complex
  at::Tensor normalised(const at::Tensor& spectra) const;  // the same

  std::string loss_;
  double from_hz_ = 125, to_hz_ = 8000, from_ms_ = 0, floor_db_ = -80;
  std::int64_t first_ = 0, fft_size_ = 0;
  std::optional<ThirdOctaveBins> bands_;
  at::Tensor floor_;  // [K, B, C]
};

/// Mean of [..., C, C] over the pairs c < d and all that stands before them.
at::Tensor mean_over_pairs(const at::Tensor& values);

}  // namespace diffverb
