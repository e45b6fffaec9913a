#pragma once

#include <string>

#include "core/audio_file.h"

namespace diffverb {

/// Less than this from its onset on is no room's response.
inline constexpr double kShortestResponse_s = 0.01;

/// Throws   DataError where a channel has a sample that is not finite or is too short to be a room's response, or where
///          all of them are silent; `name` is what the message begins with
void check_response(const Audio& response, const std::string& name);

}  // namespace diffverb
