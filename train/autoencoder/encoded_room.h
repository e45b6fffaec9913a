#pragma once

#include <filesystem>
#include <nlohmann/json_fwd.hpp>
#include <string>

#include "train/autoencoder/room_coder.h"

namespace diffverb {

/// latent.json of diffverb encode: {"file", "model", "model_sha256", "rate_hz", "seconds", "onset_s", "z", "channels":
/// [{"z", "level_db", "onset_s"}]}; z by itself is the first channel's.
nlohmann::json encoded_room_json(const EncodedRoom& room, const std::string& file, const std::filesystem::path& model);

/// Such a file, read again. Warns where it was encoded with another model.
///
/// Throws   DataError where it is no such file, or holds what is not a number or does not go with the model: `latent`
///          coordinates a point, each from -`bound` to `bound`
EncodedRoom read_encoded_room(const std::filesystem::path& path, const std::filesystem::path& model, int latent,
                              double bound);

}  // namespace diffverb
