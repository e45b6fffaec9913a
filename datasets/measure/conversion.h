#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "core/tensor.h"

namespace diffverb {

struct ConversionSettings {
  double low_hz = 40, high_hz = 16000;  // where both responses say something; beyond, the filter tends to 0 dB
  double most_gain_db = 12;             // of the filter against its mean
  double smoothing_octaves = 1.0 / 6;   // of both spectra: what changes with the angle is not to be inverted
  std::string phase = "minimum";        // or "linear": symmetric, late by half its length
  std::int64_t taps = 4096;
  bool keep_level = false;  // the difference in level is part of the filter, else its mean over the range is 0 dB
};

/// A filter that makes what one microphone or loudspeaker gave sound as if another had given it.
struct Conversion {
  struct Point {
    double hz = 0;
    double before_db = 0,
           after_db = 0;  // of the one over the other, without and with the filter; without the mean level
    double gain_db = 0;   // of the filter
  };
  at::Tensor taps;  // [L] float64
  std::int64_t delay_samples = 0;
  double level_db = 0;        // of `to` over `from`, mean over the range
  std::vector<Point> points;  // by sixths of an octave within the range
  double before_rms_db = 0, after_rms_db = 0, worst_after_db = 0;
};

/// Regularised inverse of one response times the other:
///
///   |H(f)| = |T| |F| / (|F|^2 + epsilon(f)),   epsilon(f) = |T|^2 / (4 g^2) s,   s = r^2 / (r^2 + (g / 2)^2),  r = |T| / |F|
///
/// with F what was measured and T what it should have been, both smoothed, at equal mean level, g the most gain. Where F
/// comes near zero, |H| stays below g and falls to zero with F instead of lifting the noise that is left there. The phase is
/// the least that such a magnitude can have (by its cepstrum), or linear.
///
/// Reads    from, to [T] float64: impulse responses at one rate, not silent
/// Throws   ConfigError for a range or a number of taps that cannot be
/// Source   O. Kirkeby, P. A. Nelson, J. Audio Eng. Soc. 47 (7/8), 1999; A. V. Oppenheim, R. W. Schafer 1975 (cepstrum)
Conversion design_conversion(const at::Tensor& from, const at::Tensor& to, double rate_hz,
                             const ConversionSettings& settings);

}  // namespace diffverb
