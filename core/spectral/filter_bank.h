#pragma once

#include <cstdint>
#include <vector>

#include "core/tensor.h"

namespace diffverb {

/// Perceptual frequency scales. Hz -> scale is monotone and 0 at 0 Hz.
///
///   mel = 2595 log10(1 + f / 700)          O'Shaughnessy 1987 (the HTK form)
///   erb = 21.4 log10(1 + 0.00437 f)        Glasberg and Moore 1990, the number of ERBs below f
enum class FrequencyScale { kMel, kErb };

double hz_to_scale(FrequencyScale scale, double hz);
double scale_to_hz(FrequencyScale scale, double value);

/// Triangular filters, equally spaced and equally wide on a perceptual scale, over the bins of a real transform.
///
/// Each is 1 on the centre of its band and 0 from its neighbours' centres on, so the filters sum to 1
/// from the first centre to the last. A weight is the mean of the triangle over the width of its bin: a band narrower
/// than a bin keeps its share instead of being empty.
struct FilterBank {
  at::Tensor weights;             // [K, F], F = fft_size / 2 + 1
  std::vector<double> centre_hz;  // [K]
};

/// Reads    bands K >= 1, 0 <= from_hz < to_hz <= rate_hz / 2 (the feet of the first and the last triangle)
/// Returns  weights in float64 on the CPU
/// Throws   ContractError outside those ranges
FilterBank triangular_filter_bank(FrequencyScale scale, std::int64_t bands, std::int64_t fft_size, double rate_hz,
                                  double from_hz, double to_hz);

/// Power responses of gammatone filters of order 4, centres equally spaced on the ERB scale from from_hz to to_hz.
///
///   W(m, f) = (1 + ((f - c_m) / (1.019 ERB(c_m)))^2)^-4,   ERB(c) = 24.7 (1 + 4.37 c / 1000) Hz
///
/// 1 at the centre, half at 0.44 ERB beside it, an area of one ERB. A weight is the mean over the width of its bin.
/// Reads    bands K >= 2, 0 <= from_hz < to_hz <= rate_hz / 2
/// Returns  weights in float64 on the CPU
/// Throws   ContractError outside those ranges
/// Source   Glasberg and Moore 1990; Patterson et al. 1992
FilterBank gammatone_filter_bank(std::int64_t bands, std::int64_t fft_size, double rate_hz, double from_hz,
                                 double to_hz);

/// Third-octave bands as runs of bins of a real transform: bin k belongs to the band with low_hz <= k rate_hz /
/// fft_size < high_hz.
///
/// The bands are those of core/acoustics/filters.h; one that holds no bin (a short transform) is left out.
class ThirdOctaveBins {
 public:
  /// Throws   ContractError where no band holds a bin
  ThirdOctaveBins(std::int64_t fft_size, double rate_hz, double from_hz, double to_hz);

  const std::vector<double>& nominal_hz() const { return nominal_hz_; }
  /// The bins of each band: a list of [..., n_k] of a [..., F] tensor. The gradient of all of them is one
  /// concatenation.
  std::vector<at::Tensor> split(const at::Tensor& spectrum) const;
  /// Sum over each band, [..., K] of [..., F].
  at::Tensor sum(const at::Tensor& power) const;

 private:
  std::int64_t bins_;
  std::vector<double> nominal_hz_;
  std::vector<std::int64_t> sizes_;  // runs of bins that follow each other, those between and around bands included
  std::vector<std::size_t> used_;    // which of the runs are bands
};

}  // namespace diffverb
