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

TEST(CommandLine, NanIsNoNumberWithinARange) {
  EXPECT_EQ(usage_error({"compare", "a.wav", "b.wav", "--early-ms", "nan"}),
            "--early-ms: expected a number from 0 to 1000, got 'nan'; see diffverb compare --help");
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

TEST(ListCommand, SaysWhatAFeedbackMatrixKeeps) {
  const auto property = [](const std::string& name) {
    return nlohmann::json::parse(output_of({"list", "matrices", name, "--json"})).at("parts").at(0).at("property");
  };
  EXPECT_EQ(property("conference"), "orthogonal");
  EXPECT_EQ(property("absorbent_allpass"), "lossless");
  EXPECT_EQ(property("triangular"), "unit_poles");
  EXPECT_EQ(property("eigenvalue_design"), "decaying");
  EXPECT_NE(output_of({"list", "matrices", "conference"}).find("property: orthogonal"), std::string::npos);
  EXPECT_FALSE(
      nlohmann::json::parse(output_of({"list", "losses", "edc", "--json"})).at("parts").at(0).contains("property"));
}

TEST(CommandLine, AnEmptyNameIsNoWishForTheDefault) {
  for (const std::vector<std::string>& arguments : {std::vector<std::string>{"train", "a.yaml", "--out", ""},
                                                    {"train", "--resume", ""},
                                                    {"fit", "a.wav", "--out", ""}}) {
    const std::string message = usage_error(arguments);
    EXPECT_NE(message.find("an empty one (an unset shell variable?)"), std::string::npos) << message;
  }
}

TEST(ReportCommand, SaysWhichFolderHoldsNoRunAndWhatCannotBeWritten) {
  const Scratch scratch;
  const auto folder = [&](const std::string& name, const std::string& file) {
    std::filesystem::create_directory(scratch / name);
    if (!file.empty()) write_text(scratch / name / file, "{}");
    return (scratch / name).string();
  };
  const std::string trained = folder("trained", "data.json"), fitted = folder("fitted", "metrics.json"),
                    empty = folder("empty", ""), no = (scratch / "no").string();
  const auto data_error = [](const std::vector<std::string>& arguments) {
    return message_of<DataError>([&] { run_command_line(arguments); });
  };
  EXPECT_EQ(data_error({"report", trained, no}), no + ": no such run folder");
  const std::string message = data_error({"report", trained, empty});
  EXPECT_EQ(message.rfind(empty + ": holds none of", 0), 0u) << message;
  EXPECT_NE(message.find("expected a run folder of diffverb fit or diffverb train"), std::string::npos) << message;
  EXPECT_NE(usage_error({"report", trained, fitted}).find("one page shows one kind"), std::string::npos);
  testing::internal::CaptureStderr();
  const std::string page = (scratch / "no/page.html").string();
  EXPECT_EQ(data_error({"report", trained, "--out", page}), page + ": cannot be written: No such file or directory");
  EXPECT_EQ(testing::internal::GetCapturedStderr(), "");  // nothing was tried
}

TEST(StopOnSignal, AClosedTerminalStopsOnceAndNohupDoesNot) {
  std::signal(SIGHUP, SIG_DFL);  // the tests themselves may run under nohup
  {
    const StopOnSignal guard;
    std::raise(SIGHUP);
    EXPECT_TRUE(stop_requested());
    std::raise(SIGHUP);  // from the shell, then from the kernel
  }
  EXPECT_EQ(std::signal(SIGHUP, SIG_IGN), SIG_DFL);
  {
    const StopOnSignal guard;
    std::raise(SIGHUP);
    EXPECT_FALSE(stop_requested());
  }
  EXPECT_EQ(std::signal(SIGHUP, SIG_DFL), SIG_IGN);
}

TEST(StopOnSignal, OneWithinAnotherForgetsNothingAndPutsNothingBack) {
  const StopOnSignal batch;
  std::raise(SIGTERM);
  {
    const StopOnSignal fit;
    EXPECT_TRUE(stop_requested());
  }
  EXPECT_TRUE(stop_requested());
  std::raise(SIGINT);  // would kill
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
