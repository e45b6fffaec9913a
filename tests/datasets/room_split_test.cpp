#include "datasets/room_split.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "core/error.h"
#include "tests/scratch.h"

namespace diffverb {
namespace {

std::vector<StoredResponse> responses_of(int rooms, int each, const std::string& origin = "measured") {
  std::vector<StoredResponse> out;
  for (int room = 0; room < rooms; ++room) {
    for (int k = 0; k < each; ++k) {
      StoredResponse r;
      r.room = origin + " " + std::to_string(room);
      r.file = r.room + "/" + std::to_string(k);
      r.hash = r.file;
      r.origin = origin;
      r.rate_hz = 48000;
      out.push_back(r);
    }
  }
  return out;
}

std::map<std::string, std::string> parts(const std::vector<StoredResponse>& responses) {
  std::map<std::string, std::string> out;
  for (const StoredResponse& r : responses) {
    const auto [known, added] = out.emplace(r.room, r.split);
    EXPECT_EQ(known->second, r.split) << r.room << " is in two parts";
  }
  return out;
}

std::map<std::string, std::string> split(std::vector<StoredResponse> responses, const SplitSettings& settings = {}) {
  split_by_room(responses, settings);
  return parts(responses);
}

TEST(RoomSplit, KeepsRoomsTogetherInTheSharesAskedFor) {
  auto responses = responses_of(40, 3);
  const SplitReport report = split_by_room(responses, {.validation = 0.1, .test = 0.2});
  EXPECT_EQ(report.rooms.at("test"), 8u);
  EXPECT_EQ(report.rooms.at("validation"), 4u);
  EXPECT_EQ(report.rooms.at("train"), 28u);
  EXPECT_EQ(report.responses.at("test"), 24u);
  EXPECT_EQ(parts(responses).size(), 40u);
}

TEST(RoomSplit, FollowsFromNamesAndSeedAndNotFromTheOrder) {
  auto responses = responses_of(40, 2);
  const auto once = split(responses);
  std::reverse(responses.begin(), responses.end());
  EXPECT_EQ(split(responses), once);
  auto more = responses;
  more.push_back(more[0]);
  more.back().file = more.back().hash = "another of the same room";
  EXPECT_EQ(split(more), once);
  EXPECT_NE(split(responses, {.seed = 2}), once);
}

TEST(RoomSplit, SmallSetsHaveAllPartsAndOriginsAreSortedApart) {
  auto responses = responses_of(3, 1);
  const auto simulated = responses_of(30, 1, "simulated");
  responses.insert(responses.end(), simulated.begin(), simulated.end());
  std::map<std::string, int> measured, made;
  for (const auto& [room, part] : split(responses)) ++(room.starts_with("measured") ? measured : made)[part];
  EXPECT_EQ(measured, (std::map<std::string, int>{{"train", 1}, {"validation", 1}, {"test", 1}}));
  EXPECT_EQ(made, (std::map<std::string, int>{{"train", 24}, {"validation", 3}, {"test", 3}}));
}

TEST(RoomSplit, RoomsWithTheSameSamplesStayInOnePart) {
  auto responses = responses_of(30, 2);
  for (int k = 0; k < 6; ++k) responses[static_cast<std::size_t>(8 * k + 8)].hash = responses[1].hash;
  const SplitReport report = split_by_room(responses, {.validation = 0.3, .test = 0.3});
  ASSERT_EQ(report.bound.size(), 1u);
  EXPECT_EQ(report.bound[0].size(), 7u);
  const auto by_room = parts(responses);
  for (const std::string& room : report.bound[0]) EXPECT_EQ(by_room.at(room), by_room.at(report.bound[0][0]));
}

TEST(RoomSplit, TakesTheRoomsAskedFor) {
  const auto by_room = split(responses_of(12, 1), {.validation_rooms = {"measured 1"}, .test_rooms = {"measured 1?"}});
  for (const auto& [room, part] : by_room) {
    const std::string expected = room == "measured 1"             ? "validation"
                                 : room.starts_with("measured 1") ? "test"
                                                                  : "train";
    EXPECT_EQ(part, expected) << room;
  }
}

TEST(RoomSplit, RefusesWhatCannotBe) {
  const auto refused = [](const SplitSettings& settings) {
    return message_of<ConfigError>([&] { split(responses_of(4, 1), settings); });
  };
  EXPECT_NE(refused({.test_rooms = {"measured 9"}}).find("--test-rooms measured 9: no such room, did you mean"),
            std::string::npos);
  EXPECT_NE(refused({.validation_rooms = {"measured 1"}, .test_rooms = {"*1"}}).find("in test and in validation"),
            std::string::npos);
  EXPECT_NE(refused({.validation = 0.5, .test = 0.5}).find("together below 1"), std::string::npos);
  EXPECT_NE(refused({.test_rooms = {"*"}}).find("no room is left to train on"), std::string::npos);
}

}  // namespace
}  // namespace diffverb
