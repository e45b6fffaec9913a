#pragma once

#include <optional>

#include "core/acoustics/late_part.h"

namespace diffverb::acoustics {

/// The mode that rings on when all around it has gone: between 125 Hz and 4 kHz the bin that decays slowest against its
/// neighbours, of those that stand kAloneDb above them at the end.
struct Ringing {
  bool alone = false;  ///< a bin stands out at the end; where none does, the figures are of the one that comes nearest
  double hz = 0;
  double above_db = 0;      ///< at the end, over the median of the bins within a sixth of an octave
  double t60_s = 0;         ///< its decay time
  double around_t60_s = 0;  ///< that of the same median
  double ratio() const { return t60_s / around_t60_s; }
};

inline constexpr double kAloneDb = 12;

/// Octave by octave, as each reaches its noise at another time. Decays by the line through the levels of thirteen frames
/// (Hann, a quarter of the octave's late part long); the end is the mean of the last three.
///
/// Reads    channel [T] linear amplitude, and what analyze_channel said of it
/// Returns  nothing where no octave's late part is kShortestRingingSeconds long and decays
std::optional<Ringing> measure_ringing(std::span<const double> channel, const ChannelResult& result);

inline constexpr double kShortestRingingSeconds = 0.15;

}  // namespace diffverb::acoustics
