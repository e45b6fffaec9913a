// The six levels of diffverb eval.
#include "train/levels/levels.h"

#include <gtest/gtest.h>

#include <cmath>
#include <nlohmann/json.hpp>

#include "core/log.h"
#include "datasets/usable_response.h"
#include "losses/loss.h"
#include "tests/rooms.h"
#include "tests/scratch.h"
#include "train/cli.h"
#include "train/evaluation.h"
#include "train/fit/fit.h"
#include "train/levels/loss_value.h"
#include "train/levels/medians.h"

namespace diffverb {
namespace {

const Figure& named(const Level& level, const std::string& key) {
  for (const Figure& one : level.figures) {
    if (one.key == key) return one;
  }
  throw std::out_of_range(level.name + " has no " + key);
}

/// Two lines that turn into each other, each with one gain for all frequencies.
runtime::DelayNetworkWeights turning_pair(double gain, double matrix_gain = 1) {
  runtime::DelayNetworkWeights w;
  w.sample_rate_hz = 48000;
  w.lines = 2, w.inputs = w.outputs = w.line_sections = 1;
  const auto c = static_cast<float>(0.6 * matrix_gain), s = static_cast<float>(0.8 * matrix_gain);
  w.A = {c, -s, s, c};
  w.B = w.C = {1, 1};
  w.D = {0};
  w.delays = {1200, 1440};
  w.line_sos = {gain, 0, 0, 0, 0, gain, 0, 0, 0, 0};
  return w;
}

TEST(StructuralLevel, OfARotationIsLosslessWithTheLinesGainAsMargin) {
  const auto weights = turning_pair(0.5);
  const Level level = structural_level(&weights);
  EXPECT_NEAR(*named(level, "lossless_error_db").value, 0, 1e-6);
  EXPECT_NEAR(*named(level, "stability_margin_db").value, 20 * std::log10(2.0), 1e-4);
  EXPECT_NEAR(*named(level, "slowest_line_t60_s").value, 60 * 0.03 / (20 * std::log10(2.0)), 1e-6);
  EXPECT_EQ(*named(level, "loops").value, 1);
  EXPECT_DOUBLE_EQ(modal_density_per_hz(weights), 2640 / 48000.0);
}

TEST(StructuralLevel, OfAMatrixThatTakesEnergySaysHowMuch) {
  const auto weights = turning_pair(1, 0.7);
  const Level level = structural_level(&weights);
  EXPECT_NEAR(*named(level, "lossless_error_db").value, -20 * std::log10(0.7), 1e-5);
  EXPECT_NEAR(*named(level, "stability_margin_db").value, -20 * std::log10(0.7), 1e-5);
  EXPECT_FALSE(named(level, "slowest_line_t60_s").value);
  EXPECT_FALSE(named(level, "slowest_line_t60_s").why_not.empty());
}

TEST(StructuralLevel, HasNothingToSayOfWhatHasNoLoop) {
  auto chain = turning_pair(0.5);
  chain.A = {0, 0, 1, 0};
  EXPECT_TRUE(structural_level(&chain).figures.empty());
  EXPECT_FALSE(structural_level(&chain).why_not.empty());
  EXPECT_FALSE(structural_level(nullptr).why_not.empty());
  EXPECT_EQ(modal_density_per_hz(chain), 0);
}

TEST(LearningLevel, IsTheGapBetweenTheBestValidationAndTheStepsBeforeIt) {
  const Scratch scratch;
  write_text(scratch / "data.json", "{}");
  write_text(scratch / "losses.jsonl",
             "{\"step\":0,\"loss\":8}\n{\"step\":1,\"loss\":6}\n{\"step\":2,\"loss\":3}\n{\"step\":3,\"loss\":1}\n"
             "{\"step\":4,\"loss\":0.5}\n{\"step\":5,\"loss\":0.25}\n");
  write_text(scratch / "validation.jsonl",
             "{\"step\":1,\"loss\":7.5}\n{\"step\":3,\"loss\":3}\n{\"step\":5,\"loss\":4}\n");
  const Level level = learning_level(scratch.path());
  EXPECT_EQ(named(level, "validation_loss").value, 3);
  EXPECT_EQ(named(level, "training_loss").value, 2);
  EXPECT_EQ(named(level, "generalisation_gap_pct").value, 50);
  EXPECT_EQ(named(level, "loss_first").value, 8);
  EXPECT_EQ(named(level, "loss_last").value, 0.25);
  EXPECT_EQ(named(level, "steps").value, 6);
}

TEST(LearningLevel, SaysWhyThereIsNoGap) {
  const Scratch scratch;
  EXPECT_NE(learning_level(scratch / "weights.safetensors").why_not.find("run folder"), std::string::npos);
  EXPECT_TRUE(learning_level(scratch.path()).figures.empty());
  write_text(scratch / "losses.jsonl", "{\"step\":0,\"loss\":8}\n");
  const Level fit = learning_level(scratch.path());
  EXPECT_EQ(named(fit, "loss_last").value, 8);
  EXPECT_FALSE(named(fit, "generalisation_gap_pct").value);
  EXPECT_NE(named(fit, "generalisation_gap_pct").why_not.find("one response"), std::string::npos);
}

TEST(LossFigure, IsBlindToOnsetAndLevelAndSaysWhatIsMissing) {
  const Audio room = NoiseRoom{.seconds = 0.4, .t60_s = 0.3}.audio();
  Audio later = room;
  for (float& value : later.channels[0]) value *= 0.25f;
  later.channels[0].insert(later.channels[0].begin(), 777, 0.0f);
  const Figure same = loss_figure("same", "{type: mr_stft}", room, later);
  ASSERT_TRUE(same.value);
  EXPECT_LT(*same.value, 1e-5);
  const Audio other = NoiseRoom{.seconds = 0.4, .t60_s = 0.15, .seed = 5}.audio();
  EXPECT_GT(*loss_figure("other", "{type: mr_stft}", room, other).value, 0.3);
  const Figure unknown = loss_figure("key", "{type: mr_stftt}", room, other);
  EXPECT_FALSE(unknown.value);
  EXPECT_NE(unknown.why_not.find("mr_stftt"), std::string::npos);
  Audio silent = room;
  silent.channels[0].assign(silent.frames(), 0.0f);
  EXPECT_EQ(loss_figure("key", "{type: mr_stft}", room, silent).why_not, "silence");
}

/// Responses that only have what is asked for.
ResponseLevels response_of(double value, double sign) {
  ResponseLevels out;
  out.levels = {{"physical", {{"t_mid_s", value, 1.0}}, ""},
                {"statistical", {{"echo_density", {}, {}, "why"}}, ""},
                nothing_at("perceptual", "why"),
                nothing_at("information", "why")};
  acoustics::Sign one{"muddy", false, sign > 9, sign, 9, "dB", "why"};
  out.signs = {one};
  one.value = sign / 2;
  out.target_signs = {one};
  return out;
}

TEST(Levels, OfAllResponsesAreMediansAndTheWorstSign) {
  const ResponseLevels a = response_of(1, 3), b = response_of(5, 12), c = response_of(2, 4);
  const nlohmann::json json = levels_json(
      ModelLevels{{}, nothing_at("structural", "no loop"), nothing_at("learning", "no record"), {}}, {&a, &b, &c});
  EXPECT_EQ(json.at("levels").at("physical").at("t_mid_s"), 2);
  EXPECT_EQ(json.at("levels").at("physical").at("target").at("t_mid_s"), 1);
  EXPECT_TRUE(json.at("levels").at("structural").is_null());
  EXPECT_EQ(json.at("levels").at("why_null").at("structural"), "no loop");
  EXPECT_EQ(json.at("levels").at("why_null").at("statistical.echo_density"), "why");
  const auto& sign = json.at("signs").at(0);
  EXPECT_EQ(sign.at("value"), 12);
  EXPECT_EQ(sign.at("target"), 6);
  EXPECT_EQ(sign.at("found"), true);
  EXPECT_EQ(sign.at("responses"), 1);
  EXPECT_EQ(sign.at("of"), 3);
}

/// diffverb eval on a short fit of two channels.
class EvalLevels : public testing::Test {
 protected:
  void SetUp() override {
    log().set_level(LogLevel::kOff);
    write_audio(scratch_ / "room.wav", NoiseRoom{.seconds = 1, .t60_s = 0.5, .channels = 2}.audio());
    FitOptions options;
    options.input = scratch_ / "room.wav";
    options.out = scratch_ / "run";
    options.overlays = {"model.lines=6", "train.steps=2"};
    fit_response(options);
  }
  void TearDown() override { log().set_level(LogLevel::kInfo); }
  std::string eval(std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), "eval");
    testing::internal::CaptureStdout();
    EXPECT_EQ(run_command_line(arguments), 0);
    return testing::internal::GetCapturedStdout();
  }
  std::string path(const std::string& name) const { return (scratch_ / name).string(); }
  Scratch scratch_;
};

