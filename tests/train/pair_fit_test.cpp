#include "train/fit/pair_fit.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "core/audio_tensor.h"
#include "core/error.h"
#include "runtime/render.h"
#include "runtime/weights.h"
#include "tests/pairs.h"
#include "tests/program.h"
#include "tests/rooms.h"
#include "tests/scratch.h"
#include "train/cli.h"
#include "train/fit/pair_excerpts.h"
#include "train/run_folder.h"

namespace diffverb {
namespace {

namespace fs = std::filesystem;

constexpr double kRate = 16000;
const std::vector<std::string> kSmall = {"model.lines=8", "train.steps=12", "train.rate=0.04", "pair.excerpt_s=0.7"};

/// A sound through a room at 16 kHz, `drive` before it: x + drive x^2 / 2 + drive x^3.
struct Space {
  Scratch scratch;
  NoiseRoom room{.seconds = 0.6, .t60_s = 0.4};
  double seconds = 8, drive = 0;
  int dry_channels = 1;

  void write() const {
    const auto dry = noise_bursts(seconds, 1);
    auto driven = dry;
    for (float& x : driven) x += static_cast<float>(drive * (0.5 * x * x + x * x * x));
    write_audio(scratch / "dry.wav", {kRate, std::vector<std::vector<float>>(dry_channels, dry)});
    Audio wet{kRate, {}};
    for (int c = 0; c < room.channels; ++c) {
      const auto h = room.channel(c);
      wet.channels.push_back(through_room(driven, {h.begin(), h.end()}));
    }
    write_audio(scratch / "wet.wav", wet);
  }
  FitOptions options(const std::string& name, const std::vector<std::string>& overlays = kSmall) const {
    FitOptions options;
    options.dry = scratch / "dry.wav";
    options.input = scratch / "wet.wav";
    options.out = scratch / name;
    options.overlays = overlays;
    return options;
  }
  nlohmann::json metrics(const std::string& name) const {
    return nlohmann::json::parse(read_text(scratch / name / "metrics.json"));
  }
  nlohmann::json fit(const std::string& name, const std::vector<std::string>& overlays = kSmall) const {
    fit_pair(options(name, overlays));
    return metrics(name);
  }
};

TEST(TrainingPairFit, ALinearRoomIsRecoveredAsFromItsResponse) {
  Space space;
  space.write();
  const auto metrics = space.fit("pair");
  write_audio(space.scratch / "room.wav", space.room.audio());
  FitOptions from_response;
  from_response.input = space.scratch / "room.wav";
  from_response.out = space.scratch / "response";
  from_response.overlays = {"model.lines=8", "train.steps=12", "train.rate=0.04"};
  fit_response(from_response);
  const auto expected = space.metrics("response");
  EXPECT_LT(metrics["response"]["median"]["t_error_pct"].get<double>(),
            expected["median"]["t_error_pct"].get<double>() + 2);
  EXPECT_LT(metrics["response"]["worst"]["t_error_pct"].get<double>(), 10);
  EXPECT_LT(std::abs(metrics["response"]["level_offset_db"].get<double>()), 0.5);
  EXPECT_LT(metrics["held_back"]["nmse_db"].get<double>(), -4);  // what is late has another fine structure
  EXPECT_EQ(metrics["delay_samples"], 0);
  EXPECT_EQ(metrics["steps"], 12);
  for (const char* name : {"weights.safetensors", "dry.wav", "wet.wav", "out.wav", "target.wav", "ir.wav",
                           "report.html", "config.resolved.yaml", "log", "losses.jsonl", "validation.jsonl"}) {
    EXPECT_GT(fs::file_size(space.scratch / "pair" / name), 0u) << name;
    EXPECT_TRUE(RunFolder::is_run_file(name)) << name;
  }
}

TEST(TrainingPairFit, OutIsWhatTheRuntimePlaysAndChannelsKeepTheirOrder) {
  Space space;
  space.room.channels = 2;
  space.dry_channels = 2;  // a room hears their mean
  space.write();
  const auto metrics = space.fit("run");
  EXPECT_EQ(metrics["channels"], 2);
  const auto loaded = runtime::load_model(space.scratch / "run/weights.safetensors");
  ASSERT_TRUE(loaded.model) << loaded.error;
  const Audio out = read_audio(space.scratch / "run/out.wav"), dry = read_audio(space.scratch / "run/dry.wav");
  const auto played = runtime::render(loaded.model, dry.channels, 0);
  ASSERT_EQ(out.channels.size(), 2u);
  for (std::size_t c = 0; c < 2; ++c) {
    for (std::size_t n = 0; n < out.frames(); ++n) ASSERT_EQ(out.channels[c][n], played[c][n]) << n;
  }
  EXPECT_LT(metrics["held_back"]["log_spectral_distance_db"].get<double>(), 5);
}

TEST(TrainingPairFit, TheSameSeedGivesTheSameWeightsAndAnotherDoesNot) {
  Space space;
  space.seconds = 5;
  space.write();
  space.fit("a");
  FitOptions again = space.options("b", {});
  again.config = space.scratch / "a/config.resolved.yaml";
  fit_pair(again);
  EXPECT_EQ(read_text(space.scratch / "a/weights.safetensors"), read_text(space.scratch / "b/weights.safetensors"));
  auto other = kSmall;
  other.push_back("seed=2");
  space.fit("c", other);
  EXPECT_NE(read_text(space.scratch / "a/weights.safetensors"), read_text(space.scratch / "c/weights.safetensors"));
}

TEST(TrainingPairFit, KilledAndResumedEqualsUninterrupted) {
  Space space;
  space.seconds = 5;
  space.write();
  std::vector<std::string> overlays = kSmall;
  overlays.push_back("train.checkpoint_every_s=0");
  space.fit("whole", overlays);
  std::vector<std::string> arguments = {"fit",
                                        "--dry",
                                        (space.scratch / "dry.wav").string(),
                                        "--wet",
                                        (space.scratch / "wet.wav").string(),
                                        "--out",
                                        (space.scratch / "broken").string()};
  for (const std::string& overlay : overlays) arguments.insert(arguments.end(), {"--set", overlay});
  Program program(DIFFVERB_PROGRAM, arguments, space.scratch.path());
  const auto log = space.scratch / "broken/losses.jsonl";
  ASSERT_TRUE(program.wait_until([&] {
    const std::string text = read_text(log);
    return std::count(text.begin(), text.end(), '\n') >= 3;
  })) << program.err();
  program.signal(SIGKILL);
  program.wait();
  ASSERT_FALSE(fs::exists(space.scratch / "broken/weights.safetensors"));
  Program resumed(DIFFVERB_PROGRAM, {"fit", "--resume", (space.scratch / "broken").string()}, space.scratch.path());
  ASSERT_EQ(resumed.wait(), 0) << resumed.err();
  EXPECT_EQ(read_text(space.scratch / "whole/weights.safetensors"),
            read_text(space.scratch / "broken/weights.safetensors"));
  EXPECT_NE(resumed.out().find("held_back: NMSE"), std::string::npos) << resumed.out();
}

/// The same linear part with terms of the second and third order beside it, and without.
TEST(TrainingPairFit, AHybridComesNearerToADrivenSpaceThanItsLinearPart) {
  Space space;
  space.drive = 1.5;
  space.write();
  const auto fit = [&](const std::string& name, const std::string& order) {
    FitOptions options =
        space.options(name, {"model.linear.lines=8", "model.nonlinear.order=" + order, "model.nonlinear.first_ms=200",
                             "model.nonlinear.after_ms=100", "train.steps=10", "pair.excerpt_s=0.7"});
    options.config = DIFFVERB_SOURCE_DIR "/configs/hybrid_fit.yaml";
    fit_pair(options);
    return space.metrics(name);
  };
  const auto linear = fit("linear", "1"), hybrid = fit("hybrid", "3");
  EXPECT_LT(hybrid["held_back"]["nmse_db"].get<double>(), linear["held_back"]["nmse_db"].get<double>() - 3);
  EXPECT_LT(hybrid["held_back"]["log_spectral_distance_db"].get<double>(),
            linear["held_back"]["log_spectral_distance_db"].get<double>());
  EXPECT_FALSE(hybrid.contains("response"));  // a space that is not linear has none that says all
}

TEST(TrainingPairFit, SaysWhatDoesNotGoTogether) {
  Space space;
  space.seconds = 8;
  space.write();
  const auto refused = [&](const std::vector<std::string>& overlays) {
    return message_of<ConfigError>([&] { space.fit("run", overlays); });
  };
  EXPECT_NE(refused({"losses=[{type: edc}]"}).find("do not go together: edc"), std::string::npos);
  write_text(space.scratch / "auto.yaml", "model: {type: spectral_autoencoder}\n");
  FitOptions options = space.options("run", {});
  options.config = space.scratch / "auto.yaml";
  EXPECT_NE(message_of<ConfigError>([&] { fit_pair(options); }).find("is not fitted to one pair"), std::string::npos);
  write_text(space.scratch / "two.yaml", "model: {type: volterra, outputs: 2}\n");
  options.config = space.scratch / "two.yaml";
  EXPECT_NE(message_of<ConfigError>([&] { fit_pair(options); }).find("has 2 output(s), the pair 1"), std::string::npos);
  EXPECT_NE(refused({"pair.response_s=3.5"}).find("at most half of it"), std::string::npos);
  EXPECT_FALSE(fs::exists(space.scratch / "run"));
  const auto command = [&](const std::vector<std::string>& more) {
    std::vector<std::string> arguments = {"fit", "--dry", (space.scratch / "dry.wav").string()};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return message_of<ConfigError>([&] { run_command_line(arguments); });
  };
  EXPECT_NE(command({}).find("--dry FILE and --wet FILE, both"), std::string::npos);
}

TEST(PairExcerpts, ArePlacesOfThePairWithWhatWasPlayedBefore) {
  const auto dry = channels_of({kRate, {noise_bursts(4, 1), noise_bursts(4, 2)}});
  const auto wet = channels_of({kRate, {noise_bursts(4, 3)}});
  const PairExcerpts excerpts(dry, wet, kRate, {.samples = 8000, .run_in = 3000, .held_back = 48000});
  EXPECT_EQ(excerpts.size(Split::kTrain), 6);
  EXPECT_EQ(excerpts.size(Split::kValidation), 2);
  const auto parts = excerpts.take_apart(excerpts.example(Split::kValidation, 1, 0).unsqueeze(0));
  EXPECT_TRUE(parts.wet[0].equal(wet.slice(1, 56000, 64000).to(at::kFloat)));
  EXPECT_TRUE(parts.dry[0].equal(dry.slice(1, 53000, 64000).to(at::kFloat)));
  const auto first = excerpts.take_apart(excerpts.example(Split::kTrain, 0, 0).unsqueeze(0));
  EXPECT_EQ(first.dry.slice(2, 0, 3000).abs().max().item<float>(), 0);  // the pair has not begun
  EXPECT_TRUE(first.dry[0].slice(1, 3000).equal(dry.slice(1, 0, 8000).to(at::kFloat)));
  EXPECT_TRUE(excerpts.example(Split::kTrain, 0, 7).equal(excerpts.example(Split::kTrain, 0, 7)));
  EXPECT_FALSE(excerpts.example(Split::kTrain, 0, 7).equal(excerpts.example(Split::kTrain, 0, 8)));
}

TEST(PairExcerpts, PassOverSilenceAndRefuseAPartWithoutSound) {
  auto wet = channels_of({kRate, {noise_bursts(4, 3)}});
  const auto dry = wet.clone();
  wet.slice(1, 16000, 32000).zero_();
  const PairExcerpts excerpts(dry, wet, kRate, {.samples = 8000, .run_in = 0, .held_back = 48000});
  EXPECT_EQ(excerpts.size(Split::kTrain), 4);
  for (std::uint64_t seed = 1; seed < 40; ++seed) {
    const auto parts = excerpts.take_apart(excerpts.example(Split::kTrain, 0, seed).unsqueeze(0));
    EXPECT_GT(parts.wet.abs().max().item<float>(), 1e-4) << seed;
  }
  wet.slice(1, 48000).zero_();
  const std::string message =
      message_of<DataError>([&] { PairExcerpts(dry, wet, kRate, {.samples = 8000, .run_in = 0, .held_back = 48000}); });
  EXPECT_NE(message.find("held-back part of 1.00 s has no excerpt of 0.50 s"), std::string::npos) << message;
}

}  // namespace
}  // namespace diffverb
