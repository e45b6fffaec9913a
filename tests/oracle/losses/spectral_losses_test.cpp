#include <ATen/ops/cat.h>
#include <ATen/ops/empty.h>
#include <gtest/gtest.h>
#include <torch/csrc/autograd/autograd.h>

#include <cmath>
#include <cstdint>
#include <fstream>
#include <map>
#include <nlohmann/json.hpp>

#include "tests/losses/loss_fixture.h"

namespace diffverb {
namespace {

constexpr double kRateHz = 16000;
constexpr std::int64_t kLength = 6000;

/// The signals of make_spectral_losses.py.
at::Tensor channel(std::uint32_t seed, double t60_s, double gain) {
  auto out = at::empty({1, 1, kLength}, at::kDouble);
  for (std::int64_t i = 0; i < kLength; ++i) {
    seed = 1664525u * seed + 1013904223u;
    const double time_s = static_cast<double>(i) / kRateHz;
    out.data_ptr<double>()[i] = gain * (seed / 2147483648.0 - 1) * std::pow(10.0, -3 * time_s / t60_s);
  }
  return out;
}

class OracleSpectralLosses : public testing::Test {
 protected:
  void SetUp() override {
    expected = read("spectral_losses.json");
    auraloss = read("auraloss.json");
  }
  static nlohmann::json read(const std::string& name) {
    std::ifstream file(DIFFVERB_SOURCE_DIR "/tests/oracle/losses/" + name);
    EXPECT_TRUE(file) << name;
    return nlohmann::json::parse(file);
  }
  double ours(const std::string& name, const std::string& yaml) const {
    return value(*make_loss(name, yaml), estimate, target, kRateHz);
  }

  nlohmann::json expected, auraloss;
  at::Tensor target = at::cat({channel(1, 0.5, 1), channel(2, 0.5, 0.5)}, 1);
  at::Tensor estimate = at::cat({channel(3, 0.4, 0.8), channel(4, 0.6, 0.7)}, 1);
};

TEST_F(OracleSpectralLosses, MrStftIsTheFormulaOfAuraloss) {
  EXPECT_NEAR(ours("mr_stft", "{floor_db: -200, padding: reflect}"), expected["mr_stft_reflect"].get<double>(), 1e-9);
  EXPECT_NEAR(ours("mr_stft", "{floor_db: -200, padding: zero}"), expected["mr_stft_zero"].get<double>(), 1e-9);
}

TEST_F(OracleSpectralLosses, MrStftWithAuralossesOwnFramesIsAuralosses) {
  const std::string frames =
      "{fft_sizes: [1024, 2048, 512], hop_sizes: [120, 240, 50], win_lengths: [600, 1200, 240], padding: reflect, "
      "floor_power: 1e-8}";
  const double value = expected["mr_stft_auraloss"].get<double>();
  EXPECT_NEAR(ours("mr_stft", frames), value, 1e-9);
  target = target.to(at::kFloat), estimate = estimate.to(at::kFloat);
  EXPECT_NEAR(ours("mr_stft", frames), value, 2e-6 * value);
}

TEST_F(OracleSpectralLosses, AveragedPowerIsThePublishedFormulaAndItsVariant) {
  EXPECT_NEAR(ours("averaged_power", "{}"), expected["averaged_power_2"].get<double>(), 1e-9);
  EXPECT_NEAR(ours("averaged_power", "exponent: 1"), expected["averaged_power_1"].get<double>(), 1e-6);
}

TEST_F(OracleSpectralLosses, StftIsOneResolutionOfAuralosses) {
  const double value = expected["stft"].get<double>();
  EXPECT_NEAR(ours("stft", "{padding: reflect, floor_power: 1e-8}"), value, 1e-9);
}

/// Values and gradients of auraloss itself (make_auraloss.py).
TEST_F(OracleSpectralLosses, EsrStftAndMrStftAreAuralossesWithTheirGradients) {
  const std::map<std::string, std::string> settings = {
      {"esr", "{}"},
      {"stft", "{padding: reflect, floor_power: 1e-8, convergence_over: all}"},
      {"mr_stft",
       "{fft_sizes: [1024, 2048, 512], hop_sizes: [120, 240, 50], win_lengths: [600, 1200, 240], padding: reflect, "
       "floor_power: 1e-8, convergence_over: all}"}};
  for (const auto& [name, yaml] : settings) {
    const auto& theirs = auraloss.at(name);
    const auto loss = make_loss(name, yaml);
    loss->prepare(Response(target, kRateHz));
    const auto x = estimate.clone().set_requires_grad(true);
    const auto value = loss->evaluate(Response(x, kRateHz));
    EXPECT_NEAR(value.item<double>(), theirs.at("value").get<double>(), 1e-7) << name;
    const auto gradient = torch::autograd::grad({value}, {x})[0];
    const double norm = theirs.at("gradient_norm").get<double>();
    EXPECT_NEAR(gradient.norm().item<double>(), norm, 1e-6 * norm) << name;
    EXPECT_NEAR((gradient * target).sum().item<double>(), theirs.at("gradient_along_target").get<double>(), 1e-6 * norm)
        << name;
  }
}

TEST_F(OracleSpectralLosses, LoudnessOverMelBandsAndGammatoneFiltersAgrees) {
  EXPECT_NEAR(ours("mel", "{}"), expected["mel"].get<double>(), 1e-5);
  EXPECT_NEAR(ours("erb", "{}"), expected["erb"].get<double>(), 1e-4);
}

TEST_F(OracleSpectralLosses, DecayReliefFlatnessAndMaskingAgree) {
  EXPECT_NEAR(ours("edr", "{}"), expected["edr"].get<double>(), 1e-9);
  EXPECT_NEAR(ours("masked", "{}"), expected["masked"].get<double>(), 1e-9);
  EXPECT_NEAR(ours("flatness", "{}"), expected["flatness"].get<double>(), 1e-9);
}

}  // namespace
}  // namespace diffverb
