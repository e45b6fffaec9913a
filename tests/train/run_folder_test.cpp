#include "train/run_folder.h"

#include <gtest/gtest.h>

#include "core/error.h"
#include "core/log.h"
#include "tests/scratch.h"
#include "tests/small_disk.h"

namespace diffverb {
namespace {

using std::filesystem::exists;

void make_run(const std::filesystem::path& path, bool overwrite = false) {
  RunFolder run(path, overwrite);
  run.create("seed: 1\n");
  log().close_file();
}

TEST(RunFolder, IsMadeWithItsConfigAndLog) {
  const Scratch scratch;
  make_run(scratch / "a/b/run/");
  EXPECT_EQ(read_text(scratch / "a/b/run/config.resolved.yaml"), "seed: 1\n");
  EXPECT_TRUE(exists(scratch / "a/b/run/log"));
}

TEST(RunFolder, AnExistingOneIsRefusedAndUntouched) {
  const Scratch scratch;
  make_run(scratch / "run");
  write_text(scratch / "run/ir.wav", "old");
  EXPECT_EQ(message_of<ConfigError>([&] { RunFolder(scratch / "run", false); }),
            (scratch / "run").string() + ": exists; give --overwrite, or another --out");
  EXPECT_EQ(read_text(scratch / "run/ir.wav"), "old");
  write_text(scratch / "run/checkpoint.safetensors", "of a stopped run");
  EXPECT_NE(message_of<ConfigError>([&] { RunFolder(scratch / "run", false); }).find("--resume"), std::string::npos);
  write_text(scratch / "run/weights.safetensors", "of one that has ended");
  EXPECT_EQ(message_of<ConfigError>([&] { RunFolder(scratch / "run", false); }).find("--resume"), std::string::npos);
  write_text(scratch / "file", "x");
  EXPECT_NE(message_of<ConfigError>([&] { RunFolder(scratch / "file", true); }), "no error");
}

TEST(RunFolder, OverwritingTouchesNothingBeforeCreateAndThenOnlyWhatARunWrites) {
  const Scratch scratch;
  make_run(scratch / "run");
  write_text(scratch / "run/ir.wav", "old");
  write_text(scratch / "run/events.out.tfevents.1.h.2.0", "old");
  write_text(scratch / "run/weights.safetensors.77-3.tmp", "left by a killed run");
  write_text(scratch / "run/notes.txt", "mine");
  std::filesystem::create_directory(scratch / "run/takes");
  RunFolder run(scratch / "run", true);
  EXPECT_TRUE(exists(scratch / "run/ir.wav"));
  run.create("seed: 2\n");
  log().close_file();
  EXPECT_FALSE(exists(scratch / "run/ir.wav"));
  EXPECT_FALSE(exists(scratch / "run/events.out.tfevents.1.h.2.0"));
  EXPECT_FALSE(exists(scratch / "run/weights.safetensors.77-3.tmp"));
  EXPECT_EQ(read_text(scratch / "run/notes.txt"), "mine");
  EXPECT_TRUE(exists(scratch / "run/takes"));
  EXPECT_EQ(read_text(scratch / "run/config.resolved.yaml"), "seed: 2\n");
}

TEST(RunFolder, OverwritingTakesNoSoundsThatNoRunWrote) {
  const Scratch scratch;
  std::filesystem::create_directory(scratch / "sounds");
  write_text(scratch / "sounds/notes.txt", "mine");
  EXPECT_EQ(message_of<ConfigError>([&] { RunFolder(scratch / "sounds", true); }), "no error");
  write_text(scratch / "sounds/ir.wav", "mine");
  EXPECT_NE(message_of<ConfigError>([&] { RunFolder(scratch / "sounds", true); }).find("ir.wav"), std::string::npos);
}

TEST(RunFolder, AFullDiskLeavesNoEmptyFolder) {
  const Scratch scratch;
  std::string message;
  {
    const SmallDisk small(0);
    message = message_of<DataError>([&] { RunFolder(scratch / "run", false).create("seed: 1\n"); });
  }
  EXPECT_NE(message.find("cannot be written"), std::string::npos) << message;
  EXPECT_EQ(scratch.file_count(), 0u);
}

TEST(RunFolder, ARunWithoutACheckpointIsTakenBackAndNothingElse) {
  const Scratch scratch;
  RunFolder made(scratch / "made", false);
  made.create("seed: 1\n");
  write_text(scratch / "made/data.json", "{}");
  made.discard_unless_begun();
  EXPECT_FALSE(exists(scratch / "made"));

  std::filesystem::create_directory(scratch / "own");
  write_text(scratch / "own/notes.txt", "mine");
  RunFolder own(scratch / "own", true);
  own.create("seed: 1\n");
  own.discard_unless_begun();
  EXPECT_EQ(read_text(scratch / "own/notes.txt"), "mine");
  EXPECT_FALSE(exists(scratch / "own/config.resolved.yaml") || exists(scratch / "own/log"));

  RunFolder begun(scratch / "begun", false);
  begun.create("seed: 1\n");
  write_text(scratch / "begun/checkpoint.safetensors", "whole");
  begun.discard_unless_begun();
  log().close_file();
  EXPECT_TRUE(exists(scratch / "begun/config.resolved.yaml") && exists(scratch / "begun/log"));

  std::filesystem::remove(scratch / "begun/checkpoint.safetensors");
  RunFolder::open(scratch / "begun").discard_unless_begun();  // it was made by another
  EXPECT_TRUE(exists(scratch / "begun/config.resolved.yaml"));
}

TEST(RunFolder, OnlyARunCanBeOpened) {
  const Scratch scratch;
  make_run(scratch / "run");
  EXPECT_EQ(RunFolder::open(scratch / "run").file("log"), scratch / "run/log");
  EXPECT_THROW(RunFolder::open(scratch / "no"), DataError);
  EXPECT_THROW(RunFolder::open(scratch.path()), DataError);
}

}  // namespace
}  // namespace diffverb
