#include "core/spectral/masking.h"

#include <ATen/ops/arange.h>
#include <ATen/ops/ones.h>
#include <ATen/ops/zeros.h>
#include <gtest/gtest.h>

#include <cmath>

#include "core/error.h"
#include "core/tensor.h"

namespace diffverb {
namespace {

constexpr std::int64_t kFft = 1024, kHop = 160, kBins = kFft / 2 + 1;
constexpr double kRateHz = 16000;

MaskingModel model(const MaskingOptions& options = {}) {
  return MaskingModel(kFft, kHop, kRateHz, options, at::TensorOptions(at::kDouble));
}
at::Tensor decibels_of(const at::Tensor& x) { return 10 * x.log10(); }

TEST(Masking, BarkIsZwickersScale) {
  // Zwicker 1961: the edges of the critical bands.
  for (const auto& [hz, bark] : {std::pair{100.0, 1.0}, {510.0, 5.0}, {1270.0, 10.0}, {2700.0, 15.0}, {6400.0, 20.0}})
    EXPECT_NEAR(hz_to_bark(hz), bark, 0.2) << hz;
}

TEST(Masking, EveryBinBelongsToOneBand) {
  const auto m = model();
  EXPECT_EQ((m.membership().sum(0) - 1).abs().max().item<double>(), 0);
  EXPECT_GT(m.membership().sum(1).min().item<double>(), 0);
  EXPECT_EQ(m.bands(), static_cast<std::int64_t>(m.centre_bark().size()));
}

/// Threshold in dB of a tone of power 1 in one bin and frame 0 of ten.
at::Tensor of_tone(double hz, const MaskingOptions& options) {
  auto power = at::zeros({kBins, 10}, at::kDouble);
  power[static_cast<std::int64_t>(hz / kRateHz * kFft)][0] = 1;
  return decibels_of(model(options).threshold(power));  // [bands, frames]
}

TEST(Masking, SpreadsByTenDecibelsABarkUpwardsAndMoreDownwards) {
  const MaskingOptions options{.bands_per_bark = 1, .quiet_db = -200};
  const auto m = model(options);
  const auto frame = of_tone(1000, options).select(1, 0);
  const auto band = static_cast<std::int64_t>(hz_to_bark(1000));
  const auto at_band = [&](std::int64_t b) { return frame[b].item<double>(); };
  // Schroeder's function falls by 10 and 25 dB a Bark far from the masker; a tone's offset grows by 1 dB a Bark. The
  // normalisation differs where the spectrum ends, hence bands in the middle.
  EXPECT_NEAR(at_band(band + 3) - at_band(band + 4), 10 + 1, 1.2);
  EXPECT_NEAR(at_band(band - 3) - at_band(band - 4), 25 - 1, 1.2);
  // In its own band: 14.5 + z dB below, and what spreading takes away.
  EXPECT_LT(at_band(band), -14.5 - m.centre_bark()[static_cast<std::size_t>(band)]);
  EXPECT_GT(at_band(band), -14.5 - m.centre_bark()[static_cast<std::size_t>(band)] - 4);
}

TEST(Masking, NoiseMasksFiveAndAHalfDecibelsBelowItself) {
  const auto m = model();
  const auto power = at::ones({kBins, 3}, at::kDouble) * m.membership().t().matmul(1 / m.membership().sum(1, true));
  // Equal energy in each band and, within a band, a flat spectrum; over all it is not flat, so a little tonal.
  const auto raised = power.select(1, 0);
  const double flatness_db = 10 * (raised.log10().mean() - raised.mean().log10()).item<double>();
  const double tonality = flatness_db / -60;
  const auto threshold = decibels_of(m.threshold(power)).select(1, 1);
  for (std::int64_t b = 0; b < m.bands(); ++b) {
    const double offset = tonality * (14.5 + m.centre_bark()[static_cast<std::size_t>(b)]) + (1 - tonality) * 5.5;
    EXPECT_NEAR(threshold[b].item<double>(), -offset, 1e-9);
  }
}

TEST(Masking, FallsBySixtyDecibelsInTheTimeGiven) {
  const auto rows = of_tone(1000, {.forward_ms = 200, .quiet_db = -200});
  const auto band = static_cast<std::int64_t>(hz_to_bark(1000) * 2);
  for (std::int64_t k = 1; k < 10; ++k)
    EXPECT_NEAR(rows[band][k].item<double>() - rows[band][0].item<double>(), -60 * (10e-3 * k) / 200e-3, 1e-9);
}

TEST(Masking, NothingIsMaskedBelowTheThresholdInQuietOrBeforeASound) {
  const auto rows = of_tone(1000, {.quiet_db = -70});
  EXPECT_NEAR(rows[0][0].item<double>(), -70, 1e-9);
  EXPECT_NEAR(rows.min().item<double>(), -70, 1e-9);
  auto power = at::zeros({kBins, 10}, at::kDouble);
  power[64][5] = 1;
  EXPECT_NEAR(decibels_of(model().threshold(power)).slice(1, 0, 5).max().item<double>(), -90, 1e-9);
}

TEST(Masking, RefusesWhatIsNoSpectrum) {
  EXPECT_THROW(MaskingModel(511, kHop, kRateHz, {}, at::TensorOptions()), ContractError);
  EXPECT_THROW(MaskingModel(512, 0, kRateHz, {}, at::TensorOptions()), ContractError);
}

}  // namespace
}  // namespace diffverb
