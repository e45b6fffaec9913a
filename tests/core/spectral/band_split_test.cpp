#include "core/spectral/band_split.h"

#include <ATen/ops/arange.h>
#include <ATen/ops/zeros_like.h>
#include <gtest/gtest.h>

#include <cmath>
#include <numbers>

#include "core/error.h"
#include "core/tensor.h"
#include "tests/core/solvers/network_fixture.h"

namespace diffverb {
namespace {

const std::vector<double> kEdges{250, 1000, 4000};

TEST(BandSplit, TheBandsSumToTheSignal) {
  const auto x = uniform({3, 5001}, -1, 1, 2);
  const auto bands = split_bands(x, kEdges, 0.5, 16000);
  ASSERT_EQ(bands.sizes(), (std::vector<std::int64_t>{4, 3, 5001}));
  EXPECT_LT(largest(bands.sum(0) - x), 1e-12);
}

TEST(BandSplit, ATonePassesItsOwnBandAlone) {
  for (int band = 0; band < 4; ++band) {
    const double hz = 125 * std::pow(4.0, band);
    const auto n = at::arange(16000, at::kDouble);
    const auto tone = (n * (2 * std::numbers::pi * hz / 16000)).sin() * (n * (std::numbers::pi / 16000)).sin().square();
    const auto bands = split_bands(tone, kEdges, 0.5, 16000);
    for (int k = 0; k < 4; ++k) EXPECT_LT(largest(bands[k] - (k == band ? tone : at::zeros_like(tone))), 1e-4) << hz;
  }
}

TEST(BandSplit, AtAnEdgeTwoBandsShareEqually) {
  const auto n = at::arange(16000, at::kDouble);
  const auto tone = (n * (2 * std::numbers::pi * 1000 / 16000)).sin() * (n * (std::numbers::pi / 16000)).sin().square();
  const auto bands = split_bands(tone, kEdges, 0.5, 16000);
  EXPECT_LT(largest(bands[1] - 0.5 * tone), 5e-3);
  EXPECT_LT(largest(bands[2] - 0.5 * tone), 5e-3);
}

TEST(BandSplit, BandsBeyondHalfTheRateAreSilent) {
  const auto x = uniform({2000}, -1, 1, 3);
  const auto bands = split_bands(x, {1000, 8000}, 0.5, 8000);
  EXPECT_EQ(largest(bands[2]), 0);
  EXPECT_LT(largest(bands[0] + bands[1] - x), 1e-12);
}

TEST(BandSplit, RefusesEdgesThatDoNotAscend) {
  const auto x = uniform({2000}, -1, 1, 3);
  EXPECT_THROW(split_bands(x, {1000, 500}, 0.5, 8000), ContractError);
  EXPECT_THROW(split_bands(x, {0, 500}, 0.5, 8000), ContractError);
  EXPECT_THROW(split_bands(x, {500}, 0, 8000), ContractError);
  EXPECT_THROW(split_bands(x, {500}, 0.5, 0), ContractError);
}

}  // namespace
}  // namespace diffverb
