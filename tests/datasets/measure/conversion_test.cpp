#include "datasets/measure/conversion.h"

#include <gtest/gtest.h>

#include <cmath>

#include "core/audio_file.h"
#include "core/error.h"
#include "runtime/render.h"
#include "runtime/weights.h"
#include "tests/datasets/measure/simulated_recording.h"
#include "tests/scratch.h"
#include "train/cli.h"

namespace diffverb {
namespace {

constexpr double kRate = 48000;

/// A response with one resonance of `gain_db` at `hz` (Q about 1.4) and a low end of one pole: minimum phase.
at::Tensor microphone(double hz, double gain_db, double low_hz) {
  std::vector<double> out(8192, 0.0);
  const double a = std::pow(10.0, gain_db / 40), w = 2 * M_PI * hz / kRate, alpha = std::sin(w) / 2.8;
  const double b0 = 1 + alpha * a, b1 = -2 * std::cos(w), b2 = 1 - alpha * a, a0 = 1 + alpha / a, a2 = 1 - alpha / a;
  const double pole = std::exp(-2 * M_PI * low_hz / kRate);
  double x1 = 0, x2 = 0, y1 = 0, y2 = 0, in = 0, high = 0;
  for (std::size_t n = 0; n < out.size(); ++n) {
    const double x = n == 0 ? 1 : 0, y = (b0 * x + b1 * x1 + b2 * x2 - b1 * y1 - a2 * y2) / a0;
    x2 = x1, x1 = x, y2 = y1, y1 = y;
    high = pole * (high + y - in);
    in = y;
    out[n] = high;
  }
  return at::tensor(out, at::kDouble);
}

TEST(Conversion, MakesOneMicrophoneSoundAsAnother) {
  const auto from = microphone(5000, 8, 120), to = microphone(300, -4, 40);
  for (const char* phase : {"minimum", "linear"}) {
    ConversionSettings settings;
    settings.phase = phase;
    const Conversion found = design_conversion(from, to, kRate, settings);
    EXPECT_GT(found.before_rms_db, 3);
    EXPECT_LT(found.after_rms_db, 0.5) << phase;
    EXPECT_LT(found.worst_after_db, 2.5) << phase;  // at the low end, where the taps are few periods
    // The table's "after" is what the filter does, at a frequency of its own.
    const std::int64_t size = 32768, bin = std::llround(1000 * size / kRate);
    const auto level = [&](const at::Tensor& h) {
      return 20 * std::log10(at::fft_rfft(h, size)[bin].abs().item<double>());
    };
    EXPECT_NEAR(level(from) + level(found.taps) + found.level_db, level(to), 0.3) << phase;
  }
}

TEST(Conversion, HasTheLeastPhaseOrALinearOne) {
  const auto from = microphone(5000, 8, 120), to = microphone(300, -4, 40);
  const Conversion least = design_conversion(from, to, kRate, {});
  EXPECT_EQ(least.delay_samples, 0);
  // Both are minimum phase, so their quotient is: the filter puts the one response onto the other, sample by sample.
  const auto out = whole_convolution(from, least.taps) * std::pow(10.0, least.level_db / 20);
  EXPECT_LT((out.slice(0, 0, 480) - to.slice(0, 0, 480)).square().sum().item<double>(),
            0.01 * to.square().sum().item<double>());
  ConversionSettings settings;
  settings.phase = "linear";
  const Conversion linear = design_conversion(from, to, kRate, settings);
  EXPECT_EQ(linear.delay_samples, settings.taps / 2);
  const auto after = linear.taps.slice(0, linear.delay_samples + 1, linear.delay_samples + 1000);
  const auto before = linear.taps.slice(0, linear.delay_samples - 999, linear.delay_samples).flip(0);
  EXPECT_LT((after - before).abs().max().item<double>(), 1e-9);
}

TEST(Conversion, LimitsItsGainWhereTheMicrophoneHeardNothing) {
  const auto deaf = microphone(1000, -50, 40), flat = microphone(1000, 0, 40);
  ConversionSettings settings;
  settings.most_gain_db = 12;
  const Conversion found = design_conversion(deaf, flat, kRate, settings);
  double most_db = -100;
  for (const auto& point : found.points) most_db = std::max(most_db, point.gain_db);
  EXPECT_LT(most_db, 12.1);
  EXPECT_GT(most_db, 9);
  settings.low_hz = 30000;
  EXPECT_THROW(design_conversion(deaf, flat, kRate, settings), ConfigError);
}

TEST(ConvertCommand, WritesAFilterThatTheEnginePlays) {
  const Scratch scratch;
  const auto path = [&](const std::string& name) { return (scratch / name).string(); };
  const auto from = microphone(5000, 8, 120), to = microphone(300, -4, 40);
  write_audio(scratch / "from.wav", audio_of(from.unsqueeze(0), kRate));
  write_audio(scratch / "to.wav", audio_of(to.unsqueeze(0), kRate));
  ASSERT_EQ(run_command_line({"data", "convert", path("from.wav"), path("to.wav"), "--out", path("filter.safetensors"),
                              "--report", path("filter.html"), "--keep-level"}),
            0);
  EXPECT_NE(read_text(scratch / "filter.html").find("through the filter"), std::string::npos);
  ASSERT_EQ(
      run_command_line({"render", path("filter.safetensors"), "--in", path("from.wav"), "--out", path("out.wav")}), 0);
  const auto played = channels_of(read_audio(scratch / "out.wav"))[0].slice(0, 0, 480);
  EXPECT_LT((played - to.slice(0, 0, 480)).square().sum().item<double>(), 0.01 * to.square().sum().item<double>());
  write_audio(scratch / "two.wav", audio_of(at::cat({to.unsqueeze(0), to.unsqueeze(0)}), kRate));
  EXPECT_NE(message_of<DataError>([&] {
              run_command_line({"data", "convert", path("from.wav"), path("two.wav"), "--out", path("no.safetensors")});
            }).find("has 2 channels, expected 1"),
            std::string::npos);
  EXPECT_FALSE(std::filesystem::exists(scratch / "no.safetensors"));
}

}  // namespace
}  // namespace diffverb
