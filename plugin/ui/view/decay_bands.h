#pragma once

#include <optional>
#include <span>
#include <vector>

namespace diffverb::ui {

/// How the energy of one band falls.
struct BandDecay {
  double centre_hz = 0;  ///< 0 for all frequencies together
  std::vector<float>
      level_db;  ///< 10 log10(EDC(t) / EDC(0)) at each step, down to the noise; empty where nothing plays
  std::optional<double> t60_s;  ///< nothing where too little of a decay stands above the noise
};

/// A response as the interface shows it, in steps of a millisecond.
struct ResponsePicture {
  static constexpr double kStepSeconds = 0.001;

  BandDecay all;
  std::vector<BandDecay> bands;  ///< octaves from 125 Hz to 8 kHz, as far as the rate has them
  std::vector<std::vector<float>>
      peak_db;         ///< [channels][steps], largest sample of each step; 0 dB is the largest of all
  double seconds = 0;  ///< length
};

/// Octave-band energy decays of an impulse response, its channels' energies together.
///
///   band     third-order Butterworth, run backwards in time, so that the filter's own ringing comes before the sound and
///            not in its decay (Jacobsen 1987)
///   noise    of a measured response: the mean of what lies behind the crossing of the decay's line with the noise,
///            found by iteration (Lundeby et al. 1995, simplified to three parts: late line, noise, crossing)
///   EDC      backward integral (Schroeder 1965) of energy less noise up to that crossing or the end, plus what the line
///            carries beyond it
///   T60      from the least-squares line of -5 .. -35 dB; of a range below 40 dB of -5 .. -25, below 30 of -5 .. -15
///
/// Takes about 3 ms for each second of stereo at 48 kHz.
ResponsePicture picture_of(std::span<const std::vector<float>> channels, double rate_hz);

}  // namespace diffverb::ui
