#include "core/filters/peaking.h"

#include <ATen/ops/linspace.h>
#include <ATen/ops/tensor.h>
#include <ATen/ops/zeros.h>
#include <gtest/gtest.h>

#include <cmath>
#include <complex>
#include <numbers>

#include "core/error.h"
#include "core/tensor.h"

namespace diffverb {
namespace {

std::complex<double> response(const at::Tensor& section, double omega) {
  const auto q = section.accessor<double, 1>();
  const std::complex<double> z = std::polar(1.0, -omega);
  return (q[0] + z * (q[1] + z * q[2])) / (1.0 + z * (q[3] + z * q[4]));
}

TEST(Peaking, HasItsGainAtTheCentreAndNoneFarAway) {
  const auto sos = peaking_sos(at::tensor({6.0, -9.0}, at::kDouble), {500, 4000}, 4.3, 48000);
  EXPECT_NEAR(20 * std::log10(std::abs(response(sos[0], 2 * std::numbers::pi * 500 / 48000))), 6, 1e-9);
  EXPECT_NEAR(20 * std::log10(std::abs(response(sos[1], 2 * std::numbers::pi * 4000 / 48000))), -9, 1e-9);
  for (int k = 0; k < 2; ++k) {
    EXPECT_NEAR(std::abs(response(sos[k], 1e-6)), 1, 1e-6);
    EXPECT_NEAR(std::abs(response(sos[k], std::numbers::pi)), 1, 1e-9);
  }
}

TEST(Peaking, ReachesHalfOfItsGainWhereItsQualitySays) {
  // RBJ: in dB the gain is half at the band edges, f0 2^(+-bw/2) with 1/Q = 2 sinh(ln 2 / 2 bw), before the bilinear
  // warp.
  const double centre = 100, rate = 192000, q = 2;
  const auto sos = peaking_sos(at::tensor({12.0}, at::kDouble), {centre}, q, rate);
  const double edge = centre * std::exp(std::asinh(1 / (2 * q)));
  EXPECT_NEAR(20 * std::log10(std::abs(response(sos[0], 2 * std::numbers::pi * edge / rate))), 6, 0.01);
}

TEST(Peaking, CascadesAreTheProductsOfTheirSections) {
  const auto gains = at::tensor({3.0, -4.0, 7.0, 0.5, 2.0, -8.0}, at::kDouble).reshape({2, 3});
  const auto sos = peaking_sos(gains, {100, 1000, 9000}, 1.5, 44100);
  const auto omega = at::linspace(0.01, 3.1, 77, at::kDouble);
  const auto cascade = cascade_response(sos, omega, at::kDouble);
  ASSERT_EQ(cascade.sizes(), (std::vector<std::int64_t>{2, 77}));
  for (int o = 0; o < 2; ++o) {
    for (int k = 0; k < 77; ++k) {
      std::complex<double> expected = 1;
      for (int s = 0; s < 3; ++s) expected *= response(sos[o][s], omega[k].item<double>());
      const auto value = cascade[o][k].item<c10::complex<double>>();
      EXPECT_NEAR(std::abs(std::complex<double>(value.real(), value.imag()) - expected), 0, 1e-9 * std::abs(expected));
    }
  }
}

TEST(HighShelf, HasItsGainAboveHalfOfItAtTheCornerAndNoneBelow) {
  for (const double gain : {-24.0, 5.0}) {
    const auto sos = high_shelf_sos(at::tensor({gain}, at::kDouble), 18000, 48000)[0];
    EXPECT_NEAR(std::abs(response(sos, 0)), 1, 1e-9);
    EXPECT_NEAR(20 * std::log10(std::abs(response(sos, 2 * std::numbers::pi * 18000 / 48000))), gain / 2, 1e-9);
    EXPECT_NEAR(20 * std::log10(std::abs(response(sos, std::numbers::pi))), gain, 1e-9);
  }
  EXPECT_THROW(high_shelf_sos(at::zeros({1}, at::kDouble), 24000, 48000), ContractError);
}

TEST(HighPass, TakesZeroAwayAndLeavesTheRest) {
  const auto sos = high_pass_sos(15, 48000);
  EXPECT_NEAR(std::abs(response(sos, 0)), 0, 1e-6);
  EXPECT_NEAR(20 * std::log10(std::abs(response(sos, 2 * std::numbers::pi * 15 / 48000))), -3.01, 0.01);
  EXPECT_NEAR(20 * std::log10(std::abs(response(sos, 2 * std::numbers::pi * 100 / 48000))), 0, 0.01);
  EXPECT_THROW(high_pass_sos(0, 48000), ContractError);
  EXPECT_THROW(high_pass_sos(24000, 48000), ContractError);
}

TEST(Centres, AreNominalAndStayBelowTheirShareOfTheRate) {
  const auto octaves = octave_centres(63, 96000, 44100, 0.46);
  EXPECT_NEAR(octaves.front(), 62.5, 1e-9);
  EXPECT_NEAR(octaves.back(), 16000, 1e-6);
  EXPECT_EQ(octaves.size(), 9u);
  const auto thirds = third_octave_centres(20, 96000, 16000, 0.46);
  EXPECT_LT(thirds.back(), 0.46 * 16000);
  for (std::size_t k = 1; k < thirds.size(); ++k) EXPECT_NEAR(thirds[k] / thirds[k - 1], std::cbrt(2.0), 1e-12);
}

TEST(Peaking, RefusesCentresBeyondHalfTheRate) {
  EXPECT_THROW(peaking_sos(at::zeros({1}, at::kDouble), {24000}, 1, 48000), ContractError);
  EXPECT_THROW(peaking_sos(at::zeros({2}, at::kDouble), {1000}, 1, 48000), ContractError);
}

}  // namespace
}  // namespace diffverb