TEST_F(EvalLevels, OfAFitAreSixWithNumbersOrWhyThereIsNone) {
  const auto json = nlohmann::json::parse(eval({path("run"), "--data", path("room.wav"), "--modes", "--json"}));
  const auto& levels = json.at("levels");
  for (const char* name : {"physical", "structural", "statistical", "perceptual", "learning", "information"}) {
    ASSERT_TRUE(levels.at(name).is_object()) << name;
    for (const auto& [key, value] : levels.at(name).items()) {
      EXPECT_TRUE(!value.is_null() || levels.at("why_null").contains(std::string(name) + "." + key)) << key;
    }
  }
  EXPECT_NEAR(levels.at("physical").at("target").at("t_mid_s").get<double>(), 0.5, 0.05);
  EXPECT_GT(levels.at("physical").at("modes_t60_median_s").get<double>(), 0);
  EXPECT_NEAR(levels.at("structural").at("lossless_error_db").get<double>(), 0, 1e-3);
  EXPECT_GT(levels.at("structural").at("stability_margin_db").get<double>(), 0);
  EXPECT_EQ(levels.at("learning").at("steps"), 2);
  EXPECT_TRUE(levels.at("learning").at("generalisation_gap_pct").is_null());
  EXPECT_LT(levels.at("information").at("iacc_late").get<double>(), 1);
  for (const auto& [level, key, loss] : {std::tuple("perceptual", "loudness_jnd", "erb"),
                                         {"perceptual", "masked_db", "masked"},
                                         {"information", "entropy_distance", "entropy"},
                                         {"information", "mutual_information_nats", "mutual_information"},
                                         {"information", "decorrelation", "decorrelation"}}) {
    EXPECT_EQ(levels.at(level).at(key).is_number(), family<Loss>().has(loss)) << key;
  }
  ASSERT_EQ(json.at("responses").size(), 2u);
  for (const auto& response : json.at("responses")) {
    EXPECT_TRUE(response.at("levels").at("perceptual").contains("edt_jnd"));
    EXPECT_NEAR(response.at("levels").at("perceptual").at("t_jnd").get<double>(), response.at("jnd").at("t"), 1e-9);
    EXPECT_EQ(response.at("signs").size(), json.at("signs").size());
    EXPECT_TRUE(response.contains("lsd_db") && response.contains("bands")) << "what was there stays";
  }
}

