// diffverb identify: a nonlinear system found from two sound files, and played by the engine.
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "core/audio_file.h"
#include "core/error.h"
#include "experiments/volterra/known_system.h"
#include "runtime/render.h"
#include "runtime/weights.h"
#include "tests/scratch.h"
#include "train/cli.h"

namespace diffverb {
namespace {

const KnownSystem kSystem = {{0.6, 0.5, -0.3, 0.2}, {0.8, -0.4, 0.25}};

Audio audio_of(const at::Tensor& sound) {
  const double* data = sound.const_data_ptr<double>();
  return {8000, {{data, data + sound.numel()}}};
}

class IdentifyCommand : public testing::Test {
 protected:
  void SetUp() override {
    const auto dry = white_noise(4000, 3) * 0.5;
    write_audio(scratch_ / "dry.wav", audio_of(dry));
    write_audio(scratch_ / "wet.wav", audio_of(kSystem.play(dry)));
  }
  std::string path(const std::string& name) const { return (scratch_ / name).string(); }
  int run(const std::vector<std::string>& more, const std::string& wet = "wet.wav") {
    std::vector<std::string> arguments = {"identify",
                                          path("dry.wav"),
                                          path(wet),
                                          "--config",
                                          DIFFVERB_SOURCE_DIR "/configs/volterra_identification.yaml",
                                          "--out",
                                          path("found.safetensors"),
                                          "--set",
                                          "model.first_ms=1",
                                          "--set",
                                          "model.second_ms=0.5",
                                          "--set",
                                          "model.third_ms=0.5",
                                          "--set",
                                          "model.after_ms=0.5"};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return run_command_line(arguments);
  }
  Scratch scratch_;
};

TEST_F(IdentifyCommand, WritesWeightsThatPlayWhatTheSystemPlayed) {
  testing::internal::CaptureStdout();
  ASSERT_EQ(run({"--json"}), 0);
  const auto printed = nlohmann::json::parse(testing::internal::GetCapturedStdout());
  EXPECT_LT(printed.at("nmse_db").get<double>(), -60);
  EXPECT_LT(printed.at("unheard_nmse_db").get<double>(), -60);
  const auto loaded = runtime::load_model(scratch_ / "found.safetensors");
  ASSERT_TRUE(loaded.model) << loaded.error;
  const auto other = white_noise(3000, 9) * 0.5;
  const auto played = runtime::render(loaded.model, audio_of(other).channels, 0);
  const auto expected = audio_of(kSystem.play(other)).channels[0];
  for (std::size_t n = 0; n < expected.size(); ++n) ASSERT_NEAR(played[0][n], expected[n], 1e-4) << n;
}

TEST_F(IdentifyCommand, SaysWhatIsWrong) {
  const auto reason = [&](const std::vector<std::string>& more, const std::string& wet = "wet.wav") {
    return message_of<Error>([&] { run(more, wet); });
  };
  const auto has = [](const std::string& text, const std::string& part) {
    return text.find(part) != std::string::npos;
  };
  EXPECT_TRUE(has(reason({"--set", "model.type=neural_volterra"}), "model.type: 'volterra' expected"));
  EXPECT_TRUE(has(reason({"--set", "model.oversampling=2"}), "model.oversampling: 1 expected"));
  EXPECT_TRUE(has(reason({"--set", "model.kernels=ir.kernels.wav"}), "model.kernels: not expected"));
  EXPECT_TRUE(has(reason({"--set", "model.first_ms=1000"}), "8028 numbers an output are too many"));
  EXPECT_TRUE(has(reason({}, "nowhere.wav"), "nowhere.wav"));
  EXPECT_TRUE(has(reason({"--seconds", "0.01", "--set", "model.first_ms=10"}), "64 samples, but 108"));
  Audio fast = audio_of(white_noise(4000, 3));
  fast.rate_hz = 16000;
  write_audio(scratch_ / "fast.wav", fast);
  EXPECT_TRUE(has(reason({}, "fast.wav"), "is at 16000 Hz, expected the 8000 Hz"));
}

}  // namespace
}  // namespace diffverb
