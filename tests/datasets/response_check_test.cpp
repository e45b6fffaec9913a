#include "datasets/response_check.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <limits>

#include "core/error.h"
#include "core/resample.h"
#include "datasets/duplicates.h"
#include "datasets/response_file.h"
#include "tests/datasets/stores.h"
#include "tests/scratch.h"
#include "tests/shared_data.h"

namespace diffverb {
namespace {

ResponseToCheck response(const std::string& file, std::vector<float> samples, double rate_hz = 16000) {
  return {file, 0, "room of " + file, rate_hz, "", [samples = std::move(samples)] { return samples; }};
}

std::vector<std::string> kinds_of(const std::vector<ResponseToCheck>& responses, const CheckSettings& settings = {}) {
  std::vector<std::string> out(responses.size());
  for (const CheckFinding& finding : check_responses(responses, settings))
    out[finding.response] += (out[finding.response].empty() ? "" : " ") + finding.kind;
  return out;
}

std::vector<float> scaled(std::vector<float> samples, float gain) {
  for (float& x : samples) x *= gain;
  return samples;
}

TEST(ResponseCheck, FindsNothingInGoodResponses) {
  std::vector<ResponseToCheck> good;
  for (std::uint64_t seed = 1; seed <= 12; ++seed)
    good.push_back(response(std::to_string(seed), noise_room(seed, 16000, 0.2 + 0.05 * static_cast<double>(seed))));
  for (const std::string& kinds : kinds_of(good)) EXPECT_EQ(kinds, "");
}

TEST(ResponseCheck, FindsEachDefect) {
  std::vector<float> nan = noise_room(2), clipped = noise_room(3), noise(12800);
  nan[77] = std::numeric_limits<float>::infinity();
  for (float& x : clipped) x = std::clamp(x, -0.02f, 0.02f);
  Random random(9);
  for (float& x : noise) x = static_cast<float>(0.1 * random.normal());
  NoiseRoom loud;
  loud.floor_db = -24;
  loud.seed = 30;
  loud.seconds = 1.5;
  const std::vector<double> loud_samples = loud.channel(0);
  const std::vector<ResponseToCheck> responses = {
      response("good", noise_room(1)),
      response("nan", nan),
      response("silent", std::vector<float>(8000)),
      response("short", noise_room(4, 16000, 0.4, 0.03, 0)),
      response("clipped", clipped),
      response("noise only", noise),
      response("noisy", {loud_samples.begin(), loud_samples.end()}),
      response("other rate", noise_room(5, 48000), 48000),
      {"gone", 0, "", 16000, "", []() -> std::vector<float> { throw DataError("gone: no such file"); }}};
  EXPECT_EQ(
      kinds_of(responses, {.rate_hz = 16000}),
      (std::vector<std::string>{"", "nan", "silent", "short", "clipped", "no_decay", "noise", "rate", "unreadable"}));
}

TEST(ResponseCheck, ALateOnsetLeavesTooShortAResponse) {
  std::vector<float> late(8000);
  std::fill(late.end() - 159, late.end(), 0.5f);
  EXPECT_EQ(kinds_of({response("late", late)}), (std::vector<std::string>{"short"}));
}

TEST(ResponseCheck, FindsCopiesByHashAndByCorrelation) {
  const std::vector<float> room = noise_room(1, 48000), other = noise_room(2, 48000);
  std::vector<float> later(300, 0.0f), at_44k = resample({48000, {room}}, 44100).channels[0], disturbed = room;
  later.insert(later.end(), room.begin(), room.end());
  Random random(3);
  for (float& x : disturbed) x += static_cast<float>(1e-4 * random.normal());
  std::vector<float> shorter(room.begin(), room.begin() + 20000);
  std::vector<ResponseToCheck> responses = {
      response("room", room, 48000),           response("other", other, 48000),
      response("same", room, 48000),           response("quieter and turned", scaled(room, -0.3f), 48000),
      response("later", later, 48000),         response("44.1 kHz", at_44k, 44100),
      response("disturbed", disturbed, 48000), response("shorter", shorter, 48000)};
  const std::vector<CheckFinding> findings = check_responses(responses, {});
  ASSERT_EQ(findings.size(), 6u);
  for (std::size_t k = 0; k < findings.size(); ++k) {
    EXPECT_EQ(findings[k].kind, "duplicate") << findings[k].text;
    EXPECT_EQ(findings[k].response, k + 2) << findings[k].text;
    ASSERT_TRUE(findings[k].other);
    EXPECT_TRUE(*findings[k].other < k + 2 && *findings[k].other != 1) << findings[k].text;
  }
  EXPECT_EQ(findings[0].text, "the same samples as room, channel 1 of another room, room of room");
  EXPECT_EQ(findings[1].text.substr(0, 10), "correlates");
}

TEST(Duplicates, CorrelationIsOneForCopiesAndSmallForOtherRooms) {
  const std::vector<float> a = noise_room(1, 48000), b = noise_room(2, 48000);
  EXPECT_NEAR(largest_correlation(a, 48000, a, 48000), 1, 1e-6);
  EXPECT_NEAR(largest_correlation(a, 48000, scaled(a, -5), 48000), 1, 1e-6);
  EXPECT_LT(largest_correlation(a, 48000, b, 48000), 0.9);
  const auto alike = most_alike({spectral_signature(a, 48000), {}, spectral_signature(b, 48000)});
  EXPECT_EQ(alike, (std::vector<std::vector<std::size_t>>(3)));
}

TEST(Duplicates, ThousandsOfSignaturesAreComparedAndOnlyTheCopiesFound) {
  std::vector<std::vector<float>> signatures;
  Random random(1);
  for (int i = 0; i < 1500; ++i) {
    std::vector<float> one(400);
    for (float& x : one) x = static_cast<float>(random.normal() / 20);
    signatures.push_back(one);
  }
  signatures[1400] = signatures[3];
  signatures[300] = signatures[299];
  std::vector<std::vector<std::size_t>> expected(1500);
  expected[300] = {299};
  expected[1400] = {3};
  EXPECT_EQ(most_alike(signatures), expected);
}

TEST(ResponseCheck, FindsNothingInMeasuredRooms) {
  const std::filesystem::path root = shared_data() / "ir";
  if (!std::filesystem::exists(root)) GTEST_SKIP() << "no measured responses: set DIFFVERB_DATA";
  std::vector<ResponseToCheck> responses;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(root)) {
    if (!entry.is_regular_file() || entry.path().extension() != ".wav") continue;
    const Audio audio = read_response(entry.path());
    for (const auto& channel : audio.channels)
      responses.push_back(response(entry.path().filename().string(), channel, audio.rate_hz));
  }
  ASSERT_GT(responses.size(), 50u);
  for (const CheckFinding& finding : check_responses(responses, {}))
    ADD_FAILURE() << responses[finding.response].file << ": " << finding.kind << ": " << finding.text;
}

}  // namespace
}  // namespace diffverb
