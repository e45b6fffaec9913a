#include "core/solvers/nonlinear_solver.h"

#include <ATen/ops/full.h>
#include <ATen/ops/zeros.h>
#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

#include "core/error.h"
#include "core/solvers/solvers.h"
#include "core/tensor.h"
#include "tests/core/solvers/nonlinear_fixture.h"

namespace diffverb {
namespace {

/// Lines without delay that hear no line without delay behind them.
void put_filters(DelayNetwork& network) {
  const std::int64_t n = network.lines();
  network.a = 0.6 * network.a;
  for (std::int64_t z = 1; z < n; z += 3) {
    network.delays[z] = 0;
    for (std::int64_t k = z; k < n; k += 3) network.a[z][k] = 0;
  }
}

/// The loop without what is not linear in it.
NonlinearLoop without_terms(NonlinearLoop loop) {
  loop.square = at::zeros_like(loop.square);
  loop.out = at::zeros_like(loop.out);
  loop.saturates = false;
  return loop;
}

RC_GTEST_PROP(NonlinearSolver, PlaysItsDefinition, ()) {
  const auto lines = *rc::gen::inRange(1, 7), sections = *rc::gen::inRange(0, 3), rank = *rc::gen::inRange(0, 4);
  const auto inputs = *rc::gen::inRange(1, 3), outputs = *rc::gen::inRange(1, 3);
  const auto seed = static_cast<std::uint64_t>(*rc::gen::inRange(1, 100000));
  auto network = random_network({lines, inputs, outputs, sections}, seed, at::kDouble, 3, 400);
  if (*rc::gen::arbitrary<bool>()) put_filters(network);
  RC_PRE(decays(network));
  const std::int64_t samples = *rc::gen::inRange(1, 900);
  auto loop = random_loop(network, rank, samples, seed);
  loop.saturates = *rc::gen::inRange(0, 4) > 0;
  const auto input = uniform({inputs, samples}, -1, 1, seed + 9) * (loop.saturates ? 2.0 : 0.05);
  const auto expected = play_nonlinear_plainly(network, loop, input);
  RC_ASSERT(relative_error(nonlinear_time_response(network, loop, input), expected) < 1e-11);
}

TEST(NonlinearSolver, IsTheLinearSolverWithoutTheTerms) {
  auto network = random_network({7, 2, 2, 2}, 7, at::kDouble, 5, 300);
  put_filters(network);
  const auto input = uniform({2, 1500}, -1, 1, 8);
  const auto loop = without_terms(random_loop(network, 2, 1500, 9));
  EXPECT_LT(relative_error(nonlinear_time_response(network, loop, input), time_response(network, input)), 1e-13);
}

TEST(NonlinearSolver, ComesNearTheLinearSolverAsTheInputFallsSilent) {
  const auto network = random_network({6, 1, 2, 2}, 17, at::kDouble, 5, 300);
  const auto input = uniform({1, 1500}, -1, 1, 18), linear = time_response(network, input);
  auto loop = random_loop(network, 2, 1500, 19);
  const auto distance = [&](double size) {
    return relative_error(nonlinear_time_response(network, loop, size * input) / size, linear);
  };
  EXPECT_GT(distance(1), 0.05);
  EXPECT_NEAR(distance(1e-3) / distance(1e-4), 10, 0.5);  // what is squared falls twice as fast
  loop = without_terms(loop);
  loop.saturates = true;
  EXPECT_NEAR(distance(1e-2) / distance(1e-3), 100, 2);  // tanh differs from its slope by a cube
}

TEST(NonlinearSolver, SinglePrecisionPlaysTheSame) {
  const auto network = random_network({8, 2, 2, 1}, 27, at::kDouble, 5, 300);
  const auto input = uniform({2, 4000}, -1, 1, 28);
  const auto loop = random_loop(network, 2, 4000, 29);
  auto single = loop;
  for (auto* tensor : {&single.square, &single.out, &single.left, &single.right}) *tensor = tensor->to(at::kFloat);
  EXPECT_LT(relative_error(nonlinear_time_response(network.to(at::kFloat), single, input.to(at::kFloat)),
                           nonlinear_time_response(network, loop, input)),
            2e-6);
}

/// A score of what is played, of everything that it depends on, in the order of leaves().
struct Scored {
  DelayNetwork network;
  NonlinearLoop loop;
  at::Tensor input, weight;

