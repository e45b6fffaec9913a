// How a step comes to be a graph, and what happens where it cannot: with the host in the GPU's place.
#include "train/optimizer/step_graph.h"

#include <ATen/ops/full.h>
#include <ATen/ops/mm.h>
#include <ATen/ops/ones.h>
#include <ATen/ops/zeros.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <functional>

#include "core/device/device.h"
#include "core/device/operator_watch.h"
#include "core/device/precision.h"
#include "core/tensor.h"
#include "tests/host_module.h"

namespace diffverb {
namespace {

Response target_of(double value, std::int64_t count = 2) { return Response(at::full({count, 1, 4}, value), 8000); }

/// What is logged meanwhile.
std::string logged(const std::function<void()>& work) {
  testing::internal::CaptureStderr();
  work();
  return testing::internal::GetCapturedStderr();
}

TEST(StepGraph, IsRecordedOnceAfterThreeStepsAndRepeatedFromThenOn) {
  HostModule module;
  const StandInForGpu gpu(module);
  int calls = 0;
  auto sum = at::zeros({});
  module.state = {sum};
  StepGraph graph([&](const Response& target) {
    ++calls;
    sum.add_(target.ir().mean());
    return target.ir().mean() * 2;
  });
  double expected = 0;
  for (int k = 1; k <= 10; ++k) {
    expected += k;
    EXPECT_EQ(graph.run(target_of(k)).item<double>(), 2 * k);
    EXPECT_EQ(sum.item<double>(), expected) << "step " << k << " ran once and not twice";
    EXPECT_EQ(graph.is_recorded(), k > 3);
  }
  EXPECT_EQ(module.captures, 1);
  EXPECT_EQ(module.replays, 7);
  EXPECT_EQ(calls, 3 + 1 + 7) << "here a repetition calls it again";
}

TEST(StepGraph, ValuesOfAStepAreTheCallersOwn) {
  HostModule module;
  const StandInForGpu gpu(module);
  StepGraph graph([](const Response& target) { return target.ir().sum(); });
  std::vector<at::Tensor> values;
  for (int k = 1; k <= 6; ++k) values.push_back(graph.run(target_of(k)));
  for (int k = 1; k <= 6; ++k) EXPECT_EQ(values[k - 1].item<double>(), 8 * k);
}

TEST(StepGraph, AStepOnOneTargetNeedsNone) {
  HostModule module;
  const StandInForGpu gpu(module);
  auto count = at::zeros({});
  module.state = {count};
  StepGraph graph([&](const Response&) { return count.add_(1).clone(); });
  for (int k = 1; k <= 6; ++k) EXPECT_EQ(graph.run({}).item<double>(), k);
  EXPECT_EQ(module.replays, 3);
}

TEST(StepGraph, ARefusingOperatorIsNamedOnceAndTheStepsGoOn) {
  HostModule module;
  const StandInForGpu gpu(module);
  int calls = 0;
  StepGraph graph([&](const Response& target) {
    ++calls;
    // What the device would refuse while it records.
    if (!may_read_from_device()) at::mm(target.ir(), target.ir());
    return target.ir().sum();
  });
  const std::string said = logged([&] {
    for (int k = 1; k <= 8; ++k) EXPECT_EQ(graph.run(target_of(k)).item<double>(), 8 * k);
  });
  EXPECT_EQ(calls, 9);
  EXPECT_EQ(module.captures, 1) << "it is not tried again";
  EXPECT_EQ(module.replays, 0);
  EXPECT_FALSE(graph.is_recorded());
  EXPECT_TRUE(may_read_from_device());
  EXPECT_EQ(std::count(said.begin(), said.end(), '\n'), 1) << said;
  for (const char* part : {"warning", "no CUDA graph", "aten::mm", "launch by launch"})
    EXPECT_NE(said.find(part), std::string::npos) << part << " in " << said;
}

TEST(StepGraph, AnOperatorOfTheWayBackIsNamedToo) {
  HostModule module;
  const StandInForGpu gpu(module);
  auto leaf = at::ones({3}).set_requires_grad(true);
  StepGraph graph([&](const Response&) {
    auto value = (leaf * leaf).sum();
    if (!may_read_from_device()) {
      auto flat = leaf * 1;
      flat.register_hook([](const at::Tensor& g) { return g.mm(g); });  // refuses a vector
      value = flat.sum();
    }
    leaf.mutable_grad().reset();
    value.backward();
    return value.detach();
  });
  const std::string said = logged([&] {
    for (int k = 1; k <= 5; ++k) graph.run({});
  });
  EXPECT_NE(said.find("aten::mm"), std::string::npos) << said;
}

TEST(StepGraph, ABatchOfAnotherSizeIsSteppedAsItIs) {
  HostModule module;
  const StandInForGpu gpu(module);
  StepGraph graph([](const Response& target) { return target.ir().sum(); });
  for (int k = 1; k <= 6; ++k) graph.run(target_of(k));
  EXPECT_EQ(graph.run(target_of(1, 1)).item<double>(), 4);
  EXPECT_EQ(graph.run(target_of(3)).item<double>(), 24);
  EXPECT_EQ(module.replays, 4);
}

TEST(StepGraph, WithoutAModuleAStepIsAStep) {
  int calls = 0;
  StepGraph graph([&](const Response&) { return at::full({}, ++calls); });
  for (int k = 1; k <= 6; ++k) EXPECT_EQ(graph.run({}).item<int>(), k);
  EXPECT_FALSE(graph.is_recorded());
}

TEST(OperatorWatch, SeesWhatWaitsOnTheWayBackToo) {
  auto x = at::ones({3}).set_requires_grad(true);
  {
    const OperatorWatch watch;
    const auto y = (x * 2).sum();
    y.backward();
    EXPECT_GT(watch.count(), 3u);
    EXPECT_TRUE(watch.waiting().empty()) << watch.waiting()[0];
  }
  {
    const OperatorWatch watch;
    EXPECT_EQ(x.sum().item<float>(), 3);
    (x > 0).nonzero();
    EXPECT_EQ(watch.waiting().size(), 3u) << "item, what it consists of, and nonzero";
    EXPECT_EQ(watch.failed(), "");
  }
  {
    const OperatorWatch watch;
    auto y = x * 2;
    y.register_hook([](const at::Tensor& g) { return g * g.sum().item<float>(); });
    y.sum().backward();
    EXPECT_FALSE(watch.waiting().empty());
  }
  const OperatorWatch watch;
  EXPECT_ANY_THROW(at::mm(x, x));
  EXPECT_EQ(watch.failed(), "aten::mm");
}

}  // namespace
}  // namespace diffverb
