#include "models/nonlinear_fdn.h"

#include <ATen/ops/equal.h>
#include <ATen/ops/zeros.h>
#include <gtest/gtest.h>

#include "core/error.h"
#include "core/seed.h"
#include "core/solvers/solvers.h"
#include "core/tensor.h"
#include "runtime/weights.h"
#include "tests/core/solvers/network_fixture.h"
#include "train/export.h"

namespace diffverb {
namespace {

std::unique_ptr<NonlinearFdn> make_model(const std::string& config) {
  Fields fields = Fields::from_text("{sample_rate_hz: 8000, " + config + "}");
  auto model = family<Model>().make("nonlinear_fdn", fields);
  return std::unique_ptr<NonlinearFdn>(dynamic_cast<NonlinearFdn*>(model.release()));
}

TEST(NonlinearFdn, PlaysTheDelayNetworkOfJotFdnWhereItIsQuiet) {
  const at::NoGradGuard no_grad;
  const auto model = make_model("lines: 6, inputs: 2, decay_s: 0.7");
  const auto input = uniform({2, 4000}, -1, 1, 3);
  const auto linear = time_response(model->network(at::kDouble), input);
  const auto played = [&](double size) { return model->play(size * input.unsqueeze(0))[0] / size; };
  EXPECT_LT(relative_error(played(1e-6), linear), 1e-6);
  EXPECT_GT(relative_error(played(1), linear), 1e-2);
}

TEST(NonlinearFdn, NoParameterLeavesWhatTheRuntimeShowsToFallSilent) {
  const at::NoGradGuard no_grad;
  const auto model =
      make_model("nonlinear: {learn: [alpha, alpha_depth, alpha_slope, limit, line_gain, product_gain]}");
  Random random(5, "corners");
  for (int corner = 0; corner < 6; ++corner) {
    for (const auto& [name, leaf] : model->parameters()) {
      for (auto value : leaf.reshape({-1}).unbind())
        value.fill_((corner < 2 ? corner == 1 : random.uniform(0, 1) < 0.5) ? 20 : -20);
    }
    const auto weights = to_weights(*model);
    const auto loaded = runtime::make_model(weights);
    EXPECT_TRUE(loaded.model) << "corner " << corner << ": " << loaded.error;
    EXPECT_GE(weights.nonlinear.alpha_min, 0.001);
    EXPECT_LE(weights.nonlinear.alpha_max, 0.01);
    EXPECT_LE(weights.nonlinear.limit, 1);
    EXPECT_LE(weights.nonlinear.strength(), 0.01 + NonlinearFdn::kMostProducts + 1e-6);
  }
}

TEST(NonlinearFdn, TheImpulseOfForwardHasTheStatedLevel) {
  const at::NoGradGuard no_grad;
  const auto model = make_model("seconds: 0.3, nonlinear: {impulse_db: 20}");
  auto impulse = at::zeros({1, 1, 2400});
  impulse.select(2, 0).fill_(10);
  EXPECT_TRUE(at::equal(model->forward({}).ir(), model->play(impulse)));
  Response target(at::zeros({1, 2, 500}), 8000);
  EXPECT_TRUE(at::equal(model->forward(target).ir(), model->play(impulse.slice(2, 0, 500))));
  target.set("dry", impulse.slice(2, 0, 500) / 10);
  EXPECT_TRUE(at::equal(model->forward(target).ir(), model->play(impulse.slice(2, 0, 500) / 10)));
}

TEST(NonlinearFdn, AlphaMovesWithTimeAndWithTheLevelAndStaysWithinItsRange) {
  const at::NoGradGuard no_grad;
  const auto input = uniform({1, 1, 6000}, -1, 1, 5);
  const auto played = [&](const std::string& keys) {
    return make_model("nonlinear: {products: 0, alpha_range: [0.001, 0.09], " + keys + "}")->play(input);
  };
  const auto still = played("alpha: 0.02, alpha_depth: 0, alpha_slope: 0");
  EXPECT_GT(relative_error(played("alpha: 0.05, alpha_depth: 0, alpha_slope: 0"), still), 1e-3);
  EXPECT_GT(relative_error(played("alpha: 0.02, alpha_depth: 2, alpha_rate_hz: 3, alpha_slope: 0"), still), 1e-3);
  EXPECT_GT(relative_error(played("alpha: 0.02, alpha_depth: 0, alpha_slope: 1"), still), 1e-3);
}

TEST(NonlinearFdn, LearnsTheLimitOfAnotherFromAPair) {
  const auto target = make_model("decay_s: 0.4, nonlinear: {limit: 0.25}");
  const auto model = make_model("decay_s: 0.4, nonlinear: {limit: 0.8, learn: [limit]}");
  const auto dry = 2 * uniform({1, 1, 3000}, -1, 1, 7);
  const auto wet = target->play(dry).detach();
  const auto leaf = model->parameters().at("nonlinear.limit");
  for (int step = 0; step < 60; ++step) {
    const auto error = (model->play(dry) - wet).square().mean() / wet.square().mean();
    const auto slope = torch::autograd::grad({error.log()}, {leaf})[0];
    const at::NoGradGuard no_grad;
    leaf.sub_(0.1 * slope.sign());
  }
  const at::NoGradGuard no_grad;
  EXPECT_NEAR(to_weights(*model).nonlinear.limit, 0.25, 0.03);
}

TEST(NonlinearFdn, RefusesWhatMovesAndWhatIsOutOfItsRanges) {
  const auto message = [](const std::string& config) {
    try {
      make_model(config);
    } catch (const ConfigError& error) {
      return std::string(error.what());
    }
    return std::string("accepted");
  };
  EXPECT_EQ(message("lines: 4"), "accepted");
  EXPECT_NE(message("modulation_ms: 0.1").find("lines that move have no nonlinear loop"), std::string::npos);
  EXPECT_NE(message("turning: {type: rotating}").find("a matrix that turns has no nonlinear loop"), std::string::npos);
  EXPECT_NE(message("nonlinear: {alpha: 0.5}").find("alpha"), std::string::npos);
  EXPECT_NE(message("nonlinear: {alpha_range: [0.01, 0.001]}").find("the least and the greatest"), std::string::npos);
  EXPECT_NE(message("nonlinear: {limit: 2}").find("limit"), std::string::npos);
  EXPECT_NE(message("nonlinear: {line_gain: [1, 1]}").find("a list of 8 numbers"), std::string::npos);
  EXPECT_NE(message("nonlinear: {bias: 1}").find("bias"), std::string::npos);
  EXPECT_THROW(make_model("lines: 4")->play(uniform({1, 50}, -1, 1, 1)), ContractError);
}

}  // namespace
}  // namespace diffverb
