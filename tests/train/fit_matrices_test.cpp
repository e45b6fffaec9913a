#include <gtest/gtest.h>

#include "core/error.h"
#include "core/matrices/matrix.h"
#include "runtime/weights.h"
#include "tests/rooms.h"
#include "tests/scratch.h"
#include "train/fit/fit.h"

namespace diffverb {
namespace {

FitOutcome fit(const Scratch& scratch, const std::string& out, const std::vector<std::string>& overlays) {
  FitOptions options;
  options.input = scratch / "room.wav";
  options.out = scratch / out;
  options.overlays = overlays;
  return fit_response(options);
}

class TrainingFitMatrices : public testing::TestWithParam<std::string> {};

TEST_P(TrainingFitMatrices, AreFittedAndPlayed) {
  const Scratch scratch;
  write_audio(scratch / "room.wav", NoiseRoom{.seconds = 0.5, .t60_s = 0.3}.audio());
  const std::string lines = GetParam() == "conference" ? "10" : "8";
  const FitOutcome outcome =
      fit(scratch, "run", {"model.lines=" + lines, "model.matrix.type=" + GetParam(), "train.steps=2"});
  EXPECT_EQ(outcome.steps, 2);
  const auto loaded = runtime::load_model(scratch / "run/weights.safetensors");
  EXPECT_TRUE(loaded.model) << loaded.error;
}

INSTANTIATE_TEST_SUITE_P(Training, TrainingFitMatrices, testing::ValuesIn(family<FeedbackMatrix>().names()),
                         [](const auto& info) { return info.param; });

TEST(TrainingFitMatrix, ThatDoesNotExistForTheLinesIsRefusedWithTheNearestThatDo) {
  const Scratch scratch;
  write_audio(scratch / "room.wav", NoiseRoom{.seconds = 0.5, .t60_s = 0.3}.audio());
  try {
    fit(scratch, "run", {"model.matrix.type=conference"});  // 64 lines
    FAIL();
  } catch (const ConfigError& error) {
    EXPECT_NE(std::string(error.what()).find("conference: 64 lines, expected"), std::string::npos) << error.what();
    EXPECT_NE(std::string(error.what()).find("62 or 74"), std::string::npos) << error.what();
  }
}

}  // namespace
}  // namespace diffverb
