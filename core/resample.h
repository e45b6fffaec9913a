#pragma once

#include "core/audio_file.h"

namespace diffverb {

/// The same sound at another rate, band-limited, linear phase and without delay (soxr, very high quality).
///
/// Returns  round(frames * rate_hz / audio.rate_hz) samples a channel
/// Throws   ContractError for a rate outside 1 Hz to 10 MHz or channels of unequal length
Audio resample(const Audio& audio, double rate_hz);

}  // namespace diffverb
