#include "core/filters/attenuation.h"

#include <ATen/ops/isfinite.h>
#include <ATen/ops/linspace.h>
#include <ATen/ops/ones.h>
#include <ATen/ops/tensor.h>
#include <ATen/ops/zeros.h>
#include <gtest/gtest.h>

#include <cmath>
#include <complex>
#include <numbers>
#include <random>

#include "core/error.h"
#include "core/filters/peaking.h"
#include "core/tensor.h"

namespace diffverb {
namespace {

/// |H| of a cascade [S, 5] at one frequency, straight from the definition.
double magnitude(const at::Tensor& sos, double omega) {
  const auto rows = sos.accessor<double, 2>();
  const std::complex<double> z = std::polar(1.0, -omega);
  double out = 1;
  for (std::int64_t s = 0; s < sos.size(0); ++s) {
    out *= std::abs((rows[s][0] + z * (rows[s][1] + z * rows[s][2])) / (1.0 + z * (rows[s][3] + z * rows[s][4])));
  }
  return out;
}

TEST(Attenuation, NoRatesWhateverMakeALineLouder) {
  std::mt19937_64 generator(7);
  std::normal_distribution<double> normal;
  std::uniform_real_distribution<double> uniform(0, 1);
  for (int trial = 0; trial < 60; ++trial) {
    const double rate_hz = trial % 3 == 0 ? 16000 : trial % 3 == 1 ? 44100 : 96000;
    const auto centres = octave_centres(63, 96000, rate_hz, 0.46);
    const double spread =
        std::pow(10.0, -5 + 6 * uniform(generator));  // dB a sample: 60 dB in 140 s to 60 dB in 6 samples
    std::vector<double> values;
    for (std::size_t k = 0; k <= centres.size(); ++k) values.push_back(normal(generator) * spread);
    const auto delays = at::tensor({1.0, 37.0, 997.0, 9001.0}, at::kDouble);
    const auto sos =
        attenuation_sos(at::tensor(values, at::kDouble), delays, centres, 0.3 + 3 * uniform(generator), rate_hz);
    ASSERT_TRUE(at::isfinite(sos).all().item<bool>()) << "spread " << spread;
    for (std::int64_t line = 0; line < sos.size(0); ++line) {
      for (int k = 0; k <= 2000; ++k) {
        const double omega = std::numbers::pi * std::pow(k / 2000.0, 3);  // close at the bottom
        ASSERT_LT(magnitude(sos[line], omega), 1.0) << "line " << line << " omega " << omega << " spread " << spread;
      }
    }
  }
}

TEST(Attenuation, FollowsTheDelaySoThatEveryLineDecaysInTheSameTime) {
  const double rate_hz = 48000, t60_s = 1.5;
  const auto rates = at::tensor({60.0 / (rate_hz * t60_s)}, at::kDouble);
  const auto sos = attenuation_sos(rates, at::tensor({480.0, 4800.0}, at::kDouble), {}, 1.41, rate_hz);
  EXPECT_NEAR(20 * std::log10(magnitude(sos[0], 0.1)), -60 * 0.01 / t60_s, 1e-9);
  EXPECT_NEAR(20 * std::log10(magnitude(sos[1], 2.0)), -60 * 0.1 / t60_s, 1e-9);
}

TEST(Attenuation, TheRateOfALineIsWhatItsSectionsMeasure) {
  const double rate_hz = 44100, delay = 1009;
  const auto centres = octave_centres(63, 96000, rate_hz, 0.46);
  std::vector<double> rates(centres.size() + 1, 0.0005);
  rates[3] = 0.002;
  rates[5] = -1;  // clamped: no boost
  const auto sos =
      attenuation_sos(at::tensor(rates, at::kDouble), at::tensor({delay}, at::kDouble), centres, 1.41, rate_hz);
  const std::vector<double> hz = {50, 125, 300, 1000, 4321, 15000};
  const auto measured = attenuation_rate(rates, delay, centres, 1.41, rate_hz, hz);
  for (std::size_t i = 0; i < hz.size(); ++i) {
    EXPECT_NEAR(measured[i], -20 * std::log10(magnitude(sos[0], 2 * std::numbers::pi * hz[i] / rate_hz)) / delay, 1e-12)
        << hz[i];
  }
}

TEST(Attenuation, FittedRatesComeNearARoomsCurve) {
  const double rate_hz = 48000, delay = 1200;
  const auto centres = octave_centres(63, 96000, rate_hz, 0.46);
  std::vector<double> hz, wanted, t60;
  for (const double f : octave_centres(125, 8000, rate_hz)) {
    hz.push_back(f);
    t60.push_back(2.4 - 0.25 * std::log2(f / 125));  // 2.4 s falling to 0.9 s
    wanted.push_back(60 / (rate_hz * t60.back()));
  }
  const auto rates =
      fit_attenuation_rates(hz, wanted, std::vector<double>(hz.size(), 1.0), delay, centres, 1.41, rate_hz);
  for (const double rate : rates) EXPECT_GE(rate, 0);
  const auto reached = attenuation_rate(rates, delay, centres, 1.41, rate_hz, hz);
  for (std::size_t i = 0; i < hz.size(); ++i) EXPECT_NEAR(60 / (rate_hz * reached[i]), t60[i], 0.04 * t60[i]) << hz[i];
}

/// Above what is heard a measurement at 96 kHz decays ten times as fast: deep cuts whose skirts must not shorten the
/// rest.
TEST(Attenuation, FastUltrasoundDoesNotShortenWhatIsHeard) {
  const double rate_hz = 96000, delay = 3200;
  const auto centres = octave_centres(63, 96000, rate_hz, 0.46);
  std::vector<double> hz, wanted, t60;
  for (const double f : third_octave_centres(63, 44000, rate_hz, 0.46)) {
    hz.push_back(f);
    t60.push_back(f < 8000 ? 1.8 : f < 18000 ? 0.6 : 0.12);
    wanted.push_back(60 / (rate_hz * t60.back()));
  }
  const auto rates =
      fit_attenuation_rates(hz, wanted, std::vector<double>(hz.size(), 1.0), delay, centres, 1.41, rate_hz);
  const auto reached = attenuation_rate(rates, delay, centres, 1.41, rate_hz, hz);
  for (std::size_t i = 0; i < hz.size(); ++i) {
    if (hz[i] < 3000) {
      EXPECT_NEAR(60 / (rate_hz * reached[i]), t60[i], 0.15 * t60[i]) << hz[i];
    }
  }
}

TEST(Attenuation, GradientIsThatOfFiniteDifferences) {
  const double rate_hz = 48000;
  const std::vector<double> centres = {250, 2000};
  const auto delays = at::tensor({300.0, 701.0}, at::kDouble);
  const auto weight = at::linspace(-1, 2, 20, at::kDouble).reshape({2, 2, 5});
  const auto value = [&](const at::Tensor& rates, const at::Tensor& m) {
    return (attenuation_sos(rates, m, centres, 1.41, rate_hz) * weight).sum();
  };
  auto rates = at::tensor({0.001, 0.002, 0.0007}, at::kDouble).set_requires_grad(true);
  auto leaf_delays = delays.clone().set_requires_grad(true);
  value(rates, leaf_delays).backward();
  for (int k = 0; k < 3; ++k) {
    auto up = rates.detach().clone(), down = rates.detach().clone();
    up[k] += 1e-7, down[k] -= 1e-7;
    const double expected = (value(up, delays) - value(down, delays)).item<double>() / 2e-7;
    EXPECT_NEAR(rates.grad()[k].item<double>(), expected, 1e-6 * std::abs(expected));
  }
  for (int j = 0; j < 2; ++j) {
    auto up = delays.clone(), down = delays.clone();
    up[j] += 1e-3, down[j] -= 1e-3;
    const double expected = (value(rates.detach(), up) - value(rates.detach(), down)).item<double>() / 2e-3;
    EXPECT_NEAR(leaf_delays.grad()[j].item<double>(), expected, 1e-6 * std::abs(expected) + 1e-12);
  }
}

TEST(Attenuation, RefusesRatesThatDoNotMatchTheCentres) {
  EXPECT_THROW(attenuation_sos(at::zeros({2}, at::kDouble), at::ones({3}, at::kDouble), {500, 1000}, 1, 48000),
               ContractError);
  EXPECT_THROW(attenuation_sos(at::zeros({3}), at::ones({3}, at::kDouble), {500, 1000}, 1, 48000), ContractError);
}

}  // namespace
}  // namespace diffverb
