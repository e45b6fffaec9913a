#include "core/log.h"

#include <gtest/gtest.h>

#include <cmath>
#include <thread>

#include "core/error.h"
#include "core/progress.h"
#include "tests/scratch.h"

namespace diffverb {
namespace {

TEST(Log, StderrGetsItsLevelAndTheFileGetsAll) {
  const Scratch scratch;
  Log log;
  log.add_file(scratch / "log");
  log.set_level(LogLevel::kWarning);
  testing::internal::CaptureStderr();
  log.debug("d");
  log.info("i");
  log.warning("clipped");
  EXPECT_EQ(testing::internal::GetCapturedStderr(), "diffverb: warning: clipped\n");
  const std::string text = read_text(scratch / "log");
  EXPECT_EQ(std::count(text.begin(), text.end(), '\n'), 3);
  EXPECT_NE(text.find("warning clipped"), std::string::npos);
}

TEST(Log, AThreadMayHaveAFileOfItsOwn) {
  const Scratch scratch;
  Log log;
  log.add_file(scratch / "all");
  testing::internal::CaptureStderr();
  const auto run = [&](const std::string& name) {
    const ThreadLog mine(log, LogLevel::kWarning);
    log.info(name + " before its file");
    log.add_file(scratch / name);
    for (int k = 0; k < 100; ++k) log.info(name);
    log.warning(name + " clipped");
    log.close_file();
    log.info(name + " after its file");
  };
  std::thread a(run, "a"), b(run, "b");
  for (int k = 0; k < 100; ++k) log.debug("main");
  a.join();
  b.join();
  log.debug("last");
  const std::string err = testing::internal::GetCapturedStderr();
  EXPECT_EQ(err.size(), std::string("diffverb: warning: a clipped\ndiffverb: warning: b clipped\n").size()) << err;
  for (const char* name : {"a", "b"}) {
    const std::string text = read_text(scratch / name);
    EXPECT_EQ(std::count(text.begin(), text.end(), '\n'), 101) << text;
    EXPECT_EQ(text.find(std::string(" ") + (name[0] == 'a' ? "b" : "a") + "\n"), std::string::npos) << text;
  }
  const std::string all = read_text(scratch / "all");
  EXPECT_EQ(std::count(all.begin(), all.end(), '\n'), 101) << all;
  EXPECT_NE(all.find("debug   last"), std::string::npos);
}

TEST(Log, LevelsHaveNames) {
  EXPECT_EQ(parse_log_level("error"), LogLevel::kError);
  EXPECT_EQ(message_of<ConfigError>([] { parse_log_level("eror"); }),
            "unknown log level 'eror', did you mean 'error'? known: debug, info, warning, error, off");
}

struct Recorded {
  double now_s = 100;
  std::vector<std::string> lines;
  Progress::Options options(std::int64_t total, bool terminal) {
    return {.title = "fit",
            .total = total,
            .terminal = terminal,
            .clock_s = [this] { return now_s; },
            .out = [this](const std::string& line) { lines.push_back(line); }};
  }
};

TEST(Progress, PlainLinesComeAtASteadyPaceWithTheFirstAndTheLast) {
  Recorded recorded;
  Progress::Options options = recorded.options(100, false);
  options.first = 0;
  Progress progress(options);
  for (int step = 1; step <= 100; ++step) {
    recorded.now_s += 0.125;
    progress.update(step, 2.5);
  }
  progress.finish();
  ASSERT_EQ(recorded.lines.size(), 4u);  // at 0.125, 5.125, 10.125 and the end
  EXPECT_EQ(recorded.lines[0], "fit 1/100  loss 2.5");
  EXPECT_EQ(recorded.lines[1], "fit 41/100  loss 2.5  8 steps/s  left 0:07");
  EXPECT_EQ(recorded.lines[3], "fit 100/100  loss 2.5  8 steps/s  left 0:00");
}

TEST(Progress, ATerminalHasABarThatGoesAway) {
  Recorded recorded;
  {
    Progress progress(recorded.options(4, true));
    progress.update(1, std::nan(""));
    recorded.now_s += 1;
    progress.update(2, std::nan(""));
  }
  ASSERT_EQ(recorded.lines.size(), 3u);
  EXPECT_EQ(recorded.lines[0], "fit [######..................] 1/4");
  EXPECT_EQ(recorded.lines[1], "fit [############............] 2/4  1 steps/s  left 0:02");
  EXPECT_EQ(recorded.lines[2], "");
}

TEST(Progress, AResumedRunCountsItsOwnStepsOnly) {
  Recorded recorded;
  Progress::Options options = recorded.options(100, false);
  options.first = 90;
  Progress progress(options);
  recorded.now_s += 2;
  progress.update(92, 1);
  EXPECT_EQ(recorded.lines.at(0), "fit 92/100  loss 1  1 steps/s  left 0:08");
}

TEST(Progress, TheFirstLineNamesNoRateThatItCannotKnow) {
  Recorded recorded;
  Progress progress(recorded.options(2000, false));  // made with the first step behind, as callbacks do
  recorded.now_s += 1e-6;
  progress.update(500, std::nan(""));
  recorded.now_s += 10;
  progress.update(520, std::nan(""));
  EXPECT_EQ(recorded.lines.at(0), "fit 500/2000");
  EXPECT_EQ(recorded.lines.at(1), "fit 520/2000  2 steps/s  left 12:20");
}

TEST(Progress, WhereStepsCostUnequallyTheTimeLeftFollowsTheWork) {
  Recorded recorded;
  Progress::Options options = recorded.options(40, true);
  options.first = 0;
  options.per = "a minute";
  options.per_s = 60;
  Progress progress(options);
  progress.update(0, std::nan(""), 0);
  recorded.now_s += 30;
  progress.set_note("2 under way");
  progress.update(0, std::nan(""), 0.125);
  recorded.now_s += 30;
  progress.update(2, std::nan(""), 0.25);
  EXPECT_EQ(recorded.lines.at(0), "fit [........................] 0/40");
  EXPECT_EQ(recorded.lines.at(1), "fit [###.....................] 0/40  left 3:30  2 under way");
  EXPECT_EQ(recorded.lines.at(2), "fit [######..................] 2/40  2 a minute  left 3:00  2 under way");
}

TEST(Progress, TheEndIsSaidOnce) {
  Recorded recorded;
  Progress progress(recorded.options(2, false));
  for (int k = 0; k < 3; ++k) progress.update(2, std::nan(""));
  EXPECT_EQ(recorded.lines, std::vector<std::string>{"fit 2/2"});
}

TEST(Progress, TimesReadLikeAClock) {
  EXPECT_EQ(clock_text(7.4), "0:07");
  EXPECT_EQ(clock_text(750), "12:30");
  EXPECT_EQ(clock_text(7380), "2:03:00");
}

}  // namespace
}  // namespace diffverb
