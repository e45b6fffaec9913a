#include "core/filters/graphic_equaliser.h"

#include <ATen/ops/arange.h>
#include <ATen/ops/cos.h>
#include <ATen/ops/linspace.h>
#include <ATen/ops/tensor.h>
#include <ATen/ops/zeros.h>
#include <gtest/gtest.h>
#include <torch/csrc/autograd/autograd.h>

#include <cmath>
#include <complex>
#include <numbers>

#include "core/error.h"
#include "core/filters/peaking.h"
#include "core/tensor.h"

namespace diffverb {
namespace {

constexpr double kRateHz = 48000;
const std::vector<double> kOctaves = {62.5, 125, 250, 500, 1000, 2000, 4000, 8000, 16000};

double level_db(const at::Tensor& sos, double hz) {
  const std::complex<double> z = std::polar(1.0, -2 * std::numbers::pi * hz / kRateHz);
  std::complex<double> response = 1;
  for (std::int64_t s = 0; s < sos.size(0); ++s) {
    const auto section = sos[s];
    const auto q = section.accessor<double, 1>();
    response *= (q[0] + z * (q[1] + z * q[2])) / (1.0 + z * (q[3] + z * q[4]));
  }
  return 20 * std::log10(std::abs(response));
}

/// 0 dB but for one band: 0 broadband, 1 the low shelf, 2 .. 10 the octaves, 11 the high shelf.
at::Tensor only(int band, double gain_db) {
  auto gains = at::zeros({12}, at::kDouble);
  gains[band] = gain_db;
  return graphic_equaliser_sos(gains, kOctaves, 1, kRateHz);
}

TEST(GraphicEqualiser, EachBandHasItsGainWhereItStands) {
  for (const double gain : {-12.0, 5.0}) {
    for (const double hz : {20.0, 1000.0, 20000.0}) EXPECT_NEAR(level_db(only(0, gain), hz), gain, 1e-9);
    EXPECT_NEAR(level_db(only(1, gain), 0), gain, 1e-9);
    EXPECT_NEAR(level_db(only(1, gain), 24000), 0, 1e-9);
    EXPECT_NEAR(level_db(only(1, gain), 62.5 / std::sqrt(2.0)), gain / 2, 1e-9);
    EXPECT_NEAR(level_db(only(11, gain), 0), 0, 1e-9);
    EXPECT_NEAR(level_db(only(11, gain), 24000), gain, 1e-9);
    EXPECT_NEAR(level_db(only(11, gain), 16000 * std::sqrt(2.0)), gain / 2, 1e-9);
    for (int band = 2; band <= 10; ++band) {
      EXPECT_NEAR(level_db(only(band, gain), kOctaves[static_cast<std::size_t>(band - 2)]), gain, 1e-9);
      EXPECT_NEAR(level_db(only(band, gain), 0), 0, 1e-9);
    }
  }
}

TEST(GraphicEqualiser, OfNoGainsIsTransparent) {
  const auto sos = graphic_equaliser_sos(at::zeros({3, 12}, at::kDouble), kOctaves, 1, kRateHz);
  ASSERT_EQ(sos.sizes(), (at::IntArrayRef{3, 11, 5}));
  for (const double hz : {10.0, 300.0, 7000.0, 23000.0}) EXPECT_NEAR(level_db(sos[1], hz), 0, 1e-10);
}

/// Figures of FLAMO 0.2.20: flamo.auxiliary.eq.geq in float64 with R = 2.7, the cascade of all its sections.
TEST(GraphicEqualiser, IsThatOfFlamo) {
  const auto gains = at::tensor({-3.0, -1.0, -2.0, 1.5, -4.0, 0.5, -6.0, 2.0, -0.5, 3.0, -8.0, -5.0}, at::kDouble);
  const auto sos = graphic_equaliser_sos(gains, kOctaves, 1, kRateHz);
  const std::vector<std::pair<double, double>> expected = {{31.5, -4.4198831},  {62.5, -5.0245951}, {180, -5.2559335},
                                                           {500, -5.6107280},   {1414, -6.1387742}, {5000, -5.0499605},
                                                           {11000, -7.9888999}, {20000, -9.7876490}};
  for (const auto& [hz, db] : expected) EXPECT_NEAR(level_db(sos, hz), db, 1e-6) << hz << " Hz";
}

TEST(GraphicEqualiser, GradientIsTheSlopeInFiniteDifferences) {
  const auto gains = (at::linspace(-9, 4, 24, at::kDouble)).reshape({2, 12}).set_requires_grad(true);
  const auto weight = at::cos(at::arange(110, at::kDouble)).reshape({2, 11, 5});
  const auto value = [&](const at::Tensor& g) {
    return (graphic_equaliser_sos(g, kOctaves, 1, kRateHz) * weight).sum();
  };
  const auto gradient = torch::autograd::grad({value(gains)}, {gains})[0];
  for (int band = 0; band < 12; ++band) {
    auto step = at::zeros({2, 12}, at::kDouble);
    step[1][band] = 1e-5;
    const double slope = (value(gains.detach() + step) - value(gains.detach() - step)).item<double>() / 2e-5;
    EXPECT_NEAR(gradient[1][band].item<double>(), slope, 1e-8);
  }
}

TEST(GraphicEqualiser, RefusesWhatItCannotBuild) {
  EXPECT_THROW(graphic_equaliser_sos(at::zeros({11}, at::kDouble), kOctaves, 1, kRateHz), ContractError);
  EXPECT_THROW(graphic_equaliser_sos(at::zeros({12}), kOctaves, 1, kRateHz), ContractError);
  EXPECT_THROW(graphic_equaliser_sos(at::zeros({12}, at::kDouble), kOctaves, 1, 44100), ContractError);
  EXPECT_THROW(graphic_equaliser_sos(at::zeros({4}, at::kDouble), {-1}, 1, kRateHz), ContractError);
}

}  // namespace
}  // namespace diffverb
