#include "core/spectral/filter_bank.h"

#include <ATen/ops/arange.h>
#include <ATen/ops/matmul.h>
#include <ATen/ops/ones_like.h>
#include <ATen/ops/zeros.h>
#include <gtest/gtest.h>

#include <cmath>
#include <numbers>

#include "core/error.h"
#include "core/spectral/stft.h"
#include "core/tensor.h"

namespace diffverb {
namespace {

TEST(FilterBank, ScalesHaveTheirPublishedValues) {
  EXPECT_NEAR(hz_to_scale(FrequencyScale::kMel, 1000), 1000, 0.02);  // 1000 mel at 1 kHz
  EXPECT_NEAR(hz_to_scale(FrequencyScale::kErb, 1000), 15.6, 0.05);  // Glasberg and Moore 1990
  for (const auto scale : {FrequencyScale::kMel, FrequencyScale::kErb}) {
    for (double hz : {0.0, 50.0, 3000.0}) EXPECT_NEAR(scale_to_hz(scale, hz_to_scale(scale, hz)), hz, 1e-9);
  }
}

TEST(FilterBank, SumsToOneBetweenTheFirstAndTheLastCentre) {
  for (const auto scale : {FrequencyScale::kMel, FrequencyScale::kErb}) {
    const auto bank = triangular_filter_bank(scale, 40, 512, 48000, 50, 16000);
    const auto sum = bank.weights.sum(0);
    const double bin_hz = 48000.0 / 512;
    for (int bin = 0; bin < 257; ++bin) {
      const double low = (bin - 0.5) * bin_hz, high = (bin + 0.5) * bin_hz;
      if (low >= bank.centre_hz.front() && high <= bank.centre_hz.back()) {
        EXPECT_NEAR(sum[bin].item<double>(), 1, 1e-12);
      }
      if (low > 16000) {
        EXPECT_EQ(sum[bin].item<double>(), 0);
      }
    }
  }
}

TEST(FilterBank, ABandNarrowerThanABinIsNotEmpty) {
  const auto bank = triangular_filter_bank(FrequencyScale::kErb, 64, 256, 48000, 20, 16000);
  EXPECT_GT(bank.weights.sum(1).min().item<double>(), 0);
  EXPECT_LE(bank.weights.max().item<double>(), 1);
}

TEST(FilterBank, AGammatoneFilterIsOneErbWide) {
  const auto bank = gammatone_filter_bank(30, 16384, 48000, 100, 15000);
  const double bin_hz = 48000.0 / 16384;
  ASSERT_EQ(bank.weights.sizes(), (at::IntArrayRef{30, 8193}));
  EXPECT_NEAR(bank.centre_hz.front(), 100, 1e-9);
  EXPECT_NEAR(bank.centre_hz.back(), 15000, 1e-6);
  for (const std::int64_t k : {5, 15, 25}) {
    const double centre = bank.centre_hz[static_cast<std::size_t>(k)], erb_hz = 24.7 * (1 + 4.37e-3 * centre);
    EXPECT_NEAR(bank.weights[k].sum().item<double>() * bin_hz, erb_hz, 2e-3 * erb_hz);
    EXPECT_NEAR(bank.weights[k].argmax().item<double>() * bin_hz, centre, bin_hz);
    const auto half = static_cast<std::int64_t>(std::llround((centre + 0.4433 * erb_hz) / bin_hz));
    EXPECT_NEAR(bank.weights[k][half].item<double>(), 0.5, 0.05);
  }
  EXPECT_THROW(gammatone_filter_bank(1, 1024, 48000, 100, 15000), ContractError);
  EXPECT_THROW(gammatone_filter_bank(30, 1024, 16000, 100, 15000), ContractError);
}

TEST(FilterBank, AToneLandsInItsBand) {
  const double rate_hz = 16000;
  const auto bank = triangular_filter_bank(FrequencyScale::kMel, 20, 2048, rate_hz, 100, 8000);
  for (std::size_t k : {0, 7, 13, 19}) {
    const auto tone = (at::arange(8000, at::kDouble) * (2 * std::numbers::pi * bank.centre_hz[k] / rate_hz)).sin();
    const auto energy = at::matmul(bank.weights, power_spectrogram(tone, 2048, 512, Padding::kZero)).sum(1);
    EXPECT_EQ(energy.argmax().item<std::int64_t>(), static_cast<std::int64_t>(k));
  }
}

TEST(FilterBank, RefusesARangeBeyondHalfTheSampleRate) {
  EXPECT_THROW(triangular_filter_bank(FrequencyScale::kMel, 20, 512, 16000, 100, 8001), ContractError);
  EXPECT_THROW(triangular_filter_bank(FrequencyScale::kMel, 20, 512, 16000, 100, 100), ContractError);
  EXPECT_THROW(triangular_filter_bank(FrequencyScale::kMel, 0, 512, 16000, 100, 8000), ContractError);
}

TEST(ThirdOctaveBins, HoldTheBinsBetweenTheirEdges) {
  const ThirdOctaveBins bands(48000, 48000, 100, 10000);  // bins 1 Hz apart
  const auto hz = at::arange(24001, at::kDouble).reshape({1, 24001});
  const auto runs = bands.split(hz);
  ASSERT_EQ(runs.size(), bands.nominal_hz().size());
  ASSERT_EQ(bands.nominal_hz()[10], 1000);
  EXPECT_EQ(runs[10].min().item<double>(), std::ceil(1000 * std::exp2(-1.0 / 6)));
  EXPECT_EQ(runs[10].max().item<double>(), std::floor(1000 * std::exp2(1.0 / 6)));
  for (std::size_t k = 1; k < runs.size(); ++k)
    EXPECT_EQ(runs[k].min().item<double>(), runs[k - 1].max().item<double>() + 1) << "bands follow each other";
  EXPECT_EQ(bands.sum(at::ones_like(hz))[0][10].item<double>(), static_cast<double>(runs[10].size(1)));
}

TEST(ThirdOctaveBins, LeaveOutBandsWithoutABin) {
  const ThirdOctaveBins bands(64, 16000, 20, 6300);  // bins 250 Hz apart
  EXPECT_EQ(bands.nominal_hz().front(), 250);
  EXPECT_THROW(ThirdOctaveBins(64, 16000, 20, 100), ContractError);
  EXPECT_THROW(bands.split(at::zeros({1, 32})), ContractError);
}

}  // namespace
}  // namespace diffverb
