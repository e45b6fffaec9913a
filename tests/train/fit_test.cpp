#include "train/fit/fit.h"

#include <gtest/gtest.h>

#include <fstream>
#include <nlohmann/json.hpp>

#include "core/audio_file.h"
#include "core/error.h"
#include "core/fields.h"
#include "runtime/render.h"
#include "runtime/weights.h"
#include "tests/program.h"
#include "tests/rooms.h"
#include "tests/scratch.h"
#include "tests/small_disk.h"
#include "train/cli.h"

namespace diffverb {
namespace {

namespace fs = std::filesystem;

const std::vector<std::string> kSmall = {"model.lines=8", "train.steps=15", "train.rate=0.04"};

FitOutcome fit(const fs::path& input, const fs::path& out, const std::vector<std::string>& overlays = kSmall) {
  FitOptions options;
  options.input = input;
  options.out = out;
  options.overlays = overlays;
  return fit_response(options);
}

nlohmann::json metrics_of(const fs::path& run) { return nlohmann::json::parse(read_text(run / "metrics.json")); }

std::size_t lines_in(const fs::path& path) {
  const std::string text = read_text(path);
  return static_cast<std::size_t>(std::count(text.begin(), text.end(), '\n'));
}

TEST(TrainingFit, ARoomsDecayIsRecoveredInWhatTheRuntimePlays) {
  const Scratch scratch;
  write_audio(scratch / "room.wav", NoiseRoom{.seconds = 1.0, .t60_s = 0.6}.audio());
  const FitOutcome outcome = fit(scratch / "room.wav", scratch / "run");
  EXPECT_EQ(outcome.steps, 15);
  for (const char* name :
       {"weights.safetensors", "ir.wav", "report.html", "metrics.json", "config.resolved.yaml", "log", "losses.jsonl"})
    EXPECT_GT(fs::file_size(scratch / "run" / name), 0u) << name;
  const auto metrics = metrics_of(scratch / "run");
  EXPECT_LT(metrics["median"]["t_error_pct"].get<double>(), 2.0);
  EXPECT_LT(metrics["median"]["edt_error_pct"].get<double>(), 6.0);
  EXPECT_LT(std::abs(metrics["level_offset_db"].get<double>()), 0.5);
  EXPECT_EQ(metrics["early_ms"], 80);
  EXPECT_EQ(metrics["steps"], 15);
  EXPECT_GT(metrics["parameters"].get<int>(), 100);
  EXPECT_GT(metrics["seconds"].get<double>(), 0);
  EXPECT_TRUE(metrics.contains("target"));
  EXPECT_TRUE(metrics["coherence_error"].is_null());  // one channel

  // ir.wav is what the weights play, no more and no less.
  const auto loaded = runtime::load_model(scratch / "run/weights.safetensors");
  ASSERT_TRUE(loaded.model) << loaded.error;
  const Audio ir = read_audio(scratch / "run/ir.wav");
  const auto played = runtime::render_impulse(loaded.model, static_cast<double>(ir.frames()) / ir.rate_hz);
  for (std::size_t n = 0; n < ir.frames(); ++n) ASSERT_EQ(ir.channels[0][n], played[0][n]) << n;
}

TEST(TrainingFit, TrainingLowersTheLossAndTheErrors) {
  const Scratch scratch;
  write_audio(scratch / "room.wav", NoiseRoom{.seconds = 1.0, .t60_s = 0.4, .seed = 9}.audio());
  fit(scratch / "room.wav", scratch / "start", {"model.lines=8", "train.steps=0"});
  fit(scratch / "room.wav", scratch / "trained", {"model.lines=8", "train.steps=40", "train.rate=0.04"});
  const auto before = metrics_of(scratch / "start"), after = metrics_of(scratch / "trained");
  EXPECT_LT(after["worst"]["t_error_pct"].get<double>(), before["worst"]["t_error_pct"].get<double>());
  EXPECT_LT(after["edc_mae_db"].get<double>(), 0.7 * before["edc_mae_db"].get<double>());
}

TEST(TrainingFit, ChannelsKeepTheirOrderLevelAndCoherence) {
  const Scratch scratch;
  Audio room = NoiseRoom{.seconds = 0.9, .t60_s = 0.5, .channels = 3}.audio();
  for (std::size_t n = 0; n < room.frames(); ++n) {
    room.channels[1][n] *= 0.25f;                                                   // 12 dB below
    room.channels[2][n] = 0.8f * room.channels[0][n] + 0.2f * room.channels[2][n];  // close to the first
  }
  write_audio(scratch / "room.wav", room);
  fit(scratch / "room.wav", scratch / "run", {"model.lines=12", "train.steps=40", "train.rate=0.04"});
  const auto metrics = metrics_of(scratch / "run");
  ASSERT_EQ(metrics["channels"].size(), 3u);
  for (const auto& channel : metrics["channels"]) {
    EXPECT_LT(std::abs(channel["level_offset_db"].get<double>()), 0.6);
    EXPECT_LT(channel["median"]["t_error_pct"].get<double>(), 4.0);
  }
  EXPECT_LT(metrics["coherence_error"].get<double>(), 0.1);
}

TEST(TrainingFit, TheSameSeedGivesTheSameWeightsAndAnotherDoesNot) {
  const Scratch scratch;
  write_audio(scratch / "room.wav", NoiseRoom{}.audio());
  fit(scratch / "room.wav", scratch / "a");
  FitOptions again;  // from the run's own resolved config, as a reader of the run would
  again.input = scratch / "room.wav";
  again.out = scratch / "b";
  again.config = scratch / "a/config.resolved.yaml";
  fit_response(again);
  EXPECT_EQ(read_text(scratch / "a/weights.safetensors"), read_text(scratch / "b/weights.safetensors"));
  auto other = kSmall;
  other.push_back("seed=2");
  fit(scratch / "room.wav", scratch / "c", other);
  EXPECT_NE(read_text(scratch / "a/weights.safetensors"), read_text(scratch / "c/weights.safetensors"));
}

/// A steady whistle above what the bands cover holds most of a long measurement's energy; it is noise and not to be
/// played.
TEST(TrainingFit, AWhistleOfTheMeasurementIsNotLearned) {
  const Scratch scratch;
  Audio room = NoiseRoom{.seconds = 1.5, .t60_s = 0.4}.audio();
  double before = 0;
  for (std::size_t n = 0; n < room.frames(); ++n) {
    before += room.channels[0][n] * room.channels[0][n];
    room.channels[0][n] +=
        static_cast<float>(0.012 * std::sin(2 * 3.14159265358979 * 7700 * static_cast<double>(n) / 16000));
  }
  write_audio(scratch / "room.wav", room);
  fit(scratch / "room.wav", scratch / "run", {"model.lines=12", "train.steps=40", "train.rate=0.04"});
  const Audio ir = read_audio(scratch / "run/ir.wav");
  double played = 0, late = 0;
  for (std::size_t n = 0; n < ir.frames(); ++n) {
    const double power = ir.channels[0][n] * ir.channels[0][n];
    played += power;
    if (n > 16000) late += power;
  }
  EXPECT_NEAR(10 * std::log10(played / before), 0, 0.5);
  EXPECT_LT(late, 1e-5 * played);
}

/// Slopes that differ sixfold: one group cannot follow them, and a short run of either must say so.
TEST(TrainingFit, CoupledRoomsGetTwoGroupsOfLines) {
  const Scratch scratch;
  write_audio(scratch / "room.wav",
              NoiseRoom{.seconds = 3.2, .t60_s = 0.7, .late_t60_s = 4.2, .late_db = -26, .floor_db = -95}.audio());
  fit(scratch / "room.wav", scratch / "run", {"model.lines=16", "train.steps=40", "train.rate=0.04"});
  EXPECT_NE(read_text(scratch / "run/log").find("two slopes: 2 groups"), std::string::npos)
      << read_text(scratch / "run/log");
  EXPECT_LT(metrics_of(scratch / "run")["worst"]["edt_error_pct"].get<double>(), 20.0);
  fit(scratch / "room.wav", scratch / "single",
      {"model.lines=16", "train.steps=40", "train.rate=0.04", "model.groups=1"});
  EXPECT_LT(metrics_of(scratch / "run")["median"]["edt_error_pct"].get<double>(),
            metrics_of(scratch / "single")["median"]["edt_error_pct"].get<double>());
}

/// Ends a fit by a signal after `steps` steps, resumes it, and compares with one that was left alone.
void check_resume(int signal, int expected_code) {
  const Scratch scratch;
  write_audio(scratch / "room.wav", NoiseRoom{}.audio());
  std::vector<std::string> arguments = {
      "fit",   (scratch / "room.wav").string(), "--set", "model.lines=6", "--set", "train.steps=60",
      "--set", "train.checkpoint_every_s=0",    "--out"};
  arguments.push_back((scratch / "whole").string());
  ASSERT_EQ(Program(DIFFVERB_PROGRAM, arguments, scratch.path()).wait(), 0);
  arguments.back() = (scratch / "broken").string();
  {
    Program run(DIFFVERB_PROGRAM, arguments, scratch.path());
    const auto losses = scratch / "broken/losses.jsonl";
    ASSERT_TRUE(run.wait_until([&] { return fs::exists(losses) && lines_in(losses) >= 7; })) << run.err();
    run.signal(signal);
    ASSERT_EQ(run.wait(), expected_code) << run.err();
  }
  ASSERT_FALSE(fs::exists(scratch / "broken/weights.safetensors")) << "the fit was over before the signal";
  Program resumed(DIFFVERB_PROGRAM, {"fit", "--resume", (scratch / "broken").string()}, scratch.path());
  ASSERT_EQ(resumed.wait(), 0) << resumed.err();
  EXPECT_EQ(read_text(scratch / "broken/weights.safetensors"), read_text(scratch / "whole/weights.safetensors"));
  EXPECT_EQ(read_text(scratch / "broken/losses.jsonl"), read_text(scratch / "whole/losses.jsonl"));
  EXPECT_GT(lines_in(scratch / "broken/log"), 0u);
}

TEST(TrainingFit, KilledAndResumedEqualsUninterrupted) { check_resume(SIGKILL, 128 + SIGKILL); }
TEST(TrainingFit, StoppedByCtrlCAndResumedEqualsUninterrupted) { check_resume(SIGINT, 130); }

TEST(TrainingFit, AFullDiskLosesNeitherTheCheckpointNorWhatWasThere) {
  const Scratch scratch;
  write_audio(scratch / "room.wav", NoiseRoom{}.audio());
  const auto whole = fit(scratch / "room.wav", scratch / "whole");
  std::string message;
  {
    const SmallDisk small(24 * 1024);  // enough for the checkpoint and not for the sounds
    message = message_of<DataError>([&] { fit(scratch / "room.wav", scratch / "run"); });
  }
  EXPECT_NE(message.find("cannot be written"), std::string::npos) << message;
  ASSERT_TRUE(fs::exists(scratch / "run/checkpoint.safetensors"));
  for (const auto& entry : fs::directory_iterator(scratch / "run"))
    EXPECT_EQ(entry.path().string().find(".tmp"), std::string::npos) << entry;
  fit_response(resume_options(scratch / "run"));  // there is room again
  EXPECT_EQ(read_text(scratch / "run/weights.safetensors"), read_text(scratch / "whole/weights.safetensors"));
}

TEST(TrainingFit, AFullDiskAtTheFirstCheckpointLeavesNothingInTheWay) {
  const Scratch scratch;
  write_audio(scratch / "room.wav", NoiseRoom{}.audio());
  const std::vector<std::string> overlays = {"model.lines=32", "train.steps=1"};
  std::string message;
  {
    const SmallDisk small(8 * 1024);  // enough for the config
    message = message_of<DataError>([&] { fit(scratch / "room.wav", scratch / "run", overlays); });
  }
  EXPECT_NE(message.find("checkpoint.safetensors: cannot be written"), std::string::npos) << message;
  EXPECT_FALSE(fs::exists(scratch / "run"));
  EXPECT_EQ(fit(scratch / "room.wav", scratch / "run", overlays).steps, 1);
}

TEST(FitCommand, WhyItEndedStandsInItsLogAndOnceOnStderr) {
  const Scratch scratch;
  write_audio(scratch / "room.wav", NoiseRoom{}.audio());
  std::vector<std::string> arguments = {"fit", (scratch / "room.wav").string(), "--out", (scratch / "run").string()};
  for (const std::string& overlay : kSmall) arguments.insert(arguments.end(), {"--set", overlay});
  std::string err;
  {
    const SmallDisk small(24 * 1024);  // enough for the checkpoint and not for the sounds
    Program run(DIFFVERB_PROGRAM, arguments, scratch.path());
    ASSERT_EQ(run.wait(), 2) << run.err();
    err = run.err();
  }
  const std::size_t at = err.find("diffverb: error: ");
  ASSERT_NE(at, std::string::npos) << err;
  EXPECT_EQ(err.find("diffverb: error: ", at + 1), std::string::npos) << err;
  const std::string message = err.substr(at + 17);
  EXPECT_NE(message.find("cannot be written"), std::string::npos) << err;
  EXPECT_NE(read_text(scratch / "run/log").find(" error   " + message), std::string::npos)
      << read_text(scratch / "run/log");
}

TEST(FitCommand, AClosedPipeLosesTheLinesAndNotTheFit) {
  const Scratch scratch;
  write_audio(scratch / "room.wav", NoiseRoom{}.audio());
  std::signal(SIGPIPE, SIG_DFL);  // a fit before this one in the process has set it
  std::vector<std::string> shell = {"-c",
                                    "{ \"$0\" \"$@\"; echo $? > '" + (scratch / "code").string() + "'; } 2>&1 | true",
                                    DIFFVERB_PROGRAM,
                                    "fit",
                                    (scratch / "room.wav").string(),
                                    "--out",
                                    (scratch / "run").string()};
  for (const std::string& overlay : kSmall) shell.insert(shell.end(), {"--set", overlay});
  Program("/bin/sh", shell, scratch.path()).wait();
  EXPECT_EQ(read_text(scratch / "code"), "0\n");
  EXPECT_TRUE(fs::exists(scratch / "run/report.html"));
}

struct BadInput {
  const char* name;
  std::vector<std::string> arguments;  // ROOM, OUT and the name of a bad file stand for paths
  int code;
  const char* says;
};

void PrintTo(const BadInput& input, std::ostream* out) { *out << input.name; }

class FitBadInput : public testing::TestWithParam<BadInput> {};

/// The files that section by section go wrong; each named by what is wrong with it.
void write_bad_files(const Scratch& scratch) {
  const Audio good = NoiseRoom{}.audio();
  write_audio(scratch / "room.wav", good);
  write_text(scratch / "text.wav", "this is no sound\n");
  write_text(scratch / "nothing.wav", "");
  Audio audio = good;
  for (float& x : audio.channels[0]) x = 0;
  write_audio(scratch / "zeros.wav", audio);
  audio = good;
  audio.channels[0].resize(700);
  write_audio(scratch / "short.wav", audio);
  audio = good;
  Random random(5);
  for (float& x : audio.channels[0]) x = static_cast<float>(0.1 * random.normal());
  write_audio(scratch / "noise.wav", audio);
  NoiseRoom noisy;
  noisy.floor_db = -8;
  write_audio(scratch / "noisy.wav", noisy.audio());
  audio = good;
  audio.rate_hz = 8000;
  write_audio(scratch / "slow.wav", audio);
  std::string header =
      read_text(scratch / "slow.wav");  // 8000 to 4000 in the header: no writer of ours makes such a file
  header[24] = static_cast<char>(4000 & 0xff), header[25] = static_cast<char>(4000 >> 8);
  write_text(scratch / "slow.wav", header);
  std::string bytes = read_text(scratch / "room.wav");
  const float nan = std::numeric_limits<float>::quiet_NaN();
  std::memcpy(bytes.data() + bytes.size() - 400, &nan, 4);
  write_text(scratch / "nan.wav", bytes);
  write_text(scratch / "list.yaml", "- a\n- b\n");
  write_text(scratch / "broken.yaml", "model: [1, 2\n");
  write_text(scratch / "misspelt.yaml", "modle:\n  type: fdn\n");
}

TEST_P(FitBadInput, GetsOneLineTheRightCodeAndLeavesNothingBehind) {
  const Scratch scratch;
  write_bad_files(scratch);
  std::vector<std::string> arguments = {"fit"};
  for (std::string argument : GetParam().arguments) {
    if (argument == "OUT") argument = (scratch / "run").string();
    if (fs::exists(scratch / argument) || argument == "missing.wav") argument = (scratch / argument).string();
    arguments.push_back(argument);
  }
  int code = 0;
  std::string message;
  try {
    run_command_line(arguments);
  } catch (const Error& error) {
    code = error.exit_code();
    message = error.what();
  }
  EXPECT_EQ(code, GetParam().code) << message;
  EXPECT_NE(message.find(GetParam().says), std::string::npos) << message;
  EXPECT_EQ(message.find('\n'), std::string::npos) << message;
  EXPECT_FALSE(fs::exists(scratch / "run"));
}

INSTANTIATE_TEST_SUITE_P(
    Kinds, FitBadInput,
    testing::Values(BadInput{"NoSuchFile", {"missing.wav", "--out", "OUT"}, 2, "no such file"},
                    BadInput{"NotAudio", {"text.wav", "--out", "OUT"}, 2, "text.wav"},
                    BadInput{"EmptyFile", {"nothing.wav", "--out", "OUT"}, 2, "nothing.wav"},
                    BadInput{"AllZeros", {"zeros.wav", "--out", "OUT"}, 2, "silent"},
                    BadInput{"NotANumber", {"nan.wav", "--out", "OUT"}, 2, "not a number"},
                    BadInput{"TooShort", {"short.wav", "--out", "OUT"}, 2, "50 ms"},
                    BadInput{"NoDecay", {"noise.wav", "--out", "OUT"}, 2, "decay"},
                    BadInput{"MoreNoiseThanResponse", {"noisy.wav", "--out", "OUT"}, 2, "noise"},
                    BadInput{"RateTooLow", {"slow.wav", "--out", "OUT"}, 2, "8000"},
                    BadInput{"MisspeltKey", {"room.wav", "--out", "OUT", "--config", "misspelt.yaml"}, 1, "model"},
                    BadInput{"MisspeltOverlay", {"room.wav", "--out", "OUT", "--set", "model.lins=8"}, 1, "lines"},
                    BadInput{
                        "NegativeValue", {"room.wav", "--out", "OUT", "--set", "train.steps=-3"}, 1, "train.steps"},
                    BadInput{"HugeValue", {"room.wav", "--out", "OUT", "--set", "model.lines=1e30"}, 1, "model.lines"},
                    BadInput{"NotAMap", {"room.wav", "--out", "OUT", "--config", "list.yaml"}, 1, "list.yaml"},
                    BadInput{"BrokenYaml", {"room.wav", "--out", "OUT", "--config", "broken.yaml"}, 1, "broken.yaml"},
                    BadInput{"UnknownQuality", {"room.wav", "--out", "OUT", "--set", "quality=best"}, 1, "quality"},
                    BadInput{"UnknownLoss", {"room.wav", "--out", "OUT", "--set", "losses=[{type: edcc}]"}, 1, "edc"},
                    BadInput{"NoInput", {"--out", "OUT"}, 1, "impulse response"}),
    [](const auto& info) { return std::string(info.param.name); });

TEST(TrainingFit, ManyChannelsAreRefusedWithTheirNumber) {
  const Scratch scratch;
  std::string wav = "RIFF....WAVEfmt ";  // 32 channels of 16 bits, 16 kHz, 0.1 s
  const auto number = [&](std::uint32_t value, int bytes) {
    for (int k = 0; k < bytes; ++k) wav += static_cast<char>(value >> (8 * k) & 0xff);
  };
  number(16, 4), number(1, 2), number(32, 2), number(16000, 4), number(16000 * 64, 4), number(64, 2), number(16, 2);
  wav += "data";
  number(1600 * 64, 4);
  for (int n = 0; n < 1600 * 32; ++n) number(static_cast<std::uint32_t>(n * 7919 % 1000), 2);
  const auto size = static_cast<std::uint32_t>(wav.size() - 8);
  for (int k = 0; k < 4; ++k) wav[4 + k] = static_cast<char>(size >> (8 * k) & 0xff);
  write_text(scratch / "many.wav", wav);
  const std::string message = message_of<DataError>([&] { fit(scratch / "many.wav", scratch / "run"); });
  EXPECT_NE(message.find("32 channels"), std::string::npos) << message;
  EXPECT_FALSE(fs::exists(scratch / "run"));
}

TEST(TrainingFit, ClippedResponsesAreFittedWithAWarning) {
  const Scratch scratch;
  Audio room = NoiseRoom{}.audio();
  for (int n = 3; n < 9; ++n) room.channels[0][n] = 1.0f;
  write_audio(scratch / "room.wav", room);
  testing::internal::CaptureStderr();
  fit(scratch / "room.wav", scratch / "run", {"model.lines=4", "train.steps=0"});
  EXPECT_NE(testing::internal::GetCapturedStderr().find("full scale"), std::string::npos);
}

TEST(TrainingFit, AFolderThatExistsIsLeftAsItIs) {
  const Scratch scratch;
  write_audio(scratch / "room.wav", NoiseRoom{}.audio());
  fs::create_directory(scratch / "run");
  write_text(scratch / "run/mine.txt", "mine");
  EXPECT_NE(message_of<ConfigError>([&] { fit(scratch / "room.wav", scratch / "run"); }).find("--overwrite"),
            std::string::npos);
  EXPECT_EQ(read_text(scratch / "run/mine.txt"), "mine");
}

TEST(TrainingFit, EveryShippedConfigParses) {
  const Scratch scratch;
  write_audio(scratch / "room.wav", NoiseRoom{}.audio());
  int configs = 0;
  for (const auto& entry : fs::directory_iterator(fs::path(DIFFVERB_SOURCE_DIR) / "configs")) {
    if (entry.path().filename().string().rfind("fdn_", 0) != 0) continue;
    ++configs;
    FitOptions options;
    options.input = scratch / "room.wav";
    options.out = scratch / entry.path().stem().string();
    options.config = entry.path();
    options.overlays = {"train.steps=0", "model.lines=4"};
    EXPECT_NO_THROW(fit_response(options)) << entry.path();
  }
  EXPECT_GE(configs, 1);
  EXPECT_EQ(read_text(fs::path(DIFFVERB_SOURCE_DIR) / "configs/fdn_fit.yaml"), default_fit_config());
}

TEST(FitCommand, FitsAFolderOneRunEachAndSaysWhatFailed) {
  const Scratch scratch;
  fs::create_directories(scratch / "rooms/deep");
  write_audio(scratch / "rooms/a.wav", NoiseRoom{.seed = 1}.audio());
  write_audio(scratch / "rooms/deep/a.wav", NoiseRoom{.seed = 2}.audio());
  write_text(scratch / "rooms/b.wav", "no sound");
  Program run(DIFFVERB_PROGRAM,
              {"fit", (scratch / "rooms").string(), "--out", (scratch / "runs").string(), "--set", "train.steps=2",
               "--set", "model.lines=4"},
              scratch.path());
  EXPECT_EQ(run.wait(), 2) << run.err();
  EXPECT_TRUE(fs::exists(scratch / "runs/a/metrics.json"));
  EXPECT_TRUE(fs::exists(scratch / "runs/deep_a/metrics.json"));
  EXPECT_NE(run.err().find("b.wav"), std::string::npos);
  EXPECT_NE(run.out().find("deep_a"), std::string::npos) << run.out();
}

}  // namespace
}  // namespace diffverb
