#pragma once

#include <vector>

namespace diffverb {

/// The bands and times in which the envelope models describe a response, at 48 kHz whatever the file's rate was.
///
/// Below 100 Hz the bands are one bin of a 1024-point transform at 16 kHz wide, above it third octaves; the first 26
/// are the bands in which the smoothed log-spectral distance is measured, five more go on to 24 kHz. The amplitude of a
/// band falls to its neighbour's centre by Meyer's crossfade, so that squares add up to 1 and a band rings no longer
/// than its width asks for:
///
///   w_k = cos(pi/2 v(x)), w_k+1 = sin(pi/2 v(x)),  v(x) = x^4 (35 - 84 x + 70 x^2 - 20 x^3),  x in [0, 1] between
///   centres
///
/// Times are the edges of cells: 4 ms to 0.5 s, 16 ms to 2.1 s, 64 ms to 8.3 s.
struct EnvelopeLayout {
  std::vector<double> edges_hz;    // [K + 1]
  std::vector<double> centres_hz;  // [K]
  std::vector<double> times_s;     // [NT + 1]
  std::vector<double> knots_s;     // [J], where the gain of early energy is set

  int bands() const { return static_cast<int>(centres_hz.size()); }
  int cells() const { return static_cast<int>(times_s.size()) - 1; }
  int knots() const { return static_cast<int>(knots_s.size()); }

  /// Amplitude of each band at a frequency, [K]; squares sum to 1 but near 0 Hz, where there is nothing to keep.
  std::vector<double> weights_at(double hz) const;
  /// How much each knot counts at each time, [J, times]: linear between knots over the logarithm of time, 0 from 160
  /// ms.
  std::vector<std::vector<double>> knot_weights(const std::vector<double>& times_s) const;
};

const EnvelopeLayout& envelope_layout();

inline constexpr double kEnvelopeRateHz = 48000;
inline constexpr double kUniformCellSeconds = 0.004;
inline constexpr int kUniformCells = 125;  // the first cells, of 4 ms each
/// The distance's transform: 1024 points every 256 samples at 16 kHz, 128 frames.
inline constexpr double kDistanceRateHz = 16000;
inline constexpr int kDistanceFftSize = 1024, kDistanceHop = 256, kDistanceFrames = 128;

/// First bin of each band of the smoothed log-spectral distance, and one past the last: 27 numbers.
std::vector<int> distance_edges_bins();

}  // namespace diffverb
