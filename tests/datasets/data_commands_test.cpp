#include <gtest/gtest.h>

#include <filesystem>
#include <nlohmann/json.hpp>

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
  std::string out;
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
  testing::internal::GetCapturedStderr();
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
