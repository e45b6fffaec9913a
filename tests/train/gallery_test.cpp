#include "train/gallery.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include "core/error.h"
#include "tests/program.h"
#include "tests/scratch.h"
#include "tests/train/report/markup.h"
#include "train/cli.h"

namespace diffverb {
namespace {

namespace fs = std::filesystem;

/// A folder of small reverberators: four combs, one comb, two outputs, and one that is wrong.
class Gallery : public testing::Test {
 protected:
  void SetUp() override {
    fs::create_directories(scratch_ / "configs");
    write("four", "type: schroeder\n  decay_s: 0.6\n");
    write("one", "type: schroeder\n  decay_s: 0.6\n  comb_ms: [30, 30, 30, 30]\n");
    write("stereo", "type: freeverb\n");
    write("wrong", "type: schroeder\n  decay_s: [1, 2]\n");
  }
  void write(const std::string& name, const std::string& model) const {
    write_text(config(name), "seed: 1\nmodel:\n  " + model + "  sample_rate_hz: 16000\n");
  }
  fs::path config(const std::string& name) const { return scratch_ / ("configs/" + name + ".yaml"); }
  GalleryOptions options(const std::vector<std::string>& names) const {
    GalleryOptions out;
    for (const std::string& name : names) out.configs.push_back(config(name));
    out.out = scratch_ / "out";
    out.seconds = 0.8;
    out.modes_rate_hz = 0;
    return out;
  }
  nlohmann::json json() const { return nlohmann::json::parse(read_text(scratch_ / "out/gallery.json")); }

