// The operators for Python, called as Python calls them: by name through the dispatcher, from the library that it loads.
// experiments/from_python/opcheck.py has what only Python can ask.
#include <ATen/core/dispatch/Dispatcher.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/equal.h>
#include <ATen/ops/linspace.h>
#include <ATen/ops/stack.h>
#include <ATen/ops/view_as_real.h>
#include <dlfcn.h>
#include <gtest/gtest.h>
#include <torch/csrc/autograd/autograd.h>

#include "core/solvers/solvers.h"
#include "core/tensor.h"
#include "tests/core/solvers/network_fixture.h"

namespace diffverb {
namespace {

using at::Tensor;

class Operators : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    static void* const library = ::dlopen(DIFFVERB_OPERATORS, RTLD_NOW);
    ASSERT_NE(library, nullptr) << ::dlerror();
  }

  static Tensor frequency(const DelayNetwork& n, const Tensor& omega, double radius) {
    return c10::Dispatcher::singleton()
        .findSchemaOrThrow("diffverb::frequency_response", "")
        .typed<Tensor(const Tensor&, const Tensor&, const Tensor&, const Tensor&, const Tensor&, const Tensor&,
                      const Tensor&, double)>()
        .call(n.a, n.b, n.c, n.d, n.delays, n.line_sos, omega, radius);
  }
  static Tensor time(const DelayNetwork& n, const Tensor& input) {
    return c10::Dispatcher::singleton()
        .findSchemaOrThrow("diffverb::time_response", "")
        .typed<Tensor(const Tensor&, const Tensor&, const Tensor&, const Tensor&, const Tensor&, const Tensor&,
                      const Tensor&)>()
        .call(n.a, n.b, n.c, n.d, n.delays, n.line_sos, input);
  }
};

std::vector<Tensor> leaves_of(const DelayNetwork& n) {
  std::vector<Tensor> leaves;
  for (const auto& t : {n.a, n.b, n.c, n.d, n.line_sos}) leaves.push_back(t.detach().clone().set_requires_grad(true));
  return leaves;
}

void expect_same_gradients(const Tensor& one, const Tensor& other, const std::vector<Tensor>& leaves) {
  EXPECT_TRUE(at::equal(one, other));
  const auto value = [](const Tensor& t) { return (t.is_complex() ? at::view_as_real(t) : t).square().sum(); };
  const auto first = torch::autograd::grad({value(one)}, leaves),
             second = torch::autograd::grad({value(other)}, leaves);
  for (std::size_t i = 0; i < leaves.size(); ++i) EXPECT_TRUE(at::equal(first[i], second[i])) << i;
}

TEST_F(Operators, AreTheLibrarysSolversWithTheirGradients) {
  const auto plain = random_network({6, 2, 2, 2}, 5);
  const auto leaves = leaves_of(plain);
  const auto network = with_tensors(plain, leaves);
  const auto omega = at::linspace(0.1, 3, 33, at::kDouble);
  expect_same_gradients(frequency(network, omega, 1.01), frequency_response(network, omega, 1.01), leaves);
  const auto input = uniform({2, 300}, -1, 1, 6);
  expect_same_gradients(time(network, input), time_response(network, input), leaves);
}

TEST_F(Operators, TakeABatchOfNetworksInTimeToo) {
  const auto one = random_network({6, 2, 2, 2}, 15), other = random_network({6, 2, 2, 2}, 25);
  DelayNetwork both;
  for (auto member : {&DelayNetwork::a, &DelayNetwork::b, &DelayNetwork::c, &DelayNetwork::d, &DelayNetwork::delays,
                      &DelayNetwork::line_sos})
    both.*member = at::stack({one.*member, other.*member});
  const auto leaves = leaves_of(both);
  const auto network = with_tensors(both, leaves);
  const auto input = uniform({2, 2, 300}, -1, 1, 16);
  const auto single = [&](std::int64_t r) {
    auto here = network;
    for (auto member : {&DelayNetwork::a, &DelayNetwork::b, &DelayNetwork::c, &DelayNetwork::d, &DelayNetwork::delays,
                        &DelayNetwork::line_sos})
      here.*member = (network.*member)[r];
    return time_response(here, input[r]);
  };
  expect_same_gradients(time(network, input), at::stack({single(0), single(1)}), leaves);
  EXPECT_THROW(time(network, input[0]), std::exception);
}

TEST_F(Operators, RefuseWithOneLineWhatTheirContractExcludes) {
  const auto network = random_network({4, 1, 1, 0}, 7);
  const auto omega = at::linspace(0.1, 3, 5, at::kDouble);
  const auto said = [&](DelayNetwork changed) -> std::string {
    try {
      frequency(changed, omega, 1.0);
    } catch (const std::exception& error) {
      return error.what();
    }
    return "";
  };
  auto half = network;
  half.a = half.a.to(at::kHalf);
  EXPECT_NE(said(half).find("Half"), std::string::npos);
  auto growing = network;
  growing.a = 2 * growing.a;
  EXPECT_NE(said(growing).find("grows"), std::string::npos);
  auto early = network;
  early.delays = -early.delays;
  EXPECT_NE(said(early).find("delay of line 0"), std::string::npos);
  auto narrow = network;
  narrow.b = narrow.b.slice(0, 0, 3);
  EXPECT_NE(said(narrow).find("b does not fit"), std::string::npos);
  auto none = network;
  for (auto member : {&DelayNetwork::a, &DelayNetwork::b, &DelayNetwork::c, &DelayNetwork::d, &DelayNetwork::delays,
                      &DelayNetwork::line_sos})
    none.*member = (network.*member).unsqueeze(0).slice(0, 0, 0);
  EXPECT_NE(said(none).find("a batch of no networks"), std::string::npos);
  auto empty = network;
  empty.a = empty.a.slice(0, 0, 0).slice(1, 0, 0);
  EXPECT_NE(said(empty).find("N >= 1"), std::string::npos);
  for (const auto& text : {said(none), said(empty), said(half), said(growing), said(early), said(narrow)})
    EXPECT_EQ(text.find('\n'), std::string::npos) << text;
}

TEST_F(Operators, GiveShapesAndTypesForMetaTensors) {
  auto network = random_network({4, 2, 3, 1}, 8);
  for (auto* t : {&network.a, &network.b, &network.c, &network.d, &network.delays, &network.line_sos})
    *t = t->to(at::kMeta);
  const auto h = frequency(network, at::empty({7}, network.delays.options()), 1.0);
  EXPECT_EQ(h.sizes(), (std::vector<std::int64_t>{3, 2, 7}));
  EXPECT_EQ(h.scalar_type(), at::kComplexDouble);
  EXPECT_EQ(time(network, at::empty({2, 50}, network.a.options())).sizes(), (std::vector<std::int64_t>{3, 50}));
}

}  // namespace
}  // namespace diffverb
