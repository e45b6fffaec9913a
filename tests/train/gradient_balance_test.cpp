#include "train/training/gradient_balance.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "core/log.h"
#include "losses/loss.h"
#include "tests/train/tiny_training.h"
#include "train/training/checkpoint.h"

namespace diffverb {
namespace {

/// Two losses of a tiny model whose gradients' norms are as 20 to 1.
class Balanced : public testing::Test {
 protected:
  Fields fields = Fields::from_text("losses: [{type: mse}, {type: esr, weight: 3}]");
  std::vector<WeightedLoss> losses = read_losses(fields, "losses");
  Fields no_fields = Fields::from_text("{}");
  TinyModel model{no_fields};
  FlatParameters parameters{model};
  std::vector<double> sums;

  std::vector<at::Tensor> values() {
    const auto sum = parameters.entries()[0].parameter.sum();
    return {20 * sum, sum};
  }
  void SetUp() override { log().set_level(LogLevel::kError); }
  void TearDown() override { log().set_level(LogLevel::kInfo); }
};

TEST_F(Balanced, EachPullsAsItsWeightSays) {
  GradientBalance balance(2, losses, sums);
  EXPECT_EQ(balance.factors(), (std::vector<double>{1, 1}));
  balance.measure(0, values(), parameters, nullptr);
  const auto first = balance.factors();
  EXPECT_NEAR(20 * first[0], first[1], 1e-5);
  EXPECT_NEAR(20 * first[0], 10.5, 1e-5) << "the mean of both norms";
  auto louder = values();
  louder[1] = 3 * louder[1];
  balance.measure(1, louder, parameters, nullptr);
  EXPECT_NEAR(balance.factors()[1] / balance.factors()[0], 40.0 / 4, 1e-5) << "of the means over both steps";
  EXPECT_FALSE(balance.measures(2));
  balance.measure(2, values(), parameters, nullptr);
  EXPECT_NEAR(balance.factors()[1] / balance.factors()[0], 10, 1e-5) << "then they stay";
}

TEST_F(Balanced, ALossWithoutSlopeIsLeftAsItIs) {
  GradientBalance balance(1, losses, sums);
  auto flat = values();
  flat[1] = (flat[1] * 0).detach();
  balance.measure(0, flat, parameters, nullptr);
  EXPECT_EQ(balance.factors()[1], 1);
}

TEST_F(Balanced, OffItChangesNothing) {
  GradientBalance balance(0, losses, sums);
  balance.measure(0, values(), parameters, nullptr);
  EXPECT_EQ(balance.factors(), (std::vector<double>{1, 1}));
  EXPECT_TRUE(sums.empty());
}

TEST(TrainingBalance, StandsInTheCheckpointAndTrainsOtherwiseThanWeightsAlone) {
  const Scratch scratch;
  const Overlays both = {"losses=[{type: mse}, {type: esr}]", "train.epochs=4"};
  Overlays balanced = both;
  balanced.insert(balanced.end(), {"train.balance=gradient_norm", "train.balance_steps=3"});
  train(scratch, "plain", both);
  train(scratch, "balanced", balanced);
  const auto state = [&](const char* run) {
    return nlohmann::json::parse(load_checkpoint(scratch / run / "checkpoint.safetensors").text("state"));
  };
  EXPECT_FALSE(state("plain").contains("gradient_norms"));
  ASSERT_EQ(state("balanced").at("gradient_norms").size(), 2u);
  EXPECT_GT(state("balanced").at("gradient_norms")[0].get<double>(), 0);
  EXPECT_NE(state("plain").at("last_loss"), state("balanced").at("last_loss"));
}

}  // namespace
}  // namespace diffverb
