#pragma once

#include <optional>

#include "core/acoustics/analysis.h"
#include "core/acoustics/late_part.h"

namespace diffverb::acoustics {

/// How the energy of a response and its decay times lie over frequency. Each is empty where its bands have no decay, or
/// nothing is left of the late part.
struct BandBalance {
  std::optional<double> bass_ratio;    ///< (T 125 + T 250) / (T 500 + T 1000), octaves
  std::optional<double> treble_ratio;  ///< (T 2000 + T 4000) / (T 500 + T 1000)
  /// Energy a hertz of the late part, 125 - 500 Hz over 500 Hz - 2 kHz, dB.
  std::optional<double> low_mid_db;

  /// A third-octave band, 200 Hz to 5 kHz, against the two bands on either side of it: their median level, the
  /// lower of their middle decay times (a filter's skirts let the slow band be heard in its neighbours).
  struct Band {
    double hz = 0, value = 0;
    double noise = 0;  ///< what the same stretch of noise scatters by: one standard deviation
  };
  std::optional<Band> loudest;  ///< of the late part, dB a hertz
  std::optional<Band> longest;  ///< ratio of the decay times
};

/// Reads    result: an analysis with third octaves; late: its late part
/// Source   bass ratio: Beranek 1996, "Concert and opera halls"
BandBalance measure_band_balance(const ChannelResult& result, const LatePart& late);

}  // namespace diffverb::acoustics
