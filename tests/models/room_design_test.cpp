#include "models/room_design.h"

#include <ATen/ops/tensor.h>
#include <gtest/gtest.h>

#include <cmath>
#include <set>

#include "core/error.h"
#include "core/filters/peaking.h"
#include "core/tensor.h"
#include "tests/rooms.h"

namespace diffverb {
namespace {

RoomDesign designed(const NoiseRoom& room, int slopes = 0) {
  return design_room(room.tensor(), room.rate_hz, third_octave_centres(20, 96000, room.rate_hz, 0.46),
                     {.slopes = slopes});
}

TEST(RoomDesign, FindsTheDecayTimeOfNoiseThatDecays) {
  for (const double t60 : {0.3, 1.1}) {
    const RoomDesign design = designed({.seconds = 2.2 * t60, .t60_s = t60});
    EXPECT_NEAR(design.t60_s, t60, 0.04 * t60);
    ASSERT_EQ(design.slopes.size(), 1u);
    for (std::size_t k = 0; k < design.slopes[0].hz.size(); ++k) {
      if (design.slopes[0].hz[k] <= 400) continue;
      EXPECT_NEAR(design.slopes[0].t60_s[k], t60, 0.15 * t60) << design.slopes[0].hz[k];
    }
  }
}

TEST(RoomDesign, FindsBothSlopesOfCoupledRooms) {
  const RoomDesign design = designed({.seconds = 3, .t60_s = 0.6, .late_t60_s = 2.4, .late_db = -18});
  ASSERT_EQ(design.slopes.size(), 2u);
  const auto median = [](std::vector<double> v) {
    std::sort(v.begin(), v.end());
    return v[v.size() / 2];
  };
  EXPECT_NEAR(median(design.slopes[0].t60_s), 0.6, 0.12);
  EXPECT_NEAR(median(design.slopes[1].t60_s), 2.4, 0.4);
  EXPECT_EQ(designed({.seconds = 3, .t60_s = 0.6, .late_t60_s = 2.4, .late_db = -18}, 1).slopes.size(), 1u);
}

TEST(RoomDesign, MeasuresTheEnergyAfterTheEarlyPartWithoutItsNoise) {
  const NoiseRoom room{.seconds = 1.5, .t60_s = 0.6, .floor_db = -45};
  const RoomDesign design = designed(room);
  // Power density 0.05^2 10^(-6 t / T60) from 80 ms on; a third octave holds its share of the band to half the rate.
  const double late =
      0.0025 * room.rate_hz * room.t60_s / (6 * std::numbers::ln10) * std::pow(10.0, -6 * 0.08 / room.t60_s);
  for (std::size_t k = 0; k < design.band_hz.size(); ++k) {
    const double hz = design.band_hz[k];
    if (hz < 900 || hz > 5000) continue;
    const double share = hz * (std::exp2(1.0 / 6) - std::exp2(-1.0 / 6)) / (room.rate_hz / 2);
    EXPECT_NEAR(10 * std::log10(design.late_energy[0][static_cast<std::int64_t>(k)].item<double>() / (late * share)), 0,
                1.2)
        << hz;
  }
}

TEST(RoomDesign, RefusesWhatDoesNotDecay) {
  Random random(3);
  std::vector<double> noise(16000);
  for (double& x : noise) x = random.normal();
  const auto ir = at::tensor(noise, at::kDouble).unsqueeze(0);
  EXPECT_THROW(design_room(ir, 16000, third_octave_centres(20, 96000, 16000, 0.46), {}), DataError);
}

TEST(ChooseDelays, AreDistinctPrimesThatGrowWithTheRoom) {
  for (const double t60 : {0.1, 0.5, 2.0, 10.0}) {
    for (const std::int64_t lines : {2, 16, 64}) {
      const auto delays = choose_delays(lines, t60, 48000);
      EXPECT_EQ(std::set<std::int64_t>(delays.begin(), delays.end()).size(), delays.size());
      for (const std::int64_t m : delays) {
        for (std::int64_t d = 2; d * d <= m; ++d) ASSERT_NE(m % d, 0) << m;
      }
      EXPECT_TRUE(std::is_sorted(delays.begin(), delays.end()));
    }
  }
  EXPECT_GT(choose_delays(16, 4.0, 48000).back(), choose_delays(16, 0.3, 48000).back());
}

}  // namespace
}  // namespace diffverb
