#include "train/report/spectrogram.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <numbers>

#include "core/error.h"
#include "train/report/png.h"

namespace diffverb::report {
namespace {

TEST(ReportSpectrogram, PutsAToneInTheRowOfItsFrequency) {
  const double rate_hz = 48000, tone_hz = 2000;
  std::vector<float> signal(48000);
  for (std::size_t n = 0; n < signal.size() / 2; ++n) {
    signal[n] = static_cast<float>(std::sin(2 * std::numbers::pi * tone_hz * static_cast<double>(n) / rate_hz));
  }
  const Spectrogram picture = log_spectrogram(signal, rate_hz, 1.0, 50, 20000, 120, 100);
  const auto column = [&](int c) {
    std::vector<float> out;
    for (int r = 0; r < picture.rows; ++r)
      out.push_back(picture.power[static_cast<std::size_t>(r * picture.columns + c)]);
    return out;
  };
  const std::vector<float> sounding = column(25), silent = column(75);
  const auto loudest = static_cast<double>(std::max_element(sounding.begin(), sounding.end()) - sounding.begin());
  const double hz = 20000 * std::pow(50.0 / 20000, (loudest + 0.5) / picture.rows);
  EXPECT_NEAR(std::log2(hz / tone_hz), 0, 0.08);
  EXPECT_LT(*std::max_element(silent.begin(), silent.end()), 1e-9f);
}

TEST(ReportSpectrogram, QuantisesFromTheTopDown) {
  const Spectrogram picture{1, 4, 50, 20000, 1, {1.f, 1e-6f, 1e-8f, 0.f}};
  EXPECT_EQ(quantise(picture, 1, 80), (std::vector<std::uint8_t>{255, 64, 0, 0}));
}

TEST(ReportSpectrogram, RefusesWhatHasNoExtent) {
  EXPECT_THROW(log_spectrogram({}, 48000, 1, 50, 20000, 10, 10), ContractError);
  EXPECT_THROW(log_spectrogram({1.f}, 16000, 1, 50, 20000, 10, 10), ContractError);
}

TEST(ReportPng, StoresEveryRowUnderACorrectChecksum) {
  // Two rows of three pixels: signature, IHDR, PLTE, IDAT with one stored block, IEND; checksums by an independent
  // zlib.
  const std::vector<std::uint8_t> png =
      encode_png({0, 1, 2, 2, 1, 0}, 3, 2, {{0, 0, 0}, {128, 128, 128}, {255, 255, 255}});
  ASSERT_GT(png.size(), 60u);
  EXPECT_EQ(std::vector<std::uint8_t>(png.begin(), png.begin() + 8),
            (std::vector<std::uint8_t>{0x89, 'P', 'N', 'G', '\r', '\n', 0x1A, '\n'}));
  const std::vector<std::uint8_t> end(png.end() - 12, png.end());
  EXPECT_EQ(end, (std::vector<std::uint8_t>{0, 0, 0, 0, 'I', 'E', 'N', 'D', 0xAE, 0x42, 0x60, 0x82}));
  const std::vector<std::uint8_t> data(png.end() - 12 - 4 - 19, png.end() - 12 - 4);
  EXPECT_EQ(data, (std::vector<std::uint8_t>{0x78, 0x01, 1, 8, 0, 0xF7, 0xFF, 0, 0, 1, 2, 0, 2, 1, 0, 0x00, 0x20, 0x00,
                                             0x07}));
}

TEST(ReportPng, RefusesPixelsOutsideThePalette) {
  EXPECT_THROW(encode_png({0, 3}, 2, 1, {{0, 0, 0}}), ContractError);
  EXPECT_THROW(encode_png({0, 0}, 3, 1, {{0, 0, 0}}), ContractError);
  EXPECT_EQ(viridis().size(), 256u);
}

}  // namespace
}  // namespace diffverb::report
