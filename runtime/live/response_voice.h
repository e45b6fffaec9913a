#pragma once

#include <vector>

#include "runtime/live/source.h"

namespace diffverb::runtime {

/// Which response leads from where to where.
enum class ResponseLayout {
  kMono,        ///< one response, one input, one output
  kStereo,      ///< left to left, right to right
  kTrueStereo,  ///< left to left, left to right, right to left, right to right
};

/// Plays responses of one length (1, 2 or 4 of them, as the layout says) by convolution without latency. A reason where there
/// are no samples, or where it was given up.
VoiceResult make_checked_voice(const std::vector<std::vector<float>>& responses, ResponseLayout layout,
                               const GivenUp& given_up);

/// The voice of responses that are kept at the host's rate, with a variation.
VoiceResult make_varied_voice(const VariedResponses& responses, ResponseLayout layout, const Variation& variation,
                              const GivenUp& given_up);

/// The voice of responses of some rate at a setting's rate and with its variation. `layout` says how many they are.
VoiceResult make_varied_voice(std::vector<std::vector<float>> responses, ResponseLayout layout, double rate_hz,
                              const Setting& setting, const GivenUp& given_up = {});

}  // namespace diffverb::runtime
