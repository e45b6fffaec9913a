#include "plugin/ui/view/decay_bands.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "core/acoustics/decay.h"
#include "core/acoustics/filters.h"
#include "core/acoustics/preparation.h"
#include "core/audio_file.h"
#include "tests/core/acoustics/synthetic.h"
#include "tests/shared_data.h"

namespace diffverb::ui {
namespace {

using acoustics::synthetic::decaying_noise;
using Channels = std::vector<std::vector<float>>;

constexpr double kRate = 32000;

// A decay time of noise scatters by 1 / sqrt(bandwidth x time x channels): at 125 Hz many channels are needed for 2 %.
Channels noise_field(double t60_s, double seconds, double floor_db, int channels = 64, std::uint64_t seed = 1) {
  Channels out;
  for (int c = 0; c < channels; ++c) {
    const auto row = decaying_noise(t60_s, seconds, kRate, seed + static_cast<std::uint64_t>(c), floor_db);
    out.emplace_back(row.begin(), row.end());
  }
  return out;
}

double worst_error(const ResponsePicture& picture, double t60_s) {
  double worst = picture.all.t60_s ? std::abs(*picture.all.t60_s / t60_s - 1) : 1;
  for (const BandDecay& band : picture.bands)
    worst = std::max(worst, band.t60_s ? std::abs(*band.t60_s / t60_s - 1) : 1);
  return worst;
}

TEST(DecayBands, FindTheDecayTimeOfNoiseWithinTwoPercentInEveryOctave) {
  for (const double t60 : {0.4, 1.0, 2.5}) {
    const ResponsePicture picture = picture_of(noise_field(t60, 1.2 * t60, -1000), kRate);
    ASSERT_EQ(picture.bands.size(), 7u);
    EXPECT_EQ(picture.bands.front().centre_hz, 125);
    EXPECT_EQ(picture.bands.back().centre_hz, 8000);
    EXPECT_LT(worst_error(picture, t60), 0.02) << t60;
  }
}

TEST(DecayBands, ANoiseFloorDoesNotLengthenTheDecay) {
  EXPECT_LT(worst_error(picture_of(noise_field(0.6, 1.5, -50), kRate), 0.6), 0.03);
}

TEST(DecayBands, AResponseThatIsCutOffDoesNotShortenTheDecay) {
  // The cut is 42 dB down.
  EXPECT_LT(worst_error(picture_of(noise_field(2, 1.4, -1000), kRate), 2), 0.03);
}

TEST(DecayBands, SilenceBehindTheSoundIsLeftOut) {
  Channels channels = noise_field(0.5, 0.5, -1000);
  for (auto& channel : channels) channel.resize(channel.size() * 6, 0.f);
  EXPECT_LT(worst_error(picture_of(channels, kRate), 0.5), 0.03);
}

TEST(DecayBands, TheCurveFallsFromZeroAndNeverRises) {
  const ResponsePicture picture = picture_of(noise_field(0.6, 1.5, -50, 2), kRate);
  for (const BandDecay& band : picture.bands) {
    ASSERT_FALSE(band.level_db.empty());
    EXPECT_EQ(band.level_db.front(), 0);
    EXPECT_TRUE(std::is_sorted(band.level_db.rbegin(), band.level_db.rend()));
    EXPECT_LT(band.level_db.back(), -35);
  }
}

TEST(DecayBands, OctavesEndBelowHalfTheRate) {
  Channels channels{std::vector<float>(8000, 0.1f)};
  EXPECT_EQ(picture_of(channels, 8000).bands.size(), 5u);  // 125 Hz .. 2 kHz
  EXPECT_EQ(picture_of(channels, 48000).bands.size(), 7u);
}

TEST(DecayBands, WhatDoesNotDecayHasNoDecayTime) {
  EXPECT_FALSE(picture_of(Channels{}, kRate).all.t60_s);
  EXPECT_FALSE(picture_of(Channels{{}}, kRate).all.t60_s);
  EXPECT_FALSE(picture_of(Channels{std::vector<float>(32000, 0.f)}, kRate).all.t60_s);
  Channels click{std::vector<float>(32000, 0.f)};
  click[0][0] = 1;
  EXPECT_FALSE(picture_of(click, kRate).all.t60_s);
  Channels steady = noise_field(1e9, 1, -1000, 1);
  EXPECT_FALSE(picture_of(steady, kRate).all.t60_s);
}

TEST(DecayBands, PeaksAreRelativeToTheLargestSample) {
  Channels channels{std::vector<float>(320, 0.f), std::vector<float>(320, 0.f)};
  channels[0][40] = -0.5f;
  channels[1][100] = 0.05f;
  const ResponsePicture picture = picture_of(channels, kRate);
  ASSERT_EQ(picture.peak_db.size(), 2u);
  EXPECT_FLOAT_EQ(picture.peak_db[0][1], 0);
  EXPECT_NEAR(picture.peak_db[1][3], -20, 1e-4);
  EXPECT_LT(picture.peak_db[0][2], -100);
  EXPECT_DOUBLE_EQ(picture.seconds, 0.01);
}

// The analysis that reports are made with: other filters, another truncation at the noise, on measured rooms.
TEST(OracleDecayBands, AgreeWithTheAnalysisOnMeasuredRooms) {
  namespace fs = std::filesystem;
  const fs::path folder = shared_responses();
  if (!fs::exists(folder)) GTEST_SKIP() << "no measured responses at " << folder;
  std::vector<fs::path> files;
  for (const auto& entry : fs::recursive_directory_iterator(folder))
    if (entry.path().extension() == ".wav" && entry.file_size() < 4'000'000) files.push_back(entry.path());
  std::sort(files.begin(), files.end());
  std::vector<double> errors;
  for (std::size_t i = 0; i < files.size(); i += std::max<std::size_t>(1, files.size() / 12)) {
    const Audio audio = read_audio(files[i]);
    const std::vector<double> mono(audio.channels[0].begin(), audio.channels[0].end());
    const auto extent = acoustics::find_extent(mono, audio.rate_hz);
    const std::vector<double> response(mono.begin() + static_cast<std::ptrdiff_t>(extent.onset),
                                       mono.begin() + static_cast<std::ptrdiff_t>(extent.end));
    const Channels shown{{response.begin(), response.end()}};
    for (const BandDecay& band : picture_of(shown, audio.rate_hz).bands) {
      const auto bands =
          acoustics::make_bands(acoustics::BandWidth::kOctave, audio.rate_hz, band.centre_hz, band.centre_hz);
      if (bands.empty() || !band.t60_s) continue;
      const auto filtered = acoustics::apply_filter(acoustics::band_filter(bands[0], audio.rate_hz), response);
      const auto t30 = acoustics::t30_s(acoustics::measure_decay(filtered, audio.rate_hz, band.centre_hz));
      if (t30) errors.push_back(std::abs(*band.t60_s / *t30 - 1));
    }
  }
  ASSERT_GT(errors.size(), 20u);
  std::sort(errors.begin(), errors.end());
  EXPECT_LT(errors[errors.size() / 2], 0.005);
  EXPECT_LT(errors[errors.size() * 9 / 10], 0.03);
  RecordProperty("median_percent", std::to_string(100 * errors[errors.size() / 2]));
}

}  // namespace
}  // namespace diffverb::ui
