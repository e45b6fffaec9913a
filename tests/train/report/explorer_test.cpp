#include "train/report/explorer/explorer.h"

#include <gtest/gtest.h>

#include <cmath>
#include <nlohmann/json.hpp>
#include <span>
#include <string>
#include <vector>

#include "core/error.h"
#include "core/files.h"
#include "tests/train/report/decoded_sound.h"
#include "tests/train/report/run_folder_sample.h"

namespace diffverb::report {
namespace {

namespace fs = std::filesystem;

constexpr double kT60_s = 0.4;

/// 2 x 3 x 2 points; the decay of point p takes (1 + p / 10) 0.4 s, its level is 2^-p.
runtime::ResponseBank small_bank() {
  runtime::ResponseBank bank;
  bank.sample_rate_hz = 16000;
  bank.axes = {std::vector<double>{-2, 2}, {-1, 0, 1}, {0, 1}};
  bank.samples = 14000;
  for (int p = 0; p < 12; ++p) {
    for (unsigned c = 0; c < 2; ++c) {
      Audio noise = decaying_noise(1, kT60_s * (1 + 0.1 * p), 10 + 2 * p + c);
      for (int n = 0; n < bank.samples; ++n)
        bank.responses.push_back(noise.channels[0][static_cast<std::size_t>(n + 100)] * std::pow(0.5f, p));
    }
  }
  bank.provenance = R"({"licence": "CC0 <b>", "model": "small"})";
  return bank;
}

ExplorerFiles write(const fs::path& folder, const runtime::ResponseBank& bank, SoundFormat format,
                    bool overwrite = false) {
  ExplorerOptions options;
  options.format = format;
  options.bank_file = "small</script>.safetensors";
  options.overwrite = overwrite;
  return write_explorer(bank, folder, options);
}

/// The object that the page's script starts from.
nlohmann::json facts_of(const std::string& page) {
  const std::string mark = "var BANK=";
  const std::size_t begin = page.find(mark) + mark.size();
  return nlohmann::json::parse(page.substr(begin, page.find(";</script>", begin) - begin));
}

/// The texts in quotes after the first one, which is the script's own name.
std::vector<std::string> points_of(const std::string& script) {
  std::vector<std::string> out;
  for (std::size_t at = script.find('['); (at = script.find('"', at)) != std::string::npos;) {
    const std::size_t end = script.find('"', at + 1);
    out.push_back(script.substr(at + 1, end - at - 1));
    at = end + 1;
  }
  return out;
}

double energy(std::span<const float> samples) {
  double sum = 0;
  for (const float value : samples) sum += static_cast<double>(value) * static_cast<double>(value);
  return sum;
}

class Explorer : public testing::Test {
 protected:
  TemporaryFolder folder_;
  fs::path out() const { return folder_.path() / "rooms"; }
};

TEST_F(Explorer, HoldsEveryPointOfTheBankAtUnitEnergy) {
  const runtime::ResponseBank bank = small_bank();
  const ExplorerFiles written = write(out(), bank, SoundFormat::kFlac);
  EXPECT_EQ(written.points, 12u);
  EXPECT_EQ(written.files, 7u);
  const nlohmann::json facts = facts_of(read_file(out() / "index.html"));
  EXPECT_EQ(facts["axes"].get<std::vector<std::vector<double>>>()[1], (std::vector<double>{-1, 0, 1}));
  std::size_t p = 0;
  for (int i = 0; i < 2; ++i) {
    for (int j = 0; j < 3; ++j) {
      const std::string name = std::to_string(i) + "_" + std::to_string(j);
      const std::string script = read_file(out() / "sounds" / (name + ".js"));
      EXPECT_EQ(script.rfind("diffverb_sounds(\"" + name + "\",[", 0), 0u);
      const std::vector<std::string> points = points_of(script);
      ASSERT_EQ(points.size(), 2u);
      for (int k = 0; k < 2; ++k, ++p) {
        const Audio sound = decoded_sound(decoded_base64(points[static_cast<std::size_t>(k)]));
        ASSERT_EQ(sound.channels.size(), 2u);
        const double gain = std::pow(10.0, facts["gain_db"][p].get<double>() / 20);
        const double scale = std::sqrt((energy(bank.response(i, j, k, 0)) + energy(bank.response(i, j, k, 1))) / 2);
        for (std::size_t c = 0; c < 2; ++c) {
          const auto from = bank.response(i, j, k, static_cast<int>(c));
          ASSERT_LE(sound.frames(), from.size());
          // All but the last 10 ms, which fade.
          for (std::size_t n = 0; n + 160 < sound.frames(); ++n)
            ASSERT_NEAR(gain * sound.channels[c][n], from[n] / scale, 3e-5) << p << ", " << n;
        }
      }
    }
  }
}

TEST_F(Explorer, TellsEachPointsDecayTime) {
  write(out(), small_bank(), SoundFormat::kFlac);
  const nlohmann::json facts = facts_of(read_file(out() / "index.html"));
  for (std::size_t p = 0; p < 12; ++p) {
    const double wanted = kT60_s * (1 + 0.1 * static_cast<double>(p));
    EXPECT_NEAR(facts["t_s"][p].get<double>(), wanted, 0.06 * wanted) << p;
  }
}

TEST_F(Explorer, LooksThroughTheEndOfAResponseThatIsCutOff) {
  runtime::ResponseBank bank = small_bank();
  const int samples = 4000;  // a quarter of a second, in which the slowest falls by 18 dB
  std::vector<float> cut;
  for (int p = 0; p < 24; ++p)
    cut.insert(cut.end(), bank.responses.begin() + p * bank.samples,
               bank.responses.begin() + p * bank.samples + samples);
  bank.samples = samples;
  bank.responses = cut;
  write(out(), bank, SoundFormat::kFlac);
  const nlohmann::json facts = facts_of(read_file(out() / "index.html"));
  EXPECT_NEAR(facts["t_s"][0].get<double>(), kT60_s, 0.1 * kT60_s);
  const double last = facts["t_s"][11].get<double>();  // where no decay of 25 dB is left, none is told
  EXPECT_TRUE(last == 0 || std::abs(last - 0.84) < 0.15) << last;
}

TEST_F(Explorer, VorbisKeepsLevelAndLength) {
  const runtime::ResponseBank bank = small_bank();
  write(out(), bank, SoundFormat::kVorbis);
  const nlohmann::json facts = facts_of(read_file(out() / "index.html"));
  const Audio sound = decoded_sound(decoded_base64(points_of(read_file(out() / "sounds" / "0_0.js")).at(0)));
  const double gain = std::pow(10.0, facts["gain_db"][0].get<double>() / 20);
  ASSERT_EQ(sound.channels.size(), 2u);
  EXPECT_NEAR(10 * std::log10(gain * gain * (energy(sound.channels[0]) + energy(sound.channels[1])) / 2), 0, 0.5);
  EXPECT_GT(sound.frames(), 7000u);  // 70 dB at 60 dB in 0.4 s
  EXPECT_LT(sound.frames(), 8500u);
}

TEST_F(Explorer, PageFetchesNothingAndEscapes) {
  write(out(), small_bank(), SoundFormat::kVorbis);
  const std::string page = read_file(out() / "index.html");
  for (const char* reference : {"http:", "https:", "@import", "url(", "fetch(", "XMLHttpRequest", "src=\""})
    EXPECT_EQ(page.find(reference), std::string::npos) << reference;
  EXPECT_EQ(page.find("small</script>"), std::string::npos);
  EXPECT_EQ(page.find("CC0 <b>"), std::string::npos);
  EXPECT_NE(page.find("CC0 &lt;b&gt;"), std::string::npos);
  EXPECT_EQ(facts_of(page)["file"], "small</script>.safetensors");
  // Every element that the script asks for is there.
  std::size_t count = 0;
  for (std::size_t at = page.find("$('"); at != std::string::npos; at = page.find("$('", at + 1), ++count) {
    const std::string id = page.substr(at + 3, page.find('\'', at + 3) - at - 3);
    if (page[at + 3 + id.size() + 1] == ')') {
      EXPECT_NE(page.find("id=\"" + id + "\""), std::string::npos) << id;
    }
  }
  EXPECT_GT(count, 15u);
}

TEST_F(Explorer, DrySoundDecodes) {
  write(out(), small_bank(), SoundFormat::kVorbis);
  const Audio dry = decoded_sound(decoded_base64(facts_of(read_file(out() / "index.html"))["dry"]));
  ASSERT_EQ(dry.channels.size(), 1u);
  EXPECT_GT(energy(dry.channels[0]), 1);
}

TEST_F(Explorer, ReplacesOnlyAnEarlierExplorerAndOnlyWhenAsked) {
  write(out(), small_bank(), SoundFormat::kVorbis);
  EXPECT_THROW(write(out(), small_bank(), SoundFormat::kVorbis), ConfigError);
  write_text(out() / "sounds" / "old.js", "");
  write(out(), small_bank(), SoundFormat::kVorbis, true);
  EXPECT_FALSE(fs::exists(out() / "sounds" / "old.js"));
  write_text(out() / "thesis.tex", "mine");
  EXPECT_THROW(write(out(), small_bank(), SoundFormat::kVorbis, true), ConfigError);
  EXPECT_EQ(read_file(out() / "thesis.tex"), "mine");
  // Nothing half written is left beside.
  EXPECT_EQ(std::distance(fs::directory_iterator(folder_.path()), {}), 1);
}

TEST_F(Explorer, SaysHowFarItIs) {
  ExplorerOptions options;
  std::vector<std::size_t> seen;
  options.threads = 2;
  options.progress = [&](std::size_t done, std::size_t) { seen.push_back(done); };
  write_explorer(small_bank(), out(), options);
  ASSERT_EQ(seen.size(), 12u);
  EXPECT_EQ(seen.back(), 12u);
  EXPECT_TRUE(std::is_sorted(seen.begin(), seen.end()));
}

}  // namespace
}  // namespace diffverb::report
