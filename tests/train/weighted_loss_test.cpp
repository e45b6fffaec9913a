#include "train/training/weighted_loss.h"

#include <gtest/gtest.h>

#include "core/error.h"
#include "tests/losses/loss_fixture.h"

namespace diffverb {
namespace {

constexpr double kRateHz = 16000;

at::Tensor noise(std::uint64_t seed) { return decaying_noise(seed, 2, 8000, kRateHz, 0.25); }

TEST(WeightedLosses, AreRefusedWhereNoneCounts) {
  Fields fields = Fields::from_text("losses:\n  - {type: mse, weight: 0}\n  - {type: esr, weight: 0}\n");
  try {
    read_losses(fields, "losses");
    FAIL() << "all weights are 0";
  } catch (const ConfigError& error) {
    EXPECT_NE(std::string(error.what()).find("config:1:1: losses: all weights are 0"), std::string::npos)
        << error.what();
  }
}

TEST(WeightedLosses, GivesTheValuesOfItsTermsBesideTheSum) {
  Fields fields = Fields::from_text("losses:\n  - {type: level}\n  - {type: total, weight: 3}\n");
  const auto losses = read_losses(fields, "losses");
  const auto names = term_names(losses);
  EXPECT_EQ(names, (std::vector<std::string>{"level", "total", "total.perceptual", "total.perceptual.loudness",
                                             "total.perceptual.masking", "total.perceptual.decay", "total.entropy",
                                             "total.mutual_information", "total.decorrelation"}));
  for (const auto& loss : losses) loss.loss->prepare(Response(noise(1), kRateHz));
  const auto evaluated = evaluate_losses(losses, Response(noise(2) * 0.5, kRateHz));
  ASSERT_EQ(evaluated.terms.size(), names.size());
  const auto term = [&](std::size_t i) { return evaluated.terms[i].item<double>(); };
  EXPECT_NEAR(term(2), term(3) + 0.1 * (term(4) + term(5)), 1e-6);
  EXPECT_NEAR(term(1), term(2) + 0.1 * (term(6) + term(7) + term(8)), 1e-6);
  EXPECT_NEAR(term(6), value(*make_loss("entropy"), noise(2) * 0.5, noise(1), kRateHz), 1e-9);
  const auto sum = weighted_sum(losses, evaluated, {1, 1});
  EXPECT_NEAR(sum.total.item<double>(), term(0) + 3 * term(1), 1e-6);
  EXPECT_NEAR(weighted_sum(losses, evaluated, {2, 0.5}).total.item<double>(), 2 * term(0) + 1.5 * term(1), 1e-6);
}

}  // namespace
}  // namespace diffverb
