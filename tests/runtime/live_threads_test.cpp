// Many reverbs, and many threads at one. Built with -fsanitize=thread or =address these are also what shows that nothing
// races and nothing leaks.
#include <chrono>
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

/// At x = 0 a voice of silence, at once; elsewhere one that plays x, after `seconds` in pieces of 5 ms.
std::shared_ptr<const Source> slow_source(double seconds, std::atomic<bool>& begun) {
  return std::make_shared<testing::MadeSource>([=, &begun](const Setting& setting, const GivenUp& given_up) {
    const auto gain = static_cast<float>(setting.point[0]);
    for (int n = 0; gain != 0 && n < 200 * seconds; ++n) {
      begun = true;
      if (given_up && given_up()) return VoiceResult{nullptr, "given up"};
      std::this_thread::sleep_for(std::chrono::milliseconds(5));
    }
    return VoiceResult{std::make_unique<testing::SimpleVoice>([gain](float) { return gain; }, 1, 1), {}};
  });
}

using Clock = std::chrono::steady_clock;
double seconds_since(Clock::time_point begin) { return std::chrono::duration<double>(Clock::now() - begin).count(); }

void wait_for(const std::atomic<bool>& flag) {
  while (!flag) std::this_thread::sleep_for(std::chrono::milliseconds(1));
}

TEST(LiveThreads, ASlowVoiceOfOneReverbHoldsUpNoOther) {
  std::atomic<bool> begun{false}, other_begun{false};
  const auto slow = testing::ready(slow_source(5, begun)), quick = testing::ready(slow_source(0, other_begun));
  slow->set(Control::kX, 1);
  wait_for(begun);
  const auto begin = Clock::now();
  quick->set(Control::kX, 3);
  const testing::Sound silence(2, std::vector<float>(480));
  while (testing::play(*quick, silence, {64})[0].back() != 3 && seconds_since(begin) < 4)
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  EXPECT_LT(seconds_since(begin), 2);
}

TEST(LiveThreads, NobodyWaitsForASlowVoice) {
  std::atomic<bool> begun{false};
  auto slow = testing::ready(slow_source(5, begun)), other = testing::ready(built_in_source());
  slow->set(Control::kX, 1);
  wait_for(begun);
  auto begin = Clock::now();
  EXPECT_EQ(slow->load(testing::gain_source(1)), "");
  EXPECT_EQ(slow->prepare(44100, 2, 2), "");
  EXPECT_LT(seconds_since(begin), 2);
  begun = false;
  slow->set(Control::kX, 0);
  EXPECT_EQ(slow->load(slow_source(5, begun)), "");
  slow->set(Control::kX, 1);
  wait_for(begun);
  begin = Clock::now();
  slow.reset();
  EXPECT_LT(seconds_since(begin), 2);
  // And for the last one, with which the worker ends.
  begun = false;
  EXPECT_EQ(other->load(slow_source(5, begun)), "");
  other->set(Control::kX, 1);
  wait_for(begun);
  begin = Clock::now();
  other.reset();
  EXPECT_LT(seconds_since(begin), 2);
}

TEST(LiveThreads, AVoiceThatIsUnderWayIsNotPlayedAfterSettling) {
  std::atomic<bool> begun{false};
  const auto slow = testing::ready(slow_source(0.2, begun));
  slow->set(Control::kX, 1);
  wait_for(begun);
  slow->set(Control::kX, 0);
  slow->settle();
  const testing::Sound sound(2, std::vector<float>(480, 1.0f));
  float loudest = 0;
  for (const auto begin = Clock::now(); seconds_since(begin) < 0.5;) {
    const testing::Sound heard = testing::play(*slow, sound, {64});
    for (const float x : heard[0]) loudest = std::max(loudest, std::abs(x));
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  EXPECT_EQ(loudest, 0);
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
