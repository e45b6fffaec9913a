#include <gtest/gtest.h>

#include "core/error.h"
#include "tests/rooms.h"
#include "tests/scratch.h"
#include "train/fit/fit.h"

namespace diffverb {
namespace {

TEST(FitRefusals, ALossThatDoesNotGoWithTheResponseIsNamedAndNothingIsLeft) {
  const Scratch scratch;
  Audio room = NoiseRoom{.seconds = 0.5, .t60_s = 0.3}.audio();
  room.channels[0].resize(room.frames() + 8000, 0.0f);  // a warning comes with it: digital silence at the end
  write_audio(scratch / "room.wav", room);
  FitOptions options;
  options.input = scratch / "room.wav";
  options.out = scratch / "run";
  options.overlays = {"quality=fast", "losses=[{type: flatness, from_ms: 90000}]"};
  const std::string message = message_of<ConfigError>([&] { fit_response(options); });
  EXPECT_NE(message.find("flatness does not go with"), std::string::npos) << message;
  EXPECT_NE(message.find("room.wav"), std::string::npos) << message;
  EXPECT_FALSE(std::filesystem::exists(scratch / "run"));
}

}  // namespace
}  // namespace diffverb
