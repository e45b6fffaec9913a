#pragma once

#include <cstdint>
#include <vector>

#include "core/tensor.h"

namespace diffverb {

/// Critical-band rate in Bark, 0 to 24. Source: Zwicker and Terhardt 1980
double hz_to_bark(double hz);

struct MaskingOptions {
  double bands_per_bark = 2;
  double forward_ms = 200;  // time in which what is masked after a sound falls by 60 dB
  double quiet_db = -90;    // threshold in quiet, below the loudest band and frame
};

/// What a sound masks, by band and frame of its short-time spectrum: an error below it is not heard.
///
///   E(b, k) = sum of |S(f, k)|^2 over the bins of band b
///   C(b, k) = sum_j 10^(s(z_b - z_j) / 10) E(j, k) / sum_j 10^(s(z_b - z_j) / 10)
///   s(z) = 15.81 + 7.5 (z + 0.474) - 17.5 sqrt(1 + (z + 0.474)^2) dB            spreading over z Bark
///   O(b, k) = a (14.5 + z_b) + (1 - a) 5.5 dB,   a = min(flatness_dB(k) / -60, 1)   a tone masks less than noise
///   threshold(b, k) = max over m <= k of 10^(-O(b, m) / 10) C(b, m) 10^(-6 (t_k - t_m) / forward_ms), at least quiet
///
/// Bands are runs of bins, equally wide in Bark; those that hold no bin are left out. The threshold in quiet stands in
/// for the ear's, as a file does not say how loud it is played. Forward masking is an exponential: the ear's own is
/// steeper at first and over after the same 200 ms.
///
/// Source   Schroeder, Atal and Hall 1979 (spreading); Johnston 1988 (offset, normalisation); Zwicker and Fastl ch. 4
///          (forward masking)
class MaskingModel {
 public:
  /// Throws   ContractError unless fft_size is even, the hop and the rate are positive
  MaskingModel(std::int64_t fft_size, std::int64_t hop_size, double rate_hz, const MaskingOptions& options,
               const at::TensorOptions& tensors);

  std::int64_t bands() const { return membership_.size(0); }
  const std::vector<double>& centre_bark() const { return centre_bark_; }
  const at::Tensor& membership() const { return membership_; }  // [B, F]: 1 where a bin belongs to a band, else 0
  /// Reads    power [..., F, K], |stft|^2 of the sound
  /// Returns  [..., B, K], energy of a band below which an error is masked; > 0 where the sound has energy at all
  at::Tensor threshold(const at::Tensor& power) const;

 private:
  MaskingOptions options_;
  double hop_s_;
  std::vector<double> centre_bark_;
  at::Tensor membership_;  // [B, F] 0 or 1
  at::Tensor spreading_;   // [B, B]
  at::Tensor bark_;        // [B, 1]
};

}  // namespace diffverb
