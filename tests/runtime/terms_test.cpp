// Terms beside a network: products of filtered signals, and frame networks.
#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "networks.h"
#include "played.h"
#include "runtime/network_check.h"
#include "runtime/pyfdn_network.h"
#include "runtime/render.h"
#include "term_networks.h"

namespace diffverb::runtime {
namespace {

using testing::beside;
using testing::frame_term;
using testing::product_term;

std::vector<DelayNetworkWeights> networks_with_terms() {
  DelayNetworkWeights several = testing::random_network({6, 2, 2, 2, 3, 200, 20, 300}, 3);
  several.terms = {product_term({2, 2, 2, 3, 2, 150, 0}, 1), product_term({2, 2, 1, 2, 3, 300, 40}, 2),
                   frame_term({2, 2, 20, 128, 2}, 3)};
  return {beside(1, 1, product_term({1, 1, 1, 1, 2, 1, 0}, 4)),
          beside(1, 1, product_term({1, 1, 2, 3, 3, 500, 200}, 5)),
          beside(2, 1, product_term({1, 2, 1, 2, 2, 90, 0}, 6)),
          beside(1, 1, frame_term({1, 1, 64, 128, 0}, 7)),
          beside(1, 2, frame_term({2, 1, 7, 300, 1}, 8)),
          beside(3, 2, frame_term({2, 3, 5, 1, 3}, 9)),
          several};
}

TEST(RuntimeTerms, PlayLikeTheReferenceInBlocksOfAnySize) {
  const auto networks = networks_with_terms();
  for (std::size_t k = 0; k < networks.size(); ++k) {
    const DelayNetworkWeights& w = networks[k];
    const auto input = testing::noise(w.inputs, 3000, 9);
    Engine engine;
    ASSERT_EQ(engine.prepare(testing::model_of(w), 48000), "");
    const auto whole = testing::play(engine, input, {3000});
    EXPECT_LT(testing::worst_error(w, input, whole), 1e-5) << k;
    for (const auto& blocks : {std::vector{1}, std::vector{17, 1, 300}, std::vector{256}}) {
      engine.reset();
      EXPECT_EQ(testing::play(engine, input, blocks), whole) << k;
    }
  }
}

TEST(RuntimeTerms, PlayTheSameOnEveryInstructionSet) {
  const auto networks = networks_with_terms();
  testing::for_each_instruction_set([&] {
    for (const DelayNetworkWeights& w : networks) {
      const auto input = testing::noise(w.inputs, 700, 9);
      Engine engine;
      ASSERT_EQ(engine.prepare(testing::model_of(w), 48000), "");
      EXPECT_LT(testing::worst_error(w, input, testing::play(engine, input, {64})), 1e-5) << Engine::target();
    }
  });
}

/// A square, and a network of two units that is the absolute value, from their definitions.
TEST(RuntimeTerms, AreWhatTheirFormulasSay) {
  auto square = std::make_shared<ProductTerm>();
  square->groups = square->rank = 1, square->order = 2, square->samples = 2, square->after_samples = 2;
  square->factors = {0.5f, 0.25f, 1, 0};  // (0.5 x + 0.25 x') x
  square->after = {0, 2};                 // twice, a sample later
  const auto rendered = render(testing::model_of(beside(1, 1, square)), {{1, -2, 3, 0, 0}}, 0);
  const std::vector<float> expected = {0, 1, 3, 6, 0};  // 0.5, 1.5, 3, 0
  for (std::size_t n = 0; n < expected.size(); ++n) EXPECT_NEAR(rendered[0][n], expected[n], 1e-5) << n;

  auto absolute = std::make_shared<FrameTerm>();
  absolute->hidden = 2, absolute->frame = 2;
  absolute->kernels = {1, 0, -1, 0};  // of the sample before
  absolute->bias = {0.5f, 0.5f};
  absolute->output = {1, 1};
  const auto heard = render(testing::model_of(beside(1, 1, absolute)), {{1, -2, 0.25f, 0}}, 0);
  const std::vector<float> folded = {0, 0.5f, 1.5f, 0};  // max(x, -x, ..) with knees at +-0.5, 1 at rest taken away
  for (std::size_t n = 0; n < folded.size(); ++n) EXPECT_NEAR(heard[0][n], folded[n], 1e-6) << n;
}

TEST(RuntimeTerms, RoundTripThroughAFileWhoseSelfTestHearsThem) {
  for (const DelayNetworkWeights& w : networks_with_terms()) {
    const SerializedWeights file = serialize_weights(w);
    ASSERT_EQ(file.error, "");
    const LoadResult loaded = load_model(file.bytes);
    ASSERT_EQ(loaded.error, "");
    EXPECT_EQ(loaded.model->metadata.at("version"), "1.2");
    ASSERT_EQ(loaded.model->network.terms.size(), w.terms.size());
    EXPECT_EQ(serialize_weights(loaded.model->network).bytes, file.bytes);
    DelayNetworkWeights without = w;
    without.terms.pop_back();
    if (without.terms.empty()) without.early_samples = 1, without.early.assign(without.D.size(), 0.0f);
    EXPECT_NE(run_self_test(make_model(without).model, loaded.model->metadata.at("self_test")), "");
  }
}

TEST(RuntimeTerms, AFileWithoutThemIsAsEver) {
  const auto file = serialize_weights(testing::random_network({4, 1, 2, 2, 3, 20, 5, 40}, 4));
  const LoadResult loaded = load_model(file.bytes);
  EXPECT_EQ(loaded.model->metadata.at("version"), "1.0");
  EXPECT_FALSE(loaded.model->metadata.contains("terms"));
}

TEST(RuntimeTerms, AreRefusedWhereTheyDoNotFit) {
  const auto reason = [](const auto& change) {
    DelayNetworkWeights w = beside(1, 1, nullptr);
    auto product = std::make_shared<ProductTerm>(testing::product({1, 1, 1, 1, 2, 4, 2}, 1));
    auto frame = std::make_shared<FrameTerm>(testing::frame({1, 1, 3, 5, 2}, 2));
    change(*product, *frame);
    w.terms = {product, frame};
    return make_model(w).error;
  };
  const float nan = std::numeric_limits<float>::quiet_NaN();
  EXPECT_EQ(reason([](auto&, auto&) {}), "");
  EXPECT_EQ(reason([&](auto& p, auto&) { p.factors[3] = nan; }), "tensor 'term0_factors': value 3 is not a number");
  EXPECT_EQ(reason([&](auto& p, auto&) { p.after[1] = 2e6f; }), "tensor 'term0_after': value 1 is beyond 1e6");
  EXPECT_EQ(reason([&](auto& p, auto&) { p.factors.pop_back(); }), "tensor 'term0_factors' has 7 values, expected 8");
  EXPECT_TRUE(reason([&](auto& p, auto&) {
                p.groups = p.rank = 64, p.factors.clear();
              }).find("factors, expected at most 4096") != std::string::npos);
  EXPECT_EQ(reason([&](auto& p, auto&) { p.order = 9; }), "tensor 'term0_factors': the order is 9, expected 1 to 5");
  EXPECT_EQ(reason([&](auto& p, auto&) { p.rank = 0; }), "tensor 'term0_factors': the rank is 0, expected 1 to 1024");
  EXPECT_EQ(reason([&](auto& p, auto&) { p.rank = 1024, p.groups = 1024; }),
            "tensor 'term0_factors' has more than 4194304 values");
  EXPECT_EQ(reason([&](auto&, auto& f) { f.bias[2] = nan; }), "tensor 'term1_bias': value 2 is not a number");
  EXPECT_EQ(reason([&](auto&, auto& f) { f.state_ms[1] = 0; }),
            "tensor 'term1_state_ms': time 1 is 0.0 ms, expected 0.01 to 100000");
  EXPECT_EQ(reason([&](auto&, auto& f) { f.hidden = 0; }),
            "tensor 'term1_kernels': the number of units is 0, expected 1 to 4096");
  EXPECT_EQ(reason([&](auto&, auto& f) { f.scale.push_back(0); }), "tensor 'term1_scale' has 7 values, expected 6");
  DelayNetworkWeights many = beside(1, 1, product_term({1, 1, 1, 1, 2, 4, 0}, 1));
  many.terms.resize(17, many.terms[0]);
  EXPECT_EQ(make_model(many).error, "there are 17 terms, expected at most 16");
}

TEST(RuntimeTerms, TheLoudestInputLeavesNoTrace) {
  for (const DelayNetworkWeights& w : networks_with_terms()) {
    Engine engine;
    ASSERT_EQ(engine.prepare(testing::model_of(w), 48000), "");
    testing::Channels loud(static_cast<std::size_t>(w.inputs), std::vector<float>(400, 1e9f));
    for (auto& channel : loud) channel[100] = std::numeric_limits<float>::infinity();
    for (const auto& channel : testing::play(engine, loud, {64})) {
      for (const float y : channel) ASSERT_TRUE(std::isfinite(y));
    }
    testing::Channels silence(static_cast<std::size_t>(w.inputs), std::vector<float>(200000, 0.0f));
    const auto after = testing::play(engine, silence, {256});
    for (const auto& channel : after) {
      for (const float y : channel) ASSERT_TRUE(std::isfinite(y));
    }
    // What has no levels to remember is silent again.
    const bool forgets = w.lines == 0 && w.terms[0]->kind() == std::string(ProductTerm::kKind);
    if (forgets) {
      EXPECT_EQ(after[0].back(), 0.0f);
    }
  }
}

TEST(RuntimeTerms, ABuildOfPyfdnHasNoPlaceForThem) {
  DelayNetworkWeights w = testing::network_of({0.5f}, {7});
  w.terms = {product_term({1, 1, 1, 1, 2, 4, 0}, 1)};
  const PyfdnText build = make_pyfdn(w);
  EXPECT_EQ(build.error, "");
  EXPECT_NE(build.left_out.find("terms, 1 beside the network"), std::string::npos);
}

}  // namespace
}  // namespace diffverb::runtime
