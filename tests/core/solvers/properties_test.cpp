#include <ATen/ops/diag.h>
#include <ATen/ops/equal.h>
#include <ATen/ops/eye.h>
#include <ATen/ops/linspace.h>
#include <ATen/ops/ones.h>
#include <ATen/ops/stack.h>
#include <ATen/ops/view_as_real.h>
#include <ATen/ops/zeros.h>
#include <ATen/ops/zeros_like.h>
#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

#include "core/error.h"
#include "core/solvers/frequency_library.h"
#include "core/solvers/frequency_structure.h"
#include "core/solvers/solvers.h"
#include "core/tensor.h"
#include "tests/core/solvers/network_fixture.h"

// Statements that hold for every network, tried on networks that rapidcheck draws; what fails is shrunk to the smallest
// that fails.
namespace diffverb {
namespace {

enum class Structure {
  kDense,
  kBlocks,
  kTriangular,
  kShuffledTriangular,
  kHouseholder,
  kDiagonalPlusRankOne,
  kDiagonal,
  kFilters  // every third line without delay
};

struct Case {
  NetworkShape shape;
  Structure structure;
  std::uint64_t seed;
};

std::ostream& operator<<(std::ostream& out, const Case& c) {
  return out << "lines " << c.shape.lines << ", inputs " << c.shape.inputs << ", outputs " << c.shape.outputs
             << ", sections " << c.shape.sections << ", structure " << static_cast<int>(c.structure) << ", seed "
             << c.seed;
}

rc::Gen<Case> any_case(int lines) {
  return rc::gen::apply(
      [](int n, int inputs, int outputs, int sections, int structure, int seed) {
        return Case{
            {n, inputs, outputs, sections}, static_cast<Structure>(structure), static_cast<std::uint64_t>(seed)};
      },
      rc::gen::inRange(1, lines + 1), rc::gen::inRange(1, 4), rc::gen::inRange(1, 4), rc::gen::inRange(0, 3),
      rc::gen::inRange(0, 8), rc::gen::inRange(1, 100000));
}

at::Tensor shuffled(const at::Tensor& matrix, std::uint64_t seed) {
  const auto order = uniform({matrix.size(0)}, 0, 1, seed).argsort();
  return matrix.index_select(0, order).index_select(1, order);
}

at::Tensor structured_matrix(Structure structure, std::int64_t n, std::uint64_t seed) {
  const auto dense = 0.8 * haar_orthogonal(n, seed, false);
  const auto v = uniform({n}, -1, 1, seed + 10);
  switch (structure) {
    case Structure::kDense:
      return dense;
    case Structure::kBlocks: {
      const std::int64_t first = (n + 1) / 2;
      auto blocks = at::zeros({n, n}, at::kDouble);
      blocks.slice(0, 0, first).slice(1, 0, first).copy_(0.8 * haar_orthogonal(first, seed, false));
      if (n > first) blocks.slice(0, first).slice(1, first).copy_(0.7 * haar_orthogonal(n - first, seed + 1, false));
      return shuffled(blocks, seed);
    }
    case Structure::kTriangular:
      return dense.tril();
    case Structure::kShuffledTriangular:
      return shuffled(dense.triu(), seed);
    case Structure::kHouseholder:
      return 0.9 * (at::eye(n, at::kDouble) - 2 * v.outer(v) / v.dot(v));
    case Structure::kDiagonalPlusRankOne:
      return at::diag(uniform({n}, -0.5, 0.5, seed + 11)) +
             0.4 * v.outer(uniform({n}, -1, 1, seed + 12)) / static_cast<double>(n);
    case Structure::kFilters:
      return dense;
    case Structure::kDiagonal:
      return at::diag(uniform({n}, -0.9, 0.9, seed + 13));
  }
  return dense;
}

/// Every third line becomes a filter; they hear each other in an order at random, and no circle.
void make_filters(DelayNetwork& network, std::uint64_t seed) {
  const std::int64_t n = network.lines();
  const auto rank = uniform({n}, 0, 1, seed + 14);
  network.delays = network.delays.clone();
  network.a = 0.5 * network.a;
  for (std::int64_t i = 0; i < n; i += 3) {
    network.delays[i] = 0;
    for (std::int64_t j = 0; j < n; j += 3) {
      if (rank[i].item<double>() <= rank[j].item<double>()) network.a[i][j] = 0;
    }
  }
}

DelayNetwork network_of(const Case& c, at::ScalarType dtype = at::kDouble, bool whole = false, double shortest = 3,
                        double longest = 30) {
  auto network = random_network(c.shape, c.seed, dtype, shortest, longest, whole);
  network.a = structured_matrix(c.structure, c.shape.lines, c.seed).to(dtype);
  if (c.structure == Structure::kFilters) make_filters(network, c.seed);
  return network;
}

at::Tensor grid(std::int64_t bins) { return at::linspace(0.02, 3.1, bins, at::kDouble); }

at::Tensor score(const at::Tensor& h) {
  const auto values = at::view_as_real(h.to(at::kComplexDouble)).reshape({-1});
  return (values * at::linspace(-1, 1.3, values.numel(), at::kDouble)).sum() + values.square().sum();
}

std::vector<at::Tensor> leaves_of(const DelayNetwork& n) {
  std::vector<at::Tensor> leaves;
  for (const auto& t : {n.a, n.b, n.c, n.d, n.line_sos, n.delays})
    leaves.push_back(t.detach().clone().set_requires_grad(true));
  return leaves;
}

RC_GTEST_PROP(FrequencySolverProperties, EveryStructureGivesTheResponseOfTheDenseSolve, ()) {
  const Case c = *any_case(24);
  const auto network = network_of(c);
  RC_PRE(decays(network));
  const auto omega = grid(*rc::gen::inRange(1, 70));
  RC_ASSERT(relative_error(frequency_response(network, omega, 1.01), response_by_linalg(network, omega, 1.01)) < 1e-10);
}

RC_GTEST_PROP(FrequencySolverProperties, EveryStructureGivesTheGradientOfTheDenseSolve, ()) {
  const Case c = *any_case(20);
  const auto leaves = leaves_of(network_of(c));
  const auto network = with_tensors(network_of(c), leaves);
  RC_PRE(decays(network));
  const auto omega = grid(33);
  auto used = leaves;
  if (c.shape.sections == 0) used.erase(used.begin() + 4);
  const auto ours = torch::autograd::grad({score(frequency_response(network, omega, 1.01))}, used);
  const auto library = torch::autograd::grad({score(frequency_response_by_library(network, omega, 1.01))}, used);
  double all = 0;  // a gradient that is nearly nothing is the rounding of sums that are not
  for (const auto& gradient : library) all = std::max(all, largest(gradient));
  for (std::size_t i = 0; i < used.size(); ++i)
    RC_ASSERT(largest(ours[i] - library[i]) < 1e-8 * largest(library[i]) + 1e-10 * all);
}

/// The moved tensors of a network: filters remain filters and hear no circle.
std::vector<at::Tensor> kept(const DelayNetwork& network, std::vector<at::Tensor> x) {
  const auto is_filter = network.delays.eq(0);
  x[0] = x[0].masked_fill(is_filter.outer(is_filter).logical_and(network.a.eq(0)), 0);
  if (x.size() > 5 && x[5].sizes() == network.delays.sizes()) x[5] = x[5].masked_fill(is_filter, 0);
  return x;
}

/// central_difference() where the network decays a step away, too; else the case says nothing.
template <typename Function>
double slope_of(const Function& at_step, double h) {
  try {
    return central_difference(at_step, h);
  } catch (const ContractError&) {
    RC_DISCARD("a step away it grows");
  }
}

/// One direction at random through all tensors: the directional derivative by central differences.
template <typename Function>
double directional_error(const std::vector<at::Tensor>& leaves, std::uint64_t seed, const Function& f) {
  const auto value = f(leaves);
  std::vector<at::Tensor> used;
  for (const auto& leaf : leaves) {
    if (leaf.numel() > 0) used.push_back(leaf);
  }
  const auto gradients = torch::autograd::grad({value}, used);
  const at::NoGradGuard no_grad;
  double expected = 0, scale = 1e-12;
  std::vector<at::Tensor> way;
  for (std::size_t i = 0; i < used.size(); ++i) {
    way.push_back(uniform(used[i].sizes().vec(), -1, 1, seed + i));
    expected += (way[i] * gradients[i]).sum().template item<double>();
    scale += (way[i] * gradients[i]).abs().sum().template item<double>();
  }
  const auto at_step = [&](double step) {
    std::vector<at::Tensor> moved;
    std::size_t k = 0;
    for (const auto& leaf : leaves) {
      moved.push_back(leaf.numel() > 0 ? leaf + step * way[k] : leaf);
      k += leaf.numel() > 0;
    }
    return f(moved).template item<double>();
  };
  return std::abs(slope_of(at_step, 2e-5) - expected) / scale;
}

RC_GTEST_PROP(FrequencySolverProperties, TheGradientIsThatOfFiniteDifferences, ()) {
  const Case c = *any_case(12);
  const auto network = network_of(c);
  RC_PRE(decays(network));
  const auto omega = grid(17);
  const double error = directional_error(leaves_of(network), c.seed, [&](const std::vector<at::Tensor>& x) {
    return score(frequency_response(with_tensors(network, kept(network, x)), omega, 1.02));
  });
  RC_ASSERT(error < 1e-6);
}

RC_GTEST_PROP(TimeSolverProperties, PlaysItsDefinition, ()) {
  const Case c = *any_case(20);
  const auto network = network_of(c, at::kDouble, true, 1, 300);
  RC_PRE(decays(network));
  const auto input = uniform({c.shape.inputs, 900}, -1, 1, c.seed + 20);
  RC_ASSERT(relative_error(time_response(network, input), play_plainly(network, input)) < 1e-9);
}

RC_GTEST_PROP(TimeSolverProperties, TheGradientIsThatOfFiniteDifferences, ()) {
  const Case c = *any_case(12);
  const auto network = network_of(c, at::kDouble, true);
  RC_PRE(decays(network));
  const auto input = uniform({c.shape.inputs, 90}, -1, 1, c.seed + 20).set_requires_grad(true);
  auto leaves = leaves_of(network);
  leaves[5] = input;  // whole delays have no gradient here
  const double error = directional_error(leaves, c.seed, [&](const std::vector<at::Tensor>& x) {
    const auto k = kept(network, {x[0], x[1], x[2], x[3], x[4]});
    auto here = with_tensors(network, k);
    const auto y = time_response(here, x[5]);
    return (y * at::linspace(-1, 1.3, y.numel(), at::kDouble).reshape(y.sizes())).sum() + y.square().sum();
  });
  RC_ASSERT(error < 1e-6);
}

RC_GTEST_PROP(SolverProperties, TheTwoSolversGiveOneImpulseResponse, ()) {
  const Case c = *any_case(16);
  const auto network = network_of(c, at::kDouble, true, 1, 30);
  RC_PRE(decays(network));
  const std::int64_t samples = 4096;  // long decayed
  const auto by_time = impulse_response(network, samples);
  RC_PRE(largest(by_time.slice(2, samples - 64)) < 1e-9 * largest(by_time));
  RC_ASSERT(relative_error(impulse_response_by_fft(network, samples), by_time) < 1e-7);
}

RC_GTEST_PROP(FrequencySolverProperties, Float32StaysWithinItsRounding, ()) {
  const Case c = *any_case(24);
  const auto network = network_of(c, at::kFloat, false, 100, 3000);
  RC_PRE(decays(network));
  const auto wide = network.to(at::kDouble);
  const auto omega = grid(200);
  // Rounding in a loop is as loud as the loop makes it.
  auto loop = wide;
  loop.b = loop.c = at::eye(wide.lines(), at::kDouble), loop.d = at::zeros_like(loop.b);
  const double loudest = frequency_response(loop, omega).abs().max().item<double>();
  RC_ASSERT(relative_error(frequency_response(network, omega), frequency_response(wide, omega)) <
            2e-5 * std::max(1.0, loudest));
}

RC_GTEST_PROP(FrequencySolverProperties, ABatchGivesTheBitsOfItsNetworksOneByOne, ()) {
  const Case c = *any_case(12);
  const auto omega = grid(50);
  std::vector<DelayNetwork> networks;
  std::vector<at::Tensor> leaves;
  for (std::uint64_t r = 0; r < 3; ++r) {
    Case other = c;
    other.seed += 1000 * r;
    const auto given = leaves_of(network_of(other, at::kFloat));
    networks.push_back(with_tensors(network_of(other, at::kFloat), given));
    RC_PRE(decays(networks.back()));
    leaves.insert(leaves.end(), given.begin(), given.end());
  }
  const auto together = frequency_response(networks, omega, 1.001);
  std::vector<at::Tensor> single;
  for (const auto& network : networks) single.push_back(frequency_response(network, omega, 1.001));
  const auto apart = at::stack(single);
  RC_ASSERT(at::equal(together, apart));
  const auto one = torch::autograd::grad({score(together)}, leaves),
             two = torch::autograd::grad({score(apart)}, leaves);
  for (std::size_t i = 0; i < leaves.size(); ++i) RC_ASSERT(at::equal(one[i], two[i]));
}

TEST(FrequencyStructure, FindsLoopsAndReflections) {
  const auto problem = [](const at::Tensor& a, const at::Tensor& delays) {
    FrequencyProblem<double> p;
    p.lines = static_cast<int>(a.size(0));
    p.a = a.const_data_ptr<double>();
    p.delays = delays.const_data_ptr<double>();
    return p;
  };
  const auto delays = at::ones({12}, at::kDouble);
  const auto blocks = structured_matrix(Structure::kBlocks, 12, 3).contiguous();
  EXPECT_EQ(StructuredProblem<double>(problem(blocks, delays)).blocks(), 2);
  const auto triangular = structured_matrix(Structure::kShuffledTriangular, 12, 4).contiguous();
  EXPECT_EQ(StructuredProblem<double>(problem(triangular, delays)).blocks(), 12);
  const auto reflection = structured_matrix(Structure::kHouseholder, 12, 5).contiguous();
  EXPECT_TRUE(StructuredProblem<double>(problem(reflection, delays)).rank_one());
  const auto dense = structured_matrix(Structure::kDense, 12, 6).contiguous();
  EXPECT_FALSE(StructuredProblem<double>(problem(dense, delays)).rank_one());
  EXPECT_EQ(StructuredProblem<double>(problem(dense, delays)).blocks(), 1);
}

}  // namespace
}  // namespace diffverb
