// Identification on systems whose kernels are known in closed form.
#include "models/volterra_identification.h"

#include <ATen/ops/cat.h>
#include <ATen/ops/zeros.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "core/error.h"
#include "experiments/volterra/known_system.h"
#include "tests/core/solvers/network_fixture.h"

namespace diffverb {
namespace {

constexpr std::int64_t kTaps = 6, kBoth = 2 * kTaps - 1;

const std::vector<double> kBefore = {0.6, 0.5, -0.3, 0.2, 0.1, -0.05}, kAfter = {0.8, -0.4, 0.25, 0.1, -0.1, 0.04};

KnownSystem wiener() { return {kBefore, {1}}; }
KnownSystem hammerstein() { return {{1}, kAfter}; }
KnownSystem wiener_hammerstein() { return {kBefore, kAfter}; }
KnownSystem linear() { return {kBefore, {1}, 0, 0}; }

/// At 8 kHz: 11 samples, factors and filters behind them of six.
Volterra make(const std::string& more = "after_ms: 0.75") {
  Fields fields = Fields::from_text(
      "{sample_rate_hz: 8000, first_ms: 1.375, second_ms: 0.75, third_ms: 0.75, second_rank: 1, third_rank: 1, " +
      more + "}");
  return Volterra(fields);
}

/// Of sounds that it was not found from.
double nmse_db(const Volterra& model, const KnownSystem& system) {
  const at::NoGradGuard no_grad;
  const auto x = white_noise(2000, 77), y = system.play(x);
  return error_db(model.play(x.unsqueeze(0))[0], y);
}

double worst_kernel_db(const Volterra& model, const KnownSystem& system) {
  const at::NoGradGuard no_grad;
  double worst = -1000;
  for (int order = 1; order <= 3; ++order) {
    const auto found = order == 1 ? model.kernel("first")[0][0] : full_kernel(model, order == 2 ? "second" : "third");
    worst = std::max(worst, error_db(found, system.kernel(order, kBoth)));
  }
  return worst;
}

void expect_recovered(const KnownSystem& system) {
  auto model = make();
  const auto x = white_noise(3000, 5);
  identify(model, x, system.play(x));
  EXPECT_LT(nmse_db(model, system), -60);
  EXPECT_LT(worst_kernel_db(model, system), -60);

  const auto y = system.play(x);
  const auto noisy = y + white_noise(3000, 6) * (y.std() * 0.01);  // 40 dB
  auto from_noise = make();
  const auto found = identify(from_noise, x, noisy);
  EXPECT_NEAR(found.nmse_db, -40, 1) << "what is left is the noise";
  EXPECT_LT(nmse_db(from_noise, system), -50);
  EXPECT_LT(worst_kernel_db(from_noise, system), -40);
}

TEST(VolterraIdentification, RecoversAWienerSystem) { expect_recovered(wiener()); }
TEST(VolterraIdentification, RecoversAHammersteinSystem) { expect_recovered(hammerstein()); }
TEST(VolterraIdentification, RecoversAWienerHammersteinSystem) { expect_recovered(wiener_hammerstein()); }

TEST(VolterraIdentification, OfQuietSoundsIsAsGood) {
  // The same system on a thousandth of the sound, which its polynomial is a thousand times steeper for.
  const KnownSystem system = {kBefore, kAfter, 300, 1e5};
  auto model = make();
  const auto x = white_noise(3000, 5) * 1e-3, unheard = white_noise(2000, 77) * 1e-3;
  identify(model, x, system.play(x));
  const at::NoGradGuard no_grad;
  EXPECT_LT(error_db(model.play(unheard.unsqueeze(0))[0], system.play(unheard)), -60);
}

TEST(VolterraIdentification, FindsNoHigherOrdersInALinearSystem) {
  auto model = make();
  const auto x = white_noise(3000, 5), y = linear().play(x);
  identify(model, x, y);
  const double linear_energy = model.kernel("first").square().sum().item<double>();
  for (const char* name : {"second", "third"})
    EXPECT_LT(full_kernel(model, name).square().sum().item<double>(), 1e-10 * linear_energy) << name;
  EXPECT_LT(nmse_db(model, linear()), -100);
  identify(model, x, y + white_noise(3000, 6) * (y.std() * 0.01));
  for (const char* name : {"second", "third"})
    EXPECT_LT(full_kernel(model, name).square().sum().item<double>(), 1e-4 * linear_energy) << name;
}

TEST(VolterraIdentification, WithoutAFilterBehindAWienerSystemHasRankOneAndAHammersteinSystemHasNot) {
  auto model = make("after_ms: 0");
  const auto x = white_noise(3000, 5);
  identify(model, x, wiener().play(x));
  EXPECT_LT(nmse_db(model, wiener()), -60);
  identify(model, x, hammerstein().play(x));
  EXPECT_GT(nmse_db(model, hammerstein()), -30);
}

TEST(VolterraIdentification, OfSeveralInputsAndOutputsIsOneOfEachOutput) {
  auto model = make("after_ms: 0, inputs: 2, outputs: 2");
  const at::NoGradGuard no_grad;
  const auto x = at::cat({white_noise(4000, 5), white_noise(4000, 8)});
  auto known = make("after_ms: 0, inputs: 2, outputs: 2, seed: 3, second_level_db: -10, third_level_db: -10");
  const auto y = known.play(x.unsqueeze(0))[0];
  EXPECT_LT(identify(model, x, y).nmse_db, -80);
  const auto other = at::cat({white_noise(1000, 15), white_noise(1000, 18)}).unsqueeze(0);
  EXPECT_LT(error_db(model.play(other), known.play(other)), -60);
}

TEST(VolterraIdentification, IsTheSameEachTime) {
  const auto x = white_noise(1500, 5), y = wiener_hammerstein().play(x);
  auto one = make(), other = make();
  identify(one, x, y);
  identify(other, x, y);
  for (const auto& [name, leaf] : one.parameters()) EXPECT_TRUE(leaf.equal(other.parameters().at(name))) << name;
}

TEST(VolterraIdentification, RefusesWhatTellsNothing) {
  auto model = make();
  const auto x = white_noise(1000, 5);
  EXPECT_THROW(identify(model, x, at::zeros({1, 999}, at::kDouble)), ContractError);
  EXPECT_THROW(identify(model, x, at::zeros({1, 1000}, at::kDouble)), DataError);
  EXPECT_THROW(identify(model, at::zeros({1, 1000}, at::kDouble), x), DataError);
  EXPECT_THROW(identify(model, x.slice(1, 0, 20), x.slice(1, 0, 20)), DataError);
  auto twice = make("oversampling: 2");
  EXPECT_THROW(identify(twice, x, x), ContractError);
}

TEST(VolterraIdentification, TellsHowFarItIs) {
  std::vector<double> shares;
  IdentificationOptions options;
  options.on_progress = [&](double share) { shares.push_back(share); };
  Volterra model = make();
  const auto x = white_noise(1000, 5);
  identify(model, x, wiener().play(x), options);
  ASSERT_GT(shares.size(), 3u);
  EXPECT_TRUE(std::is_sorted(shares.begin(), shares.end()));
  EXPECT_EQ(shares.front(), 0);
  EXPECT_EQ(shares.back(), 1);
}

}  // namespace
}  // namespace diffverb
