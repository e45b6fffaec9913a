#pragma once

#include <cstdint>
#include <vector>

#include "core/tensor.h"

namespace diffverb {

/// Measured responses whose decay is stretched or shortened, octave by octave.
///
///   h' = h + sum_k d_k (w_k - 1),   w_k(t) = sqrt(E_k(t / s_k) / E_k(t)) from the onset on, before it 1
///
/// The bands sum to h (core/spectral/band_split.h); E_k is the energy decay curve of band k less its noise, over all
/// responses: the whole curve is stretched, with all its slopes. (An exponential factor instead stretches one slope and
/// makes a later, slower one slower by more, or lets it grow.) d_k is what decays in band k: the band until its noise is
/// 10 dB below, then noise of our own that goes on as the curve does. The measured noise is no part of it: it stays as
/// loud as it is, or goes (keep_noise). At ratio 1 h' is h, sample by sample, where the noise is kept.
///
/// Reads    responses [P, L] float64, at any scale; a band whose decay cannot be measured is left as it is
/// Gradient to the ratios
/// Throws   DataError where no band decays
class DecayChange {
 public:
  struct Options {
    double rate_hz = 48000;
    bool keep_noise = true;
    std::uint64_t seed = 1;  // of the noise that goes on
  };
  DecayChange(const at::Tensor& responses, const Options& options);

  /// 63 Hz to 8 kHz; the lowest takes what is below, the highest what is above.
  static const std::vector<double>& band_hz();
  /// Decay time of each octave as core/acoustics measures it, T30 or T20, the median over the responses. 0: none.
  const std::vector<double>& t60_s() const { return t60_s_; }
  static std::vector<double> octave_times(const at::Tensor& responses, double rate_hz);

  /// s_k = ratio_k ^ exponent_k, exponents of 1 until settle() finds those with which the octaves, measured again, decay
  /// in ratio_k times t60_s(): decay curves bend, and octaves hear their neighbours.
  void settle(const at::Tensor& ratios);
  /// How long a response is whose bands decay so: 80 dB in all of them; the measured length at least.
  std::int64_t samples_for(const at::Tensor& ratios) const;
  /// Reads    ratios [K] float64, new decay time over the measured; samples, the measured length or more
  /// Returns  h' [P, samples] float64
  at::Tensor apply(const at::Tensor& ratios, std::int64_t samples) const;

 private:
  struct Knee {
    std::int64_t from = 0;  // the measured band gives way to noise of our own over `fade` samples from here on
    double power = 0;       // of what decays, mean square at `from`
    bool decays = false;
  };
  void measure(const at::Tensor& bands);
  void make_curve(std::size_t band, const at::Tensor& rows);
  void make_decaying(std::int64_t samples) const;
  at::Tensor curve_at(const at::Tensor& samples) const;

  Options options_;
  at::Tensor h_, bands_;                  // [P, L], [K, P, L]
  std::vector<std::vector<Knee>> knees_;  // [K][P]
  std::vector<double> t60_s_;
  at::Tensor curves_,
      slopes_;            // log of E_k every `hop` samples [K, M], and by how much it falls a hop behind them [K]
  at::Tensor exponents_;  // [K]
  std::int64_t onset_ = 0, end_ = 0, fade_ = 1, hop_ = 1;
  mutable at::Tensor decaying_, rest_;  // d_k [K, P, samples]; h or h without its noise [P, samples]
};

}  // namespace diffverb
