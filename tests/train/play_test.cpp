// diffverb export, diffverb render and diffverb-render, on the weights of a short fit.
#include <gtest/gtest.h>

#include "core/audio_file.h"
#include "core/error.h"
#include "tests/program.h"
#include "tests/rooms.h"
#include "tests/scratch.h"
#include "train/cli.h"
#include "train/fit.h"

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