  std::vector<at::Tensor> leaves() const {
    return {network.a, network.b, network.c,  network.d,  network.line_sos, input,     loop.square,
            loop.out,  loop.left, loop.right, loop.limit, loop.drive,       loop.slope};
  }
  at::Tensor operator()(const std::vector<at::Tensor>& x) const {
    const auto takes_part = network.delays.ne(0).to(at::kDouble);
    const auto hears = network.a.ne(0).to(at::kDouble);  // filters stay in their order
    const auto here = with_tensors(network, {x[0] * hears, x[1], x[2], x[3], x[4]});
    auto now = loop;
    now.square = x[6] * takes_part, now.out = x[7] * takes_part.unsqueeze(1);
    now.left = x[8] * takes_part, now.right = x[9] * takes_part;
    now.limit = x[10], now.drive = x[11], now.slope = x[12];
    const auto y = nonlinear_time_response(here, now, x[5]);
    return (y * weight).sum() + 0.1 * y.square().sum();
  }
};

TEST(NonlinearSolver, GivesTheGradientOfEveryEntry) {
  auto network = random_network({4, 2, 2, 2}, 67, at::kDouble, 3, 20);
  put_filters(network);
  const Scored score{network, random_loop(network, 2, 40, 68), uniform({2, 40}, -1, 1, 69),
                     uniform({2, 40}, -1, 1, 70)};
  expect_gradient(score, score.leaves(), 1e-6, 1e-3);
}

RC_GTEST_PROP(NonlinearSolver, GivesTheGradientAlongAnyWay, ()) {
  const auto lines = *rc::gen::inRange(1, 7), sections = *rc::gen::inRange(0, 3), rank = *rc::gen::inRange(0, 4);
  const auto seed = static_cast<std::uint64_t>(*rc::gen::inRange(1, 100000));
  auto network = random_network({lines, 2, 2, sections}, seed, at::kDouble, 3, 40);
  if (*rc::gen::arbitrary<bool>()) put_filters(network);
  RC_PRE(decays(network));
  const std::int64_t samples = *rc::gen::inRange(1, 400);
  const Scored score{network, random_loop(network, rank, samples, seed), uniform({2, samples}, -1, 1, seed + 10),
                     uniform({2, samples}, -1, 1, seed + 11)};
  auto leaves = score.leaves();
  for (auto& leaf : leaves) leaf = leaf.detach().clone().set_requires_grad(true);
  const auto gradients = torch::autograd::grad({score(leaves)}, leaves);
  const at::NoGradGuard no_grad;
  for (std::size_t i = 0; i < leaves.size(); ++i) {
    const auto way = uniform(leaves[i].sizes().vec(), -1, 1, seed + 20 + i);
    const auto at_step = [&](double step) {
      auto moved = leaves;
      moved[i] = leaves[i] + step * way;
      return score(moved).item<double>();
    };
    double coarse = 0, fine = 0;
    try {
      coarse = central_difference(at_step, 3e-4), fine = central_difference(at_step, 1.5e-4);
    } catch (const ContractError&) {
      RC_DISCARD("a step away it grows");
    }
    const auto parts = gradients[i] * way;
    // The error of `fine` is a fifteenth of how far they are apart: much, where a loop is driven hard.
    RC_ASSERT(std::abs(fine - parts.sum().item<double>()) <=
              1e-6 * parts.abs().sum().item<double>() + 1e-8 + std::abs(coarse - fine));
  }
}

TEST(NonlinearSolver, GivesTheGradientOverManyBlocksAndSegments) {
  auto network = random_network({5, 1, 1, 1}, 37, at::kDouble, 11, 90);
  put_filters(network);
  const std::int64_t samples = 900;  // some segments of 256 samples
  const auto loop = random_loop(network, 2, samples, 38);
  const auto input = uniform({1, samples}, -1, 1, 39), weight = uniform({1, samples}, -1, 1, 40);
  const auto takes_part = network.delays.ne(0).to(at::kDouble);
  expect_gradient(
      [&](const std::vector<at::Tensor>& x) {
        auto here = network;
        here.b = x[0], here.line_sos = x[1];
        auto now = loop;
        now.square = x[2] * takes_part, now.limit = x[3], now.slope = x[4];
        now.out = x[5] * takes_part.unsqueeze(1);
        const auto y = nonlinear_time_response(here, now, input);
        return (y * weight).sum() + y.square().sum();
      },
      {network.b, network.line_sos, loop.square, loop.limit, loop.slope, loop.out}, 1e-6);
}

TEST(NonlinearSolver, SinglePrecisionGivesTheSameGradient) {
  const auto network = random_network({6, 1, 1, 1}, 47, at::kDouble, 11, 90);
  const auto loop = random_loop(network, 2, 2000, 48);
  const auto gradients = [&](at::ScalarType type) {
    auto here = network.to(type);
    auto now = loop;
    for (auto* tensor : {&now.square, &now.out, &now.left, &now.right}) *tensor = tensor->to(type);
    std::vector<at::Tensor> leaves{here.a, here.b, here.line_sos, now.square, now.out, now.left, now.limit, now.drive};
    for (auto& leaf : leaves) leaf = leaf.detach().clone().set_requires_grad(true);
    here.a = leaves[0], here.b = leaves[1], here.line_sos = leaves[2];
    now.square = leaves[3], now.out = leaves[4], now.left = leaves[5], now.limit = leaves[6], now.drive = leaves[7];
    const auto input = uniform({1, 2000}, -1, 1, 49).to(type);
    return torch::autograd::grad({nonlinear_time_response(here, now, input).square().sum()}, leaves);
  };
  const auto exact = gradients(at::kDouble), single = gradients(at::kFloat);
  for (std::size_t i = 0; i < exact.size(); ++i) EXPECT_LT(relative_error(single[i], exact[i]), 2e-5) << i;
}

TEST(NonlinearSolver, RefusesWhatDoesNotFit) {
  auto network = random_network({4, 1, 1, 0}, 57);
  const auto loop = random_loop(network, 2, 50, 58);
  const auto input = uniform({1, 50}, -1, 1, 59);
  EXPECT_NO_THROW(nonlinear_time_response(network, loop, input));
  const auto refused = [&](auto change) {
    auto changed = loop;
    change(changed);
    EXPECT_THROW(nonlinear_time_response(network, changed, input), ContractError);
  };
  refused([](auto& l) { l.square = l.square.slice(0, 1); });
  refused([](auto& l) { l.out = l.out.slice(1, 1); });
  refused([](auto& l) { l.left = l.left.to(at::kFloat); });
  refused([](auto& l) { l.right = l.right / 0.0; });
  refused([](auto& l) { l.drive = l.drive.slice(0, 1); });
  refused([](auto& l) { l.limit = l.limit * 0; });
  refused([](auto& l) { l.alpha_min = 1; });
  refused([](auto& l) { l.time_s = 0; });
  EXPECT_THROW(nonlinear_time_response(network, loop, input.to(at::kFloat)), ContractError);
  EXPECT_THROW(nonlinear_time_response(network, loop, input.slice(1, 0, 0)), ContractError);
  network.delays[2] = 0;  // a filter, which has squares and products still
  network.a[2][2] = 0;
  EXPECT_THROW(nonlinear_time_response(network, loop, input), ContractError);
  network.delays[2] = 4.5;
  EXPECT_THROW(nonlinear_time_response(network, loop, input), ContractError);
}

}  // namespace
}  // namespace diffverb
