// diffverb export, diffverb render and diffverb-render, on the weights of a short fit.
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "core/audio_file.h"
#include "core/error.h"
#include "runtime/live/preset.h"
#include "runtime/render.h"
#include "tests/program.h"
#include "tests/rooms.h"
#include "tests/scratch.h"
#include "train/cli.h"
#include "train/fit/fit.h"

namespace diffverb {
namespace {

namespace fs = std::filesystem;

class PlayCommands : public testing::Test {
 protected:
  void SetUp() override {
    write_audio(scratch_ / "room.wav", NoiseRoom{.seconds = 0.6, .t60_s = 0.3, .channels = 2}.audio());
    FitOptions options;
    options.input = scratch_ / "room.wav";
    options.out = scratch_ / "run";
    options.overlays = {"model.lines=6", "train.steps=2"};
    fit_response(options);
    weights_ = (scratch_ / "run/weights.safetensors").string();
  }
  std::string path(const std::string& name) const { return (scratch_ / name).string(); }

  Scratch scratch_;
  std::string weights_;
};

TEST_F(PlayCommands, RenderIsWhatDiffverbRenderDoes) {
  EXPECT_EQ(run_command_line({"render", weights_, "--impulse", "0.5", "--out", path("a.wav")}), 0);
  EXPECT_EQ(
      Program(DIFFVERB_RENDER_PROGRAM, {weights_, "--impulse", "0.5", "--out", path("b.wav")}, scratch_.path()).wait(),
      0);
  EXPECT_EQ(read_text(scratch_ / "a.wav"), read_text(scratch_ / "b.wav"));
  const Audio ir = read_audio(scratch_ / "a.wav");
  EXPECT_EQ(ir.channels.size(), 2u);
  EXPECT_EQ(ir.frames(), 8000u);
}

TEST_F(PlayCommands, MixPredelayAndTailAreWhatTheySay) {
  Audio dry;
  dry.rate_hz = 16000;
  dry.channels = {std::vector<float>(800, 0.0f)};
  dry.channels[0][0] = 1;
  write_audio(scratch_ / "dry.wav", dry);
  ASSERT_EQ(run_command_line({"render", weights_, "--in", path("dry.wav"), "--out", path("wet.wav"), "--mix", "0.25",
                              "--predelay-ms", "10", "--tail", "0.2"}),
            0);
  ASSERT_EQ(run_command_line({"render", weights_, "--impulse", "0.3", "--out", path("ir.wav")}), 0);
  const Audio wet = read_audio(scratch_ / "wet.wav"), ir = read_audio(scratch_ / "ir.wav");
  ASSERT_EQ(wet.frames(), 160u + 800u + 3200u);
  for (std::size_t c = 0; c < 2; ++c) {
    EXPECT_FLOAT_EQ(wet.channels[c][0], 0.75f);
    for (std::size_t n = 160; n < wet.frames(); ++n)
      ASSERT_NEAR(wet.channels[c][n], 0.25f * ir.channels[c][n - 160], 1e-6) << n;
  }
}

TEST_F(PlayCommands, SoundsOfAnotherRateAreResampled) {
  Audio dry;
  dry.rate_hz = 48000;
  dry.channels = {std::vector<float>(4800)};
  for (std::size_t n = 0; n < 4800; ++n)
    dry.channels[0][n] = static_cast<float>(std::sin(2 * 3.14159265358979 * 500 * static_cast<double>(n) / 48000));
  write_audio(scratch_ / "dry.wav", dry);
  ASSERT_EQ(run_command_line(
                {"render", weights_, "--in", path("dry.wav"), "--out", path("wet.wav"), "--mix", "0", "--tail", "0"}),
            0);
  const Audio out = read_audio(scratch_ / "wet.wav");
  EXPECT_EQ(out.rate_hz, 16000);
  ASSERT_EQ(out.frames(), 1600u);
  for (std::size_t n = 300; n < 1300; ++n)
    ASSERT_NEAR(out.channels[0][n], std::sin(2 * 3.14159265358979 * 500 * static_cast<double>(n) / 16000), 2e-3) << n;
}

TEST_F(PlayCommands, ExportGivesTheWeightsThatTheRunPlays) {
  ASSERT_EQ(run_command_line({"export", path("run"), "--out", path("deep/room.safetensors")}), 0);
  EXPECT_EQ(read_text(scratch_ / "deep/room.safetensors"), read_text(weights_));
  write_text(weights_, read_text(weights_).substr(0, 3000));
  EXPECT_NE(message_of<DataError>([&] {
              run_command_line({"export", path("run"), "--out", path("bad.safetensors")});
            }).find("weights.safetensors"),
            std::string::npos);
  EXPECT_FALSE(fs::exists(scratch_ / "bad.safetensors"));
  fs::remove(weights_);
  EXPECT_NE(message_of<DataError>([&] {
              run_command_line({"export", path("run"), "--out", path("bad.safetensors")});
            }).find("--resume"),
            std::string::npos);
  EXPECT_THROW(run_command_line({"export", path("none"), "--out", path("bad.safetensors")}), DataError);
}

/// What a command prints, and what it logs.
struct Said {
  std::string out, err;
};

Said run(const std::vector<std::string>& arguments) {
  testing::internal::CaptureStdout();
  testing::internal::CaptureStderr();
  EXPECT_EQ(run_command_line(arguments), 0);
  Said said;
  said.out = testing::internal::GetCapturedStdout();
  said.err = testing::internal::GetCapturedStderr();
  return said;
}

TEST_F(PlayCommands, ExportForPyfdnSaysWhatItLeavesOutAndPlaysTheRest) {
  const Said said = run({"export", path("run"), "--out", path("deep/room.json"), "--format", "pyfdn"});
  EXPECT_EQ(said.out, path("deep/room.json") + "\n");
  EXPECT_NE(said.err.find("early [2, 1, 1280], the FIR beside the network: the first 80.0 ms"), std::string::npos)
      << said.err;
  EXPECT_EQ(std::count(said.err.begin(), said.err.end(), '\n'), 1) << said.err;
  run({"export", weights_, "--out", path("named.json")});  // the name says the format
  EXPECT_EQ(read_text(scratch_ / "named.json"), read_text(scratch_ / "deep/room.json"));

  auto network = runtime::load_model(weights_).model->network;
  for (std::size_t n = 0; n < network.early.size(); ++n) network.early[n] *= n % 1280 == 0 ? 1.0f : 0.0f;
  const auto expected = runtime::render_impulse(runtime::make_model(network).model, 0.5);
  ASSERT_EQ(Program(DIFFVERB_RENDER_PROGRAM, {path("named.json"), "--impulse", "0.5", "--out", path("a.wav")},
                    scratch_.path())
                .wait(),
            0);
  const Audio played = read_audio(scratch_ / "a.wav");
  ASSERT_EQ(played.channels.size(), 2u);
  double peak = 0, error = 0;
  for (std::size_t c = 0; c < 2; ++c) {
    for (std::size_t n = 0; n < played.frames(); ++n) {
      peak = std::max(peak, std::abs(static_cast<double>(expected[c][n])));
      error = std::max(error, std::abs(static_cast<double>(played.channels[c][n]) - expected[c][n]));
    }
  }
  EXPECT_GT(peak, 0.001);
  EXPECT_LT(error, 1e-6 * peak);
}

TEST_F(PlayCommands, APresetIsPlayedWithItsModelAndControlsAtTheDrySoundsRate) {
  runtime::Preset preset;
  preset.model = weights_;
  preset.values[static_cast<std::size_t>(runtime::Control::kInputGain)] = 0;
  preset.values[static_cast<std::size_t>(runtime::Control::kPredelay)] = 10;
  ASSERT_EQ(runtime::write_preset(path("room.json"), preset), "");
  Audio dry;
  dry.rate_hz = 16000;
  dry.channels = {std::vector<float>(800, 0.0f)};
  dry.channels[0][0] = 1;
  write_audio(scratch_ / "dry.wav", dry);
  run({"render", "--preset", path("room.json"), "--in", path("dry.wav"), "--out", path("wet.wav"), "--tail", "0.2"});
  run({"render", weights_, "--impulse", "0.25", "--out", path("ir.wav")});
  const Audio wet = read_audio(scratch_ / "wet.wav"), ir = read_audio(scratch_ / "ir.wav");
  EXPECT_EQ(wet.rate_hz, 16000);
  ASSERT_EQ(wet.channels.size(), 2u);
  ASSERT_EQ(wet.frames(), 4000u);
  for (std::size_t c = 0; c < 2; ++c) {
    for (std::size_t n = 160; n < 4000; ++n) ASSERT_NEAR(wet.channels[c][n], ir.channels[c][n - 160], 1e-6) << n;
  }
  EXPECT_NE(run_command_line(
                {"render", "--preset", path("room.json"), "--mix", "0.5", "--impulse", "1", "--out", path("x.wav")}),
            1);
  EXPECT_THROW(run_command_line({"render", "--impulse", "1", "--out", path("x.wav")}), ConfigError);
}

TEST_F(PlayCommands, ABuildOfPyfdnIsTakenWhereWeightsAre) {
  run({"export", path("run"), "--out", path("room.json")});
  const Said back = run({"export", path("room.json"), "--out", path("room.safetensors")});
  EXPECT_EQ(back.out, path("room.safetensors") + "\n");
  EXPECT_EQ(back.err, "");
  run({"render", path("room.json"), "--impulse", "0.3", "--out", path("a.wav")});
  run({"render", path("room.safetensors"), "--impulse", "0.3", "--out", path("b.wav")});
  EXPECT_EQ(read_text(scratch_ / "a.wav"), read_text(scratch_ / "b.wav"));
  const auto figures = [&](const std::string& model) {
    return nlohmann::json::parse(run({"eval", model, "--data", path("room.wav"), "--json"}).out);
  };
  const auto of_run = figures(path("run")), of_weights = figures(weights_), of_build = figures(path("room.json"));
  EXPECT_EQ(of_run.at("responses").size(), 2u);
  EXPECT_EQ(of_run.at("median"), of_weights.at("median"));
  EXPECT_EQ(of_build.at("median"), figures(path("room.safetensors")).at("median"));
  const auto distance = [](const nlohmann::json& json) { return json.at("median").at("lsd_db").get<double>(); };
  EXPECT_LT(distance(of_run), distance(of_build) - 0.5) << "the build has no exact early part";
}

TEST_F(PlayCommands, WhatIsNoBuildIsRefusedWithFileAndKey) {
  run({"export", path("run"), "--out", path("room.json")});
  const std::string good = read_text(scratch_ / "room.json");
  const auto refused = [&](const std::string& text, const std::vector<std::string>& arguments) {
    write_text(scratch_ / "bad.json", text);
    return message_of<DataError>([&] { run_command_line(arguments); });
  };
  const std::string bad = path("bad.json"), half = good.substr(0, good.find("\"delays\"") + 15);
  for (const std::vector<std::string>& arguments :
       {std::vector<std::string>{"render", bad, "--impulse", "1", "--out", path("x.wav")},
        {"export", bad, "--out", path("x.safetensors")},
        {"eval", bad, "--data", path("room.wav")}}) {
    EXPECT_EQ(refused(half, arguments).rfind(bad + ": not JSON: it ends after ", 0), 0u);
    EXPECT_EQ(refused("{\"format\": \"pyfdn-fdn-build\", \"version\": 1}", arguments),
              bad + ": version is 1, expected 2");
  }
  EXPECT_FALSE(fs::exists(scratch_ / "x.wav") || fs::exists(scratch_ / "x.safetensors"));
  EXPECT_EQ(refused(good, {"encode", path("room.wav"), "--model", bad, "--out", path("latent")}),
            bad + ": is a delay network, expected an autoencoder");
  EXPECT_EQ(refused(good, {"export", bad, "--bank", "--out", path("bank.safetensors")}),
            bad + ": is a delay network, expected an autoencoder");
  EXPECT_NE(message_of<ConfigError>([&] {
              run_command_line({"eval", bad, "--box", "3"});
            }).find("is a delay network"),
            std::string::npos);
  EXPECT_NE(message_of<ConfigError>([&] {
              run_command_line({"export", path("run"), "--out", path("x"), "--format", "wav"});
            }).find("--format"),
            std::string::npos);
}

TEST_F(PlayCommands, WrongUseIsSaidWithTheRightCode) {
  const auto code = [&](const std::vector<std::string>& arguments) {
    return Program(DIFFVERB_RENDER_PROGRAM, arguments, scratch_.path()).wait();
  };
  EXPECT_EQ(code({weights_, "--out", path("x.wav")}), 1);
  EXPECT_EQ(code({weights_, "--impulse", "1", "--in", path("room.wav"), "--out", path("x.wav")}), 1);
  EXPECT_EQ(code({weights_, "--in", path("room.wav"), "--out", path("x.wav"), "--mix", "2"}), 1);
  EXPECT_EQ(code({weights_, "--in", path("none.wav"), "--out", path("x.wav")}), 2);
  EXPECT_EQ(code({weights_, "--in", weights_, "--out", path("x.wav")}), 2);
  EXPECT_EQ(code({path("room.wav"), "--impulse", "1", "--out", path("x.wav")}), 2);
  EXPECT_EQ(code({path("none.safetensors"), "--impulse", "1", "--out", path("x.wav")}), 2);
  EXPECT_FALSE(fs::exists(scratch_ / "x.wav"));
  EXPECT_EQ(message_of<ConfigError>([&] {
              run_command_line({"render", weights_, "--out", path("x.wav")});
            }).find("give either"),
            0u);
}

}  // namespace
}  // namespace diffverb
