#include <ATen/ops/from_blob.h>
#include <gtest/gtest.h>

#include <cmath>
#include <nlohmann/json.hpp>

#include "core/audio_file.h"
#include "core/error.h"
#include "core/seed.h"
#include "tests/losses/loss_fixture.h"
#include "tests/scratch.h"
#include "train/cli.h"

namespace diffverb {
namespace {

/// Decaying noise, two channels, and the same at half the amplitude.
class LossCommand : public testing::Test {
 protected:
  void SetUp() override {
    target = write("target.wav", 8000, 1, 16000, 2);
    half = write("half.wav", 8000, 0.5, 16000, 2);
  }
  std::string write(const std::string& name, std::size_t frames, double gain, double rate_hz, std::size_t channels) {
    Random random(5, "loss command");
    Audio audio{rate_hz, {}};
    for (std::size_t c = 0; c < channels; ++c) {
      audio.channels.emplace_back();
      for (std::size_t n = 0; n < frames; ++n)
        audio.channels[c].push_back(
            static_cast<float>(gain * 0.1 * random.normal() * std::pow(10.0, static_cast<double>(n) / -2000)));
    }
    write_audio(scratch / name, audio);
    return (scratch / name).string();
  }
  static std::string output_of(std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), "loss");
    testing::internal::CaptureStdout();
    try {
      run_command_line(arguments);
    } catch (...) {
      testing::internal::GetCapturedStdout();
      throw;
    }
    return testing::internal::GetCapturedStdout();
  }
  static std::string data_error(std::vector<std::string> arguments) {
    return message_of<DataError>([&] { output_of(std::move(arguments)); });
  }
  static double value_of(const std::vector<std::string>& arguments) {
    return nlohmann::json::parse(output_of(arguments)).at("losses").at(0).at("value").get<double>();
  }

  Scratch scratch;
  std::string target, half;
};

TEST_F(LossCommand, GivesTheValuesOfSeveralLosses) {
  const auto json = nlohmann::json::parse(output_of({"esr,level,mse", target, half, "--json"}));
  EXPECT_EQ(json.at("target"), target);
  EXPECT_EQ(json.at("samples"), 8000);
  ASSERT_EQ(json.at("losses").size(), 3u);
  EXPECT_NEAR(json["losses"][0]["value"].get<double>(), 0.25, 1e-6);
  EXPECT_EQ(json["losses"][1]["name"], "level");
  EXPECT_NEAR(json["losses"][1]["value"].get<double>(), 20 * std::log10(2.0), 1e-5);
  EXPECT_EQ(output_of({"esr", target, target}), "esr              0\n");
}

TEST_F(LossCommand, EveryLossTakesSoundsOrSaysWhatItNeeds) {
  for (const std::string& name : family<Loss>().names()) {
    if (name == "sparsity") continue;  // of a matrix
    try {
      EXPECT_TRUE(std::isfinite(value_of({name, target, half, "--json"}))) << name;
    } catch (const DataError& refused) {  // a loss may need more than a sound: it says what
      EXPECT_NE(std::string(refused.what()).find(target), std::string::npos) << refused.what();
    }
  }
  EXPECT_NE(data_error({"sparsity", target, half}).find("feedback_matrix"), std::string::npos);
}

TEST_F(LossCommand, WritesTheGradientAsASound) {
  const std::string file = (scratch / "gradient.wav").string();
  output_of({"mse", target, half, "--grad", file});
  const Audio gradient = read_audio(file), wanted = read_audio(target), found = read_audio(half);
  ASSERT_EQ(gradient.channels.size(), 2u);
  ASSERT_EQ(gradient.frames(), 8000u);
  for (std::size_t n = 0; n < 8000; n += 71) {  // 2 (h - g) / (C T)
    const double expected = 2 * (static_cast<double>(found.channels[1][n]) - wanted.channels[1][n]) / 16000;
    EXPECT_NEAR(gradient.channels[1][n], expected, 1e-6 * std::abs(expected) + 1e-15);
  }
}

TEST_F(LossCommand, TakesTheKeysOfALoss) {
  EXPECT_NEAR(value_of({"stft", target, half, "--json", "--set", "log_weight=0", "--set", "floor_db=-200"}), 0.5, 1e-6);
  EXPECT_THROW(output_of({"stft", target, half, "--set", "log_wieght=0"}), ConfigError);
  EXPECT_THROW(output_of({"stft,mse", target, half, "--set", "log_weight=0"}), ConfigError);
}

TEST_F(LossCommand, CutsTheLongerFileAndSaysSo) {
  const std::string longer = write("longer.wav", 9000, 1, 16000, 1),
                    shorter = write("shorter.wav", 8000, 0.5, 16000, 1);
  testing::internal::CaptureStderr();
  const double value = value_of({"esr", longer, shorter, "--json"});
  EXPECT_NE(testing::internal::GetCapturedStderr().find("cut from 9000 to 8000 samples"), std::string::npos);
  EXPECT_NEAR(value, 0.25, 1e-6);
}

TEST_F(LossCommand, SaysThatOneFileBeginsLaterThanTheOther) {
  Audio late = read_audio(target);
  for (auto& channel : late.channels) channel.insert(channel.begin(), 160, 0.0f);
  write_audio(scratch / "late.wav", late);
  const auto said = [&](const std::string& other) {
    testing::internal::CaptureStderr();
    output_of({"mse", target, other});
    return testing::internal::GetCapturedStderr();
  };
  EXPECT_NE(said((scratch / "late.wav").string()).find("late.wav: begins 10 ms after " + target), std::string::npos);
  EXPECT_EQ(said(half), "");
}

TEST_F(LossCommand, RefusesOtherRatesChannelsAndNames) {
  const std::string faster = write("faster.wav", 8000, 1, 32000, 2), mono = write("mono.wav", 8000, 1, 16000, 1);
  EXPECT_EQ(data_error({"mse", target, faster}), faster + ": 32000 Hz; expected 16000 Hz, the rate of " + target);
  EXPECT_EQ(data_error({"mse", target, mono}), mono + ": 1 channels; expected 2, as " + target + " has");
  for (const char* names : {"mes", "", "mse,"}) EXPECT_THROW(output_of({names, target, half}), ConfigError) << names;
  EXPECT_THROW(output_of({"mse,esr", target, half, "--grad", "g.wav"}), ConfigError);
}

TEST_F(LossCommand, AValueThatIsNoNumberIsAnError) {
  const std::string loud = write("loud.wav", 8000, 1e30, 16000, 2);
  EXPECT_THROW(output_of({"edc", target, loud}), NumericError);
}

}  // namespace
}  // namespace diffverb
