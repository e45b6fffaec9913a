#pragma once

#include <span>
#include <vector>

namespace diffverb::runtime {

/// A sound of one rate at another: band-limited interpolation with a Kaiser-windowed sinc, pass band to 0.95 of the lower
/// half rate, 120 dB down beyond. Length is ceil(size to / from); no delay. For whole responses, off the audio thread.
std::vector<float> resample(std::span<const float> sound, double from_hz, double to_hz);

}  // namespace diffverb::runtime
