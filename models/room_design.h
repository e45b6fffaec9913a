#pragma once

#include <cstdint>
#include <vector>

#include "core/tensor.h"

namespace diffverb {

/// What a measured response says about the network that will imitate it: the start of a fit.
struct RoomDesign {
  /// Decay time of one slope over frequency, from octave and third-octave bands with enough range.
  struct DecayCurve {
    std::vector<double> hz, t60_s, weight;
  };
  std::vector<DecayCurve> slopes;  // one, or two (early, late) for coupled rooms
  double late_slope_db =
      0;                  // power density of the late slope at the onset against the early one's, where there are two
  double t60_s = 1.0;     // median over the octaves 250 Hz to 4 kHz (of the longer slope)
  double length_s = 1.0;  // to the deepest point that a decay loss looks at, with some room
  std::vector<double> band_hz;  // third octaves of the output equaliser
  at::Tensor
      late_energy;  // [C, bands] energy after early_s without its noise, float64; NaN for bands beyond half the rate
};

struct RoomDesignOptions {
  int slopes = 0;  // 0: as the analysis finds
  double early_s = 0.08;
  double range_db = 45;
  double longest_s = 10.0;
};

/// Reads    ir [C, T] float64, first sample at (or a little before) the onset; band_hz third-octave centres of the
///          equaliser
/// Throws   DataError where no octave decays
RoomDesign design_room(const at::Tensor& ir, double sample_rate_hz, const std::vector<double>& band_hz,
                       const RoomDesignOptions& options);

/// Distinct primes in geometric progression: lines delays from 12 ms sqrt(T60) (5 to 20 ms) to 45 ms sqrt(T60) (20 to
/// 70 ms). Primes keep the echoes of different lines apart; source: Schlecht and Habets 2017, Sec. V.
std::vector<std::int64_t> choose_delays(std::int64_t lines, double t60_s, double sample_rate_hz);

}  // namespace diffverb
