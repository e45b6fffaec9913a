#pragma once

#include <complex>
#include <span>
#include <vector>

namespace diffverb::acoustics {

/// One second-order section, a0 = 1:  H(z) = (b0 + b1 z^-1 + b2 z^-2) / (1 + a1 z^-1 + a2 z^-2).
struct Section {
  double b0 = 1, b1 = 0, b2 = 0, a1 = 0, a2 = 0;
};
using Sections = std::vector<Section>;

enum class BandWidth { kOctave, kThirdOctave };

/// One fractional-octave band.
///
/// Exact centres are the base-2 series of IEC 61260:1995, 1000 * 2^(k/b) Hz with b = 1 or 3, so that octaves stand at
/// 125, 250 ... 8000 Hz exactly; edges are hz * 2^(-+1/(2b)). nominal_hz is the rounded name of the band (160, 200, 315
/// ...).
struct Band {
  double hz = 0;
  double low_hz = 0;
  double high_hz = 0;
  double nominal_hz = 0;
};

/// Largest share of the Nyquist frequency that a band's upper edge may take; a band above it is left out.
inline constexpr double kHighestEdge = 0.95;

/// Bands whose nominal centre lies in [from_hz, to_hz] and whose upper edge is at most kHighestEdge of Nyquist.
///
/// Returns  ascending; may be empty
/// Throws   ContractError unless rate_hz > 0
std::vector<Band> make_bands(BandWidth width, double rate_hz, double from_hz = 63, double to_hz = 16000);

/// Digital Butterworth band-pass, bilinear with prewarped edges: the response of scipy.signal.butter(order, [low,
/// high], 'bandpass', output='sos'), one section per prototype pole, each with zeros at z = 1 and z = -1.
///
/// Throws   ContractError unless order >= 1 and 0 < low_hz < high_hz < rate_hz / 2
Sections butterworth_band_pass(int order, double low_hz, double high_hz, double rate_hz);

/// The filter of a band: third-order Butterworth, as every measure in core/acoustics uses it.
Sections band_filter(const Band& band, double rate_hz);

/// H(e^{j 2 pi hz / rate_hz}) of a cascade.
std::complex<double> response_at(const Sections& sections, double hz, double rate_hz);

/// Group delay of a cascade at a frequency, in seconds.
double group_delay_s(const Sections& sections, double hz, double rate_hz);

/// Causal filtering from rest (transposed direct form II); the output is as long as the input.
std::vector<double> apply_filter(const Sections& sections, std::span<const double> input);

}  // namespace diffverb::acoustics
