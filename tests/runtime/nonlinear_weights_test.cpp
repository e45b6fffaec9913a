// Nonlinear loops in weights: what a file keeps of them, and what is refused.
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <string>
#include <vector>

#include "moving_networks.h"
#include "nonlinear_networks.h"
#include "runtime/network_check.h"
#include "runtime/reference.h"
#include "runtime/safetensors.h"

namespace diffverb::runtime {
namespace {

DelayNetworkWeights network() { return testing::nonlinear_network({4, 1, 2, 2, 3, 20, 20, 40}, 2, 4); }

bool contains(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

constexpr double NonlinearLoop::*kNumbers[] = {
    &NonlinearLoop::limit,     &NonlinearLoop::alpha_min, &NonlinearLoop::alpha_max,   &NonlinearLoop::bias,
    &NonlinearLoop::depth,     &NonlinearLoop::rate_hz,   &NonlinearLoop::phase_turns, &NonlinearLoop::slope,
    &NonlinearLoop::reference, &NonlinearLoop::time_s};

TEST(RuntimeNonlinearWeights, AFileKeepsEveryNumber) {
  for (const int products : {0, 2}) {
    const DelayNetworkWeights w = testing::nonlinear_network({5, 1, 2, 2, 3, 20, 20, 40}, products, 4);
    const SerializedWeights file = serialize_weights(w);
    ASSERT_EQ(file.error, "");
    const LoadResult loaded = load_model(file.bytes);
    ASSERT_EQ(loaded.error, "");
    EXPECT_EQ(loaded.model->metadata.at("version"), "1.2");
    const NonlinearLoop &r = loaded.model->network.nonlinear, &given = w.nonlinear;
    for (const auto number : kNumbers) EXPECT_EQ(r.*number, given.*number);
    EXPECT_EQ(r.rank, products);
    EXPECT_EQ(r.square, given.square);
    EXPECT_EQ(r.out, given.out);
    EXPECT_EQ(r.left, given.left);
    EXPECT_EQ(r.right, given.right);
    EXPECT_EQ(serialize_weights(loaded.model->network).bytes, file.bytes);
  }
}

TEST(RuntimeNonlinearWeights, WhatIsLinearIsWrittenAsEver) {
  DelayNetworkWeights w = network();
  w.nonlinear = {};
  Container file = parse_container(serialize_weights(w).bytes, true);
  EXPECT_EQ(file.metadata.at("version"), "1.0");
  EXPECT_EQ(file.tensors.size(), 8u);
  testing::add_motions(w, 1, 5, 4);
  file = parse_container(serialize_weights(w).bytes, true);
  EXPECT_EQ(file.metadata.at("version"), "1.1");
}

TEST(RuntimeNonlinearWeights, ALoopThatAConstantKeepsAliveIsRefused) {
  // Noise, whose squares the filter averages away, falls silent in it; a constant of 1 leaves 0.88 for ever.
  DelayNetworkWeights w = testing::network_of({0.5f}, {100});
  w.line_sections = 1;
  w.line_sos = {0.05, 0, 0, -0.95, 0};
  w.nonlinear.square = {1.2f};
  w.nonlinear.alpha_min = w.nonlinear.alpha_max = 1;
  EXPECT_TRUE(loop_decay(w, 1e-9, 4000000).done);
  EXPECT_FALSE(loop_decay(w, 1e-9, 4000000, LoopStart::kUp).done);
  EXPECT_TRUE(contains(make_model(w).error, "its loop gain reaches")) << make_model(w).error;
  w.nonlinear.square = {0.1f};
  EXPECT_EQ(make_model(w).error, "");
}

TEST(RuntimeNonlinearWeights, TheSelfTestHearsTheTerms) {
  const DelayNetworkWeights w = network();
  const std::string text = make_self_test(w);
  EXPECT_EQ(run_self_test(make_model(w).model, text), "");
  const auto differs = [&](auto change) {
    DelayNetworkWeights other = w;
    change(other.nonlinear);
    const LoadResult made = make_model(other);
    EXPECT_EQ(made.error, "");
    return contains(run_self_test(made.model, text), "the self-test fails");
  };
  EXPECT_TRUE(differs([](auto& loop) { loop = {}; }));
  EXPECT_TRUE(differs([](auto& loop) { loop.limit *= 1.1; }));
  EXPECT_TRUE(differs([](auto& loop) { loop.alpha_max *= 2; }));
  EXPECT_TRUE(differs([](auto& loop) { loop.out[1] += 0.01f; }));
  EXPECT_TRUE(differs([](auto& loop) { loop.square[0] = -loop.square[0]; }));
}

std::string reason(void (*change)(DelayNetworkWeights&)) {
  DelayNetworkWeights w = network();
  change(w);
  const std::string error = make_model(w).error;
  EXPECT_EQ(serialize_weights(w).error, error);
  EXPECT_EQ(error.find('\n'), std::string::npos);
  return error;
}

TEST(RuntimeNonlinearWeights, NumbersAndSizesThatDoNotKeepTheBoundAreRefused) {
  using W = DelayNetworkWeights;
  EXPECT_EQ(reason([](W&) {}), "");
  EXPECT_EQ(reason([](W& w) { w.nonlinear.square.pop_back(); }), "tensor 'nonlinear_square' has 3 values, expected 4");
  EXPECT_EQ(reason([](W& w) { w.nonlinear.square.clear(); }), "tensor 'nonlinear_out' has 8 values, expected 0");
  EXPECT_EQ(reason([](W& w) { w.nonlinear.left.push_back(0); }), "tensor 'nonlinear_left' has 9 values, expected 8");
  EXPECT_EQ(reason([](W& w) { w.nonlinear.rank = 1; }), "tensor 'nonlinear_out' has 8 values, expected 4");
  EXPECT_EQ(reason([](W& w) { w.nonlinear.rank = -1; }), "tensor 'nonlinear_out': -1 products, expected 0 to 256");
  EXPECT_EQ(reason([](W& w) { w.nonlinear.right[2] = std::nanf(""); }),
            "tensor 'nonlinear_right': value 2 is not a number");
  EXPECT_TRUE(contains(reason([](W& w) { w.nonlinear.limit = 0; }), "limit is 0.000000, expected 1e-06 to 1000000.0"));
  EXPECT_TRUE(
      contains(reason([](W& w) { w.nonlinear.limit = std::numeric_limits<double>::infinity(); }), "limit is inf"));
  EXPECT_TRUE(contains(reason([](W& w) { w.nonlinear.alpha_max = 2; }), "alpha_max is 2"));
  EXPECT_TRUE(contains(reason([](W& w) { w.nonlinear.alpha_min = 0.5; }), "expected at most alpha_max"));
  EXPECT_TRUE(contains(reason([](W& w) { w.nonlinear.slope = std::nan(""); }), "slope is nan"));
  EXPECT_TRUE(contains(reason([](W& w) { w.nonlinear.rate_hz = 2000; }), "rate_hz is 2000"));
  EXPECT_TRUE(contains(reason([](W& w) { w.nonlinear.reference = 0; }), "reference is 0"));
  EXPECT_TRUE(contains(reason([](W& w) { w.nonlinear.time_s = 0; }), "time_s is 0"));
}

TEST(RuntimeNonlinearWeights, FilterLinesAndWhatMovesTakeNoPart) {
  using W = DelayNetworkWeights;
  EXPECT_TRUE(contains(reason([](W& w) {
                         w.delays[1] = 0;
                         w.A[5] = 0;
                       }),
                       "line 1 is a filter and takes no part"));
  EXPECT_TRUE(
      contains(reason([](W& w) { testing::add_motions(w, 1, 5, 4); }), "a network that moves has no nonlinear loop"));
}

TEST(RuntimeNonlinearWeights, ALoopThatDoesNotFallSilentIsRefused) {
  // One line, a gain of 0.9 and a square: v = tanh(0.9 v + v^2) holds itself at 0.6.
  DelayNetworkWeights w = testing::network_of({0.9f}, {50});
  w.nonlinear = {.limit = 1, .alpha_min = 1, .alpha_max = 1, .square = {1}};
  const std::string error = make_model(w).error;
  EXPECT_TRUE(contains(error, "cannot be shown to be stable")) << error;
  w.nonlinear.alpha_min = w.nonlinear.alpha_max = 0.1;
  EXPECT_EQ(make_model(w).error, "");
  std::vector<std::vector<double>> burst(1, std::vector<double>(40000, 0.0));
  std::fill_n(burst[0].begin(), 500, 100.0);
  EXPECT_LT(std::abs(reference_response(w, burst, 40000)[0].back()), 1e-9);
  w.nonlinear.alpha_min = w.nonlinear.alpha_max = 1;
  EXPECT_GT(std::abs(reference_response(w, burst, 40000)[0].back()), 0.5);  // as was said
}

}  // namespace
}  // namespace diffverb::runtime
