#include <gtest/gtest.h>

#include <cmath>
#include <nlohmann/json.hpp>

#include "tests/core/acoustics/synthetic.h"
#include "tests/train/report/markup.h"
#include "train/report/gallery.h"

namespace diffverb::report {
namespace {

constexpr double kRate = 16000;

GalleryEntry entry(const std::string& name, int outputs) {
  using acoustics::synthetic::decaying_noise;
  GalleryEntry out;
  out.name = name;
  out.config = "configs/" + name + ".yaml";
  out.type = "fdn";
  out.rate_hz = kRate;
  out.inputs = 1;
  out.outputs = outputs;
  out.lines = 8;
  out.parameters = 12;
  std::vector<std::vector<double>> channels;
  for (int c = 0; c < outputs; ++c)
    channels.push_back(decaying_noise(0.5, 0.8, kRate, 7 + static_cast<std::uint64_t>(c)));
  out.response = out.played = acoustics::synthetic::audio(kRate, channels);
  acoustics::AnalysisOptions options;
  options.keep_curves = true;
  const acoustics::FileResult result = acoustics::analyze(out.response, options);
  out.channel = result.channels[0];
  out.iacc = result.iacc;
  out.tail = acoustics::measure_tail(channels[0], kRate, out.channel.density);
  if (outputs > 1) out.coherence = acoustics::measure_squared_coherence(channels[0], channels[1], kRate);
  out.modes.rate_hz = 8000;
  out.modes.poles = 4000;
  out.modes.density_per_hz = 0.5;
  out.modes.t60_p10_s = 0.4, out.modes.t60_median_s = 0.5, out.modes.t60_p90_s = 0.6;
  out.modes.spread_db = 5.1;
  out.cost = 0.0123;
  return out;
}

GalleryEntry failed() {
  GalleryEntry out;
  out.name = "broken";
  out.config = "configs/broken.yaml";
  out.error = "configs/broken.yaml: hall<1>.wav: no such file";
  out.exit_code = 2;
  return out;
}

TEST(GalleryPage, ShowsEachReverberatorInEverySection) {
  const std::string page = gallery_page({entry("mono", 1), entry("wide", 2), failed()}, {0.8, 8000, ""});
  EXPECT_EQ(count(page, "2 reverberators side by side"), 1u);
  for (const char* id : {"summary", "listen", "decay", "density", "spectrograms", "modes", "stereo"})
    EXPECT_EQ(count(page, "<h2 id=\"" + std::string(id) + "\">"), 1u) << id;
  EXPECT_EQ(count(page, "data:audio/ogg;base64,"), 4u);
  EXPECT_EQ(count(page, "id=\"listen-mono\""), 1u);
  EXPECT_EQ(count(page, "class=\"chart picture\""), 2u);
  EXPECT_EQ(count(page, "aria-label=\"wide: Squared coherence over Frequency, Hz\""), 1u);
  EXPECT_EQ(count(page, "aria-label=\"mono: Squared coherence over Frequency, Hz\""), 0u);
  EXPECT_EQ(count(page, "Not played: configs/broken.yaml: hall&lt;1&gt;.wav: no such file"), 1u);
  EXPECT_EQ(count(page, "<td class=\"good\">smooth</td>"), 2u);
  for (const char* text : {"5.57", "table class=\"sortable\"", "<td>12.3</td>", "1 → 2 at 16 kHz"})
    EXPECT_GE(count(page, text), 1u) << text;
  EXPECT_EQ(page.find("http"), std::string::npos) << "fetches something";
}

TEST(GalleryPage, IsWellFormed) {
  const std::string page = gallery_page({entry("wide", 2)}, {0.8, 8000, "voice & guitar.wav"});
  const std::size_t from = page.find("<h1>"), to = page.find("<script>");
  std::string body = page.substr(from, to - from);
  for (const char* tag : {"<br>", "<hr>"}) EXPECT_EQ(count(body, tag), 0u);
  for (std::size_t at = body.find("<img"); at != std::string::npos; at = body.find("<img", at + 4))
    body.insert(body.find('>', at), "/");
  for (std::size_t at = body.find("<audio controls "); at != std::string::npos;
       at = body.find("<audio controls ", at + 6))
    body.erase(at + 6, 9);
  EXPECT_EQ(markup_fault(body), "");
  EXPECT_EQ(count(body, "voice &amp; guitar.wav"), 1u);
}

TEST(GalleryPage, StandsWithNothingButFailures) {
  const std::string page = gallery_page({failed()}, {4, 0, ""});
  EXPECT_EQ(count(page, "0 reverberators side by side"), 1u);
  EXPECT_EQ(count(page, "Not played: "), 1u);
  EXPECT_EQ(count(page, "<h2"), 0u);
}

TEST(GalleryTable, HasARowForEachThatWasPlayed) {
  GalleryEntry plain = entry("mono", 1);
  plain.modes = {.why_not = "not asked for"};
  plain.parameters = {};
  const std::string table = gallery_table({plain, entry("wide", 2), failed()});
  EXPECT_EQ(std::count(table.begin(), table.end(), '\n'), 4);
  EXPECT_NE(table.find("| mono | 0.5"), std::string::npos) << table;
  EXPECT_NE(table.find("| — | — | — | — | 12.3 | 8 | — | smooth |"), std::string::npos) << table;
  EXPECT_NE(table.find("| 0.50 | 0.40 - 0.60 | "), std::string::npos) << table;
  std::size_t columns = 0;
  for (std::size_t at = 0, end; (end = table.find('\n', at)) != std::string::npos; at = end + 1) {
    const auto bars = static_cast<std::size_t>(std::count(table.begin() + static_cast<std::ptrdiff_t>(at),
                                                          table.begin() + static_cast<std::ptrdiff_t>(end), '|'));
    if (columns == 0) columns = bars;
    EXPECT_EQ(bars, columns);
  }
}

TEST(GalleryJson, HasEveryFigureOrNull) {
  GalleryEntry plain = entry("mono", 1);
  plain.parameters = {};
  const auto json = gallery_json({plain, entry("wide", 2), failed()}, {0.8, 8000, ""});
  ASSERT_EQ(json["reverbs"].size(), 2u);
  const auto& mono = json["reverbs"][0];
  EXPECT_TRUE(mono["stereo"].is_null());
  EXPECT_TRUE(mono["parameters"].is_null());
  EXPECT_NEAR(mono["t60_s"].get<double>(), 0.5, 0.05);
  EXPECT_NEAR(mono["tail"]["spread_db"].get<double>(), 5.57, 0.6);
  EXPECT_NEAR(mono["tail"]["echo_density"].get<double>(), 1, 0.05);
  EXPECT_EQ(mono["verdict"], "smooth");
  EXPECT_EQ(mono["modes"]["poles"], 4000);
  EXPECT_LT(json["reverbs"][1]["stereo"]["squared_coherence"].get<double>(), 0.2);
  EXPECT_EQ(json["failed"][0]["exit_code"], 2);
  EXPECT_EQ(json["rule"]["metallic_late_modes_pct"], 0.1);
}

}  // namespace
}  // namespace diffverb::report
