#pragma once

#include <unistd.h>

#include <cmath>
#include <filesystem>
#include <string>

#include "core/audio_file.h"
#include "core/seed.h"
#include "models/model.h"

namespace diffverb {

/// A small room to convolve with: noise that decays by 60 dB in 0.25 s, 0.4 s at 8 kHz.
inline Audio small_room(std::uint64_t seed) {
  Random random(seed, "small_room");
  Audio audio;
  audio.rate_hz = 8000;
  audio.channels.resize(1);
  for (int n = 0; n < 3200; ++n)
    audio.channels[0].push_back(static_cast<float>(random.normal() * std::pow(10.0, -3 * n / (0.25 * 8000))));
  return audio;
}

/// Files of such rooms, gone with the process.
class SmallRooms {
 public:
  static std::string file(int number) {
    static const SmallRooms rooms;
    return (rooms.folder_ / ("room" + std::to_string(number) + ".wav")).string();
  }
  static constexpr int kCount = 3;

 private:
  SmallRooms() : folder_(std::filesystem::temp_directory_path() / ("diffverb-rooms-" + std::to_string(::getpid()))) {
    std::filesystem::create_directories(folder_);
    for (int k = 0; k < kCount; ++k) write_audio(folder_ / ("room" + std::to_string(k) + ".wav"), small_room(k + 1));
  }
  ~SmallRooms() {
    std::error_code code;
    std::filesystem::remove_all(folder_, code);
  }
  std::filesystem::path folder_;
};

/// What a model's config has to say at least, and more: models of measured responses need files of them.
inline std::string minimal_config(const std::string& model, const std::string& more = "") {
  std::string text;
  const auto add = [&](const std::string& entry) { text += (text.empty() ? "" : ", ") + entry; };
  for (const KeyInfo& key : family<Model>().keys(model)) {
    if (key.key == "response") add("response: " + SmallRooms::file(0));
    if (key.key == "size_m") add("size_m: [1, 0.8]");
    if (key.key == "responses") {
      std::string files;
      for (int k = 0; k < SmallRooms::kCount; ++k) files += (k > 0 ? ", " : "") + SmallRooms::file(k);
      add("responses: [" + files + "]");
    }
  }
  if (!more.empty()) add(more);
  return "{" + text + "}";
}

}  // namespace diffverb
