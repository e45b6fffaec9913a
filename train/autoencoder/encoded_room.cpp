#include "train/autoencoder/encoded_room.h"

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include "core/audio_file.h"
#include "core/error.h"
#include "core/files.h"
#include "core/log.h"
#include "core/sha256.h"

namespace diffverb {
namespace {

constexpr double kMostSeconds = 600, kHighestRateHz = 1e6, kMostDb = 400;

double number(const nlohmann::json& object, const char* key, double low, double high, const std::string& path) {
  const auto found = object.find(key);
  if (found == object.end() || !found->is_number())
    throw DataError(path + ": '" + key + "' is missing or not a number; expected the latent.json of diffverb encode");
  const double value = found->get<double>();
  if (!(value >= low && value <= high))
    throw DataError(path + ": '" + key + "' is " + std::to_string(value) + ", expected " + std::to_string(low) +
                    " to " + std::to_string(high));
  return value;
}

std::vector<double> point(const nlohmann::json& object, int latent, double bound, const std::string& path) {
  const auto found = object.find("z");
  if (found == object.end() || !found->is_array())
    throw DataError(path + ": expected the latent.json of diffverb encode, with a list 'z' for each channel");
  std::vector<double> z;
  for (const auto& value : *found) {
    if (!value.is_number() || !(std::abs(value.get<double>()) <= bound))
      throw DataError(path + ": 'z' holds " + value.dump() + ", expected numbers from -" + std::to_string(bound) +
                      " to " + std::to_string(bound));
    z.push_back(value.get<double>());
  }
  if (static_cast<int>(z.size()) != latent)
    throw DataError(path + ": " + std::to_string(z.size()) + " latent coordinates a channel, the model has " +
                    std::to_string(latent));
  return z;
}

}  // namespace

nlohmann::json encoded_room_json(const EncodedRoom& room, const std::string& file, const std::filesystem::path& model) {
  nlohmann::json out{{"file", file},
                     {"model", model.string()},
                     {"model_sha256", sha256_hex(read_file(RoomCoder::file_of(model)))},
                     {"rate_hz", room.rate_hz},
                     {"seconds", room.seconds},
                     {"onset_s", room.onset_s},
                     {"z", room.channels[0].latent}};
  for (const EncodedRoom::Channel& channel : room.channels)
    out["channels"].push_back({{"z", channel.latent}, {"level_db", channel.level_db}, {"onset_s", channel.onset_s}});
  return out;
}

EncodedRoom read_encoded_room(const std::filesystem::path& file, const std::filesystem::path& model, int latent,
                              double bound) {
  const std::string path = file.string();
  const auto json = nlohmann::json::parse(read_file(file), nullptr, false);
  if (!json.is_object() || !json.contains("channels") || !json["channels"].is_array() || json["channels"].empty())
    throw DataError(path + ": expected the latent.json of diffverb encode, with a list 'channels'");
  if (json["channels"].size() > kMostChannels)
    throw DataError(path + ": " + std::to_string(json["channels"].size()) + " channels, expected at most " +
                    std::to_string(kMostChannels));
  EncodedRoom room;
  room.rate_hz = number(json, "rate_hz", 1, kHighestRateHz, path);
  room.seconds = number(json, "seconds", 0, kMostSeconds, path);
  room.onset_s = room.seconds;
  for (const auto& entry : json["channels"]) {
    EncodedRoom::Channel channel;
    channel.latent = point(entry, latent, bound, path);
    channel.level_db = number(entry, "level_db", -kMostDb, kMostDb, path);
    channel.onset_s = number(entry, "onset_s", 0, room.seconds, path);
    room.onset_s = std::min(room.onset_s, channel.onset_s);
    room.channels.push_back(std::move(channel));
  }
  if (const auto found = json.find("model_sha256");
      found != json.end() && *found != sha256_hex(read_file(RoomCoder::file_of(model))))
    log().warning(path + ": was encoded with another model (" + json.value("model", "unknown") + ")");
  return room;
}

}  // namespace diffverb
