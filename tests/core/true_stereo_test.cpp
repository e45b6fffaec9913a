#include "core/true_stereo.h"

#include <gtest/gtest.h>

#include "tests/scratch.h"

namespace diffverb {
namespace {

TEST(TrueStereo, ReadsTheOrderFromAName) {
  EXPECT_EQ(order_in_name("Hall LL-LR-RL-RR.wav"), kLoudspeakerFirst);
  EXPECT_EQ(order_in_name("hall_ll_rl_lr_rr.flac"), kMicrophoneFirst);
  EXPECT_EQ(order_in_name("hall.wav"), std::nullopt);
}

TEST(TrueStereo, KnowsAmbisonicsByName) {
  for (const char* name : {"hall_bformat.wav", "hall_FOA.wav", "hall AmbiX.wav", "WXYZ hall.wav"})
    EXPECT_TRUE(is_named_ambisonic(name)) << name;
  for (const char* name : {"hall.wav", "hall true stereo.wav", "sofas.wav"})
    EXPECT_FALSE(is_named_ambisonic(name)) << name;
}

TEST(TrueStereo, FindsTheRightFileBesideTheLeftOne) {
  const Scratch scratch;
  for (const char* name : {"hall_L.wav", "hall_R.wav", "nave-left.flac", "nave-right.flac", "cell.wav", "lone_L.wav"})
    write_text(scratch / name, "");
  EXPECT_EQ(right_of(scratch / "hall_L.wav"), scratch / "hall_R.wav");
  EXPECT_EQ(right_of(scratch / "nave-left.flac"), scratch / "nave-right.flac");
  for (const char* name : {"hall_R.wav", "cell.wav", "lone_L.wav"})
    EXPECT_EQ(right_of(scratch / name), std::nullopt) << name;
  EXPECT_EQ(name_of_pair("rooms/hall_L.wav"), "rooms/hall.wav");
  EXPECT_EQ(name_of_pair("rooms/hall_R.wav"), "rooms/hall.wav");
  EXPECT_EQ(name_of_pair("rooms/cell.wav"), "rooms/cell.wav");
}

}  // namespace
}  // namespace diffverb
