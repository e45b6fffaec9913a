#pragma once

#include <optional>

#include "core/acoustics/late_part.h"

namespace diffverb::acoustics {

/// The strongest repetition in a stretch of sound, against what noise of its length has by chance.
struct Repetition {
  double peak = 0;        ///< the largest correlation of the stretch with itself, some time later: 0..1
  double period_s = 0;    ///< that time
  double noise_peak = 0;  ///< the largest that Gaussian noise of the same length is expected to have
};

/// How a late part repeats itself, within half of its length and half a second.
struct Periodicity {
  Repetition fine;      ///< the waveform from 5 ms on, 200 Hz .. 8 kHz, of either sign: combs, loops of few lines
  Repetition envelope;  ///< the energy in blocks of 5 ms from 20 ms on: flutter, ping-pong echoes
};

/// Decay and colour are taken away first (the exponential of late_part.h; the spectrum divided by its mean over a third
/// of an octave), so that neither looks like a repetition. With x what is left, L samples of it:
///
///   c(tau) = sum_n x(n) x(n + tau) / sum_n x(n)^2 * sqrt(L / (L - tau)),   peak = max (c(tau) - min_{s < tau} c(s))
///
/// Noise has the standard deviation 1 / sqrt(2 B T) in c at every tau, B its bandwidth and T its effective duration, and
/// the largest of M independent ones lies near sqrt(2 ln M) times that. Envelope: the same of the blocks' levels in dB,
/// smoothed over two, less their mean over half a second.
///
/// Returns  nothing for a stretch of less than kShortestPeriodicSeconds, or silence
std::optional<Periodicity> measure_periodicity(const LatePart& late);

inline constexpr double kShortestPeriodicSeconds = 0.1;

}  // namespace diffverb::acoustics
