#include "datasets/simulate/room_range.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "core/error.h"
#include "datasets/simulate/simulate_set.h"
#include "tests/scratch.h"

namespace diffverb {
namespace {

RoomRange range_of(const std::string& yaml) {
  Fields fields = Fields::from_text(yaml, "rooms.yaml");
  RoomRange range(fields);
  fields.finish();
  return range;
}

std::string error_of(const std::string& yaml) {
  return message_of<ConfigError>([&] { range_of(yaml); });
}

TEST(RoomRange, TheConfigThatPeopleReadSaysTheDefaults) {
  Fields file = Fields::from_file(std::string(DIFFVERB_SOURCE_DIR) + "/configs/rooms.yaml");
  const RoomRange from_file(file);
  file.finish();
  Fields none = Fields::from_text("{}");
  const RoomRange defaults(none);
  EXPECT_EQ(file.resolved_yaml(), none.resolved_yaml());
}

TEST(RoomRange, SaysWhereARangeIsWrong) {
  EXPECT_NE(error_of("size:\n  volume_m3: [50, 10]\n").find("rooms.yaml:2:14: size.volume_m3: expected [from, to]"),
            std::string::npos)
      << error_of("size:\n  volume_m3: [50, 10]\n");
  EXPECT_NE(error_of("walls: {t60_s: [0.5]}").find("walls.t60_s: expected two numbers"), std::string::npos);
  EXPECT_NE(error_of("walls: {t60_s: [0, 2]}").find("walls.t60_s"), std::string::npos);
  EXPECT_NE(error_of("receivers: [1.5, 2]").find("whole"), std::string::npos);
  EXPECT_NE(error_of("images: {taps: 80}").find("odd"), std::string::npos);
  EXPECT_NE(error_of("rate_hz: 100").find("rate_hz"), std::string::npos);
  EXPECT_NE(error_of("size: {length_m: [3, 4]}").find("expected all of length_m, width_m and height_m"),
            std::string::npos);
  EXPECT_NE(error_of("size: {length_m: [3, 4], width_m: [3, 4], height_m: [2, 3], volume_m3: [1, 2]}")
                .find("expected either them or a volume"),
            std::string::npos);
  EXPECT_NE(error_of("walls: {scatering: [0, 1]}").find("scattering"), std::string::npos);
}

TEST(RoomRange, DrawsTheSameRoomByItsNumberAlone) {
  const RoomRange range = range_of("seed: 3");
  const auto a = range.draw_room(17), b = range.draw_room(17), c = range.draw_room(18);
  EXPECT_EQ(a.size_m, b.size_m);
  EXPECT_EQ(a.absorption, b.absorption);
  EXPECT_NE(a.size_m, c.size_m);
  EXPECT_EQ(range.draw_places(17, a.size_m).receivers, range.draw_places(17, b.size_m).receivers);
}

TEST(RoomRange, RoomsStayWithinTheirRanges) {
  const RoomRange range = range_of("{rate_hz: 16000, seed: 11}");
  for (int i = 0; i < 60; ++i) {
    const auto room = range.draw_room(i);
    const auto places = range.draw_places(i, room.size_m);
    EXPECT_EQ(static_cast<std::int64_t>(places.sources.size() * places.receivers.size()), range.pairs(i));
    EXPECT_GE(room.size_m[0], room.size_m[1] * 0.999);
    EXPECT_GE(volume_m3(room.size_m), 1.999);
    EXPECT_LE(volume_m3(room.size_m), 15001);
    EXPECT_LE(room.size_m[2], 15);
    for (const auto& wall : room.absorption) {
      ASSERT_EQ(wall.size(), 7u);
      for (const double a : wall) EXPECT_TRUE(a > 0 && a < 1);
    }
    for (const auto* points : {&places.sources, &places.receivers})
      for (const Point& p : *points)
        for (int a = 0; a < 3; ++a) EXPECT_TRUE(p[a] > 0 && p[a] < room.size_m[a]);
  }
}

TEST(RoomRange, RoomsHaveTheTimesThatAreAskedFor) {
  const RoomRange range = range_of(
      "{rate_hz: 16000, size: {volume_m3: [200, 400]}, air: {absorbs: false},\n"
      " walls: {materials: 0, t60_s: [0.8, 0.8], low_ratio: [1.5, 1.5], high_ratio: [0.6, 0.6], roughness: 0}}");
  for (int i = 0; i < 5; ++i) {
    const auto room = range.draw_room(i);
    const auto decay = energy_decay(room.size_m, room.absorption, room.scattering, room.speed_m_s, 3);
    const double expected[] = {0.8 * 1.5, 0.8 * std::pow(1.5, 2.0 / 3), 0.8 * std::pow(1.5, 1.0 / 3),
                               0.8,       0.8 * std::sqrt(0.6),         0.8 * 0.6};
    for (std::size_t b = 0; b < 6; ++b)
      EXPECT_NEAR(decay_time_s(decay, b, room.speed_m_s, 0) / expected[b], 1, 0.08) << i << " " << b;
  }
}

TEST(RoomRange, SidesMayBeGivenInPlaceOfAVolume) {
  const RoomRange range =
      range_of("{size: {length_m: [6, 6], width_m: [5, 5], height_m: [3, 3]}, sources: [3, 3], receivers: [2, 2]}");
  EXPECT_EQ(range.draw_room(0).size_m, (Point{6, 5, 3}));
  EXPECT_EQ(range.pairs(0), 6);
  EXPECT_EQ(rooms_for(range, 13), 3);
}

TEST(RoomRange, ManySourcesFitIntoACloset) {
  const RoomRange range = range_of(
      "{size: {length_m: [0.8, 0.8], width_m: [0.5, 0.5], height_m: [2, 2]}, sources: [40, 40], receivers: [40, 40]}");
  EXPECT_EQ(range.draw_places(0, {0.8, 0.5, 2}).receivers.size(), 40u);
}

}  // namespace
}  // namespace diffverb
