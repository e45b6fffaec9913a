#include "train/cli.h"

#include <gtest/gtest.h>

#include <csignal>
#include <nlohmann/json.hpp>

#include "core/error.h"
#include "core/family_info.h"
#include "tests/scratch.h"
#include "train/stop.h"

namespace diffverb {
namespace {

std::string usage_error(const std::vector<std::string>& arguments) {
  return message_of<ConfigError>([&] { run_command_line(arguments); });
}

std::string output_of(const std::vector<std::string>& arguments) {
  testing::internal::CaptureStdout();
  EXPECT_EQ(run_command_line(arguments), 0);
  return testing::internal::GetCapturedStdout();
}

TEST(CommandLine, MisspeltCommandsAndOptionsComeWithTheNearestOne) {
  EXPECT_EQ(usage_error({"lsit"}).substr(0, 44), "unknown command 'lsit', did you mean 'list'?");
  EXPECT_EQ(usage_error({"list", "--jsn"}), "unknown option '--jsn', did you mean '--json'? See diffverb list --help");
  EXPECT_EQ(usage_error({"list", "a", "b", "c"}), "unexpected argument 'c'; see diffverb list --help");
  EXPECT_EQ(usage_error({}).substr(0, 21), "a command is needed: ");
  EXPECT_NE(usage_error({"list", "--log-level", "loud"}).find("unknown log level 'loud'"), std::string::npos);
}

TEST(CommandLine, EveryCommandHasHelpWithExamples) {
  const std::string all = output_of({"--help"});
  const std::string list_help = output_of({"list", "--help"});
  EXPECT_NE(list_help.find("Examples:"), std::string::npos);
  std::istringstream lines(all.substr(all.find("Subcommands:")));
  std::string line;
  int commands = 0;
  for (std::getline(lines, line); std::getline(lines, line) && line.rfind("  ", 0) == 0; ++commands) {
    const std::string name = line.substr(2, line.find(' ', 2) - 2);
    EXPECT_NE(output_of({name, "--help"}).find("Example"), std::string::npos) << name;
  }
  EXPECT_GE(commands, 1);
}

TEST(ListCommand, ShowsEveryPartOfEveryFamily) {
  const auto json = nlohmann::json::parse(output_of({"list", "--json"}));
  ASSERT_EQ(json.size(), all_families().size());
  for (const auto& family : json) {
    EXPECT_FALSE(family.at("parts").empty()) << family;
    for (const auto& part : family.at("parts")) {
      EXPECT_FALSE(part.at("name").get<std::string>().empty());
      EXPECT_FALSE(part.at("summary").get<std::string>().empty()) << part;
      for (const auto& key : part.at("keys"))
        EXPECT_TRUE(key.contains("default") && key.contains("unit") && key.contains("range"));
    }
  }
  EXPECT_NE(usage_error({"list", "lossess"}).find("unknown family 'lossess'"), std::string::npos);
}

TEST(StopOnSignal, IsAskedForBySignalsWhileItLives) {
  {
    const StopOnSignal guard;
    EXPECT_FALSE(stop_requested());
    std::raise(SIGTERM);
    EXPECT_TRUE(stop_requested());
  }
  const StopOnSignal again;
  EXPECT_FALSE(stop_requested());
}

}  // namespace
}  // namespace diffverb
