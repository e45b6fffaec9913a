#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <map>
#include <nlohmann/json.hpp>
#include <set>

#include "core/audio_file.h"
#include "core/error.h"
#include "datasets/response_store.h"
#include "tests/rooms.h"
#include "tests/scratch.h"
#include "train/cli.h"

namespace diffverb {
namespace {

using nlohmann::json;

struct Outcome {
  int code = 0;
  std::string out, err;
};

Outcome run(const std::vector<std::string>& arguments) {
  testing::internal::CaptureStdout();
  testing::internal::CaptureStderr();
  Outcome outcome;
  try {
    outcome.code = run_command_line(arguments);
  } catch (...) {
    testing::internal::GetCapturedStdout();
    testing::internal::GetCapturedStderr();
    throw;
  }
  std::fflush(stdout);
  outcome.out = testing::internal::GetCapturedStdout();
  outcome.err = testing::internal::GetCapturedStderr();
  return outcome;
}

TEST(DataCommands, ImportSplitInfoAndCheckInTurn) {
  const Scratch scratch;
  for (int room = 0; room < 5; ++room) {
    for (int k = 0; k < 2; ++k) {
      NoiseRoom noise;
      noise.seed = static_cast<std::uint64_t>(10 * room + k + 1);
      const auto folder = scratch / ("in/room " + std::to_string(room));
      std::filesystem::create_directories(folder);
      write_audio(folder / (std::to_string(k) + ".wav"), noise.audio());
    }
  }
  const std::string data = (scratch / "rirs.h5").string(), folder = (scratch / "in").string();
  const auto imported = json::parse(run({"data", "import", folder, "-o", data, "--licence", "MIT", "--json"}).out);
  EXPECT_EQ(imported.at("responses"), 10);
  EXPECT_EQ(imported.at("rooms").size(), 5u);
  EXPECT_EQ(imported.at("licences")[0].at("licence"), "MIT");
  EXPECT_THROW(run({"data", "import", folder, "-o", data}), ConfigError);  // it is there already
  EXPECT_EQ(run({"data", "import", folder, "-o", data, "--overwrite"}).code, 0);

  const auto split = json::parse(run({"data", "split", data, "--test-rooms", "room 3", "--json"}).out);
  EXPECT_EQ(split.at("parts").at("test").at("rooms"), 1);
  EXPECT_EQ(split.at("parts").at("validation").at("rooms"), 1);
  EXPECT_EQ(split.at("parts").at("train").at("responses"), 6);

  const auto info = json::parse(run({"data", "info", data, "--json"}).out);
  EXPECT_EQ(info.at("rooms")[3].at("room"), "room 3");
  EXPECT_EQ(info.at("rooms")[3].at("splits"), json::array({"test"}));
  EXPECT_EQ(info.at("licences")[0].at("licence"), "unknown");
  EXPECT_NE(run({"data", "info", data}).out.find("licence of some responses is unknown"), std::string::npos);

  EXPECT_EQ(run({"data", "check", data}).code, 0);
  const Outcome found = run({"data", "check", data, folder + "/room 0/0.wav", "--rate", "48000", "--json"});
  EXPECT_EQ(found.code, 2);
  const auto findings = json::parse(found.out);
  EXPECT_EQ(findings.at("kinds"), (json{{"rate", 11}, {"duplicate", 1}}));
  EXPECT_EQ(findings.at("findings").back().at("other").at("file"), "room 0/0.wav");
}

TEST(DataCommands, ASimulatedSetIsTheSameFileUnderAnyNameAndForAnyNumberOfThreads) {
  const Scratch scratch;
  const auto simulate = [&](const std::string& name, const std::string& threads) {
    const Outcome outcome =
        run({"data", "simulate", "-o", (scratch / name).string(), "--count", "9", "--threads", threads, "--set",
             "rate_hz=8000", "--set", "length_s=0.3", "--set", "images.most=200"});
    EXPECT_EQ(outcome.code, 0) << outcome.err;
    return read_text(scratch / name);
  };
  const std::string one = simulate("one.h5", "1");
  EXPECT_GT(one.size(), 9u * 1000);
  EXPECT_EQ(one, simulate("another_name.h5", "3"));
}

TEST(DataCommands, SimulateResumeNeverReplacesAFinishedSet) {
  const Scratch scratch;
  const std::string data = (scratch / "sim.h5").string(), room = (scratch / "room.wav").string();
  const auto simulate = [&](const std::string& out, const std::string& count, const std::vector<std::string>& more) {
    std::vector<std::string> arguments = {"data", "simulate", "-o",           out,     "--count",
                                          count,  "--set",    "rate_hz=8000", "--set", "length_s=0.3"};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return run(arguments);
  };
  simulate(data, "3", {});
  run({"data", "split", data});
  const std::string before = read_text(data);
  EXPECT_NE(simulate(data, "3", {"--resume"}).out.find("complete already"), std::string::npos);
  EXPECT_THROW(simulate(data, "4", {"--resume"}), ConfigError);
  EXPECT_EQ(read_text(data), before);
  EXPECT_EQ(simulate(data, "4", {"--resume", "--overwrite"}).code, 0);
  EXPECT_EQ(ResponseStore::open(data).size(), 4u);

  write_audio(room, NoiseRoom{}.audio());
  const std::string measured = (scratch / "measured.h5").string();
  run({"data", "import", room, "-o", measured});
  EXPECT_THROW(simulate(measured, "3", {"--resume"}), ConfigError);
  EXPECT_EQ(ResponseStore::open(measured).at(0).origin, "measured");
}

TEST(DataCommands, CheckTakesAsManyChannelsAsImportAndCountsThemFromOne) {
  const Scratch scratch;
  constexpr int kChannels = 16;
  const std::string file = (scratch / "in/array.wav").string(), data = (scratch / "rirs.h5").string();
  std::filesystem::create_directories(scratch / "in");
  Audio interleaved{16000, {std::vector<float>(kChannels * 12800)}};
  for (int c = 0; c < kChannels; ++c) {
    const Audio room = NoiseRoom{.seed = static_cast<std::uint64_t>(c == 15 ? 1 : c + 1)}.audio();
    for (std::size_t n = 0; n < std::min<std::size_t>(room.frames(), 12800); ++n)
      interleaved.channels[0][n * kChannels + static_cast<std::size_t>(c)] = room.channels[0][n];
  }
  write_audio(file, interleaved);
  std::string bytes = read_text(file);  // no writer of ours makes more than 8 channels: 1 to 16 in the header
  bytes[22] = kChannels, bytes[32] = 4 * kChannels;
  write_text(file, bytes);
  EXPECT_EQ(json::parse(run({"data", "import", file, "-o", data, "--json"}).out).at("responses"), kChannels);
  const Outcome found = run({"data", "check", file});
  EXPECT_EQ(found.out.find("unreadable"), std::string::npos) << found.out;
  EXPECT_NE(found.out.find("array.wav, channel 16: the same samples as " + file + ", channel 1\n"), std::string::npos)
      << found.out;
}

TEST(DataCommands, AFolderWithoutRoomsIsOneRoomAndSaysSo) {
  const Scratch scratch;
  std::filesystem::create_directories(scratch / "flat");
  for (std::uint64_t k = 1; k <= 3; ++k)
    write_audio(scratch / ("flat/" + std::to_string(k) + ".wav"), NoiseRoom{.seed = k}.audio());
  const std::string data = (scratch / "rirs.h5").string();
  EXPECT_NE(run({"data", "import", (scratch / "flat").string(), "-o", data}).err.find("count as one room, 'flat'"),
            std::string::npos);
  EXPECT_NE(run({"data", "split", data}).err.find("nothing for validation: 1 room is too few"), std::string::npos);
  EXPECT_EQ(run({"data", "import", (scratch / "flat").string(), "-o", data, "--overwrite", "--room-by", "file"})
                .err.find("count as one room"),
            std::string::npos);
  const auto split = json::parse(run({"data", "split", data, "--json"}).out);
  EXPECT_EQ(split.at("parts").at("validation").at("rooms"), 1);
}

TEST(DataCommands, CheckNamesEveryDefectAndSeveralRates) {
  const Scratch scratch;
  const auto folder = scratch / "in";
  std::filesystem::create_directories(folder);
  const auto write = [&](const std::string& name, std::uint64_t seed, const auto& change) {
    NoiseRoom room;
    room.seed = seed;
    change(room);
    Audio audio = room.audio();
    write_audio(folder / name, audio);
  };
  const auto as_it_is = [](NoiseRoom&) {};
  write("good.wav", 1, as_it_is);
  write("other_rate.wav", 2, [](NoiseRoom& room) { room.rate_hz = 48000; });
  write("noise.wav", 3, [](NoiseRoom& room) { room.floor_db = -12; });
  write("copy.wav", 1, as_it_is);
  Audio audio = NoiseRoom{.seed = 5}.audio();
  for (float& x : audio.channels[0]) x = std::clamp(8 * x, -0.4f, 0.4f);
  write_audio(folder / "clipped.wav", audio);
  audio = NoiseRoom{.seed = 1}.audio();
  for (float& x : audio.channels[0]) x *= -0.3f;
  audio.channels[0].insert(audio.channels[0].begin(), 37, 0.0f);
  write_audio(folder / "later_and_softer.wav", audio);
  for (float& x : audio.channels[0]) x = 0;
  write_audio(folder / "silent.wav", audio);
  audio.channels[0].assign(100, 0.1f);
  write_audio(folder / "short.wav", audio);
  Random random(9);
  audio.channels[0].resize(16000);
  for (float& x : audio.channels[0]) x = static_cast<float>(0.1 * random.normal());
  write_audio(folder / "hiss.wav", audio);
  write_text(folder / "text.wav", "no sound");

  const Outcome outcome = run({"data", "check", folder.string(), "--rate", "16000", "--json"});
  EXPECT_EQ(outcome.code, 2);
  std::map<std::string, std::set<std::string>> found;
  const json findings = json::parse(outcome.out).at("findings");
  for (const auto& finding : findings)
    found[std::filesystem::path(finding.at("file").get<std::string>()).filename()].insert(finding.at("kind"));
  EXPECT_TRUE(found["good.wav"].empty() || found["copy.wav"].empty());
  EXPECT_TRUE(found["good.wav"].count("duplicate") || found["copy.wav"].count("duplicate"));
  EXPECT_TRUE(found["later_and_softer.wav"].count("duplicate"));
  EXPECT_TRUE(found["other_rate.wav"].count("rate"));
  EXPECT_TRUE(found["noise.wav"].count("noise"));
  EXPECT_TRUE(found["clipped.wav"].count("clipped"));
  EXPECT_TRUE(found["silent.wav"].count("silent"));
  EXPECT_TRUE(found["short.wav"].count("short"));
  EXPECT_TRUE(found["hiss.wav"].count("no_decay"));
  EXPECT_TRUE(found["text.wav"].count("unreadable"));
  EXPECT_NE(run({"data", "check", folder.string()}).out.find("several rates: 8 at 16000 Hz, 1 at 48000 Hz"),
            std::string::npos);
}

TEST(DataCommands, SayWhatIsMissing) {
  const auto message = [](const std::vector<std::string>& arguments) {
    return message_of<ConfigError>([&] { run_command_line(arguments); });
  };
  EXPECT_EQ(message({"data"}).substr(0, 29), "diffverb data needs a command");
  EXPECT_NE(message({"data", "chekc"}).find("did you mean 'check'"), std::string::npos);
  EXPECT_THROW(run_command_line({"data", "info", "none.h5"}), DataError);
}

}  // namespace
}  // namespace diffverb
