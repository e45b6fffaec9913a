#include "train/report/report.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <functional>

#include "core/error.h"
#include "core/files.h"
#include "tests/train/report/markup.h"
#include "tests/train/report/run_folder_sample.h"
#include "train/report/headline.h"
#include "train/report/run_data.h"

namespace diffverb {
namespace {

namespace fs = std::filesystem;
using report::count;
using report::TemporaryFolder;
using report::write_sample_run;
using report::write_text;

std::string page_of(const std::vector<fs::path>& runs, const fs::path& out) {
  write_report(runs, out);
  return read_file(out);
}

/// Every <svg ...>...</svg> of the outermost level.
std::vector<std::string> pictures(const std::string& page) {
  std::vector<std::string> out;
  for (std::size_t at = page.find("<svg"); at != std::string::npos;) {
    std::size_t depth = 0, end = at;
    do {
      const std::size_t open = page.find("<svg", end), close = page.find("</svg>", end);
      if (close == std::string::npos) return out;
      depth += open < close ? 1 : -1;
      end = open < close ? open + 4 : close + 6;
    } while (depth > 0);
    out.push_back(page.substr(at, end - at));
    at = page.find("<svg", end);
  }
  return out;
}

template <class Thrown>
std::string message_of(const std::function<void()>& call) {
  try {
    call();
  } catch (const Thrown& error) {
    return error.what();
  }
  return "";
}

class Report : public testing::Test {
 protected:
  fs::path run(const std::string& name) const { return folder_.path() / name; }
  TemporaryFolder folder_;
};

TEST_F(Report, HoldsEverySection) {
  write_sample_run(run("hall"));
  const std::string page = page_of({run("hall")}, run("hall") / "report.html");
  for (const char* id : {"listen", "decay", "spectrogram", "time", "level", "density", "bands", "loss", "provenance"}) {
    EXPECT_EQ(count(page, "<h2 id=\"" + std::string(id) + "\">"), 1u) << id;
    EXPECT_EQ(count(page, "<a href=\"#" + std::string(id) + "\">"), 1u) << id;
  }
  EXPECT_EQ(count(page, "<audio"), 5u);  // target, fit, dry, dry through each
  EXPECT_EQ(count(page, "played by the runtime"), 1u);
  EXPECT_EQ(count(page, "class=\"missing\""), 0u);
  EXPECT_NE(page.find("2.2 %"), std::string::npos) << "the median reverberation time of metrics.json";
  EXPECT_NE(page.find("at 125 Hz"), std::string::npos) << "the worst band";
  EXPECT_LT(page.size(), 6'000'000u);
}

TEST_F(Report, FetchesNothing) {
  write_sample_run(run("hall"));
  const std::string page = page_of({run("hall")}, run("out.html"));
  for (const char* reference : {"http:", "https:", "src=\"//", "@import", "url("})
    EXPECT_EQ(count(page, reference), 0u) << reference;
  EXPECT_EQ(count(page, "src=\""), count(page, "src=\"data:"));
}

TEST_F(Report, DrawsWellFormedCharts) {
  write_sample_run(run("hall"));
  const std::vector<std::string> svgs = pictures(page_of({run("hall")}, run("out.html")));
  ASSERT_GT(svgs.size(), 30u);
  for (const std::string& svg : svgs) {
    EXPECT_EQ(report::markup_fault(svg), "") << svg.substr(0, 300);
    const bool picture = count(svg, "base64") > 0;  // any letters may stand in there
    EXPECT_TRUE(picture || count(svg, "nan") == 0) << svg.substr(0, 300);
  }
}

TEST_F(Report, EscapesWhatComesFromOutside) {
  write_sample_run(run("<img src=x onerror=alert(1)>"), 1, "<svg onload=alert(2)>.wav");
  const std::string page = page_of({run("<img src=x onerror=alert(1)>")}, run("out.html"));
  for (const char* raw : {"<img src=x", "<svg onload", "<script>alert", "<b>ended", "CC-BY <4.0>"})
    EXPECT_EQ(count(page, raw), 0u) << raw;
  EXPECT_GE(count(page, "&lt;img src=x onerror=alert(1)&gt;"), 1u);
  EXPECT_GE(count(page, "CC-BY &lt;4.0&gt;"), 1u);
}

TEST_F(Report, SaysWhichFilesAreMissing) {
  write_sample_run(run("hall"));
  for (const char* file : {"wet.wav", "losses.jsonl", "weights.safetensors"}) fs::remove(run("hall") / file);
  const std::string page = page_of({run("hall")}, run("out.html"));
  for (const char* file : {"wet.wav", "losses.jsonl", "weights.safetensors"}) {
    EXPECT_EQ(count(page, "There is no " + std::string(file) + " in this run folder"), 1u) << file;
  }
  EXPECT_EQ(count(page, "<h2 id=\"loss\">"), 0u);
  EXPECT_EQ(count(page, "<audio"), 5u);  // the dry sound goes through ir.wav instead
  EXPECT_EQ(count(page, "played by the runtime"), 0u);
}

TEST_F(Report, ShowsMetricsWithoutSound) {
  write_sample_run(run("hall"));
  for (const char* file : {"target.wav", "ir.wav"}) fs::remove(run("hall") / file);
  const std::string page = page_of({run("hall")}, run("out.html"));
  EXPECT_EQ(count(page, "<h2 id=\"decay\">"), 0u);
  EXPECT_EQ(count(page, "<h2 id=\"loss\">"), 1u);
}

TEST_F(Report, PutsSeveralRunsSideBySide) {
  write_sample_run(run("hall"), 1);
  write_sample_run(run("plate"), 2);
  const std::string page = page_of({run("hall"), run("plate")}, run("both.html"));
  EXPECT_EQ(count(page, "<h2 id=\"summary\">"), 1u);
  EXPECT_EQ(count(page, "<h2 id=\"overlay\">"), 1u);
  for (const char* id : {"run-1", "run-2", "run-1-decay", "run-2-decay"})
    EXPECT_EQ(count(page, "id=\"" + std::string(id) + "\""), 1u) << id;
  EXPECT_EQ(count(page, "href=\"#run-2\""), 1u);
  EXPECT_LT(page.size(), 6'000'000u);
}

TEST_F(Report, LinksToTheirOwnPagesWhereRunsAreMany) {
  std::vector<fs::path> runs;
  for (int k = 0; k < 7; ++k) {
    runs.push_back(run("room #" + std::to_string(k)));
    fs::create_directories(runs.back());
    write_text(runs.back() / "metrics.json", "{}");
  }
  write_text(runs[0] / "report.html", "");
  const std::string page = page_of(runs, run("all.html"));
  EXPECT_EQ(count(page, "href=\"./room%20%230/report.html\""), 1u);
  EXPECT_EQ(count(page, "<details class=\"run\""), 0u);
}

TEST_F(Report, RefusesWhatIsNoRunFolder) {
  const fs::path out = run("out.html");
  EXPECT_NE(message_of<ConfigError>([&] { write_report({}, out); }).find("no run folder given"), std::string::npos);
  EXPECT_NE(message_of<DataError>([&] { write_report({run("none")}, out); }).find("no such run folder"),
            std::string::npos);
  write_text(run("file"), "x");
  EXPECT_NE(message_of<DataError>([&] { write_report({run("file")}, out); }).find("not a folder"), std::string::npos);
  fs::create_directories(run("empty"));
  EXPECT_NE(message_of<DataError>([&] { write_report({run("empty")}, out); }).find("holds none of"), std::string::npos);
  EXPECT_FALSE(fs::exists(out));
}

TEST_F(Report, NamesTheDamagedFileAndKeepsTheOldPage) {
  const fs::path out = run("out.html");
  write_text(out, "the old page");
  const auto message_with = [&](const char* file, const std::string& content) {
    write_sample_run(run("hall"));
    write_text(run("hall") / file, content);
    return message_of<DataError>([&] { write_report({run("hall")}, out); });
  };
  EXPECT_NE(message_with("metrics.json", "{\"a\": ").find("metrics.json: not a JSON object"), std::string::npos);
  EXPECT_NE(
      message_with("losses.jsonl", "{\"step\":0}\nnonsense\n{\"step\":1}\n").find("losses.jsonl:2: not a JSON object"),
      std::string::npos);
  EXPECT_NE(message_with("weights.safetensors", std::string(8, '\x7f')).find("weights.safetensors: "),
            std::string::npos);
  EXPECT_NE(message_with("weights.safetensors", "abc").find("too short"), std::string::npos);
  EXPECT_NE(message_with("target.wav", "no sound").find("target.wav"), std::string::npos);
  write_sample_run(run("hall"), 2);
  write_audio(run("hall") / "ir.wav", report::decaying_noise(1, 0.5, 3));
  EXPECT_NE(message_of<DataError>([&] { write_report({run("hall")}, out); }).find("target.wav has 2 channels"),
            std::string::npos);
  EXPECT_EQ(read_file(out), "the old page");
}

TEST_F(Report, ReadsTheLossesOfARunThatWasKilled) {
  write_sample_run(run("hall"), 1);
  write_text(run("hall") / "losses.jsonl",
             "{\"step\":0,\"loss\":2,\"terms\":{\"edc\":2}}\n{\"step\":1,\"loss\":1,\"terms\":{\"edc\":1,\"stft\":3}}"
             "\n{\"step\":2,\"lo");
  const report::RunData data = report::read_run(run("hall"));
  ASSERT_TRUE(data.losses);
  EXPECT_EQ(data.losses->total, (std::vector<double>{2, 1}));
  ASSERT_EQ(data.losses->terms.size(), 2u);
  EXPECT_EQ(data.losses->terms[0].second, (std::vector<double>{2, 1}));
  EXPECT_TRUE(std::isnan(data.losses->terms[1].second[0]));
  EXPECT_EQ(data.losses->terms[1].second[1], 3);
}

TEST_F(Report, ShowsRunsThatWentOddly) {
  // A silent channel, a response of 30 ms at the lowest rate, no figures, one step, a loss that was no number.
  write_sample_run(run("hall"), 2);
  Audio target = report::decaying_noise(2, 0.5, 1), fit = target;
  for (Audio* audio : {&target, &fit}) {
    audio->rate_hz = 8000;
    for (std::vector<float>& channel : audio->channels) channel.resize(240);
  }
  std::fill(fit.channels[1].begin(), fit.channels[1].end(), 0.f);
  write_audio(run("hall") / "target.wav", target);
  write_audio(run("hall") / "ir.wav", fit);
  write_text(run("hall") / "metrics.json", "{\"median\":{\"t_error_pct\":null},\"bands\":null}");
  write_text(run("hall") / "losses.jsonl", "{\"step\":0,\"loss\":null,\"terms\":{\"edc\":null}}\n");
  const std::string page = page_of({run("hall")}, run("out.html"));
  EXPECT_EQ(count(page, "<h2 id=\"decay\">"), 1u);
  EXPECT_EQ(count(page, "<h2 id=\"loss\">"), 1u);
  EXPECT_EQ(count(page_of({run("hall"), run("hall")}, run("two.html")), "<h2 id=\"overlay\">"), 1u);
  std::fill(target.channels[0].begin(), target.channels[0].end(), 0.f);
  write_audio(run("hall") / "target.wav", target);
  EXPECT_GE(count(page_of({run("hall")}, run("out.html")), "no decay found in the target"), 1u);
}

TEST_F(Report, DrawsAPictureForAReadme) {
  write_sample_run(run("hall"));
  write_picture(run("hall"), run("picture.svg"));
  const std::string svg = read_file(run("picture.svg"));
  EXPECT_EQ(report::markup_fault(svg), "");
  for (const char* title :
       {"125 Hz", "500 Hz", "2 kHz", "Reverberation time, octaves", "Early decay time, octaves", "room.wav"}) {
    EXPECT_NE(svg.find(title), std::string::npos) << title;
  }
  fs::remove(run("hall") / "ir.wav");
  EXPECT_THROW(write_picture(run("hall"), run("other.svg")), DataError);
}

TEST(ReportVerdict, SaysInPlainWordsHowNearAFitCame) {
  report::Headline figures;
  EXPECT_EQ(report::verdict(report::judge(figures)), "");
  figures.t_pct = {1, 4};
  figures.edt_pct = {2, 4.5};
  EXPECT_EQ(report::verdict(report::judge(figures)).rfind("In no octave band", 0), 0u);
  figures.edt_pct = {2, 10};
  const std::string typical = report::verdict(report::judge(figures));
  EXPECT_EQ(typical.rfind("In a typical octave band", 0), 0u);
  EXPECT_NE(typical.find("early decay time in one band, is 2.0 times"), std::string::npos) << typical;
  figures.edt_pct = {7.5, 20};
  const std::string audible = report::verdict(report::judge(figures));
  EXPECT_EQ(audible.rfind("The fit differs audibly", 0), 0u);
  EXPECT_NE(audible.find("early decay time by 1.5 times"), std::string::npos) << audible;
}

}  // namespace
}  // namespace diffverb
