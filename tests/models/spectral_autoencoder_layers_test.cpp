// The row kernels against LibTorch's operators and against finite differences.
#include <ATen/Context.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/equal.h>
#include <ATen/ops/eye.h>
#include <ATen/ops/ones.h>
#include <ATen/ops/rand.h>
#include <ATen/ops/randn.h>
#include <ATen/ops/randn_like.h>
#include <ATen/ops/stack.h>
#include <ATen/ops/tensor.h>
#include <ATen/ops/zeros.h>
#include <gtest/gtest.h>
#include <torch/csrc/autograd/autograd.h>

#include "core/collective.h"
#include "core/error.h"
#include "core/tensor.h"
#include "models/layers.h"
#include "tests/scratch.h"

namespace diffverb {
namespace {

struct Case {
  const char* name;
  ConvShape shape;
  std::int64_t input_f, input_t, output_f, output_t;
  double slope = 0.1;
  bool statistics = true, scaled = true;
};

std::ostream& operator<<(std::ostream& out, const Case& c) { return out << c.name; }

/// Every kernel, stride and padding of the published network, odd and even sizes, and channels that fill no register.
const Case kCases[] = {
    {"First", {false, 1, 5, 5, 5, 2, 2}, 13, 8, 7, 4, 0.1, true, false},
    {"FourByFour", {false, 3, 33, 4, 4, 2, 2}, 9, 10, 5, 5},
    {"FourByFourEven", {false, 32, 3, 4, 4, 2, 2}, 8, 7, 4, 4},
    {"FourByFourStrideTwoOne", {false, 4, 6, 4, 4, 2, 1}, 3, 3, 2, 3},
    {"OneByOneStrideTwo", {false, 5, 7, 1, 1, 2, 1}, 3, 2, 2, 2},
    {"OneByOne", {false, 5, 3, 1, 1, 1, 1}, 1, 1, 1, 1, 1.0},
    {"Transposed", {true, 5, 17, 2, 2, 2, 2}, 4, 5, 8, 10},
    {"TransposedStrideTwoOne", {true, 32, 8, 2, 2, 2, 1}, 3, 9, 6, 9},
    {"TransposedValid", {true, 6, 16, 3, 1, 2, 1, true}, 4, 8, 9, 8},
    {"TransposedLast", {true, 6, 1, 1, 1, 1, 1}, 5, 9, 5, 9, 1.0, false},
    {"TransposedWide", {true, 3, 4, 4, 5, 2, 3}, 3, 4, 6, 12},
};

class ConvolutionRows : public testing::TestWithParam<Case> {
 protected:
  void SetUp() override {
    at::manual_seed(3);
    const Case& c = GetParam();
    const auto type = at::TensorOptions().dtype(at::kDouble);
    leaves = {at::randn({3, c.input_f, c.input_t, c.shape.inputs}, type), at::randn(c.shape.kernel_shape(), type),
              at::randn({c.shape.outputs}, type)};
    if (c.scaled) {
      leaves.push_back(at::rand({c.shape.inputs}, type) + 0.5);
      leaves.push_back(at::randn({c.shape.inputs}, type));
    }
    for (auto& leaf : leaves) leaf.set_requires_grad(true);
    weight = at::randn({3, c.output_f, c.output_t, c.shape.outputs}, type);
    mean_weight = at::randn({c.shape.outputs}, type) * 10;
    variance_weight = at::randn({c.shape.outputs}, type) * 10;
  }

  ConvOutput rows(const std::vector<at::Tensor>& x) const { return run(convolve_by_rows, x); }
  ConvOutput library(const std::vector<at::Tensor>& x) const { return run(convolve_by_library, x); }
  /// A number that depends on all outputs.
  at::Tensor total(const ConvOutput& out) const {
    auto sum = (out.values * weight).sum();
    if (out.mean.defined()) sum = sum + (out.mean * mean_weight).sum() + (out.variance * variance_weight).sum();
    return sum;
  }
  std::vector<at::Tensor> leaves;
  at::Tensor weight, mean_weight, variance_weight;

