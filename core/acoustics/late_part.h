#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "core/acoustics/analysis.h"

namespace diffverb::acoustics {

/// The late part of a response, which the signs of signs.h look at: from kTailFromSeconds after the onset until it has
/// fallen by kTailFallDb, or stands kAboveNoiseDb above its own noise.
struct LatePart {
  std::span<const double> samples;  ///< into the channel; empty where nothing is left
  double rate_hz = 0;
  double seconds() const { return static_cast<double>(samples.size()) / rate_hz; }
};

inline constexpr double kAboveNoiseDb = 10;
inline constexpr const char* kNoLatePart = "nothing is left of the response 80 ms after its onset";

/// Reads    channel [T] linear amplitude, and what analyze_channel said of it; the result looks into the channel
LatePart late_part(std::span<const double> channel, const ChannelResult& result);
/// The same with the noise of one band.
LatePart late_part(std::span<const double> channel, const ChannelResult& result, const BandResult& band);

/// The late part with its decay taken away: times the inverse of the exponential that fits its energy best, so that its
/// end counts as much as its beginning.
std::vector<double> without_decay(const LatePart& late);

/// Seconds of stationary noise that would say as much: (sum e)^2 / sum e^2 over energies e of blocks of 5 ms. What is
/// measured of a shorter stretch scatters more.
double effective_seconds(std::span<const double> samples, double rate_hz);

/// Energies of blocks without overlap, 10 log10; -300 dB for silence.
std::vector<double> block_levels_db(std::span<const double> samples, std::size_t block);

}  // namespace diffverb::acoustics
