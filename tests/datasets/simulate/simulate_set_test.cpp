#include "datasets/simulate/simulate_set.h"

#include <gtest/gtest.h>

#include <set>

#include "core/error.h"
#include "datasets/response_store.h"
#include "tests/program.h"
#include "tests/scratch.h"

namespace diffverb {
namespace {

constexpr const char* kYaml =
    "{rate_hz: 8000, length_s: 0.2, rooms: 6, sources: [1, 2], receivers: [1, 3], images: {most: 2000}}";

SimulateResult make(const std::filesystem::path& path, SimulateOptions options, const std::string& yaml = kYaml) {
  Fields fields = Fields::from_text(yaml);
  const RoomRange range(fields);
  options.settings = fields.resolved_yaml();
  return simulate_set(range, path, options);
}

TEST(SimulateSet, EveryResponseSaysWhereItComesFrom) {
  const Scratch scratch;
  const auto result = make(scratch / "a.h5", {});
  const auto store = ResponseStore::open(scratch / "a.h5");
  ASSERT_EQ(static_cast<std::int64_t>(store.size()), result.responses);
  std::set<std::string> rooms;
  for (std::size_t i = 0; i < store.size(); ++i) {
    const StoredResponse& r = store.at(i);
    EXPECT_EQ(r.origin, "simulated");
    EXPECT_EQ(r.licence, "CC0-1.0");
    EXPECT_EQ(r.rate_hz, 8000);
    ASSERT_TRUE(r.source_m && r.receiver_m);
    rooms.insert(r.room);
    double energy = 0;
    for (const float v : store.read(i)) energy += v * v;
    EXPECT_GT(energy, 1e-6);
  }
  EXPECT_EQ(rooms.size(), 6u);
  EXPECT_EQ(store.notes().at("method"), "diffverb simulate 1");
}

TEST(SimulateSet, ThreadsDoNotMatter) {
  const Scratch scratch;
  SimulateOptions one, three;
  three.threads = 3;
  make(scratch / "one.h5", one);
  make(scratch / "three.h5", three);
  EXPECT_EQ(read_text(scratch / "one.h5"), read_text(scratch / "three.h5"));
}

TEST(SimulateSet, AnInterruptedSetGoesOnToTheSameFile) {
  const Scratch scratch;
  make(scratch / "whole.h5", {});
  for (const int rooms : {1, 4}) {
    const auto path = scratch / ("part" + std::to_string(rooms) + ".h5");
    SimulateOptions options;
    options.threads = 2;
    int polls = 0;
    options.stop = [&] { return polls++ == rooms; };
    EXPECT_TRUE(make(path, options).stopped);
    EXPECT_FALSE(std::filesystem::exists(path));
    options.stop = nullptr;
    EXPECT_NE(message_of<DataError>([&] { make(path, options); }).find("--resume"), std::string::npos);
    options.resume = true;
    EXPECT_NE(message_of<DataError>([&] {
                make(path, options, "{rate_hz: 8000, rooms: 6, length_s: 0.3}");
              }).find("other settings"),
              std::string::npos);
    const auto result = make(path, options);
    EXPECT_GT(result.kept, 0);
    EXPECT_LT(result.kept, result.responses);
    EXPECT_EQ(read_text(path), read_text(scratch / "whole.h5"));
    EXPECT_TRUE(make(path, options).was_complete);
  }
}

TEST(SimulateSet, ResumeLeavesAFinishedFileAsItIsAndRefusesAnyOther) {
  const Scratch scratch;
  const auto path = scratch / "a.h5";
  SimulateOptions options;
  options.count = 3;
  make(path, options);
  {
    const ResponseStore store = ResponseStore::open(path);
    auto responses = store.responses();
    for (StoredResponse& r : responses) r.split = "test";
    store.rewrite(path, responses);
  }
  const std::string split = read_text(path);
  options.resume = true;
  EXPECT_TRUE(make(path, options).was_complete);
  EXPECT_EQ(read_text(path), split);

  SimulateOptions more = options;
  more.count = 4;
  const std::string other = kYaml, seed = other.substr(0, other.size() - 1) + ", seed: 2}";
  for (const auto& [how, yaml] : {std::pair{more, other}, std::pair{options, seed}}) {
    EXPECT_NE(message_of<ConfigError>([&] { make(path, how, yaml); }).find("a finished set of other settings is there"),
              std::string::npos);
    EXPECT_EQ(read_text(path), split);
  }
  {
    ResponseStoreWriter measured = ResponseStoreWriter::create(scratch / "measured.h5");
    StoredResponse r;
    r.file = "a.wav";
    r.room = "hall";
    r.rate_hz = 8000;
    measured.add(r, std::vector<float>(100, 1.0f));
    measured.commit();
  }
  const std::string measured = read_text(scratch / "measured.h5");
  EXPECT_NE(message_of<ConfigError>([&] {
              make(scratch / "measured.h5", options);
            }).find("a data set that was not simulated is there"),
            std::string::npos);
  EXPECT_EQ(read_text(scratch / "measured.h5"), measured);
  write_text(scratch / "text.h5", "x");
  EXPECT_NE(message_of<DataError>([&] { make(scratch / "text.h5", options); }).find("not an HDF5 file"),
            std::string::npos);
  EXPECT_EQ(scratch.file_count(), 3u);

  more.overwrite = options.overwrite = true;
  EXPECT_TRUE(make(path, options).was_complete);
  EXPECT_EQ(make(path, more).responses, 4);
  EXPECT_EQ(make(scratch / "text.h5", options).responses, 3);
}

TEST(SimulateSet, KilledBetweenTheFileAndItsCleaningUpIsComplete) {
  const Scratch scratch;
  SimulateOptions options;
  int polls = 0;
  options.stop = [&] { return polls++ == 1; };
  EXPECT_TRUE(make(scratch / "a.h5", options).stopped);
  options.stop = nullptr;
  make(scratch / "whole.h5", options);
  std::filesystem::rename(scratch / "whole.h5", scratch / "a.h5");
  options.resume = true;
  EXPECT_TRUE(make(scratch / "a.h5", options).was_complete);
  EXPECT_EQ(scratch.file_count(), 1u);
}

TEST(SimulateSet, CountCutsTheLastRoom) {
  const Scratch scratch;
  SimulateOptions options;
  options.count = 5;
  EXPECT_EQ(make(scratch / "five.h5", options).responses, 5);
  EXPECT_EQ(ResponseStore::open(scratch / "five.h5").size(), 5u);
}

TEST(SimulateSet, ResponsesEndWhereNothingIsLeft) {
  const Scratch scratch;
  SimulateOptions options;
  options.count = 2;
  const std::string dry =
      "{rate_hz: 8000, length_s: 5, walls: {materials: 0, t60_s: [0.15, 0.15], unevenness: [0, 0]},"
      " size: {volume_m3: [20, 20]}, images: {most: 2000}";
  make(scratch / "trimmed.h5", options, dry + "}");
  make(scratch / "full.h5", options, dry + ", trim_db: 0}");
  EXPECT_LT(ResponseStore::open(scratch / "trimmed.h5").at(0).samples, 8000);
  EXPECT_EQ(ResponseStore::open(scratch / "full.h5").at(0).samples, 40000);
}

// As a user would run it, and as a power cut would end it.
TEST(SimulateSet, AKilledProgramResumesToTheSameFile) {
  const Scratch scratch;
  const auto arguments = [&](const char* name) {
    return std::vector<std::string>{"data",    "simulate",     "-o",        (scratch / name).string(),
                                    "--set",   "rate_hz=8000", "--set",     "length_s=0.5",
                                    "--count", "60",           "--threads", "2"};
  };
  ASSERT_EQ(Program(DIFFVERB_PROGRAM, arguments("whole.h5"), scratch.path()).wait(), 0);
  {
    Program killed(DIFFVERB_PROGRAM, arguments("part.h5"), scratch.path());
    const auto index = scratch / "part.h5.partial.index";
    std::error_code code;
    ASSERT_TRUE(killed.wait_until([&] { return std::filesystem::file_size(index, code) > 2000 && !code; }));
    killed.signal(SIGKILL);
    EXPECT_EQ(killed.wait(), 128 + SIGKILL);
  }
  EXPECT_FALSE(std::filesystem::exists(scratch / "part.h5"));
  Program refused(DIFFVERB_PROGRAM, arguments("part.h5"), scratch.path());
  EXPECT_EQ(refused.wait(), 2);
  auto again = arguments("part.h5");
  again.push_back("--resume");
  Program resumed(DIFFVERB_PROGRAM, again, scratch.path());
  ASSERT_EQ(resumed.wait(), 0) << resumed.err();
  EXPECT_NE(resumed.out().find("from the interrupted run"), std::string::npos) << resumed.out();
  const auto ours = ResponseStore::open(scratch / "part.h5"), whole = ResponseStore::open(scratch / "whole.h5");
  ASSERT_EQ(ours.size(), whole.size());
  for (std::size_t i = 0; i < ours.size(); ++i) {
    EXPECT_EQ(ours.at(i).hash, whole.at(i).hash);
    EXPECT_EQ(ours.at(i).file, whole.at(i).file);
  }
}

TEST(SimulateSet, TheProgramSaysWhatIsWrong) {
  const Scratch scratch;
  write_text(scratch / "rooms.yaml", "walls:\n  t60_s: [2, 1]\n");
  Program bad(DIFFVERB_PROGRAM,
              {"data", "simulate", (scratch / "rooms.yaml").string(), "-o", (scratch / "a.h5").string()},
              scratch.path());
  EXPECT_EQ(bad.wait(), 1);
  EXPECT_NE(bad.err().find("rooms.yaml:2:10: walls.t60_s: expected [from, to]"), std::string::npos) << bad.err();
  write_text(scratch / "there.h5", "x");
  Program there(DIFFVERB_PROGRAM, {"data", "simulate", "-o", (scratch / "there.h5").string()}, scratch.path());
  EXPECT_EQ(there.wait(), 2);
  EXPECT_NE(there.err().find("--overwrite"), std::string::npos) << there.err();
}

}  // namespace
}  // namespace diffverb
