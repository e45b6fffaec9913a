#include "models/hybrid.h"

#include <ATen/ops/tensor.h>
#include <ATen/ops/zeros.h>
#include <gtest/gtest.h>

#include "core/audio_tensor.h"
#include "core/error.h"
#include "models/hammerstein.h"
#include "models/volterra.h"
#include "runtime/render.h"
#include "tests/pairs.h"
#include "tests/rooms.h"
#include "train/export_terms.h"

namespace diffverb {
namespace {

constexpr double kRate = 16000, kSquare = 0.3, kCube = 0.8;

Hybrid make_hybrid(const std::string& linear, const std::string& nonlinear) {
  Fields fields = Fields::from_text("{sample_rate_hz: 16000, linear: {" + linear + "}, nonlinear: {" + nonlinear +
                                    "}, seconds: 0.3}");
  Hybrid hybrid(fields);
  fields.finish();
  return hybrid;
}

constexpr const char* kReverberator = "type: jot_fdn, lines: 4, delays_ms: [5, 20], decay_s: 0.3, t60_high_s: 0.2";
constexpr const char* kTerms =
    "type: volterra, first_ms: 2, second_ms: 2, second_rank: 2, third_ms: 2, third_rank: 2, after_ms: 40";

/// Something driven in front of a room.
struct DrivenRoom {
  std::vector<float> dry = noise_bursts(4, 3);
  std::vector<double> h = NoiseRoom{.seconds = 0.5, .t60_s = 0.3}.channel(0);
  at::Tensor dry_rows() const { return channels_of({kRate, {dry}}); }
  at::Tensor wet_rows() const {
    auto driven = dry;
    for (float& x : driven) x += static_cast<float>(kSquare * x * x + kCube * x * x * x);
    return channels_of({kRate, {through_room(driven, {h.begin(), h.end()})}});
  }
};

double nmse_db(const at::Tensor& wanted, const at::Tensor& found) {
  return 10 * std::log10(((wanted - found).square().sum() / wanted.square().sum()).item<double>());
}

TEST(Hammerstein, FindsWhatIsDrivenInFrontOfARoom) {
  const DrivenRoom space;
  const auto h = at::tensor(space.h, at::kDouble);
  const auto kernels = estimate_hammerstein(space.dry_rows()[0], space.wet_rows(), 3, 8000, 8000);
  EXPECT_LT(nmse_db(h, kernels.first[0]), -40);
  EXPECT_LT(nmse_db(kSquare * h, kernels.higher[0][0]), -30);
  EXPECT_LT(nmse_db(kCube * h, kernels.higher[1][0]), -30);
}

TEST(Hybrid, BeginsFromADrivenRoomNearerThanItsLinearPart) {
  const at::NoGradGuard no_grad;
  const DrivenRoom space;
  Hybrid hybrid = make_hybrid("type: fdn, lines: 8", kTerms);
  hybrid.start_from(space.dry_rows(), space.wet_rows(), 8000, 1);
  ASSERT_TRUE(hybrid.is_designed());
  const auto& terms = dynamic_cast<const Volterra&>(hybrid.nonlinear());
  const auto head = at::tensor(space.h, at::kDouble).slice(0, 0, 640);
  EXPECT_LT(nmse_db(kSquare * head, terms.kernel("second_after")[0][0]), -15);
  EXPECT_LT(nmse_db(kCube * head, terms.kernel("third_after")[0][0]), -15);
  const auto dry = space.dry_rows().unsqueeze(0).to(at::kFloat), wet = space.wet_rows();
  const auto whole = hybrid.play(dry)[0].to(at::kDouble);
  const auto linear = whole - hybrid.nonlinear().play(dry)[0].to(at::kDouble);
  EXPECT_LT(nmse_db(wet, whole), nmse_db(wet, linear) - 1);
}

class HybridExport : public testing::TestWithParam<std::string> {};

TEST_P(HybridExport, TheRuntimePlaysWhatTheModelPlays) {
  const at::NoGradGuard no_grad;
  const DrivenRoom space;
  Hybrid hybrid = make_hybrid(GetParam() == "designed" ? "type: fdn, lines: 8" : kReverberator, kTerms);
  if (GetParam() == "designed") hybrid.start_from(space.dry_rows(), space.wet_rows(), 6000, 1);
  const auto loaded = runtime::make_model(to_weights(static_cast<const SignalModel&>(hybrid)));
  ASSERT_TRUE(loaded.model) << loaded.error;
  const std::vector<float> dry(space.dry.begin(), space.dry.begin() + 4000);
  const auto wanted = hybrid.play(channels_of({kRate, {dry}}).unsqueeze(0).to(at::kFloat))[0].to(at::kDouble);
  const auto played = channels_of({kRate, runtime::render(loaded.model, {dry}, 0)}).slice(1, 0, 4000);
  // A designed network's equaliser stands on a grid of frequencies while it learns, and is a cascade when it plays.
  EXPECT_LT(nmse_db(wanted, played), GetParam() == "designed" ? -45 : -80);
}

INSTANTIATE_TEST_SUITE_P(Hybrid, HybridExport, testing::Values("designed", "as_configured"),
                         [](const auto& info) { return info.param; });

/// As long as the first order is, the network and it are the measured response.
TEST(Hybrid, ItsLinearPartIsExactInTheFirstOrdersTime) {
  const at::NoGradGuard no_grad;
  const DrivenRoom space;
  Hybrid hybrid = make_hybrid("type: fdn, lines: 8", "type: volterra, order: 1, first_ms: 200, after_ms: 1");
  const auto h = at::tensor(space.h, at::kDouble);
  const auto dry = space.dry_rows();
  hybrid.start_from(dry, channels_of({kRate, {through_room(space.dry, {space.h.begin(), space.h.end()})}}), 8000, 1);
  auto impulse = at::zeros({1, 1, 8000});
  impulse[0][0][0] = 1;
  const auto played = hybrid.play(impulse)[0][0].to(at::kDouble);
  EXPECT_LT(nmse_db(h.slice(0, 0, 3000), played.slice(0, 0, 3000)), -40);        // 187 ms
  EXPECT_GT(nmse_db(h.slice(0, 3300, 6000), played.slice(0, 3300, 6000)), -10);  // then the network
}

TEST(Hybrid, LearnsBothParts) {
  const DrivenRoom space;
  Hybrid hybrid = make_hybrid("type: fdn, lines: 8", kTerms);
  hybrid.start_from(space.dry_rows(), space.wet_rows(), 6000, 1);
  const auto parameters = hybrid.parameters();
  const auto input = space.dry_rows().slice(1, 0, 3000).unsqueeze(0).to(at::kFloat);
  hybrid.play(input).square().sum().backward();
  for (const char* name :
       {"linear.b", "linear.c", "linear.eq_db", "nonlinear.first", "nonlinear.second", "nonlinear.third_after"}) {
    ASSERT_EQ(parameters.count(name), 1u) << name;
    EXPECT_GT(parameters.at(name).grad().abs().max().item<double>(), 0) << name;
  }
}

TEST(Hybrid, SaysWhatItCannotBe) {
  EXPECT_THROW(make_hybrid("type: fdn", kTerms).play(at::zeros({1, 1, 64})), ContractError);
  EXPECT_THROW(make_hybrid("type: freevreb", kTerms), ConfigError);
  EXPECT_THROW(make_hybrid("type: spectral_autoencoder", kTerms), ConfigError);
  EXPECT_THROW(make_hybrid(kReverberator, "type: dattorro"), ConfigError);
}

}  // namespace
}  // namespace diffverb
