// What a live reverb plays does not depend on how the host cuts time into blocks.
#include "live.h"

namespace diffverb::runtime {
namespace {

using testing::Sound;

void turn_everything_on(LiveReverb& reverb) {
  reverb.set(Control::kMix, 60);
  reverb.set(Control::kPredelay, 13);
  reverb.set(Control::kLowpassOn, 1);
  reverb.set(Control::kLowpass, 6000);
  reverb.set(Control::kHighpassOn, 1);
  reverb.set(Control::kHighpass, 120);
  reverb.set(Control::kDistance, 7);
  reverb.set(Control::kInputGain, 3);
}

TEST(LiveBlocks, OfAnySizeGiveTheSameSound) {
  const Sound input = testing::noise(2, 20000, 3);
  for (const auto& [name, source] : testing::sources_of_every_kind()) {
    const auto play_in = [&](const std::vector<int>& blocks) {
      const auto reverb = testing::ready(source);
      turn_everything_on(*reverb);
      EXPECT_EQ(reverb->prepare(48000, 2, 2), "");
      return testing::play(*reverb, input, blocks);
    };
    const Sound whole = play_in({8192});
    for (const auto& blocks : {std::vector{1}, {64}, {7, 1, 8192, 300, 255, 257, 31, 33}})
      EXPECT_LE(testing::largest_difference(whole, play_in(blocks)), 1e-6) << name << " " << blocks[0];
  }
}

/// What is guaranteed: a control that is set between the same two samples is heard from the same sample on (the next one
/// that is a multiple of 32), so the sound is the same however the time before and after is cut.
TEST(LiveBlocks, HearControlsAtTheSameSamplesHoweverTimeIsCut) {
  const Sound input = testing::noise(2, 30000, 4);
  const std::size_t places[] = {1000, 1010, 4321, 9000, 9480, 16001, 20000};
  const auto play_in = [&](const std::vector<int>& between) {
    const auto reverb = testing::ready(testing::gain_source(0.7f));
    Sound output(2);
    std::size_t done = 0, next = 0;
    for (std::size_t call = 0; done < input[0].size(); ++call) {
      if (next < std::size(places) && done == places[next]) {
        turn_everything_on(*reverb);
        if (next % 2 == 1) reverb->set(Control::kFreeze, 1);
        if (next % 3 == 2) {
          reverb->set(Control::kFreeze, 0);
          reverb->set(Control::kLowpass, 900);
          reverb->set(Control::kPredelay, 40);
          reverb->set(Control::kHighpassOn, 0);
        }
        ++next;
      }
      const std::size_t end = next < std::size(places) ? places[next] : input[0].size();
      const auto frames = std::min(static_cast<std::size_t>(between[call % between.size()]), end - done);
      const float* from[] = {input[0].data() + done, input[1].data() + done};
      for (auto& channel : output) channel.resize(done + frames);
      float* to[] = {output[0].data() + done, output[1].data() + done};
      reverb->process(from, to, static_cast<int>(frames));
      done += frames;
    }
    return output;
  };
  const Sound whole = play_in({8192});
  for (const auto& between : {std::vector{1}, {16}, {64}, {31, 1, 200, 5}})
    EXPECT_LE(testing::largest_difference(whole, play_in(between)), 1e-6) << between[0];
}

TEST(LiveBlocks, MayEndWhereTheyBegan) {
  const auto reverb = testing::ready(testing::wav_source(2, 3000, 48000));
  reverb->set(Control::kMix, 50);
  ASSERT_EQ(reverb->prepare(48000, 2, 2), "");
  const Sound input = testing::noise(2, 4096, 5);
  const Sound expected = testing::play(*reverb, input, {512});
  ASSERT_EQ(reverb->prepare(48000, 2, 2), "");
  Sound both = input;
  float* rows[] = {both[0].data(), both[1].data()};
  reverb->process(rows, rows, 4096);
  EXPECT_LE(testing::largest_difference(expected, both), 1e-6);
}

TEST(LiveBlocks, OfNothingAreNothing) {
  LiveReverb reverb;
  float sample = 3;
  float* rows[] = {&sample, &sample};
  reverb.process(rows, rows, 1);
  EXPECT_EQ(sample, 3);  // not prepared
  ASSERT_EQ(reverb.prepare(48000, 2, 2), "");
  reverb.process(rows, rows, 0);
  EXPECT_EQ(sample, 3);
}

}  // namespace
}  // namespace diffverb::runtime