 private:
  template <class Convolve>
  ConvOutput run(const Convolve& convolve, const std::vector<at::Tensor>& x) const {
    const Case& c = GetParam();
    const Activation in{x[0], c.scaled ? x[3] : at::Tensor(), c.scaled ? x[4] : at::Tensor()};
    return convolve(in, x[1], x[2], c.shape, c.slope, c.statistics);
  }
};

double distance(const at::Tensor& a, const at::Tensor& b) {
  return ((a - b).norm() / b.norm().clamp_min(1e-300)).item<double>();
}

TEST_P(ConvolutionRows, HaveTheStatedShape) {
  const Case& c = GetParam();
  const std::vector<std::int64_t> expected = {3, c.output_f, c.output_t, c.shape.outputs};
  EXPECT_EQ(rows(leaves).values.sizes(), at::IntArrayRef(expected));
  EXPECT_EQ(library(leaves).values.sizes(), at::IntArrayRef(expected));
}

TEST_P(ConvolutionRows, AgreeWithTheLibraryInValuesStatisticsAndGradients) {
  const ConvOutput ours = rows(leaves), theirs = library(leaves);
  EXPECT_LT(distance(ours.values, theirs.values), 1e-13);
  if (GetParam().statistics) {
    EXPECT_LT(distance(ours.mean, theirs.mean), 1e-12);
    EXPECT_LT(distance(ours.variance, theirs.variance), 1e-12);
  }
  const auto a = torch::autograd::grad({total(ours)}, leaves), b = torch::autograd::grad({total(theirs)}, leaves);
  for (std::size_t i = 0; i < leaves.size(); ++i) EXPECT_LT(distance(a[i], b[i]), 1e-11) << "leaf " << i;
}

TEST_P(ConvolutionRows, AgreeInSinglePrecision) {
  std::vector<at::Tensor> single;
  for (const auto& leaf : leaves) single.push_back(leaf.detach().to(at::kFloat).set_requires_grad(true));
  weight = weight.to(at::kFloat);
  const ConvOutput ours = rows(single), exact = library(leaves);
  EXPECT_LT(distance(ours.values.to(at::kDouble), exact.values), 1e-6);
  const auto a = torch::autograd::grad({total(ours)}, single), b = torch::autograd::grad({total(exact)}, leaves);
  for (std::size_t i = 0; i < single.size(); ++i) EXPECT_LT(distance(a[i].to(at::kDouble), b[i]), 1e-5) << "leaf " << i;
}

TEST_P(ConvolutionRows, GradientIsTheSlopeInFiniteDifferences) {
  const auto gradients = torch::autograd::grad({total(rows(leaves))}, leaves);
  const at::NoGradGuard no_grad;
  for (std::size_t i = 0; i < leaves.size(); ++i) {
    const auto way = at::randn_like(leaves[i]);
    const double step = 1e-7 / way.norm().item<double>();  // so small that no unit crosses the corner of its ReLU
    auto ahead = leaves, behind = leaves;
    ahead[i] = leaves[i] + step * way;
    behind[i] = leaves[i] - step * way;
    const double measured = ((total(rows(ahead)) - total(rows(behind))) / (2 * step)).item<double>();
    const double scale = (gradients[i].norm() * way.norm()).item<double>();
    EXPECT_NEAR(measured, (gradients[i] * way).sum().item<double>(), 1e-6 * scale) << "leaf " << i;
  }
}

TEST_P(ConvolutionRows, AreTheSameForAnyBatchThatHoldsTheImage) {
  auto one = leaves;
  one[0] = leaves[0].narrow(0, 1, 1);
  EXPECT_TRUE(at::equal(rows(one).values, rows(leaves).values.narrow(0, 1, 1)));
}

INSTANTIATE_TEST_SUITE_P(AllShapes, ConvolutionRows, testing::ValuesIn(kCases),
                         [](const auto& info) { return info.param.name; });

TEST(ConvolutionRowsRefuse, WhatDoesNotFit) {
  const ConvShape shape{false, 2, 3, 2, 2, 2, 2};
  const auto kernel = at::zeros({2, 2, 2, 3}), bias = at::zeros({3});
  const auto image = at::zeros({1, 8, 16, 2});
  EXPECT_NO_THROW(convolve({image, {}, {}}, kernel, bias, shape, 1, false));
  EXPECT_EQ(message_of<ContractError>([&] {
              convolve({at::zeros({1, 8, 16, 3}), {}, {}}, kernel, bias, shape, 1, false);
            }),
            "convolve: the input must be [B, F, T, 2], none of them 0, got [1, 8, 16, 3]");
  EXPECT_EQ(message_of<ContractError>([&] {
              convolve({image, {}, {}}, at::zeros({2, 2, 3, 2}), bias, shape, 1, false);
            }),
            "convolve: the kernel must be [2, 2, 2, 3], got [2, 2, 3, 2]");
  EXPECT_THROW(convolve({image, {}, {}}, kernel, at::zeros({2}), shape, 1, false), ContractError);
  EXPECT_THROW(convolve({image.to(at::kDouble), {}, {}}, kernel, bias, shape, 1, false), ContractError);
}

TEST(ConvolutionRowsRefuse, ASecondDerivative) {
  const ConvShape shape{false, 2, 3, 2, 2, 2, 2};
  const auto kernel = at::ones({2, 2, 2, 3}).set_requires_grad(true);
  const auto out = convolve({at::ones({1, 8, 16, 2}), {}, {}}, kernel, at::zeros({3}), shape, 1, false);
  EXPECT_THROW(torch::autograd::grad({out.values.sum()}, {kernel}, {}, std::nullopt, /*create_graph=*/true),
               ContractError);
}

ConvBlock::Options plain_block() {
  ConvBlock::Options options;
  options.shape = {false, 2, 2, 1, 1, 1, 1};
  options.slope = 1;
  return options;
}

/// A block whose convolution leaves its input as it is.
ConvBlock identity_block(std::map<std::string, at::Tensor>& tensors) {
  ConvBlock block(plain_block(), at::TensorOptions().dtype(at::kDouble));
  block.add_parameters("", tensors);
  block.add_buffers("", tensors);
  const at::NoGradGuard no_grad;
  tensors["kernel"].copy_(at::eye(2, at::kDouble).reshape({1, 1, 2, 2}));
  return block;
}

TEST(BatchNormLayer, NormalisesByTheBatchInTrainingAndByTheRunningStatisticsElsewhere) {
  std::map<std::string, at::Tensor> tensors;
  ConvBlock block = identity_block(tensors);
  at::manual_seed(1);
  const auto x = at::randn({4, 3, 5, 2}, at::kDouble) * 3 + 7;
  const at::NoGradGuard no_grad;
  tensors["gamma"].copy_(at::tensor({2., 0.5}, at::kDouble));
  tensors["beta"].copy_(at::tensor({-1., 4.}, at::kDouble));
  const auto mean = x.mean({0, 1, 2}), variance = x.var({0, 1, 2}, false);
  const auto normalised = [&](const at::Tensor& m, const at::Tensor& v) -> at::Tensor {
    return (x - m) / (v + 1e-3).sqrt() * tensors["gamma"] + tensors["beta"];
  };
  const auto trained = block.forward({x, {}, {}}, true).materialised();
  EXPECT_LT(distance(trained, normalised(mean, variance)), 1e-12);
  const double n = 60, factor = n / (n - 1) * n / (n - 1.001);
  EXPECT_LT(distance(tensors["mean"], 0.01 * mean), 1e-12);
  EXPECT_LT(distance(tensors["variance"], 0.99 + 0.01 * variance * factor), 1e-12);
  const auto played = block.forward({x, {}, {}}, false).materialised();
  EXPECT_LT(distance(played, normalised(tensors["mean"], tensors["variance"])), 1e-12);
}

/// The second of two ranks that both hold other images; the first one's sums are known beforehand.
class OtherRank : public Collective {
 public:
  explicit OtherRank(at::Tensor other) : other_(std::move(other)) {}
  int size() const override { return 2; }
  void sum_in_place(at::Tensor& tensor) override { tensor.add_(other_); }

