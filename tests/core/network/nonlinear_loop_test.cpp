#include "core/network/nonlinear_loop.h"

#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

#include "core/error.h"
#include "core/solvers/nonlinear_solver.h"
#include "core/tensor.h"
#include "tests/core/solvers/nonlinear_fixture.h"

namespace diffverb {
namespace {

RC_GTEST_PROP(NonlinearLoop, HoldsItsBoundWhateverGoesInAndHoweverStrongItsTermsAre, ()) {
  const auto lines = *rc::gen::inRange(1, 7), sections = *rc::gen::inRange(0, 3);
  const auto seed = static_cast<std::uint64_t>(*rc::gen::inRange(1, 100000));
  auto network = random_network({lines, 1, 2, sections}, seed, at::kDouble, 3, 40);
  if (lines > 2) {
    network.delays[1] = 0;
    network.a[1][1] = 0;
  }
  RC_PRE(decays(network));
  auto loop = random_loop(network, 2, 600, seed);
  loop.alpha_max = *rc::gen::element(0.01, 1.0, 100.0);
  loop.out = loop.out * *rc::gen::element(0.01, 1.0, 100.0);
  const double peak = *rc::gen::element(0.1, 1.0, 1000.0);
  // Full steps make the most of a filter: noise of two values.
  const auto input = peak * uniform({1, 600}, -1, 1, seed + 3).sign();
  double loudest = 0;
  const auto y = play_nonlinear_plainly(network, loop, input, &loudest);
  const auto bound = output_bound(network, loop, peak);
  RC_ASSERT(loudest <= loop.limit.item<double>());
  const auto played = nonlinear_time_response(network, loop, input);
  for (std::int64_t o = 0; o < 2; ++o) {
    const double most = bound.outputs[static_cast<std::size_t>(o)] * (1 + 1e-12);  // rounding
    RC_ASSERT(largest(y[o]) <= most);
    RC_ASSERT(largest(played[o]) <= most);
  }
}

TEST(NonlinearLoop, TheBoundIsReachedWhereOneLineIsAllThereIs) {
  auto network = random_network({1, 1, 1, 0}, 3);
  network.a.fill_(0), network.b.fill_(1), network.c.fill_(-2), network.d.fill_(0.5), network.delays.fill_(4);
  auto loop = random_loop(network, 0, 200, 4);
  loop.limit.fill_(0.7);
  const auto bound = output_bound(network, loop, 50);
  EXPECT_DOUBLE_EQ(bound.lines[0], 0.7);
  EXPECT_DOUBLE_EQ(bound.outputs[0], 2 * 0.7 + 0.5 * 50);
  const auto input = 50 * uniform({1, 200}, -1, 1, 5).sign();
  EXPECT_NEAR(largest(nonlinear_time_response(network, loop, input)), bound.outputs[0], 1e-9);
}

TEST(NonlinearLoop, HasNoBoundWithoutSaturation) {
  const auto network = random_network({3, 1, 1, 0}, 3);
  auto loop = random_loop(network, 1, 10, 4);
  loop.saturates = false;
  EXPECT_THROW(output_bound(network, loop, 1), ContractError);
}

}  // namespace
}  // namespace diffverb
