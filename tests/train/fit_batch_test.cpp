#include "train/fit/fit_batch.h"

#include <gtest/gtest.h>

#include <csignal>
#include <set>
#include <thread>

#include "core/audio_file.h"
#include "core/error.h"
#include "tests/program.h"
#include "tests/rooms.h"
#include "tests/scratch.h"
#include "train/cli.h"

namespace diffverb {
namespace {

namespace fs = std::filesystem;

const std::vector<std::string> kSmall = {"model.lines=8", "train.steps=15", "train.rate=0.04"};

FitOptions small() {
  FitOptions options;
  options.overlays = kSmall;
  return options;
}

/// Three rooms that differ in length, channels and decay.
std::vector<BatchRoom> three_rooms(const Scratch& scratch) {
  write_audio(scratch / "hall.wav", NoiseRoom{.seconds = 1.3, .t60_s = 0.9, .seed = 3}.audio());
  write_audio(scratch / "room.wav", NoiseRoom{.seconds = 0.8, .t60_s = 0.4, .channels = 2, .seed = 4}.audio());
  write_audio(scratch / "box.wav", NoiseRoom{.seconds = 0.6, .t60_s = 0.3, .seed = 5}.audio());
  std::vector<BatchRoom> rooms;
  for (const char* name : {"box", "hall", "room"})
    rooms.push_back({scratch / (std::string(name) + ".wav"), scratch / "runs" / name});
  return rooms;
}

fs::path single_fit(const BatchRoom& room, const Scratch& scratch) {
  FitOptions options = small();
  options.input = room.input;
  options.out = scratch / "single" / room.folder.filename().string();
  fit_response(options);
  return options.out;
}

std::size_t count(const std::string& text, const std::string& word) {
  std::size_t found = 0;
  for (std::size_t at = 0; (at = text.find(word, at)) != std::string::npos; ++at) ++found;
  return found;
}

/// Names of files, without the time that stands in that of the events.
std::set<std::string> names_in(const fs::path& folder) {
  std::set<std::string> out;
  for (const auto& entry : fs::directory_iterator(folder)) {
    const std::string name = entry.path().filename().string();
    out.insert(name.rfind("events.", 0) == 0 ? "events" : name);
  }
  return out;
}

TEST(TrainingFitBatch, EachRunIsWhatASingleFitWritesToTheBit) {
  const Scratch scratch;
  const std::vector<BatchRoom> rooms = three_rooms(scratch);
  const BatchOutcome outcome = fit_batch(rooms, small(), 3);
  EXPECT_EQ(outcome.exit_code, 0);
  ASSERT_EQ(outcome.done.size(), 3u);
  for (std::size_t k = 0; k < rooms.size(); ++k) {
    EXPECT_EQ(outcome.done[k], rooms[k].folder);
    const fs::path single = single_fit(rooms[k], scratch);
    for (const char* name : {"weights.safetensors", "losses.jsonl", "config.resolved.yaml", "ir.wav", "wet.wav"})
      EXPECT_EQ(read_text(rooms[k].folder / name), read_text(single / name)) << rooms[k].folder << " " << name;
    EXPECT_EQ(names_in(rooms[k].folder), names_in(single));
  }
}

TEST(TrainingFitBatch, ALogHasTheLinesOfItsOwnRun) {
  const Scratch scratch;
  const std::vector<BatchRoom> rooms = three_rooms(scratch);
  testing::internal::CaptureStderr();
  fit_batch(rooms, small(), 3);
  EXPECT_EQ(count(testing::internal::GetCapturedStderr(), "T60"), 0u);
  for (const BatchRoom& room : rooms) {
    const std::string log = read_text(room.folder / "log");
    EXPECT_EQ(count(log, "T60"), 1u) << log;
    EXPECT_EQ(count(log, room.input.string()), 1u) << log;
  }
}

TEST(TrainingFitBatch, TheLongestRoomComesFirstAndWhatCannotBeOpenedBeforeIt) {
  const Scratch scratch;
  std::vector<BatchRoom> rooms = three_rooms(scratch);
  write_text(scratch / "text.wav", "this is no sound\n");
  rooms.push_back({scratch / "text.wav", scratch / "runs/text"});
  FitOptions options = small();
  options.overlays.push_back("train.steps=1");
  testing::internal::CaptureStderr();
  const BatchOutcome outcome = fit_batch(rooms, options, 1);
  const std::string err = testing::internal::GetCapturedStderr();
  EXPECT_EQ(outcome.exit_code, 2);
  EXPECT_EQ(outcome.failed, 1u);
  EXPECT_EQ(outcome.done.size(), 3u);
  EXPECT_LT(err.find("text.wav"), err.find("rooms 4/4")) << err;
  const auto ended = [&](const char* name) { return fs::last_write_time(scratch / "runs" / name / "report.html"); };
  EXPECT_LT(ended("room"), ended("hall"));  // two channels of 0.8 s
  EXPECT_LT(ended("hall"), ended("box"));
}

TEST(TrainingFitBatch, AWrongConfigIsSaidBeforeAnythingStarts) {
  const Scratch scratch;
  const std::vector<BatchRoom> rooms = three_rooms(scratch);
  FitOptions options = small();
  options.overlays.push_back("model.lins=3");
  EXPECT_NE(message_of<ConfigError>([&] { fit_batch(rooms, options, 2); }).find("model.lins"), std::string::npos);
  EXPECT_FALSE(fs::exists(scratch / "runs"));
}

TEST(TrainingFitBatch, AConfigFileIsReadOnce) {
  const Scratch scratch;
  const std::vector<BatchRoom> rooms = three_rooms(scratch);
  write_text(scratch / "a.yaml", std::string(default_fit_config()));
  FitOptions options = small();
  options.config = scratch / "a.yaml";
  options = with_config_read(options);
  fs::remove(scratch / "a.yaml");
  options.input = rooms[0].input;
  options.out = rooms[0].folder;
  fit_response(options);
  EXPECT_EQ(read_text(rooms[0].folder / "weights.safetensors"),
            read_text(single_fit(rooms[0], scratch) / "weights.safetensors"));
}

TEST(TrainingFitBatch, ThreadsCountsRoomsWhereItIsAskedForAndAllCoresWorkElse) {
  FitOptions options;
  EXPECT_EQ(rooms_at_once(options), static_cast<std::int64_t>(std::thread::hardware_concurrency()));
  options.overlays = {"threads=3"};
  EXPECT_EQ(rooms_at_once(options), 3);
  options.overlays = {"threads=none"};
  EXPECT_NE(message_of<ConfigError>([&] { rooms_at_once(options); }).find("threads"), std::string::npos);
}

TEST(TrainingFit, ASignalBeforeTheFirstStepLeavesNoFolder) {
  const Scratch scratch;
  write_audio(scratch / "room.wav", NoiseRoom{}.audio());
  FitOptions options = small();
  options.input = scratch / "room.wav";
  options.out = scratch / "run";
  options.on_progress = [](double) { std::raise(SIGTERM); };  // once prepared
  FitOutcome outcome = fit_response(options);
  EXPECT_TRUE(outcome.stopped);
  EXPECT_FALSE(outcome.resumable);
  EXPECT_FALSE(fs::exists(scratch / "run"));

  // Two slopes: short runs decide on groups of lines, and one that was cut short decides nothing.
  write_audio(scratch / "room.wav",
              NoiseRoom{.seconds = 3.2, .t60_s = 0.7, .late_t60_s = 4.2, .late_db = -26, .floor_db = -95}.audio());
  options.overlays = {"model.lines=16"};
  options.on_progress = nullptr;
  std::thread other([&] {
    while (!fs::exists(scratch / "run/input")) std::this_thread::sleep_for(std::chrono::milliseconds(1));
    std::raise(SIGTERM);
  });
  outcome = fit_response(options);
  other.join();
  EXPECT_TRUE(outcome.stopped);
  EXPECT_FALSE(outcome.resumable);
  EXPECT_FALSE(fs::exists(scratch / "run"));
}

struct BatchCommand {
  std::vector<std::string> arguments;
  explicit BatchCommand(const Scratch& scratch, const std::vector<std::string>& more = {}) {
    fs::create_directories(scratch / "rooms");
    for (int k = 0; k < 3; ++k) {
      const double seconds = 0.6 + 0.3 * k;
      write_audio(scratch / ("rooms/" + std::string(1, static_cast<char>('a' + k)) + ".wav"),
                  NoiseRoom{.seconds = seconds, .t60_s = 0.4, .seed = static_cast<std::uint64_t>(k)}.audio());
    }
    arguments = {"fit", (scratch / "rooms").string(), "--batch", "--out", (scratch / "runs").string()};
    for (const char* overlay : {"threads=2", "model.lines=6"}) arguments.insert(arguments.end(), {"--set", overlay});
    arguments.insert(arguments.end(), more.begin(), more.end());
  }
};

TEST(FitCommand, ABrokenFileStopsNoOtherOfABatch) {
  const Scratch scratch;
  const BatchCommand command(scratch, {"--set", "train.steps=3"});
  write_text(scratch / "rooms/b_broken.wav", "no sound");
  Program run(DIFFVERB_PROGRAM, command.arguments, scratch.path());
  EXPECT_EQ(run.wait(), 2) << run.err();
  EXPECT_EQ(count(run.err(), "diffverb: error: "), 1u) << run.err();
  EXPECT_NE(run.err().find("b_broken.wav: not an audio file"), std::string::npos) << run.err();
  EXPECT_NE(run.err().find("rooms 0/4"), std::string::npos) << run.err();
  EXPECT_NE(run.err().find("rooms 4/4"), std::string::npos) << run.err();
  EXPECT_EQ(count(run.err(), "\n"), 1 + count(run.err(), "rooms ")) << run.err();
  std::string rows = run.out();  // in the order of the names, whatever came first
  EXPECT_LT(rows.find("\na "), rows.find("\nb ")) << rows;
  EXPECT_LT(rows.find("\nb "), rows.find("\nc ")) << rows;
  EXPECT_FALSE(fs::exists(scratch / "runs/b_broken"));
  for (const char* name : {"a", "b", "c"}) EXPECT_TRUE(fs::exists(scratch / "runs" / name / "report.html")) << name;
}

TEST(FitCommand, ABatchLeavesEarlierRunsAloneUnlessToldOtherwise) {
  const Scratch scratch;
  BatchCommand command(scratch, {"--set", "train.steps=1"});
  fs::create_directories(scratch / "runs/b");
  write_text(scratch / "runs/b/mine.txt", "mine");
  {
    Program run(DIFFVERB_PROGRAM, command.arguments, scratch.path());
    EXPECT_EQ(run.wait(), 1) << run.err();
    EXPECT_EQ(count(run.err(), "give --overwrite"), 1u) << run.err();
    EXPECT_FALSE(fs::exists(scratch / "runs/b/report.html"));
    EXPECT_TRUE(fs::exists(scratch / "runs/c/report.html"));
  }
  command.arguments.push_back("--overwrite");
  Program run(DIFFVERB_PROGRAM, command.arguments, scratch.path());
  EXPECT_EQ(run.wait(), 0) << run.err();
  EXPECT_TRUE(fs::exists(scratch / "runs/b/report.html"));
  EXPECT_EQ(read_text(scratch / "runs/b/mine.txt"), "mine");
}

TEST(FitCommand, ABatchRefusesWhatWouldFailForEveryRoomOnce) {
  const Scratch scratch;
  BatchCommand command(scratch);
  write_text(scratch / "runs", "a file");
  EXPECT_NE(message_of<ConfigError>([&] { run_command_line(command.arguments); }).find("is no folder"),
            std::string::npos);
  fs::remove(scratch / "runs");
  command.arguments.insert(command.arguments.end(), {"--set", "losses=[{type: edcc}]"});
  EXPECT_NE(message_of<ConfigError>([&] { run_command_line(command.arguments); }).find("edc"), std::string::npos);
  EXPECT_FALSE(fs::exists(scratch / "runs"));
  EXPECT_NE(message_of<ConfigError>([&] {
              run_command_line({"fit", "--resume", (scratch / "runs").string(), "--batch"});
            }).find("--batch"),
            std::string::npos);
}

/// Every room that is under way gets a checkpoint, and goes on as if nothing had been.
void check_stopped_batch(int signal) {
  const Scratch scratch;
  const BatchCommand command(scratch, {"--set", "train.steps=80"});
  const auto steps = [&](const char* room) {
    const std::string lines = read_text(scratch / "runs" / room / "losses.jsonl");
    return count(lines, "\n");
  };
  std::string err;
  {
    Program run(DIFFVERB_PROGRAM, command.arguments, scratch.path());
    ASSERT_TRUE(run.wait_until([&] { return steps("c") > 3 && steps("b") > 3; })) << run.err();
    run.signal(signal);
    ASSERT_EQ(run.wait(), 130) << run.err();
    EXPECT_EQ(run.out(), "");
    err = run.err();
  }
  EXPECT_EQ(count(err, "go on with: diffverb fit --resume"), 2u) << err;
  EXPECT_NE(err.find("not begun: 1 "), std::string::npos) << err;
  EXPECT_FALSE(fs::exists(scratch / "runs/a"));
  for (const char* room : {"b", "c"}) {
    const fs::path folder = scratch / "runs" / room;
    ASSERT_FALSE(fs::exists(folder / "weights.safetensors")) << "the fit was over before the signal";
    Program resumed(DIFFVERB_PROGRAM, {"fit", "--resume", folder.string()}, scratch.path());
    ASSERT_EQ(resumed.wait(), 0) << resumed.err();
    FitOptions whole;
    whole.input = scratch / "rooms" / (std::string(room) + ".wav");
    whole.out = scratch / "whole" / room;
    whole.overlays = {"model.lines=6", "train.steps=80"};
    fit_response(whole);
    EXPECT_EQ(read_text(folder / "weights.safetensors"), read_text(whole.out / "weights.safetensors")) << room;
    EXPECT_EQ(read_text(folder / "losses.jsonl"), read_text(whole.out / "losses.jsonl")) << room;
  }
}

TEST(TrainingFitBatch, StoppedByCtrlCEachRoomResumes) { check_stopped_batch(SIGINT); }
TEST(TrainingFitBatch, TerminatedEachRoomResumes) { check_stopped_batch(SIGTERM); }

}  // namespace
}  // namespace diffverb
