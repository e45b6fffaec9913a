#pragma once

#include <optional>
#include <span>

namespace diffverb::acoustics {

/// Share of isolated modes in a late response, in percent: what sounds metallic.
///
///   100 * #{ bins in 200 Hz .. 4 kHz with |H(f)|^2 > 12 dB above the median of |H|^2 over +-1/6 octave around f } /
///   #bins
///
/// H is the transform of the whole stretch, not windowed (an exponential decay is its own window) and padded with zeros
/// only to a fast length. A diffuse (Gaussian) tail gives 0.002 %.
///
/// Reads    late [T]: the response after the early part, up to where its noise begins
/// Returns  percent; nothing where the stretch is silent or so short that +-1/6 octave at 200 Hz holds fewer than 5
///          bins
/// Throws   ContractError unless rate_hz > 0
std::optional<double> late_modes_pct(std::span<const double> late, double rate_hz);

/// How evenly a late response fills the spectrum, over the same bins and neighbours.
struct LateSpectrum {
  double isolated_pct = 0;  ///< late_modes_pct
  double loudest_db = 0;    ///< the highest bin over the median of its neighbours; about 11 dB in a diffuse tail
  double loudest_hz = 0;
  /// Standard deviation of |H| in dB about its mean over the neighbours, so that a slope or a hill of the spectrum does
  /// not count. kDiffuseSpreadDb where modes overlap (Schroeder), more where single ones stand out or are missing.
  double spread_db = 0;
  double flatness = 0;  ///< geometric over arithmetic mean of |H|^2 within the neighbours; kDiffuseFlatness, or less
};

/// Of a complex Gaussian H: 10 / ln 10 * pi / sqrt 6.
inline constexpr double kDiffuseSpreadDb = 5.570;
/// Of the same: e to the power of Euler's constant, negative.
inline constexpr double kDiffuseFlatness = 0.5615;

/// Reads, Returns, Throws   as late_modes_pct
/// Source   Schroeder 1954, "Die statistischen Parameter der Frequenzkurven von grossen Raeumen"
std::optional<LateSpectrum> measure_late_spectrum(std::span<const double> late, double rate_hz);

}  // namespace diffverb::acoustics