 private:
  at::Tensor other_;
};

TEST(BatchNormLayer, NormalisesByTheBatchOfAllRanks) {
  std::map<std::string, at::Tensor> alone_tensors, shared_tensors;
  ConvBlock alone = identity_block(alone_tensors), shared = identity_block(shared_tensors);
  at::manual_seed(2);
  const auto here = at::randn({2, 3, 5, 2}, at::kDouble) * 3 + 7, there = at::randn({2, 3, 5, 2}, at::kDouble) - 50;
  const at::NoGradGuard no_grad;
  const auto whole = alone.forward({at::cat({here, there}), {}, {}}, true).materialised();
  set_collective(std::make_shared<OtherRank>(at::stack({there.mean({0, 1, 2}), there.square().mean({0, 1, 2})})));
  const auto part = shared.forward({here, {}, {}}, true).materialised();
  set_collective(nullptr);
  EXPECT_LT(distance(part, whole.narrow(0, 0, 2)), 1e-12);
  EXPECT_LT(distance(shared_tensors["mean"], alone_tensors["mean"]), 1e-12);
  EXPECT_LT(distance(shared_tensors["variance"], alone_tensors["variance"]), 1e-9);
}

TEST(BatchNormLayer, RefusesToTrainOnOneNumber) {
  std::map<std::string, at::Tensor> tensors;
  ConvBlock block = identity_block(tensors);
  const auto x = at::ones({1, 1, 1, 2}, at::kDouble);
  EXPECT_THROW(block.forward({x, {}, {}}, true), ContractError);
  EXPECT_NO_THROW(block.forward({x, {}, {}}, false));
}

}  // namespace
}  // namespace diffverb
