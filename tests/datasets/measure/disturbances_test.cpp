#include "datasets/measure/disturbances.h"

#include <gtest/gtest.h>

#include "datasets/measure/quality.h"
#include "tests/datasets/measure/simulated_recording.h"
#include "tests/rooms.h"

namespace diffverb {
namespace {

SimulatedRecording room_of(double snr_db) {
  NoiseRoom room;
  room.seconds = 0.4;
  room.t60_s = 0.3;
  room.floor_db = -200;
  SimulatedRecording out{room.tensor()[0]};
  out.snr_db = snr_db;
  return out;
}

TEST(Disturbances, AClickIsFoundInASingleRepetitionOfEveryKind) {
  for (const char* type : {"ess", "tsp", "mls"}) {
    const Sweep sweep = short_sweep(type, 4);
    const SweepLayout layout(sweep);
    SimulatedRecording room = room_of(60);
    room.click_at = room.delay + layout.first + 24000;  // 1.5 s into it
    const Measurement found = measure(sound_of(room.of(sweep), 16000), sweep);
    const auto& disturbances = found.channels[0].disturbances;
    ASSERT_FALSE(disturbances.found.empty()) << type;
    EXPECT_NEAR(disturbances.found[0].from_s, 1.5, 0.05) << type;
    EXPECT_GT(disturbances.share, 0.1) << type;
    const auto reasons = judge(found, sweep).reasons;
    ASSERT_FALSE(reasons.empty()) << type;
    EXPECT_NE((reasons[0] + reasons.back()).find("something happened at 1."), std::string::npos) << reasons.back();
  }
}

TEST(Disturbances, ACleanMeasurementHasNone) {
  for (const char* type : {"ess", "tsp", "mls"}) {
    for (const double snr_db : {20.0, 40.0, 60.0, 100.0}) {
      const Sweep sweep = short_sweep(type, 4);
      SimulatedRecording room = room_of(snr_db);
      room.cubic = snr_db == 60 ? 0.01 : 0;
      const Measurement found = measure(sound_of(room.of(sweep), 16000), sweep);
      EXPECT_TRUE(found.channels[0].disturbances.looked_for);
      EXPECT_TRUE(found.channels[0].disturbances.found.empty())
          << type << " at " << snr_db << " dB: " << found.channels[0].disturbances.found[0].from_s << " s";
    }
  }
}

TEST(Disturbances, AreFoundUnderALoudRumble) {
  // Noise that falls by 12 dB an octave hides a click of one sample in its energy, not in its flat spectrum.
  auto noise = noise_of(64000, 3);
  double one = 0, two = 0;
  double* x = noise.mutable_data_ptr<double>();
  for (std::int64_t n = 0; n < 64000; ++n) {
    one = 0.99 * one + x[n];
    two = 0.99 * two + one;
    x[n] = two;
  }
  EXPECT_TRUE(find_disturbances(noise, 16000, 0).found.empty());
  x[32000] += 5 * noise.std().item<double>();
  const Disturbances found = find_disturbances(noise, 16000, 0);
  ASSERT_EQ(found.found.size(), 1u);
  EXPECT_NEAR(found.found[0].from_s, 2, 0.011);
}

}  // namespace
}  // namespace diffverb
