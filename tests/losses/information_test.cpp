// Mutual information: the estimator against closed form and nearest neighbours, and the loss that uses it.
#include <ATen/ops/cat.h>
#include <ATen/ops/ones.h>
#include <ATen/ops/stack.h>
#include <ATen/ops/tensor.h>
#include <ATen/ops/zeros.h>
#include <ATen/ops/zeros_like.h>
#include <gtest/gtest.h>
#include <torch/csrc/autograd/autograd.h>

#include <cmath>

#include "core/error.h"
#include "core/seed.h"
#include "losses/mine.h"
#include "tests/losses/ksg.h"
#include "tests/losses/loss_fixture.h"

namespace diffverb {
namespace {

struct Pairs {
  std::vector<double> x, y;
  static at::Tensor row(const std::vector<double>& v) { return at::tensor(v, at::kDouble).unsqueeze(0); }
};

Pairs gaussian(double correlation, int count, std::uint64_t seed) {
  Random random(seed);
  Pairs out;
  for (int i = 0; i < count; ++i) {
    out.x.push_back(random.normal());
    out.y.push_back(correlation * out.x.back() + std::sqrt(1 - correlation * correlation) * random.normal());
  }
  return out;
}

/// -0.5 ln(1 - r^2), r the correlation that the pairs happen to have.
double closed_form(const Pairs& pairs) {
  const auto x = Pairs::row(pairs.x), y = Pairs::row(pairs.y), dx = x - x.mean(), dy = y - y.mean();
  const double r = ((dx * dy).sum() / (dx.norm() * dy.norm())).item<double>();
  return -0.5 * std::log(1 - r * r);
}

double estimate(const Pairs& pairs, std::int64_t steps = 20) {
  Mine mine({}, 1, static_cast<std::int64_t>(pairs.x.size()), at::kCPU);
  const auto x = Pairs::row(pairs.x), y = Pairs::row(pairs.y);
  mine.train(x, y, steps);
  return mine.information(x, y).item<double>();
}

class GaussianPairs : public testing::TestWithParam<double> {};

TEST_P(GaussianPairs, AreEstimatedNearTheClosedFormAndNearestNeighbours) {
  const Pairs pairs = gaussian(GetParam(), 2000, 5);
  const double exact = closed_form(pairs);
  const double mine = estimate(pairs), neighbours = ksg(pairs.x, pairs.y);
  EXPECT_NEAR(neighbours, exact, 0.05) << "the oracle itself";
  EXPECT_NEAR(mine, exact, 0.02 + 0.08 * exact);
  EXPECT_NEAR(mine, neighbours, 0.06 + 0.08 * exact);
}

INSTANTIATE_TEST_SUITE_P(Oracle, GaussianPairs, testing::Values(0.0, 0.3, 0.5, 0.8, 0.9));

TEST(OracleMine, SeesWhatCorrelationDoesNot) {
  Random random(3);
  Pairs pairs;
  for (int i = 0; i < 2000; ++i) {
    pairs.x.push_back(random.normal());
    pairs.y.push_back(pairs.x.back() * pairs.x.back() + 0.5 * random.normal());
  }
  const double neighbours = ksg(pairs.x, pairs.y);
  EXPECT_GT(neighbours, 0.5);
  EXPECT_NEAR(estimate(pairs), neighbours, 0.15 * neighbours);
}

TEST(Mine, IsTheSameForTheSameSeedAndForAnotherScale) {
  const Pairs pairs = gaussian(0.7, 400, 1);
  const auto x = Pairs::row(pairs.x), y = Pairs::row(pairs.y);
  const auto value = [&](std::uint64_t seed, const at::Tensor& heard) {
    return Mine({.seed = seed}, 1, 400, at::kCPU).information(x, heard).item<double>();
  };
  EXPECT_EQ(value(1, y), value(1, y));
  EXPECT_NE(value(1, y), value(2, y));
  EXPECT_NEAR(value(1, y), value(1, 100 * y - 7), 1e-9);
}

TEST(Mine, OfSeveralRowsIsThatOfEach) {
  const Pairs a = gaussian(0.2, 300, 1), b = gaussian(0.9, 300, 2);
  const auto x = at::cat({Pairs::row(a.x), Pairs::row(b.x)}), y = at::cat({Pairs::row(a.y), Pairs::row(b.y)});
  Mine both({}, 2, 300, at::kCPU);
  both.train(x, y, 5);
  const auto values = both.information(x, y);
  EXPECT_NEAR(values[0].item<double>(), estimate(a, 5), 1e-9);
  EXPECT_NEAR(values[1].item<double>(), estimate(b, 5), 1e-9);
}

TEST(Mine, OfAConstantIsZeroWithAFiniteGradient) {
  const auto x = Pairs::row(gaussian(0, 100, 1).x);
  const auto constant = at::ones({1, 100}, at::kDouble).set_requires_grad(true);
  const Mine mine({}, 1, 100, at::kCPU);
  const auto value = mine.information(x, constant);
  EXPECT_NEAR(value.item<double>(), 0, 1e-12);
  EXPECT_TRUE(torch::autograd::grad({value.sum()}, {constant})[0].isfinite().all().item<bool>());
  EXPECT_NEAR(mine.information(constant.detach(), x).item<double>(), 0, 1e-12);
}

TEST(Mine, RefusesTooFewPairsAndUnequalOnes) {
  const auto x = Pairs::row(gaussian(0, 20, 1).x);
  EXPECT_THROW(Mine({}, 1, 20, at::kCPU).information(x, x.slice(1, 1)), ContractError);
  EXPECT_THROW(Mine({}, 1, 4, at::kCPU).information(x.slice(1, 0, 4), x.slice(1, 0, 4)), ContractError);
}

constexpr double kRateHz = 16000;

double least(const at::Tensor& ir) {
  return value(*make_loss("mutual_information", "towards: least"), ir, ir, kRateHz);
}

TEST(MutualInformation, FallsAsTheRoomSmearsTheSound) {
  const auto room = [](double t60_s) { return decaying_noise(1, 1, 16000, kRateHz, t60_s); };
  auto impulse = at::zeros({1, 1, 16000}, at::kDouble);
  impulse[0][0][0] = 1;
  const double dry = least(impulse), booth = least(room(0.1)), room_of = least(room(0.5)), hall = least(room(2));
  EXPECT_GT(dry, booth);
  EXPECT_GT(booth, room_of);
  EXPECT_GT(room_of, hall);
  EXPECT_GT(hall, 0);
}

TEST(MutualInformation, DoesNotSeeLevel) {
  const auto target = decaying_noise(1, 1, 8000, kRateHz, 0.3);
  EXPECT_NEAR(value(*make_loss("mutual_information"), target * 0.1, target, kRateHz), 0, 0.01);
  EXPECT_GT(value(*make_loss("mutual_information"), decaying_noise(1, 1, 8000, kRateHz, 1), target, kRateHz), 0.03);
}

TEST(MutualInformation, TakesTheDrySoundOfAPairAndRefusesOneThatTellsNothing) {
  const auto dry = decaying_noise(4, 1, 8000, kRateHz, 0.4);
  Response target(dry * 0.5, kRateHz);
  target.set("dry", dry);
  const auto loss = make_loss("mutual_information");
  const double other = (*loss)(Response(decaying_noise(5, 1, 8000, kRateHz, 0.4), kRateHz), target).item<double>();
  EXPECT_NEAR(loss->evaluate(Response(dry, kRateHz)).item<double>(), 0, 0.01) << "the same sound, louder";
  EXPECT_GT(other, 0.05);
  target.set("dry", at::zeros_like(dry));
  EXPECT_THROW(loss->prepare(target), ContractError);
}

TEST(MutualInformation, RefusesEdgesThatDoNotAscend) {
  EXPECT_THROW(make_loss("mutual_information", "edges_hz: [500, 500]"), ConfigError);
}

}  // namespace
}  // namespace diffverb
