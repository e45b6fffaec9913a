#include "core/acoustics/comparison.h"

#include <gtest/gtest.h>

#include <cmath>
#include <nlohmann/json.hpp>
#include <vector>

#include "core/error.h"
#include "core/resample.h"
#include "synthetic.h"

namespace diffverb::acoustics {
namespace {

using synthetic::audio;
using synthetic::decaying_noise;

std::vector<double> room(double t60_s, std::uint64_t seed, double floor_db = -1000) {
  return decaying_noise(t60_s, 1.5, 48000, seed, floor_db);
}

TEST(Comparison, OfAResponseWithItselfIsZero) {
  const Audio a = audio(48000, {room(0.8, 1), room(0.8, 2)});
  const Comparison same = compare(a, a);
  EXPECT_EQ(*same.all.worst.t_error_pct, 0);
  EXPECT_EQ(*same.all.worst.edt_error_pct, 0);
  EXPECT_EQ(*same.all.thirds_worst.c80_error_db, 0);
  EXPECT_EQ(*same.all.level_offset_db, 0);
  EXPECT_EQ(*same.all.level_shape_db, 0);
  EXPECT_EQ(*same.all.lsd_db, 0);
  EXPECT_EQ(*same.all.edc_mae_db, 0);
  EXPECT_EQ(*same.coherence_error, 0);
  EXPECT_EQ(same.all.octaves.size(), 7U);
  EXPECT_EQ(same.all.thirds.size(), 19U);
}

TEST(Comparison, SeesLevelAndOnsetAsWhatTheyAre) {
  const std::vector<double> a = room(0.8, 3);
  std::vector<double> b(500, 0.0);
  for (const double value : a) b.push_back(2 * value);
  const Comparison louder = compare(audio(48000, {a}), audio(48000, {b}));
  EXPECT_NEAR(*louder.all.level_offset_db, 20 * std::log10(2.0), 0.01);
  EXPECT_NEAR(*louder.all.median.level_error_db, 20 * std::log10(2.0), 0.01);
  EXPECT_NEAR(*louder.all.level_shape_db, 0, 0.01);
  EXPECT_NEAR(*louder.all.worst.t_error_pct, 0, 0.1);
  EXPECT_NEAR(*louder.all.lsd_smoothed_db, 0, 0.05);
  EXPECT_FALSE(louder.coherence_error);
}

TEST(Comparison, SeesALongerDecay) {
  const Comparison longer = compare(audio(48000, {room(0.6, 4)}), audio(48000, {room(0.66, 4)}));
  EXPECT_NEAR(*longer.all.median.t_error_pct, 10, 0.7);
  EXPECT_NEAR(*longer.all.thirds_median.t_error_pct, 10, 1.5);
  EXPECT_GT(longer.all.octaves[3].t_error_pct, 0);
  EXPECT_LT(longer.all.octaves[3].c80_error_db, 0);
}

TEST(Comparison, DoesNotAskForTheTargetsNoise) {
  const Comparison clean = compare(audio(48000, {room(0.6, 5, -65)}), audio(48000, {room(0.6, 5)}));
  EXPECT_LT(*clean.all.worst.t_error_pct, 2);
  EXPECT_LT(*clean.all.median.t_error_pct, 0.5);
  EXPECT_LT(*clean.all.worst.level_error_db, 0.02);
  EXPECT_LT(*clean.all.edc_mae_db, 0.25);
  EXPECT_LT(*clean.all.lsd_smoothed_db, 1);
}

TEST(Comparison, ResamplesTheOtherToTheTargetsRate) {
  const Audio a = audio(48000, {room(0.5, 6)});
  const Comparison other_rate = compare(a, resample(a, 96000));
  EXPECT_LT(*other_rate.all.worst.t_error_pct, 0.5);
  EXPECT_LT(*other_rate.all.worst.level_error_db, 0.1);
}

TEST(Comparison, CountsTheWorstChannel) {
  const Comparison two =
      compare(audio(48000, {room(0.6, 7), room(0.6, 8)}), audio(48000, {room(0.6, 7), room(0.72, 8)}));
  EXPECT_NEAR(*two.channels[0].worst.t_error_pct, 0, 1e-9);
  EXPECT_GT(*two.channels[1].median.t_error_pct, 17);
  EXPECT_EQ(*two.all.worst.t_error_pct, *two.channels[1].worst.t_error_pct);
  EXPECT_EQ(*two.all.octaves[2].t_error_pct, *two.channels[1].octaves[2].t_error_pct);
}

TEST(Comparison, SeesLostCoherence) {
  const std::vector<double> left = room(0.6, 9), right = room(0.6, 10);
  const Comparison mono = compare(audio(48000, {left, left}), audio(48000, {left, right}));
  EXPECT_GT(*mono.coherence_error, 0.7);
  EXPECT_GT(*mono.coherence_error_late, 0.6);
}

TEST(Comparison, RefusesUnequalChannelCounts) {
  EXPECT_THROW(compare(audio(48000, {room(0.6, 1)}), audio(48000, {room(0.6, 1), room(0.6, 2)})), DataError);
}

TEST(Comparison, RefusesWhatIsTooShortAndSurvivesOnsetsAtTheVeryEnd) {
  EXPECT_THROW(compare(audio(48000, {std::vector<double>(63, 1.0)}), audio(48000, {room(0.6, 1)})), ContractError);
  std::vector<double> late(48000, 0.0);
  late.back() = 1;
  const Comparison comparison = compare(audio(48000, {late}), audio(48000, {room(0.6, 1)}));
  EXPECT_FALSE(comparison.all.median.t_error_pct);
  EXPECT_FALSE(comparison.all.lsd_db);
}

void expect_no_nan(const nlohmann::json& json) {
  if (json.is_number_float()) {
    EXPECT_TRUE(std::isfinite(json.get<double>()));
  }
  if (json.is_structured()) {
    for (const auto& item : json) expect_no_nan(item);
  }
}

TEST(Comparison, HasTheKeysThatScriptsRead) {
  const Comparison comparison = compare(audio(48000, {room(0.6, 1)}), audio(48000, {room(0.6, 2)}));
  const nlohmann::json json = to_json(comparison, "a.wav", "b.wav");
  for (const char* key :
       {"target", "other", "bands", "median", "worst", "level_shape_db", "level_offset_db", "thirds", "late_modes_pct",
        "late_modes_target_pct", "echo_density", "echo_density_target", "coherence_error", "early_ms", "lsd_db",
        "lsd_smoothed_db", "edc_mae_db", "jnd", "channels"}) {
    EXPECT_TRUE(json.contains(key)) << key;
  }
  for (const char* key : {"t_error_pct", "edt_error_pct", "c80_error_db", "d50_error", "level_error_db"}) {
    EXPECT_TRUE(json["bands"][0].contains(key)) << key;
    EXPECT_TRUE(json["median"].contains(key) && json["worst"].contains(key)) << key;
    EXPECT_TRUE(json["thirds"]["median"].contains(key) && json["thirds"]["worst"].contains(key)) << key;
  }
  for (const char* key : {"t", "edt", "c80", "d50"}) EXPECT_TRUE(json["jnd"].contains(key)) << key;
  EXPECT_NEAR(json["jnd"]["t"].get<double>(), json["median"]["t_error_pct"].get<double>() / 5, 1e-12);
  expect_no_nan(json);
}

TEST(Comparison, OfWhatHasNoDecayIsNullAndNeverANumber) {
  const nlohmann::json json = to_json(
      compare(audio(48000, {synthetic::noise(1, 48000, 1)}), audio(48000, {synthetic::noise(1, 48000, 2)})), "a", "b");
  EXPECT_TRUE(json["median"]["t_error_pct"].is_null());
  EXPECT_TRUE(json["worst"]["edt_error_pct"].is_null());
  EXPECT_TRUE(json["jnd"]["t"].is_null());
  expect_no_nan(json);
}

TEST(Analysis, HasTheKeysThatScriptsRead) {
  const nlohmann::json json =
      to_json(analyze(audio(48000, {room(0.6, 1, -60), synthetic::noise(1.5, 48000, 3)})), "a.wav");
  EXPECT_EQ(json["rate_hz"], 48000);
  ASSERT_EQ(json["channels"].size(), 2U);
  for (const char* key : {"onset_s", "noise_floor_db", "mixing_time_s", "bands"})
    EXPECT_TRUE(json["channels"][0].contains(key)) << key;
  for (const char* key : {"hz", "t20_s", "t30_s", "edt_s", "c50_db", "c80_db", "d50", "ts_s", "level_db"}) {
    EXPECT_TRUE(json["channels"][0]["bands"][0].contains(key)) << key;
  }
  EXPECT_NEAR(json["channels"][0]["noise_floor_db"].get<double>(), -60, 1);
  EXPECT_TRUE(json["channels"][0]["no_decay"].is_null());
  EXPECT_TRUE(json["channels"][1]["no_decay"].is_string());
  EXPECT_TRUE(json["channels"][0]["mixing_time_s"].is_number());
  EXPECT_TRUE(json["channels"][1]["mixing_time_s"].is_null());
  EXPECT_TRUE(json["channels"][1]["bands"][4]["t30_s"].is_null());
  expect_no_nan(json);
}

}  // namespace
}  // namespace diffverb::acoustics
