// Many reverbs, and many threads at one. Built with -fsanitize=thread or =address these are also what shows that nothing
// races and nothing leaks.
#include <thread>

#include "live.h"

namespace diffverb::runtime {
namespace {

TEST(LiveThreads, MayAllTurnLoadAndReadWhileItPlays) {
  LiveReverb reverb;
  ASSERT_EQ(reverb.prepare(48000, 2, 2), "");
  const auto sources = testing::sources_of_every_kind();
  std::atomic<bool> stop{false};
  std::thread player([&] {
    float block[2][64] = {};
    float* rows[] = {block[0], block[1]};
    while (!stop) {
      reverb.set(Control::kMix, 50);
      reverb.process(rows, rows, 64);
      std::this_thread::yield();
    }
  });
  std::thread turner([&] {
    for (int n = 0; !stop; ++n) {
      const auto control = static_cast<Control>(n % static_cast<int>(Control::kCount));
      reverb.set(control, from_normal(control, n * 7 % 101 / 100.0));
      (void)reverb.get(control);
      (void)reverb.levels();
      (void)reverb.playing();
      std::this_thread::sleep_for(std::chrono::microseconds(300));
    }
  });
  for (const auto& [name, source] : sources) {
    EXPECT_EQ(reverb.load(source), "") << name;
    EXPECT_EQ(reverb.response(0.01).size(), 2u) << name;
    reverb.settle();
  }
  stop = true;
  player.join();
  turner.join();
}

TEST(LiveThreads, TwoHundredReverbsShareAWorker) {
  const auto source = testing::wav_source(2, 500, 48000);
  std::vector<std::unique_ptr<LiveReverb>> reverbs;
  for (int n = 0; n < 200; ++n) reverbs.push_back(testing::ready(n % 2 == 0 ? source : built_in_source()));
  const testing::Sound input = testing::noise(2, 960, 1);
  for (int round = 0; round < 3; ++round) {
    for (std::size_t n = 0; n < reverbs.size(); ++n) {
      reverbs[n]->set(Control::kWidth, round);
      EXPECT_GT(testing::rms(testing::play(*reverbs[n], input, {64})[0], 0, 960), 0);
    }
  }
}

TEST(LiveThreads, ReverbsComeAndGoAThousandTimes) {
  const testing::Sound input = testing::noise(2, 64, 1);
  const auto source = testing::gain_source(1);
  for (int n = 0; n < 1000; ++n) {
    const auto reverb = testing::ready(source);
    reverb->set(Control::kX, 1 + n % 8);
    testing::play(*reverb, input, {64});
  }
}

}  // namespace
}  // namespace diffverb::runtime