  Scratch scratch_;
};

TEST_F(Gallery, MeasuresWhatTheEnginePlays) {
  GalleryOptions asked = options({});
  asked.modes_rate_hz = 8000;
  double last = 0;
  const report::GalleryEntry entry = measure_reverberator(config("four"), asked, [&](double share) {
    EXPECT_GE(share, last);
    last = share;
  });
  EXPECT_EQ(last, 1);
  EXPECT_EQ(entry.type, "schroeder");
  EXPECT_EQ(entry.rate_hz, 16000);
  EXPECT_EQ(entry.inputs, 1);
  EXPECT_EQ(entry.outputs, 1);
  EXPECT_EQ(entry.response.frames(), 12800u);
  GalleryOptions shorter = asked;
  shorter.seconds = 0.2;
  shorter.modes_rate_hz = 0;
  EXPECT_NEAR(report::mid_t60_s(measure_reverberator(config("four"), shorter)), 0.6, 0.03);
  EXPECT_GE(entry.lines, 6);  // four combs, two allpasses
  EXPECT_GT(*entry.parameters, 0);
  EXPECT_NEAR(report::mid_t60_s(entry), 0.6, 0.03);
  EXPECT_TRUE(entry.tail.grainy);
  EXPECT_TRUE(entry.coherence.empty());
  EXPECT_FALSE(entry.iacc);
  EXPECT_GT(entry.cost, 0);
  EXPECT_LT(entry.cost, 1);
  // 151.6 ms of combs and 6.7 ms of allpasses, at the rate of the modes and at any other.
  EXPECT_EQ(entry.modes.rate_hz, 8000);
  EXPECT_NEAR(entry.modes.density_per_hz, 0.1583, 0.001);
  EXPECT_NEAR(entry.modes.t60_median_s, 0.6, 0.01);
}

TEST_F(Gallery, ASingleCombIsMetallic) {
  const report::GalleryEntry comb = measure_reverberator(config("one"), options({}));
  EXPECT_TRUE(comb.tail.metallic) << comb.tail.spectrum->isolated_pct;
  EXPECT_EQ(comb.modes.why_not, "not asked for");
}

TEST_F(Gallery, TellsHowMuchTwoOutputsHaveInCommon) {
  const report::GalleryEntry entry = measure_reverberator(config("stereo"), options({}));
  EXPECT_EQ(entry.outputs, 2);
  ASSERT_FALSE(entry.coherence.empty());
  EXPECT_LT(report::mean_coherence(entry), 0.6);
  EXPECT_TRUE(entry.iacc && entry.iacc->late_l3);
}

TEST_F(Gallery, WritesPageFiguresAndSoundsAndGoesOnPastAFailure) {
  const auto entries = make_gallery(options({"wrong", "four", "stereo", "missing"}));
  ASSERT_EQ(entries.size(), 4u);
  EXPECT_EQ(entries[0].exit_code, 1);
  EXPECT_EQ(entries[1].exit_code, 0);
  EXPECT_NE(entries[3].exit_code, 0);
  for (const char* file : {"index.html", "sounds/four_ir.wav", "sounds/four_dry.wav", "sounds/stereo_ir.wav"})
    EXPECT_TRUE(fs::exists(scratch_ / "out" / file)) << file;
  EXPECT_EQ(read_audio(scratch_ / "out/sounds/stereo_ir.wav").channels, entries[2].response.channels);
  const auto found = json();
  ASSERT_EQ(found["reverbs"].size(), 2u);
  ASSERT_EQ(found["failed"].size(), 2u);
  EXPECT_EQ(found["failed"][0]["name"], "wrong");
  EXPECT_NE(found["failed"][0]["error"].get<std::string>().find("decay_s"), std::string::npos);
  EXPECT_NE(found["failed"][1]["error"].get<std::string>().find("missing.yaml"), std::string::npos);
  const auto& four = found["reverbs"][0];
  EXPECT_NEAR(four["t60_s"].get<double>(), 0.6, 0.03);
  EXPECT_TRUE(four["stereo"].is_null());
  EXPECT_EQ(four["modes"]["not_measured"], "not asked for");
  EXPECT_TRUE(found["reverbs"][1]["stereo"]["squared_coherence"].is_number());
  const std::string page = read_text(scratch_ / "out/index.html");
  EXPECT_EQ(report::count(page, "Not played: "), 2u);
  EXPECT_NE(page.find("href=\"./sounds/four_ir.wav\""), std::string::npos);
}

TEST_F(Gallery, GivesTheSameFiguresTwice) {
  auto figures = [&] {
    GalleryOptions asked = options({"four", "stereo"});
    asked.overwrite = true;
    asked.modes_rate_hz = 8000;
    asked.configs.resize(1);
    make_gallery(asked);
    auto found = json();
    for (auto& reverb : found["reverbs"]) reverb.erase("cost_s_per_s");
    return found;
  };
  EXPECT_EQ(figures(), figures());
}

TEST_F(Gallery, LeavesAFolderThatIsThere) {
  fs::create_directories(scratch_ / "out");
  write_text(scratch_ / "out/mine.txt", "mine");
  EXPECT_NE(message_of<ConfigError>([&] { make_gallery(options({"four"})); }).find("--overwrite"), std::string::npos);
  write_text(scratch_ / "file", "");
  GalleryOptions asked = options({"four"});
  asked.out = scratch_ / "file";
  EXPECT_NE(message_of<ConfigError>([&] { make_gallery(asked); }).find("no folder"), std::string::npos);
}

TEST_F(Gallery, IsACommandThatTakesFoldersAndItsExitCodeIsTheWorst) {
  Program program(DIFFVERB_PROGRAM,
                  {"gallery", (scratch_ / "configs").string(), config("four").string(), "--out",
                   (scratch_ / "out").string(), "--seconds", "0.5", "--modes-rate", "0", "--set", "model.seconds=1"},
                  scratch_.path());
  EXPECT_EQ(program.wait(), 1);
  EXPECT_NE(program.err().find("wrong.yaml"), std::string::npos) << program.err();
  const std::string out = program.out();
  for (const char* name : {"| four | 0.", "| one | 0.", "| stereo | 1.", "| four_2 | 0.", "index.html"})
    EXPECT_NE(out.find(name), std::string::npos) << name << "\n" << out;
  EXPECT_EQ(json()["reverbs"].size(), 4u);
  fs::create_directories(scratch_ / "empty");
  EXPECT_NE(message_of<DataError>([&] {
              run_command_line({"gallery", (scratch_ / "empty").string(), "--out", (scratch_ / "none").string()});
            }).find("no configs"),
            std::string::npos);
  EXPECT_FALSE(fs::exists(scratch_ / "none"));
}

TEST_F(Gallery, PlaysASoundOfOnesOwn) {
  Audio click;
  click.rate_hz = 48000;
  click.channels = {std::vector<float>(4800, 0.0f)};
  click.channels[0][0] = 1;
  write_audio(scratch_ / "click.wav", click);
  GalleryOptions asked = options({});
  asked.dry = scratch_ / "click.wav";
  const report::GalleryEntry entry = measure_reverberator(config("four"), asked);
  EXPECT_EQ(entry.played.rate_hz, 16000);
  EXPECT_EQ(entry.played.frames(), 1600u + 12800u);
  asked.dry = scratch_ / "none.wav";
  asked.configs = {config("four")};
  EXPECT_THROW(make_gallery(asked), DataError);
}

}  // namespace
}  // namespace diffverb
