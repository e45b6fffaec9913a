// Makes the responses that a config of `diffverb field` names, by image sources: room_responses CONFIG.yaml FOLDER
#include <cmath>
#include <cstdio>
#include <exception>
#include <filesystem>
#include <string>

#include "core/audio_file.h"
#include "core/error.h"
#include "core/fields.h"
#include "datasets/simulate/image_source.h"

namespace diffverb {
namespace {

constexpr double kRate_hz = 8000;

Point point_of(Fields& fields, const std::string& key) {
  std::vector<double> values;
  fields.required(key, values);
  if (values.size() != 3) fields.fail(key, "three numbers expected: image sources are those of a room");
  return {values[0], values[1], values[2]};
}

/// The room of a config, with its source; walls that differ are given as there, two a side.
Shoebox room_of(Fields& model, double& seconds) {
  Shoebox room;
  std::vector<double> reflection;
  room.size_m = point_of(model, "size_m");
  room.source_m = point_of(model, "source_m");
  model.required("reflection", reflection, between(0, 1));
  model.required("seconds", seconds, above(0), "s");
  model.optional("speed_m_s", room.speed_m_s, above(0), "m/s");
  if (reflection.size() != 1 && reflection.size() != 6) model.fail("reflection", "one number or six expected");
  for (std::size_t w = 0; w < 6; ++w) room.reflection[w] = {reflection[reflection.size() == 1 ? 0 : w]};
  return room;
}

void write_responses(const std::filesystem::path& config, const std::filesystem::path& folder) {
  Fields fields = Fields::from_file(config);
  Fields model = fields.map("model");
  double seconds = 0;
  Shoebox room = room_of(model, seconds);
  const FractionalDelay delay;
  const auto samples = static_cast<std::size_t>(std::llround(seconds * kRate_hz));
  std::filesystem::create_directories(folder);
  for (const char* key : {"microphones", "positions"}) {
    for (Fields& place : fields.list(key)) {
      std::string file;
      place.required("file", file);
      room.receiver_m = point_of(place, "position_m");
      BandTrains trains = image_source(room, {}, delay, samples, kRate_hz);
      const float* first = trains.band(0) + trains.lead;
      write_audio(folder / file, {kRate_hz, {{first, first + samples}}});
    }
  }
}

}  // namespace
}  // namespace diffverb

int main(int count, char** arguments) {
  if (count != 3) {
    std::fprintf(stderr, "room_responses CONFIG.yaml FOLDER\n");
    return 1;
  }
  try {
    diffverb::write_responses(arguments[1], arguments[2]);
  } catch (const diffverb::Error& error) {
    std::fprintf(stderr, "room_responses: %s\n", error.what());
    return error.exit_code();
  }
  return 0;
}
