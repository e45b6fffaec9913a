#pragma once

#include <cmath>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "core/fields.h"
#include "datasets/dataset.h"
#include "datasets/response_store.h"
#include "tests/rooms.h"

namespace diffverb {

/// A room of noise as a stored response; `before` samples of silence stand before its onset.
inline std::vector<float> noise_room(std::uint64_t seed, double rate_hz = 16000, double t60_s = 0.4,
                                     double seconds = 0.8, std::size_t before = 100) {
  NoiseRoom room;
  room.seed = seed;
  room.rate_hz = rate_hz;
  room.t60_s = t60_s;
  room.seconds = seconds;
  const std::vector<double> samples = room.channel(0);
  std::vector<float> out(before, 0.0f);
  out.insert(out.end(), samples.begin(), samples.end());
  return out;
}

inline StoredResponse stored_response(const std::string& file, const std::string& room, double rate_hz = 16000) {
  StoredResponse r;
  r.file = file;
  r.room = room;
  r.rate_hz = rate_hz;
  return r;
}

/// `rooms` rooms "room 0", ... of `each` responses; `split` for all.
inline std::filesystem::path make_store(const std::filesystem::path& path, int rooms, int each,
                                        const std::string& split = "train", double rate_hz = 16000) {
  ResponseStoreWriter writer = ResponseStoreWriter::create(path);
  for (int room = 0; room < rooms; ++room) {
    for (int k = 0; k < each; ++k) {
      StoredResponse r = stored_response(std::to_string(room) + "/" + std::to_string(k) + ".wav",
                                         "room " + std::to_string(room), rate_hz);
      r.split = split;
      writer.add(r, noise_room(static_cast<std::uint64_t>(room * each + k + 1), rate_hz));
    }
  }
  writer.commit();
  return path;
}

/// The data set of a YAML text; not open yet.
inline std::unique_ptr<Dataset> dataset_of(const std::string& yaml) {
  Fields fields = Fields::from_text(yaml);
  return family<Dataset>().make(fields);
}

}  // namespace diffverb
