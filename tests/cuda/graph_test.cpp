#include <ATen/ops/full.h>
#include <ATen/ops/ones.h>
#include <ATen/ops/zeros.h>

#include "core/device/cuda_module.h"
#include "core/log.h"
#include "tests/cuda/cuda_fixture.h"
#include "train/optimizer/step_graph.h"

namespace diffverb {
namespace {

Response target_of(double value) {
  return Response(at::full({2, 1, 4}, value, at::TensorOptions().device(at::kCUDA)), 8000);
}

TEST_F(CUDA, AGraphRepeatsAStepOnNewNumbers) {
  int calls = 0;
  auto sum = at::zeros({}, at::TensorOptions().device(at::kCUDA));
  StepGraph graph([&](const Response& target) {
    ++calls;
    sum.add_(target.ir().mean());
    return target.ir().mean() * 2;
  });
  double expected = 0;
  for (int k = 1; k <= 10; ++k) {
    expected += k;
    EXPECT_EQ(graph.run(target_of(k)).item<double>(), 2 * k);
    EXPECT_EQ(sum.item<double>(), expected);
  }
  EXPECT_TRUE(graph.is_recorded());
  EXPECT_EQ(calls, 4) << "three to warm up and one to record";
}

TEST_F(CUDA, AStepThatAsksTheDeviceGoesOnWithoutAGraph) {
  log().set_level(LogLevel::kError);
  double seen = 0;
  StepGraph graph([&](const Response& target) {
    seen = target.ir().mean().item<double>();
    return target.ir().mean() * 2;
  });
  for (int k = 1; k <= 10; ++k) {
    EXPECT_EQ(graph.run(target_of(k)).item<double>(), 2 * k);
    EXPECT_EQ(seen, k);
  }
  log().set_level(LogLevel::kInfo);
  EXPECT_FALSE(graph.is_recorded());
  // The device is unharmed, and another step can be recorded.
  StepGraph another([](const Response& target) { return target.ir().sum(); });
  for (int k = 1; k <= 6; ++k) EXPECT_EQ(another.run(target_of(k)).item<double>(), 8 * k);
  EXPECT_TRUE(another.is_recorded());
}

TEST_F(CUDA, ABatchOfAnotherSizeIsSteppedAsItIs) {
  StepGraph graph([](const Response& target) { return target.ir().sum(); });
  for (int k = 1; k <= 6; ++k) graph.run(target_of(k));
  const Response small(at::ones({1, 1, 4}, at::TensorOptions().device(at::kCUDA)), 8000);
  EXPECT_EQ(graph.run(small).item<double>(), 4);
  EXPECT_EQ(graph.run(target_of(3)).item<double>(), 24);
}

TEST_F(CUDA, ThereIsAGpuWithAName) {
  EXPECT_GE(cuda_module()->device_count(), 1);
  EXPECT_FALSE(cuda_module()->device_name(0).empty());
}

}  // namespace
}  // namespace diffverb