TEST_F(EvalLevels, OfWeightsHaveNoRecordAndStandInTheTableByLevel) {
  const auto json =
      nlohmann::json::parse(eval({path("run/weights.safetensors"), "--data", path("room.wav"), "--json"}));
  EXPECT_TRUE(json.at("levels").at("learning").is_null());
  EXPECT_TRUE(json.at("levels").at("physical").at("modes_t60_median_s").is_null());
  EXPECT_NE(json.at("levels").at("why_null").at("physical.modes_t60_median_s").get<std::string>().find("--modes"),
            std::string::npos);
  const std::string table = eval({path("run"), "--data", path("room.wav")});
  std::size_t at = 0;
  for (const char* title : {"\nphysical\n", "\nstructural\n", "\nstatistical\n", "\nperceptual\n", "\nlearning\n",
                            "\ninformation\n", "bad  signs", "  metallic", "good signs"}) {
    const std::size_t next = table.find(title, at);
    ASSERT_NE(next, std::string::npos) << title << " in\n" << table;
    at = next;
  }
}

TEST_F(EvalLevels, OfSilenceAreNone) {
  const Audio silent{48000, {std::vector<float>(24000, 0.0f)}};
  write_audio(path("silent.wav"), silent);
  EXPECT_THROW(run_command_line({"eval", path("run/weights.safetensors"), "--data", path("silent.wav")}), DataError);
  EXPECT_EQ(message_of<DataError>([&] { check_response(silent, "silent.wav"); }),
            "silent.wav: is silent, expected an impulse response");
  const Audio faint{48000, {std::vector<float>(24000, 1e-30f)}};  // its energy is 0 in single precision
  EXPECT_EQ(message_of<DataError>([&] { check_response(faint, "faint.wav"); }),
            "faint.wav: is silent, expected an impulse response");
}

}  // namespace
}  // namespace diffverb
