// The engine must not allocate while it plays: every call of the allocator in this thread is counted.
#include <gtest/gtest.h>

#include <cstdlib>
#include <new>

#if defined(__SSE2__)
#include <immintrin.h>
#endif

#include "intercept.h"
#include "moving_networks.h"
#include "nonlinear_networks.h"
#include "runtime/bench_networks.h"
#include "runtime/engine.h"
#include "term_networks.h"

namespace diffverb::runtime {
namespace {

#if DIFFVERB_INTERCEPTS
template <typename Action>
long long allocations_of(Action action) {
  return testing::calls_of(action).allocator;
}

TEST(RealtimeRuntimeAllocation, TheCounterSeesEveryKind) {
  EXPECT_GE(allocations_of([] {
              std::vector<float> v(1000);
              volatile float* p = v.data();
              p[0] = 1;
            }),
            2);
  EXPECT_GE(allocations_of([] {
              void* volatile p = ::operator new(3);
              ::operator delete(p);
            }),
            2);
  EXPECT_GE(allocations_of([] {
              void* volatile p = ::operator new (3, std::align_val_t{64});
              ::operator delete (p, std::align_val_t{64});
            }),
            2);
  EXPECT_GE(allocations_of([] {
              void* volatile p = std::malloc(10);
              std::free(p);
            }),
            2);
  EXPECT_EQ(allocations_of([] {
              volatile int x = 3;
              x = x + 1;
            }),
            0);
}

TEST(RealtimeRuntimeAllocation, ProcessAllocatesNothing) {
  std::vector<DelayNetworkWeights> networks{testing::random_network({16, 2, 2, 10, 25, 3840, 200, 2000}, 1),
                                            bench::freeverb(), bench::dattorro()};
  for (unsigned seed = 1; seed < 20; ++seed) networks.push_back(testing::random_structure(20, seed));
  networks.push_back(testing::turning_network({9, 2, 2, 3, 4, 100, 30, 200}, testing::Turn::kBetweenTwo, 0.05f, 1));
  testing::add_motions(networks.back(), 2, 20, 1);
  networks.push_back(testing::moving_responses(3, 2, 2, 3000, true, 1));
  networks.push_back(testing::random_network({4, 2, 2, 2, 3, 60, 7, 90}, 4));
  networks.back().moving = networks[networks.size() - 2].moving;
  networks.push_back(testing::beside(2, 2, testing::product_term({2, 2, 2, 3, 3, 400, 200}, 1)));
  networks.back().terms.push_back(testing::frame_term({2, 2, 64, 128, 2}, 2));
  networks.push_back(testing::nonlinear_network({9, 2, 2, 3, 4, 100, 30, 200}, 2, 1));
  for (const DelayNetworkWeights& w : networks) {
    const LoadResult made = make_model(w);
    ASSERT_EQ(made.error, "");
    Engine engine;
    ASSERT_EQ(engine.prepare(made.model, 48000), "");
    auto input = testing::noise(w.inputs, 4096, 1), output = testing::noise(w.outputs, 4096, 2);
    std::vector<const float*> in;
    std::vector<float*> out;
    for (const auto& channel : input) in.push_back(channel.data());
    for (auto& channel : output) out.push_back(channel.data());
    for (const int frames : {1, 64, 333, 4096}) {
      // The very first call too.
      EXPECT_EQ(allocations_of([&] { engine.process(in.data(), out.data(), frames); }), 0) << frames;
    }
    EXPECT_EQ(allocations_of([&] { engine.reset(); }), 0);
  }
}
#endif

#if defined(__SSE2__)
TEST(RealtimeRuntimeDenormals, AreFlushedWhilePlayingAndTheModeIsPutBack) {
  DelayNetworkWeights w = testing::random_network({1, 1, 1, 0, 0, 0, 1, 1}, 1);
  w.A = {0}, w.B = {1}, w.C = {1}, w.D = {1}, w.delays = {1};
  const LoadResult made = make_model(w);
  ASSERT_EQ(made.error, "");
  Engine engine;
  ASSERT_EQ(engine.prepare(made.model, 48000), "");
  const float denormal[4] = {1e-40f, 1e-40f, 1e-40f, 1e-40f};
  float output[4] = {1, 1, 1, 1};
  const float* in[] = {denormal};
  float* out[] = {output};
  const unsigned before = _mm_getcsr();
  for (const unsigned mode : {before & ~0x8040u, before | 0x8040u, (before & ~0x8040u) | 0x0040u}) {
    _mm_setcsr(mode);
    engine.process(in, out, 4);
    const unsigned after = _mm_getcsr();
    _mm_setcsr(before);
    EXPECT_EQ(after & 0xffc0u, mode & 0xffc0u);
    for (const float y : output) EXPECT_EQ(y, 0.0f);
  }
}
#endif

}  // namespace
}  // namespace diffverb::runtime
