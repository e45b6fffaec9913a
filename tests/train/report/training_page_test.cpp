#include <gtest/gtest.h>

#include <cmath>

#include "core/error.h"
#include "tests/train/report/markup.h"
#include "tests/train/report/run_folder_sample.h"
#include "train/report/example_section.h"
#include "train/report/training_charts.h"
#include "train/report/training_data.h"

namespace diffverb::report {
namespace {

namespace fs = std::filesystem;

/// A run folder as `diffverb train` leaves one, without its model.
void write_training(const fs::path& folder) {
  fs::create_directories(folder);
  std::string losses, validation;
  for (int step = 0; step < 600; ++step) {
    const double loss = 3 * std::exp(-step / 200.0) + 0.5;
    losses += "{\"step\":" + std::to_string(step) + ",\"loss\":" + std::to_string(loss) +
              ",\"rate\":0.001,\"gradient_norm\":1.5,\"epoch\":0,\"terms\":{\"decay\":" + std::to_string(0.7 * loss) +
              ",\"level\":" + std::to_string(0.3 * loss) + "}}\n";
    if (step % 100 == 99)
      validation += "{\"step\":" + std::to_string(step + 1) + ",\"loss\":" + std::to_string(1.1 * loss) +
                    ",\"terms\":{\"decay\":" + std::to_string(0.8 * loss) + "}}\n";
  }
  write_text(folder / "losses.jsonl", losses);
  write_text(folder / "validation.jsonl", validation);
  write_text(folder / "config.resolved.yaml", "seed: 1\nmodel:\n  type: small\n");
  write_text(folder / "log", "<i>went well</i>\n");
  write_text(folder / "data.json", R"({"sample_rate_hz":16000,"samples":16000,"training":20,"validation":8,"test":0,)"
                                   R"("licences":{"CC0-1.0":14,"unknown":6}})");
}

TrainingExample example(const std::string& name, double t60_s, double error_pct) {
  TrainingExample out;
  out.name = name;
  out.licence = "CC0-1.0";
  out.sound.target = decaying_noise(1, t60_s, 1);
  out.sound.played = decaying_noise(1, t60_s * (1 + error_pct / 100), 2);
  out.sound.t20_s = t60_s;
  out.sound.t20_1k_error_pct = error_pct;
  out.sound.edt_1k_error_pct = -error_pct;
  out.sound.lsd_smoothed_db = 2 + std::abs(error_pct) / 10;
  out.sound.lsd_db = 5.5;
  return out;
}

class TrainingPage : public testing::Test {
 protected:
  /// Eight examples; number k is off by k percent.
  TrainingRun run(const std::string& name) const {
    write_training(folder_.path() / name);
    TrainingRun out = read_training_run(folder_.path() / name);
    out.model = "small";
    out.facts = {{"Latent numbers", "3"}, {"Parameters", "1234"}};
    for (int k : {3, 0, 7, 1, 6, 2, 5, 4})
      out.examples.push_back(example("room " + std::to_string(k), 0.3 + 0.05 * k, k % 2 == 0 ? k : -k));
    out.examples_from = "All 8 validation examples.";
    return out;
  }
  TemporaryFolder folder_;
};

TEST_F(TrainingPage, ShowsCurvesExamplesErrorsDataAndSettings) {
  const std::string page = training_page(run("night"));
  for (const char* id : {"learning", "examples", "errors", "all", "data", "provenance"}) {
    EXPECT_EQ(count(page, "<h2 id=\"" + std::string(id) + "\">"), 1u) << id;
    EXPECT_EQ(count(page, "<a href=\"#" + std::string(id) + "\">"), 1u) << id;
  }
  for (const char* text :
       {"small · 3 latent numbers · 1234 parameters · 600 steps · trained on 20 examples", "All 8 validation examples.",
        "Sum of the losses", ">decay</text>", "Learning rate", "Norm of the gradient",
        "<td class=\"name\">CC0-1.0</td><td>14</td>", "unknown: nobody has said", "3.5 %", "type: small"})
    EXPECT_GE(count(page, text), 1u) << text;
  EXPECT_EQ(count(page, "<audio"), 6u * 4);  // six examples, each the responses and a dry sound through both
  EXPECT_EQ(count(page, "data:audio/flac;base64,"), 6u * 4);
  EXPECT_EQ(count(page, "data-signed=\"1\""), 6u);  // pictures of differences
  EXPECT_EQ(count(page, "class=\"missing\""), 0u);
}

TEST_F(TrainingPage, FetchesNothingEscapesAndDrawsWellFormedCharts) {
  TrainingRun outside = run("night");
  outside.examples[0].name = "<img src=x onerror=alert(1)>";
  outside.facts.emplace_back("<b>", "<i>");
  const std::string page = training_page(outside);
  for (const char* reference : {"http:", "https:", "src=\"//", "@import", "url(", "<img src=x", "<b>\"", "<i>went"})
    EXPECT_EQ(count(page, reference), 0u) << reference;
  EXPECT_EQ(count(page, "src=\""), count(page, "src=\"data:"));
  std::size_t charts = 0;
  for (std::size_t at = page.find("<svg role"); at != std::string::npos; at = page.find("<svg role", at + 1)) {
    const std::size_t end = page.find("</figure>", at);
    const std::string svg = page.substr(at, end - at);
    EXPECT_EQ(markup_fault(svg), "") << svg.substr(0, 200);
    EXPECT_TRUE(count(svg, "base64") > 0 || count(svg, "nan") == 0) << svg.substr(0, 200);
    ++charts;
  }
  EXPECT_GT(charts, 30u);
}

TEST_F(TrainingPage, PicksTheBestTheMiddleAndTheWorst) {
  const TrainingRun night = run("night");
  std::string order;
  for (const auto& [title, example] : notable(night.examples, 6)) order += title + ": " + example->name + "; ";
  EXPECT_EQ(order,
            "The best: room 0; Next best: room 1; In the middle: room 4; The worst: room 7; Next worst: room 6; "
            "Next worst: room 5; ");
  EXPECT_EQ(notable(night.examples, 2).size(), 2u);
  EXPECT_EQ(notable({night.examples[0]}, 6).size(), 1u);
  EXPECT_TRUE(notable({}, 6).empty());
}

TEST_F(TrainingPage, PutsTheWorstOnTopOfTheTable) {
  const std::string table = examples_table(run("night").examples);
  std::size_t at = 0;
  for (int k = 7; k >= 0; --k) {
    const std::size_t found = table.find(">room " + std::to_string(k) + "<");
    ASSERT_NE(found, std::string::npos);
    EXPECT_GT(found, at);
    at = found;
  }
  EXPECT_EQ(count(table, "<td class=\"over\">6.0</td>"), 1u);   // T20 of room 6
  EXPECT_EQ(count(table, "<td class=\"over\">-6.0</td>"), 1u);  // and its EDT
  EXPECT_EQ(count(table, "<td>4.0</td>"), 1u);
}

TEST_F(TrainingPage, RanksByTheMeanOfWhatIsKnown) {
  Reconstruction r;
  EXPECT_TRUE(std::isnan(badness(r)));
  r.t20_1k_error_pct = -10;
  EXPECT_DOUBLE_EQ(badness(r), 2);
  r.c80_1k_error_db = 4;
  EXPECT_DOUBLE_EQ(badness(r), 3);
  r.lsd_smoothed_db = 6;
  EXPECT_DOUBLE_EQ(badness(r), 3);
  Reconstruction no_decay;
  no_decay.t20_s = 0.5;
  EXPECT_DOUBLE_EQ(badness(no_decay), 20);
}

TEST_F(TrainingPage, SaysWhatIsMissing) {
  write_training(folder_.path() / "night");
  fs::remove(folder_.path() / "night" / "validation.jsonl");
  TrainingRun night = read_training_run(folder_.path() / "night");
  night.missing.push_back("No examples are shown: rirs.h5: no such file.");
  const std::string page = training_page(night);
  EXPECT_EQ(count(page, "There is no validation.jsonl in this run folder"), 1u);
  EXPECT_EQ(count(page, "No examples are shown: rirs.h5: no such file."), 1u);
  EXPECT_EQ(count(page, "<h2 id=\"learning\">"), 1u);
  EXPECT_EQ(count(page, "<audio"), 0u);
  EXPECT_EQ(count(page, "href=\"#examples\""), 0u);
}

TEST_F(TrainingPage, AveragesLongLogsAndKeepsTheirEnds) {
  const TrainingRun night = run("night");
  const Chart chart = learning_chart(night);
  ASSERT_EQ(chart.series.size(), 2u);
  ASSERT_EQ(chart.series[0].x.size(), 300u);
  EXPECT_DOUBLE_EQ(chart.series[0].x[0], 0.5);  // of steps 0 and 1
  EXPECT_NEAR(chart.series[0].y[0], (night.losses.total[0] + night.losses.total[1]) / 2, 1e-12);
  EXPECT_DOUBLE_EQ(chart.series[0].x.back(), 598.5);
  EXPECT_EQ(chart.series[1].x.size(), 6u);
  EXPECT_TRUE(chart.y.logarithmic);
}

TEST_F(TrainingPage, PutsSeveralSideBySide) {
  const std::string page = training_pages({run("a"), run("b")});
  EXPECT_EQ(count(page, "<h2 id=\"summary\">"), 1u);
  EXPECT_EQ(count(page, "<a href=\"#run-1\">a</a>"), 1u);
  EXPECT_EQ(count(page, "id=\"run-2\""), 1u);
  EXPECT_EQ(count(page, "id=\"run-2-learning\""), 1u);
  EXPECT_GE(count(page, "Validation: sum of the losses"), 1u);
  EXPECT_EQ(count(page, "id=\"learning\""), 0u);
}

TEST_F(TrainingPage, TellsTrainingsFromFits) {
  write_training(folder_.path() / "night");
  EXPECT_TRUE(is_training_run(folder_.path() / "night"));
  write_sample_run(folder_.path() / "fit");
  EXPECT_FALSE(is_training_run(folder_.path() / "fit"));
  EXPECT_THROW(read_training_run(folder_.path() / "fit"), DataError);
  EXPECT_THROW(read_training_run(folder_.path() / "nothing"), DataError);
  write_text(folder_.path() / "night" / "data.json", "[1");
  EXPECT_THROW(read_training_run(folder_.path() / "night"), DataError);
}

TEST_F(TrainingPage, ShowsWhatANetworkOfSpectrogramsReadsAndWrites) {
  TrainingExample shown = example("room", 0.4, 2);
  NetworkPictures p{4, 5, 1, 8000, 80, std::vector<float>(20, 0.5f), std::vector<float>(20, 0.75f)};
  const std::vector<Chart> charts = network_charts(p);
  ASSERT_EQ(charts.size(), 3u);
  EXPECT_FALSE(charts[0].picture_signed);
  EXPECT_EQ(charts[0].picture_range_db, 80);
  EXPECT_TRUE(charts[2].picture_signed);
  shown.pictures = p;
  EXPECT_EQ(count(example_section(shown, "The best", 1'000'000), "Network&#39;s input"), 3u);
}

}  // namespace
}  // namespace diffverb::report
