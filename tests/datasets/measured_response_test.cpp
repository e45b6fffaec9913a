#include "datasets/measured_response.h"

#include <gtest/gtest.h>

#include "tests/rooms.h"
#include "tests/scratch.h"

namespace diffverb {
namespace {

MeasuredResponse read(const Audio& room) {
  const Scratch scratch;
  write_audio(scratch / "room.wav", room);
  return read_measured_response(scratch / "room.wav");
}

TEST(MeasuredResponse, IsWithoutTheConstantThatARecorderAdded) {
  const Audio room = NoiseRoom{.floor_db = -60, .channels = 2}.audio();
  Audio offset = room;
  for (float& x : offset.channels[1]) x += 0.05f;
  const MeasuredResponse clean = read(room), measured = read(offset);
  EXPECT_TRUE(clean.warnings.empty());
  ASSERT_EQ(measured.warnings.size(), 1u);
  EXPECT_NE(measured.warnings[0].find("channel 2: DC of 0.05 removed"), std::string::npos) << measured.warnings[0];
  EXPECT_NEAR(measured.gain, clean.gain, 1e-4 * clean.gain);
  ASSERT_EQ(measured.ir.sizes(), clean.ir.sizes());
  EXPECT_LT((measured.ir - clean.ir).norm().item<double>(), 1e-3) << "of a response of energy 1";
}

TEST(MeasuredResponse, SaysThatItsNoiseIsNear) {
  const MeasuredResponse near = read(NoiseRoom{.floor_db = -24}.audio());
  ASSERT_EQ(near.warnings.size(), 1u);
  EXPECT_NE(near.warnings[0].find("dB above its noise"), std::string::npos) << near.warnings[0];
  EXPECT_TRUE(read(NoiseRoom{.floor_db = -50}.audio()).warnings.empty());
}

}  // namespace
}  // namespace diffverb
