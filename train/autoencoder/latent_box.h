#pragma once

#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>

#include "core/audio_file.h"
#include "train/autoencoder/room_coder.h"

namespace diffverb {

/// Why a response does not decay as a room does; nothing where it does.
///
/// Implausible: the loudest frame (64 ms) begins later than 160 ms after the onset; energy rises, a tenth of a second
/// by more than 3 dB over the one before it, after those 160 ms and above 60 dB below the loudest; T20 of the 1 kHz
/// octave is undefined.
std::optional<std::string> implausible_decay(const Audio& response);

/// What became of points drawn evenly from the box of latent coordinates.
struct LatentBox {
  std::int64_t points = 0, implausible = 0;
  std::string example;  // of the first implausible point: why
};
LatentBox try_latent_box(RoomCoder& coder, std::int64_t points, std::uint64_t seed);

nlohmann::json to_json(const LatentBox& box);

}  // namespace diffverb
