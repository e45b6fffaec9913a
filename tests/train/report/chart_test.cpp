#include "train/report/chart.h"

#include <gtest/gtest.h>

#include <cmath>

#include "core/error.h"
#include "tests/train/report/markup.h"
#include "train/report/html.h"

namespace diffverb::report {
namespace {

Chart line_chart() {
  Chart chart;
  chart.title = "Decay";
  chart.x = {"Time, s", 0, 2, false, false, "s"};
  chart.y = {"Level, dB", -60, 0, false, false, "dB"};
  chart.series = {{"target", "target", {0, 1, 2}, {0, -30, -60}, false}};
  return chart;
}

TEST(ReportHtml, EscapesWhatCouldLeaveItsPlace) {
  EXPECT_EQ(escape("<script>\"a\" & 'b'"), "&lt;script&gt;&quot;a&quot; &amp; &#39;b&#39;");
  EXPECT_EQ(escape("Küche – 1"), "Küche – 1");
}

TEST(ReportHtml, ReplacesBytesThatAreNotUtf8) {
  EXPECT_EQ(escape("a\xFFz"), "a\xEF\xBF\xBDz");
  EXPECT_EQ(escape("\xC3"), "\xEF\xBF\xBD");                  // cut off
  EXPECT_EQ(escape("\xC0\xBC"), "\xEF\xBF\xBD\xEF\xBF\xBD");  // an overlong <
  EXPECT_EQ(escape(std::string("a\0b", 3)),
            "a\xEF\xBF\xBD"
            "b");
}

TEST(ReportHtml, Base64AgreesWithRfc4648) {
  const auto of = [](const std::string& text) { return base64({text.begin(), text.end()}); };
  EXPECT_EQ(of(""), "");
  EXPECT_EQ(of("f"), "Zg==");
  EXPECT_EQ(of("fo"), "Zm8=");
  EXPECT_EQ(of("foo"), "Zm9v");
  EXPECT_EQ(of("foobar"), "Zm9vYmFy");
}

TEST(ReportHtml, WritesNumbersForPeople) {
  EXPECT_EQ(number(-0.0001, 2), "0.00");
  EXPECT_EQ(number(std::nan(""), 2), "—");
  EXPECT_EQ(significant(0.012345), "0.0123");
  EXPECT_EQ(significant(123.45), "123");
  EXPECT_EQ(hertz(62.5), "62.5");
  EXPECT_EQ(hertz(1000), "1k");
  EXPECT_EQ(hertz(1250), "1.25k");
}

TEST(ReportChart, DrawsValuesWhereTheAxesSay) {
  const std::string svg = render(line_chart());
  // 480 x 300 with margins 56, 14, 30, 46: x runs from 56 to 466, y from 254 up to 30.
  EXPECT_NE(svg.find("d=\"M56.0 30.0L261.0 142.0L466.0 254.0\""), std::string::npos) << svg;
  EXPECT_NE(svg.find("data-x=\"0,2,0,56.0,466.0,s\""), std::string::npos) << svg;
}

TEST(ReportChart, IsWellFormedAndEscapesItsTexts) {
  Chart chart = line_chart();
  chart.title = "</svg><script>";
  chart.series[0].name = "a\" onload=\"x";
  chart.rules = {{"<rule>", -20, true}};
  chart.shades = {{"s & t", {0, 1, 2}, {-5, -35, -60}, {0, -25, -50}}};
  const std::string svg = render(chart);
  EXPECT_EQ(markup_fault(svg), "");
  EXPECT_EQ(svg.find("<script>"), std::string::npos);
  EXPECT_EQ(svg.find("onload=\"x\""), std::string::npos);
}

TEST(ReportChart, BreaksTheLineAtUndefinedValues) {
  Chart chart = line_chart();
  chart.series[0] = {"target", "target", {0, 0.5, 1, 1.5, 2}, {0, -1, std::nan(""), -3, -4}, false};
  const std::string svg = render(chart);
  const std::size_t d = svg.find("d=\"M56.0 30.0L");
  ASSERT_NE(d, std::string::npos) << svg;
  const std::string path = svg.substr(d, svg.find('"', d + 3) - d);
  EXPECT_NE(path.find('M', 4), std::string::npos) << path;
  EXPECT_EQ(svg.find("nan"), std::string::npos);
}

TEST(ReportChart, RefusesAnAxisWithoutExtent) {
  Chart chart = line_chart();
  chart.x.hi = 0;
  EXPECT_THROW(render(chart), ContractError);
  chart = line_chart();
  chart.y.logarithmic = true;
  EXPECT_THROW(render(chart), ContractError);
  chart = line_chart();
  chart.series[0].y.pop_back();
  EXPECT_THROW(render(chart), ContractError);
}

TEST(ReportChart, TicksAreRoundNumbers) {
  const std::vector<double> ticks = nice_ticks(0, 0.37, 5);
  ASSERT_GE(ticks.size(), 3u);
  for (std::size_t k = 1; k < ticks.size(); ++k) EXPECT_NEAR(ticks[k] - ticks[k - 1], 0.1, 1e-12);
}

TEST(ReportChart, StandsAloneAsAnSvgFile) {
  const std::string svg = render_standalone({line_chart(), line_chart(), line_chart()}, 2, "A & B");
  EXPECT_EQ(markup_fault(svg), "");
  EXPECT_EQ(svg.rfind("<svg xmlns=\"http://www.w3.org/2000/svg\"", 0), 0u);
  EXPECT_NE(svg.find("<style>"), std::string::npos);
}

}  // namespace
}  // namespace diffverb::report
