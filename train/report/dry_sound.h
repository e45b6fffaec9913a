#pragma once

#include <cstdint>

#include "core/audio_file.h"

namespace diffverb {

/// Of the sound that reports and galleries play.
inline constexpr std::uint64_t kDrySeed = 1;

/// About three seconds of dry sound that shows what a reverb does: plucked strings, a snare drum, a click, and a rest
/// after each.
///
///   string   y(n) = (1 - s) e + s e', a delay of one period with a two-point average in its loop (Karplus and Strong
///            1983), its fraction of a sample by a first-order allpass (Jaffe and Smith 1983)
///   snare    high-passed noise, tau = 55 ms, and two decaying tones
///   click    half a sine of 0.2 ms
///
/// Reads    rate_hz 8,000 to 384,000; the seed of the noises
/// Returns  one channel, peak -6 dB, the same samples for the same rate and seed
/// Throws   ContractError on another rate
Audio make_dry_sound(double rate_hz, std::uint64_t seed);

}  // namespace diffverb
