#pragma once

#include <cstddef>
#include <span>
#include <vector>

namespace diffverb::runtime {

/// The slope of the low-pass filter that changes a rate: a sinc in a Kaiser window.
struct RateSlope {
  double cutoff = 0.975;    // of the lower half rate, the middle of the slope
  double half_width = 160;  // samples of the lower rate on each side: a slope of 0.05 of the half rate
  double beta = 12.3;       // of the window: 120 dB
};

/// A sound of one rate at another: band-limited interpolation with a Kaiser-windowed sinc, as it stands pass band to 0.95
/// of the lower half rate, 120 dB down from that half rate on. Length is ceil(size to / from); no delay. For whole responses, off the
/// audio thread. What the sinc would ring before the first sample is cut off: fine for sounds, not for a response that
/// begins with its direct sound (resample_responses).
std::vector<float> resample(std::span<const float> sound, double from_hz, double to_hz, const RateSlope& slope = {});

/// Impulse responses of one length, one after the other, at another rate: to convolve with them at `to_hz` is what
/// convolving with the old ones was at `from_hz`, so they are scaled by from / to. The same band limit, but with the least
/// phase: nothing rings ahead of the first sample, and all frequencies keep their level however early a response begins.
/// For every pair of rates it is one filter in samples of the lower one, which peaks four of them late. Each response is
/// ceil(length to / from) long and `more` samples of the lower rate, for what rings on at the end.
///
/// Two stages: a steep filter at four times the lower rate, one convolution; and a short interpolation between that rate
/// and the higher one, which has nothing to keep apart that lies close together.
std::vector<float> resample_responses(std::span<const float> rows, std::size_t length, double from_hz, double to_hz,
                                      std::size_t more = 0);

}  // namespace diffverb::runtime
