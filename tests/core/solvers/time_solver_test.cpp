#include <ATen/Parallel.h>
#include <ATen/ops/equal.h>
#include <ATen/ops/linspace.h>
#include <ATen/ops/stack.h>
#include <ATen/ops/tensor.h>
#include <gtest/gtest.h>

#include "core/error.h"
#include "core/solvers/solvers.h"
#include "core/solvers/time_loops.h"
#include "core/tensor.h"
#include "tests/core/solvers/network_fixture.h"

namespace diffverb {
namespace {

at::Tensor score(const at::Tensor& y) {
  return (y * at::linspace(-1, 1, y.numel(), y.options()).reshape(y.sizes())).sum() + y.square().sum();
}

class TimeSolverShapes : public testing::TestWithParam<NetworkShape> {};

TEST_P(TimeSolverShapes, EqualsThePlainLoop) {
  const auto network = random_network(GetParam(), 111);
  const auto input = uniform({GetParam().inputs, 700}, -1, 1, 112);
  EXPECT_LT(relative_error(time_response(network, input), play_plainly(network, input)), 1e-11);
}

TEST_P(TimeSolverShapes, GivesTheGradientOfEveryTensorByFiniteDifferences) {
  const auto network = random_network(GetParam(), 121, at::kDouble, 2, 9);
  const auto input = uniform({GetParam().inputs, 45}, -1, 1, 122);
  const auto rebuilt = [&](const std::vector<at::Tensor>& x) {
    return with_tensors(network, {x[0], x[1], x[2], x[3], x[4]});
  };
  expect_gradient([&](const auto& x) { return score(time_response(rebuilt(x), x[5])); },
                  {network.a, network.b, network.c, network.d, network.line_sos, input}, 1e-6);
}

TEST_P(TimeSolverShapes, IsAsExactInFloat32AsFloat32Is) {
  const auto network = random_network(GetParam(), 131, at::kFloat, 20, 300);
  const auto input = uniform({GetParam().inputs, 4000}, -1, 1, 132).to(at::kFloat);
  EXPECT_LT(relative_error(time_response(network, input), play_plainly(network, input)), 1e-5);
}

INSTANTIATE_TEST_SUITE_P(Sizes, TimeSolverShapes,
                         testing::Values(NetworkShape{1, 1, 1, 0}, NetworkShape{2, 1, 1, 1}, NetworkShape{3, 2, 1, 2},
                                         NetworkShape{4, 1, 3, 3}, NetworkShape{5, 2, 2, 0}, NetworkShape{8, 3, 2, 4},
                                         NetworkShape{9, 1, 2, 5}, NetworkShape{16, 1, 1, 3},
                                         NetworkShape{17, 2, 1, 1}));

class TimeSolverBlocks : public testing::TestWithParam<int> {};

TEST_P(TimeSolverBlocks, AreExactAtTheirBoundariesForwardsAndBackwards) {
  auto network = random_network({3, 1, 2, 2}, 141);
  network.delays = at::tensor({static_cast<double>(GetParam()), GetParam() + 3.0, 2.0 * GetParam()}, at::kDouble);
  for (const std::int64_t samples : {1, 5, 511, 512, 513, 1100}) {
    const auto input = uniform({1, samples}, -1, 1, 142);
    EXPECT_LT(relative_error(time_response(network, input), play_plainly(network, input)), 1e-11)
        << samples << " samples";
  }
  // The gradient in a random direction of all tensors at once, across several segments.
  const auto input = uniform({1, 1100}, -1, 1, 143);
  std::vector<at::Tensor> x;
  for (const auto& t : {network.a, network.b, network.c, network.d, network.line_sos, input})
    x.push_back(t.clone().set_requires_grad(true));
  const auto value = [&](const std::vector<at::Tensor>& at) {
    return score(time_response(with_tensors(network, {at[0], at[1], at[2], at[3], at[4]}), at[5]));
  };
  const auto gradients = torch::autograd::grad({value(x)}, x);
  at::NoGradGuard no_grad;
  for (std::size_t i = 0; i < x.size(); ++i) {
    const auto direction = uniform(x[i].sizes().vec(), -1, 1, 144 + i);
    const auto moved = [&](double by) {
      auto at = x;
      at[i] = x[i] + by * direction;
      return value(at).item<double>();
    };
    const double slope = central_difference(moved, 1e-4);
    const double ours = (gradients[i] * direction).sum().item<double>();
    EXPECT_NEAR(ours, slope, 1e-6 * std::max(std::abs(slope), 1e-3 * gradients[i].norm().item<double>()))
        << "argument " << i;
  }
}

INSTANTIATE_TEST_SUITE_P(ShortestDelay, TimeSolverBlocks, testing::Values(1, 2, 7, 64, 255, 256, 257));

/// Loops with delays of a sample, filters without delay, chains, and a line that is longer than the input.
DelayNetwork several_loops(at::ScalarType dtype) {
  auto network = random_network({8, 2, 2, 2}, 171, dtype);
  const std::vector<std::pair<int, int>> heard{{0, 0}, {0, 1}, {1, 0}, {2, 1}, {3, 2}, {3, 3}, {4, 0},
                                               {4, 3}, {5, 4}, {5, 6}, {6, 5}, {7, 6}, {7, 2}};
  auto mask = at::zeros({8, 8}, network.a.options());
  for (const auto& [to, from] : heard) mask[to][from] = 1;
  network.a = network.a * mask;
  network.delays = at::tensor({1.0, 5.0, 0.0, 40.0, 1.0, 0.0, 3.0, 5000.0}, at::kDouble);
  return network;
}

TEST(TimeSolver, LoopAfterLoopIsWhatAllAtOnceIs) {
  for (const auto dtype : {at::kDouble, at::kFloat}) {
    const auto network = several_loops(dtype);
    EXPECT_TRUE(loops_are_quicker(network));
    const auto input = uniform({2, 900}, -1, 1, 172).to(dtype);
    const auto learned = input.clone().set_requires_grad(true);
    const double bound = dtype == at::kDouble ? 1e-12 : 1e-5;
    EXPECT_LT(relative_error(time_response(network, input), time_response(network, learned).detach()), bound);
    EXPECT_EQ(time_response(network, learned).requires_grad(), true);
    EXPECT_EQ(time_response(network, uniform({2, 1}, -1, 1, 3).to(dtype)).size(1), 1);
  }
  auto long_blocks = random_network({4, 1, 1, 1}, 173, at::kDouble, 40, 90);
  EXPECT_FALSE(loops_are_quicker(long_blocks));
  EXPECT_FALSE(loops_are_quicker(random_network({4, 1, 1, 1}, 173)));  // all hear each other
}

TEST(TimeSolver, KeepsNothingFromOneCallToTheNext) {
  const auto small = random_network({5, 1, 1, 2}, 151), large = random_network({9, 2, 2, 3}, 152, at::kDouble, 30, 400);
  const auto u = uniform({1, 300}, -1, 1, 153), w = uniform({2, 2000}, -1, 1, 154);
  const auto first = time_response(small, u);
  time_response(large, w);  // leaves larger buffers behind
  EXPECT_TRUE(at::equal(time_response(small, u), first));
}

TEST(TimeSolver, HoldsTwoGraphsAtOnce) {
  auto network = random_network({4, 1, 1, 1}, 161);
  network.a.set_requires_grad(true);
  const auto u = uniform({1, 200}, -1, 1, 162), w = uniform({1, 200}, -1, 1, 163);
  const auto alone_u = torch::autograd::grad({score(time_response(network, u))}, {network.a})[0];
  const auto alone_w = torch::autograd::grad({score(time_response(network, w))}, {network.a})[0];
  const auto both =
      torch::autograd::grad({score(time_response(network, u)) + score(time_response(network, w))}, {network.a})[0];
  EXPECT_LT(relative_error(both, alone_u + alone_w), 1e-13);
}

TEST(TimeSolver, TakesAnInputInAnyMemoryOrder) {
  const auto network = random_network({4, 2, 1, 1}, 171);
  const auto input = uniform({100, 2}, -1, 1, 172).t();
  EXPECT_TRUE(at::equal(time_response(network, input), time_response(network, input.contiguous())));
}

/// Networks of one shape whose delays, and so blocks and tapes, differ.
std::vector<DelayNetwork> batch_of(std::int64_t count, at::ScalarType dtype, std::vector<at::Tensor>& leaves) {
  std::vector<DelayNetwork> networks;
  for (std::int64_t r = 0; r < count; ++r) {
    auto network = random_network({5, 2, 3, 2}, 500 + 10 * r, dtype, 3, 40 + 60 * static_cast<double>(r));
    for (auto* t : {&network.a, &network.b, &network.c, &network.d, &network.line_sos}) {
      *t = t->detach().clone().set_requires_grad(true);
      leaves.push_back(*t);
    }
    networks.push_back(network);
  }
  return networks;
}

TEST(TimeSolver, ABatchGivesTheBitsOfItsNetworksOneByOne) {
  for (const auto dtype : {at::kFloat, at::kDouble}) {
    std::vector<at::Tensor> leaves;
    const auto networks = batch_of(4, dtype, leaves);
    const auto input = uniform({4, 2, 900}, -1, 1, 551).to(dtype).set_requires_grad(true);
    leaves.push_back(input);
    const auto together = time_response(networks, input);
    std::vector<at::Tensor> single;
    for (std::size_t r = 0; r < networks.size(); ++r)
      single.push_back(time_response(networks[r], input[static_cast<std::int64_t>(r)]));
    const auto apart = at::stack(single);
    ASSERT_EQ(together.sizes(), (std::vector<std::int64_t>{4, 3, 900}));
    EXPECT_TRUE(at::equal(together, apart));
    const auto one = torch::autograd::grad({score(together)}, leaves),
               two = torch::autograd::grad({score(apart)}, leaves);
    for (std::size_t i = 0; i < leaves.size(); ++i) EXPECT_TRUE(at::equal(one[i], two[i])) << "leaf " << i;
  }
}

TEST(TimeSolver, ABatchSharesOneInputWhereThereIsOne) {
  std::vector<at::Tensor> leaves;
  const auto networks = batch_of(3, at::kDouble, leaves);
  const auto input = uniform({2, 300}, -1, 1, 552).set_requires_grad(true);
  leaves.push_back(input);
  std::vector<at::Tensor> single;
  for (const auto& network : networks) single.push_back(time_response(network, input));
  const auto together = time_response(networks, input), apart = at::stack(single);
  EXPECT_TRUE(at::equal(together, apart));
  const auto one = torch::autograd::grad({score(together)}, leaves),
             two = torch::autograd::grad({score(apart)}, leaves);
  for (std::size_t i = 0; i < leaves.size(); ++i) EXPECT_LT(relative_error(one[i], two[i]), 1e-13) << "leaf " << i;
}

TEST(TimeSolver, ABatchGivesTheSameBitsWithOneThreadAndWithMany) {
  const int threads = at::get_num_threads();
  std::vector<std::vector<at::Tensor>> results;
  for (const int count : {1, 4}) {
    at::set_num_threads(count);
    std::vector<at::Tensor> leaves;
    const auto y = time_response(batch_of(7, at::kFloat, leaves), uniform({2, 700}, -1, 1, 553).to(at::kFloat));
    auto all = torch::autograd::grad({score(y)}, leaves);
    all.push_back(y.detach());
    results.push_back(all);
  }
  at::set_num_threads(threads);
  for (std::size_t i = 0; i < results[0].size(); ++i)
    EXPECT_TRUE(at::equal(results[0][i], results[1][i])) << "result " << i;
}

TEST(TimeSolver, ALineLongerThanTheInputIsSilentAndTakesNoMemory) {
  auto network = random_network({3, 1, 2, 1}, 561);
  const auto input = uniform({1, 50}, -1, 1, 562);
  network.delays = at::tensor({5.0, 50.0, 7.0}, at::kDouble);
  auto longer = network;
  longer.delays = at::tensor({5.0, 1e12, 7.0}, at::kDouble);
  std::vector<at::Tensor> leaves;
  for (auto* t : {&longer.a, &longer.b, &longer.c, &longer.d, &longer.line_sos}) {
    *t = t->detach().clone().set_requires_grad(true);
    leaves.push_back(*t);
  }
  const auto y = time_response(longer, input);
  EXPECT_LT(relative_error(y, play_plainly(network, input)), 1e-11);
  const auto gradients = torch::autograd::grad({score(y)}, leaves);
  EXPECT_EQ(largest(gradients[1][1]), 0);  // what drives it
  EXPECT_EQ(largest(gradients[2].select(1, 1)), 0);
  EXPECT_GT(largest(gradients[1][0]), 0);
}

TEST(TimeSolver, RefusesABatchThatIsNone) {
  std::vector<at::Tensor> leaves;
  auto networks = batch_of(2, at::kDouble, leaves);
  const auto input = uniform({2, 30}, -1, 1, 554);
  EXPECT_THROW(time_response(std::vector<DelayNetwork>{}, input), ContractError);
  EXPECT_THROW(time_response(networks, input.unsqueeze(0).expand({3, -1, -1})), ContractError);
  EXPECT_THROW(time_response(networks, input.to(at::kFloat)), ContractError);
  networks[1] = random_network({4, 2, 3, 2}, 555);
  EXPECT_THROW(time_response(networks, input), ContractError);
  networks[1] = random_network({5, 2, 3, 2}, 556, at::kDouble, 3, 40, false);
  EXPECT_THROW(time_response(networks, input), ContractError);
}

TEST(TimeSolver, RefusesWhatItsContractExcludes) {
  const auto network = random_network({3, 2, 1, 1}, 181);
  const auto input = uniform({2, 50}, -1, 1, 182);
  EXPECT_THROW(time_response(network, input.slice(0, 0, 1)), ContractError);
  EXPECT_THROW(time_response(network, input.to(at::kFloat)), ContractError);
  EXPECT_THROW(time_response(network, input.slice(1, 0, 0)), ContractError);
  auto fractional = network;
  fractional.delays = network.delays + 0.25;
  EXPECT_THROW(time_response(fractional, input), ContractError);
  EXPECT_THROW(impulse_response(network, 0), ContractError);
}

}  // namespace
}  // namespace diffverb
