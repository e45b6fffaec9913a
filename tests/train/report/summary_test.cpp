#include <gtest/gtest.h>

#include <algorithm>
#include <sstream>
#include <vector>

#include "core/error.h"
#include "tests/train/report/run_folder_sample.h"
#include "train/report/report.h"

namespace diffverb {
namespace {

using report::TemporaryFolder;
using report::write_text;

void write_metrics(const std::filesystem::path& folder, double t_median, double t_worst) {
  std::filesystem::create_directories(folder);
  write_text(folder / "metrics.json", "{\"median\":{\"t_error_pct\":" + std::to_string(t_median) +
                                          "},\"worst\":{\"t_error_pct\":" + std::to_string(t_worst) + "}}");
}

TEST(SummaryTable, HasOneLineARunAndTheMedians) {
  const TemporaryFolder folder;
  write_metrics(folder.path() / "a", 1, 4);
  write_metrics(folder.path() / "b", 2, 5);
  write_metrics(folder.path() / "room with a long name", 9, 12);
  std::istringstream table(
      summary_table({folder.path() / "a", folder.path() / "b", folder.path() / "room with a long name"}));
  std::vector<std::string> lines;
  for (std::string line; std::getline(table, line);) lines.push_back(line);
  ASSERT_EQ(lines.size(), 5u);
  EXPECT_EQ(lines[0].rfind("run ", 0), 0u);
  EXPECT_EQ(lines[3].rfind("room with a long name", 0), 0u);
  EXPECT_EQ(lines[4].rfind("median of 3", 0), 0u);
  EXPECT_NE(lines[4].find(" 2.0 "), std::string::npos) << lines[4];
  EXPECT_NE(lines[4].find(" 5.0 "), std::string::npos) << lines[4];
  EXPECT_EQ(lines[1].find("1.0"), lines[4].find("2.0")) << "columns stand under each other";
}

TEST(SummaryTable, LeavesTheMediansOutForOneRun) {
  const TemporaryFolder folder;
  write_metrics(folder.path() / "a", 1, 4);
  const std::string table = summary_table({folder.path() / "a"});
  EXPECT_EQ(std::count(table.begin(), table.end(), '\n'), 2);
  EXPECT_EQ(summary_table({}), "");
}

TEST(SummaryTable, RefusesARunWithoutMetrics) {
  const TemporaryFolder folder;
  EXPECT_THROW(summary_table({folder.path()}), DataError);
  write_text(folder.path() / "metrics.json", "[]");
  EXPECT_THROW(summary_table({folder.path()}), DataError);
}

}  // namespace
}  // namespace diffverb
