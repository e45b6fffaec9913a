// Networks that are more than a dense loop: filter lines, taps, sparse matrices, loops of their own.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <set>
#include <string>

#include "networks.h"
#include "played.h"
#include "runtime/bench_networks.h"
#include "runtime/delay_ring.h"
#include "runtime/engine.h"
#include "runtime/line_filters.h"
#include "runtime/mixing_product.h"
#include "runtime/network_check.h"
#include "runtime/network_graph.h"
#include "runtime/network_plan.h"
#include "runtime/reference.h"

namespace diffverb::runtime {
namespace {

using testing::Channels;
using testing::model_of;
using testing::play;
using testing::worst_error;

/// The first line alone takes the input.
DelayNetworkWeights network_of(std::vector<float> a, std::vector<std::int32_t> delays) {
  DelayNetworkWeights w = testing::network_of(std::move(a), std::move(delays));
  std::fill(w.B.begin() + 1, w.B.end(), 0.0f);
  return w;
}

TEST(RuntimeStructure, AFilterLineIsItsFilterWithoutDelay) {
  DelayNetworkWeights w = network_of({0}, {0});
  w.line_sections = 2;
  testing::add_peak(w.line_sos, 1000, 1, -6, 48000);
  testing::add_peak(w.line_sos, 5000, 2, 4, 48000);
  const Channels input = testing::noise(1, 1000, 1);
  double s[2][2] = {};
  Engine engine;
  ASSERT_EQ(engine.prepare(model_of(w), 48000), "");
  const Channels played = play(engine, input, {1000});
  for (std::size_t n = 0; n < 1000; ++n) {
    double x = input[0][n];
    for (std::size_t k = 0; k < 2; ++k) {
      const double* f = w.line_sos.data() + 5 * k;
      const double y = f[0] * x + s[k][0];
      s[k][0] = f[1] * x - f[3] * y + s[k][1];
      s[k][1] = f[2] * x - f[4] * y;
      x = y;
    }
    ASSERT_NEAR(played[0][n], x, 3e-6) << n;
  }
}

TEST(RuntimeStructure, AnyStructurePlaysTheRecursion) {
  for (unsigned seed = 1; seed <= 150; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    const DelayNetworkWeights w = testing::random_structure(1 + static_cast<int>(seed * 7 % 41), seed);
    Engine engine;
    ASSERT_EQ(engine.prepare(model_of(w), 48000), "");
    const Channels input = testing::noise(w.inputs, 2500, seed);
    const Channels whole = play(engine, input, {2500});
    ASSERT_LT(worst_error(w, input, whole), 1e-5);
    engine.reset();
    ASSERT_EQ(play(engine, input, {1, 130, 7, 256, 257, 64, 500, 3}), whole);
  }
}

TEST(RuntimeStructure, EveryBlockSizePlaysTheSameSamples) {
  for (const unsigned seed : {3u, 8u}) {
    const DelayNetworkWeights w = testing::random_structure(18, seed);
    Engine engine;
    ASSERT_EQ(engine.prepare(model_of(w), 48000), "");
    const Channels input = testing::noise(w.inputs, 2048, seed);
    const Channels whole = play(engine, input, {2048});
    for (int block = 1; block <= 512; ++block) {
      engine.reset();
      ASSERT_EQ(play(engine, input, {block}), whole) << block;
    }
    std::vector<int> changing(512);
    std::iota(changing.begin(), changing.end(), 1);
    const Channels longer = testing::noise(w.inputs, 512 * 513 / 2, seed + 1);
    engine.reset();
    const Channels once = play(engine, longer, {1 << 20});
    engine.reset();
    EXPECT_EQ(play(engine, longer, changing), once);
  }
}

TEST(RuntimeStructure, EveryInstructionSetPlaysIt) {
  testing::for_each_instruction_set([&] {
    for (unsigned seed = 1; seed <= 20; ++seed) {
      SCOPED_TRACE(std::string(Engine::target()) + ", seed " + std::to_string(seed));
      const DelayNetworkWeights w = testing::random_structure(25, seed);
      Engine engine;
      EXPECT_EQ(engine.prepare(model_of(w), 48000), "");
      const Channels input = testing::noise(w.inputs, 2000, 3);
      const Channels whole = play(engine, input, {2000});
      EXPECT_LT(worst_error(w, input, whole), 1e-5);
      engine.reset();
      EXPECT_EQ(play(engine, input, {1, 130, 7}), whole);
    }
  });
}

TEST(RuntimeStructure, ClassicalNetworksPlayTheRecursion) {
  for (const DelayNetworkWeights& w : {bench::freeverb(), bench::dattorro(), bench::dattorro(29761)}) {
    Engine engine;
    ASSERT_EQ(engine.prepare(model_of(w), w.sample_rate_hz), "");
    const Channels input = testing::noise(2, 30000, 3);
    const Channels whole = play(engine, input, {512});
    EXPECT_LT(worst_error(w, input, whole), 1e-5);
    engine.reset();
    EXPECT_EQ(play(engine, input, {33, 64, 1}), whole);
  }
}

TEST(RuntimeStructure, AFileKeepsIt) {
  std::vector<DelayNetworkWeights> networks{bench::freeverb(), bench::dattorro()};
  for (unsigned seed = 1; seed < 20; ++seed) networks.push_back(testing::random_structure(12, seed));
  for (const DelayNetworkWeights& w : networks) {
    const SerializedWeights file = serialize_weights(w);
    ASSERT_EQ(file.error, "");
    const LoadResult loaded = load_model(std::span<const std::uint8_t>(file.bytes));  // plays the self-test
    ASSERT_EQ(loaded.error, "");
    EXPECT_EQ(loaded.model->network.delays, w.delays);
    EXPECT_EQ(loaded.model->network.A, w.A);
  }
}

TEST(RuntimeStructure, LoopsWithoutDelayAreRefusedWithTheirLines) {
  const auto reason = [](std::vector<float> a, std::vector<std::int32_t> delays) {
    const std::string error = make_model(network_of(std::move(a), std::move(delays))).error;
    EXPECT_EQ(error.find('\n'), std::string::npos);
    return error;
  };
  const float g = 0.3f;
  EXPECT_EQ(reason({g}, {0}),
            "tensor 'delays': line 0 feeds itself without a delay, expected at least one sample in every loop");
  EXPECT_EQ(reason({0, 0, g, g, 0, 0, 0, g, 0}, {0, 0, 0}),
            "tensor 'delays': lines 0, 1 and 2 feed one another without a delay, expected at least one sample in every "
            "loop");
  EXPECT_EQ(reason({g, g, 0, 0, 0, g, 0, g, 0}, {5, 0, 0}),
            "tensor 'delays': lines 1 and 2 feed one another without a delay, expected at least one sample in every "
            "loop");
  EXPECT_EQ(reason({0, 0, g, g, 0, 0, 0, g, 0}, {0, 1, 0}), "");  // one sample in the loop is enough
  EXPECT_EQ(reason({0, 0, g, 0}, {0, 0}), "");                    // a chain
  EXPECT_EQ(reason({0, 0, g, 0}, {0, -1}), "tensor 'delays': line 1 is -1 samples long, expected 0 to 4194304");
}

TEST(RuntimeStructure, AnUnstableFilterLineOrLoopIsRefused) {
  DelayNetworkWeights w = network_of({0, 0.9f, 1, 0}, {100, 0});
  w.line_sections = 1;
  w.line_sos = {1, 0, 0, 0, 0, 1, 0, 0, 0, 0};
  EXPECT_EQ(make_model(w).error, "");
  w.line_sos[5] = 1.2;  // 1.08 around the loop
  EXPECT_NE(make_model(w).error.find("not stable"), std::string::npos);
  w.line_sos[5] = 1;
  w.line_sos[8] = -1.5;
  EXPECT_NE(make_model(w).error.find("section 0 of line 1 is not a stable filter"), std::string::npos);
}

TEST(RuntimeStructure, BandsThatTakeTurnsInALoopAreProvenStable) {
  // A loop through a crossover of two filter lines whose gains add up to 1 at every frequency, 2 at their peaks.
  DelayNetworkWeights w = network_of({0, 0.9f, 0.9f, 1, 0, 0, 1, 0, 0}, {100, 0, 0});
  w.line_sections = 2;
  const double c = std::tan(0.05), a = 1 / (1 + std::sqrt(2.0) * c + c * c);  // Linkwitz-Riley of fourth order
  const double low[5] = {c * c * a, 2 * c * c * a, c * c * a, 2 * (c * c - 1) * a,
                         (1 - std::sqrt(2.0) * c + c * c) * a};
  const double high[5] = {a, -2 * a, a, low[3], low[4]};
  w.line_sos = {1, 0, 0, 0, 0, 1, 0, 0, 0, 0};
  for (const double* band : {low, high}) {
    for (int twice = 0; twice < 2; ++twice) w.line_sos.insert(w.line_sos.end(), band, band + 5);
  }
  EXPECT_EQ(make_model(w).error, "");
  for (float& gain : w.A) gain *= 1.08f;  // both 0.9 and 1: 1.05 around the loop
  EXPECT_NE(make_model(w).error.find("not stable"), std::string::npos);
}

TEST(RuntimeStructure, TapsShareARing) {
  const NetworkPlan plan = plan_network(bench::dattorro(), 256);
  int rings = 0, taps = 0;
  for (const PlannedStage& stage : plan.stages) {
    for (const auto& level : stage.levels) {
      for (const PlannedRing& ring : level) {
        ++rings;
        taps += static_cast<int>(ring.inner.size() + ring.outer.size());
      }
    }
  }
  EXPECT_EQ(taps, bench::dattorro().lines);
  EXPECT_EQ(rings, taps - 14);
}

TEST(RuntimeStructure, EachLoopHasItsOwnBlock) {
  // An allpass of 5 samples before a loop of 300 and one of 400, and a tap of 2 samples in the latter.
  DelayNetworkWeights w = network_of({0.5f, 0, 0, 0,      //
                                      0.75f, 0.9f, 0, 0,  //
                                      0.75f, 0, 0.9f, 0,  //
                                      0.75f, 0, 0.9f, 0},
                                     {5, 300, 400, 2});
  const NetworkPlan plan = plan_network(w, 256);
  ASSERT_EQ(plan.stages.size(), 2u);
  EXPECT_EQ(plan.stages[0].block, 5);
  EXPECT_EQ(plan.stages[1].block, 256);
  std::size_t rings = 0;
  for (const auto& level : plan.stages[1].levels) rings += level.size();
  EXPECT_EQ(rings, 2u);
}

TEST(RuntimeStructure, GroupsComeInTheOrderOfTheFlow) {
  // 0 -> 1 <-> 2 -> 3, 4 alone with itself, 3 -> 4.
  const Graph graph{{1}, {2}, {1, 3}, {4}, {4}};
  const auto groups = connected_groups(graph);
  EXPECT_EQ(groups, (std::vector<std::vector<int>>{{0}, {1, 2}, {3}, {4}}));
  EXPECT_FALSE(is_loop(graph, groups[0]));
  EXPECT_TRUE(is_loop(graph, groups[1]));
  EXPECT_TRUE(is_loop(graph, groups[3]));
}

TEST(RuntimeStructure, DenseAndSparseProductsGiveTheSameBits) {
  std::mt19937 random(5);
  std::normal_distribution<float> normal;
  for (const double share : {0.05, 0.5, 0.8, 1.0}) {
    constexpr std::size_t kRows = 19, kColumns = 23, kFrames = 77, kWidth = kFrames + kPad;
    std::vector<float> dense(kRows * kColumns, 0.0f), in(kColumns * kWidth), add(kRows * kWidth);
    std::vector<std::vector<MixingProduct::Entry>> entries(kRows);
    for (float& x : in) x = normal(random);
    for (float& x : add) x = normal(random);
    for (std::size_t i = 0; i < dense.size(); ++i) {
      if (!std::bernoulli_distribution(share)(random)) continue;
      dense[i] = normal(random);
      entries[i / kColumns].push_back({static_cast<int>(i % kColumns), dense[i]});
    }
    std::vector<float> expected = add, out = add, lanes((kFrames + kPad) * 32, 0.0f), gains(kColumns * 32, 0.0f);
    const auto from = row_pointers<const float*>(in, kColumns, kWidth);
    mix(dense.data(), kRows, kColumns, from.data(), row_pointers<float*>(expected, kRows, kWidth).data(), true,
        kFrames);
    MixingProduct(entries).run(from.data(), row_pointers<float*>(out, kRows, kWidth).data(), true, kFrames);
    for (std::size_t i = 0; i < dense.size(); ++i) gains[i % kColumns * 32 + i / kColumns] = dense[i];
    FilterBank none;
    none.lanes = 32;
    mix_and_filter_lanes({gains.data(), kColumns, from.data()}, none, lanes.data(), kFrames);
    for (std::size_t r = 0; r < kRows; ++r) {
      for (std::size_t t = 0; t < kFrames; ++t) {
        ASSERT_EQ(out[r * kWidth + t], expected[r * kWidth + t]) << share << " " << r << " " << t;
        double sum = 0;
        for (std::size_t c = 0; c < kColumns; ++c)
          sum += static_cast<double>(dense[r * kColumns + c]) * static_cast<double>(in[c * kWidth + t]);
        ASSERT_NEAR(out[r * kWidth + t], static_cast<double>(add[r * kWidth + t]) + sum, 1e-5);
        ASSERT_NEAR(lanes[t * 32 + r], sum, 1e-5);
      }
    }
  }
}

TEST(RuntimeStructure, ADelayRingIsReadInOnePieceFromAnywhere) {
  DelayRing ring(100);
  std::mt19937 random(1);
  std::vector<float> all;
  for (int call = 0; call < 200; ++call) {
    const std::size_t count = call % 7 == 0 ? DelayRing::kChunk : 1 + random() % DelayRing::kChunk;
    float* head = ring.head();
    for (std::size_t n = 0; n < count + kPad; ++n) head[n] = n < count ? static_cast<float>(all.size() + n) : -1.0f;
    for (std::size_t n = 0; n < count; ++n) all.push_back(head[n]);
    ring.advance(count);
    for (const std::size_t delay : {std::size_t{1}, std::size_t{77}, std::size_t{100}, 100 + count}) {
      if (delay > all.size()) continue;
      for (std::size_t n = 0; n < std::min(delay, DelayRing::kChunk); ++n) {
        ASSERT_EQ(ring.behind(delay)[n], all[all.size() - delay + n]) << call << " " << delay << " " << n;
        ASSERT_EQ(ring.data()[(ring.place(delay) + n) % ring.size()], all[all.size() - delay + n]);
      }
    }
  }
}

TEST(RuntimeStructure, FiltersOfTheFirstOrderPlayTheirFormulaForAnyCut) {
  testing::for_each_instruction_set([&] {
    SCOPED_TRACE(Engine::target());
    const auto input = testing::noise(1, 500, 3)[0];
    const std::vector<Biquad> filters = {
        {0.3, 0, 0, -0.7, 0}, {1, -0.5, 0, 0.99, 0}, {0, 0.1, 0, -0.996, 0}, {2, 1, 0, 0, 0}};
    std::vector<std::vector<Biquad>> cascades;
    for (const Biquad& f : filters) cascades.push_back({f});
    LineFilters whole(cascades, 512), cut(cascades, 512);
    EXPECT_FALSE(whole.in_lanes());
    std::vector<float> first(4 * 516), second;
    for (std::size_t j = 0; j < 4; ++j)
      std::copy(input.begin(), input.end(), first.begin() + static_cast<std::ptrdiff_t>(j * 516));
    second = first;
    whole.run(row_pointers<float*>(first, 4, 516).data(), 500);
    std::mt19937 random(1);
    for (std::size_t at = 0; at < 500;) {
      const std::size_t some = std::min<std::size_t>(1 + random() % 40, 500 - at);
      auto rows = row_pointers<float*>(second, 4, 516);
      for (float*& row : rows) row += at;
      cut.run(rows.data(), static_cast<int>(some));
      at += some;
    }
    EXPECT_EQ(second, first);
    for (std::size_t j = 0; j < 4; ++j) {
      const Biquad& f = filters[j];
      double z = 0;
      for (std::size_t n = 0; n < 500; ++n) {
        const double x = static_cast<double>(input[n]), y = f.b0 * x + z;
        z = f.b1 * x - f.a1 * y;
        ASSERT_NEAR(first[j * 516 + n], y, 1e-5) << j << " " << n;
      }
    }
  });
}

}  // namespace
}  // namespace diffverb::runtime
