#include <ATen/ops/ones.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <memory>

#include "core/audio_file.h"
#include "core/error.h"
#include "core/sound_input.h"
#include "models/volterra.h"
#include "tests/datasets/measure/simulated_recording.h"
#include "tests/datasets/measure/sweep_command.h"
#include "tests/rooms.h"
#include "tests/scratch.h"
#include "tests/small_disk.h"
#include "train/cli.h"

namespace diffverb {
namespace {

at::Tensor room_of(double t60_s) {
  NoiseRoom room;
  room.seconds = 0.4;
  room.t60_s = t60_s;
  room.floor_db = -200;
  return room.tensor()[0];
}

/// y = h * (x + a x^2 + b x^3).
at::Tensor driven(const at::Tensor& x, const at::Tensor& room, double a, double b) {
  return whole_convolution(x + a * x.square() + b * x.pow(3), room).slice(0, 0, x.size(0));
}

TEST(PowerKernels, StartAVolterraModelThatPlaysTheDrivenRoom) {
  const Scratch scratch;
  const auto path = [&](const std::string& name) { return (scratch / name).string(); };
  ASSERT_EQ(run_command_line({"data", "sweep", "--out", path("sweep.wav"), "--seconds", "8", "--range-hz", "40,7000",
                              "--rate", "16000", "--gap", "0.5", "--level-dbfs", "-3"}),
            0);
  const auto room = room_of(0.1);
  const double a = 0.1, b = -0.15;
  const auto played = channels_of(read_audio(scratch / "sweep.wav"))[0];
  // At four times the rate, so that the powers do not fold back.
  const auto heard = at_rate(driven(at_rate(played, 16000, 64000), at::ones({1}, at::kDouble), a, b), 64000, 16000);
  write_audio(scratch / "rec.wav", sound_of(0.2 * whole_convolution(heard, room) / room.abs().sum(), 16000));
  ASSERT_EQ(run_command_line({"data", "deconvolve", path("rec.wav"), "--sweep", path("sweep.json"), "--out",
                              path("ir.wav"), "--kernels", "--no-report"}),
            0);
  const Audio kernels = read_audio(scratch / "ir.kernels.wav");
  ASSERT_EQ(kernels.channels.size(), 3u);
  Fields fields = Fields::from_text(
      "{order: 3, first_ms: 300, after_ms: 200, second_rank: 1, third_rank: 1, "
      "sample_rate_hz: 16000, kernels: " +
      path("ir.kernels.wav") + "}");
  const Volterra model(fields);
  fields.finish();
  // Noise within the band where all three kernels are known.
  const auto size = 16000;
  auto spectrum = at::fft_rfft(noise_of(size, 9)) * band_window(size, 16000, 200, 1800);
  auto x = at::fft_irfft(spectrum, size);
  x = 0.6 * x / x.abs().max();
  const auto truth = 0.2 * driven(x, room, a, b) / room.abs().sum(),
             linear = 0.2 * driven(x, room, 0, 0) / room.abs().sum();
  const at::NoGradGuard no_grad;
  const auto y = model.play(x.reshape({1, 1, -1}))[0][0];
  // The response begins 1 ms before its onset, which is the room's first sample here.
  const auto late = at::cat({at::zeros({16}, at::kDouble), truth.slice(0, 0, size - 16)});
  const auto linear_late = at::cat({at::zeros({16}, at::kDouble), linear.slice(0, 0, size - 16)});
  const auto error_db = [&](const at::Tensor& one, const at::Tensor& other) {
    return 10 * std::log10((one - other).square().sum().item<double>() / other.square().sum().item<double>());
  };
  // What the linear response alone is off, and what the kernels leave of that.
  EXPECT_LT(error_db(y, late), error_db(linear_late, late) - 8);
}

TEST(PowerKernels, AreRefusedWhereTheModelCannotHoldThem) {
  const Scratch scratch;
  Audio audio{16000, {{1, 0}, {0, 0}, {0, 0}}};
  write_audio(scratch / "k.wav", audio);
  const auto make = [&](const std::string& more) {
    Fields fields = Fields::from_text("{kernels: " + (scratch / "k.wav").string() + ", " + more + "}");
    const Volterra model(fields);
  };
  EXPECT_NE(message_of<ConfigError>([&] { make("sample_rate_hz: 16000, after_ms: 0"); }).find("after_ms above 0"),
            std::string::npos);
  EXPECT_NE(
      message_of<DataError>([&] { make("sample_rate_hz: 48000, after_ms: 5"); }).find("expected the model's 48000"),
      std::string::npos);
  EXPECT_NE(message_of<DataError>([&] { make("sample_rate_hz: 16000, after_ms: 5, outputs: 2"); }).find("expected 6"),
            std::string::npos);
  EXPECT_NO_THROW(make("sample_rate_hz: 16000, after_ms: 5"));
}

TEST(DeconvolveCommand, WritesNothingWhereItsPageCannotBeWritten) {
  const Scratch scratch;
  const auto path = [&](const std::string& name) { return (scratch / name).string(); };
  const Sweep sweep = write_short_sweep(scratch);
  SimulatedRecording room{room_of(0.3)};
  room.snr_db = 50;
  write_audio(scratch / "rec.wav", sound_of(room.of(sweep), 16000));
  const auto before = scratch.file_count();
  const std::vector<std::string> command = {"data",  "deconvolve",   path("rec.wav"), "--sweep",    path("sweep.json"),
                                            "--out", path("ir.wav"), "--as-measured", "--harmonics"};
  {
    const SmallDisk small(40000);  // responses of half a second are smaller, the page is not
    EXPECT_THROW(run_command_line(command), DataError);
  }
  EXPECT_EQ(scratch.file_count(), before);
  ASSERT_EQ(run_command_line(command), 0);
  EXPECT_EQ(scratch.file_count(), before + 5);
  EXPECT_GT(std::filesystem::file_size(scratch / "ir.report.html"), 40000u);
  EXPECT_LT(std::filesystem::file_size(scratch / "ir.wav"), 40000u);
}

TEST(DeconvolveCommand, WritesAPictureOfEachFigure) {
  const Scratch scratch;
  const auto path = [&](const std::string& name) { return (scratch / name).string(); };
  const Sweep sweep = write_short_sweep(scratch, 2, {"--repeat", "2"});
  SimulatedRecording room{room_of(0.3)};
  room.snr_db = 50;
  write_audio(scratch / "rec.wav", sound_of(room.of(sweep), 16000));
  ASSERT_EQ(
      run_command_line({"data", "deconvolve", path("rec.wav"), "--sweep", path("sweep.json"), "--out", path("ir.wav")}),
      0);
  const std::string page = read_text(scratch / "ir.report.html");
  for (const char* title : {"Response, and impulse over noise", "Decay curves of the octaves", "Signal-to-noise",
                            "Range of the decay", "T30 needs 45 dB", "full scale: clipping", "Hum: none found",
                            "difference from their mean", "Clock drift: ", "Distortion, orders 2 to 5"})
    EXPECT_NE(page.find(title), std::string::npos) << title;
  EXPECT_EQ(page.find("src=\"http"), std::string::npos);
  for (const char* none : {"\"nan", ">nan", ",nan", " nan", "\"inf", ">inf", ",inf"})
    EXPECT_EQ(page.find(none), std::string::npos) << none;
}

TEST(SweepCommand, TheRangeFollowsALowRateWhereNoneIsGiven) {
  const Scratch scratch;
  const std::string out = (scratch / "sweep.wav").string();
  ASSERT_EQ(run_command_line({"data", "sweep", "--out", out, "--seconds", "1", "--rate", "16000", "--gap", "0.5"}), 0);
  EXPECT_DOUBLE_EQ(read_sweep(scratch / "sweep.json").high_hz, 7840);
  EXPECT_THROW(
      run_command_line({"data", "sweep", "--out", out, "--overwrite", "--rate", "16000", "--range-hz", "20,20000"}),
      ConfigError);
}

TEST(SweepCommand, WritesNothingBesideADevice) {
  const auto reason = message_of<ConfigError>([] {
    run_command_line({"data", "sweep", "--out", "/dev/null", "--overwrite"});
  });
  EXPECT_EQ(reason, "/dev/null: is a device, expected a file: others are written beside it");
  EXPECT_FALSE(std::filesystem::exists("/dev/null.json"));
}

TEST(DeconvolveCommand, DrawsARecordingWithoutAnyNoise) {
  const Scratch scratch;
  const auto path = [&](const std::string& name) { return (scratch / name).string(); };
  const Sweep sweep = write_short_sweep(scratch);
  const SimulatedRecording room{room_of(0.3)};  // digital silence before the sweep
  write_audio(scratch / "rec.wav", sound_of(room.of(sweep), 16000));
  ASSERT_EQ(
      run_command_line({"data", "deconvolve", path("rec.wav"), "--sweep", path("sweep.json"), "--out", path("ir.wav")}),
      0);
  EXPECT_NE(read_text(scratch / "ir.report.html").find("Hum: none found"), std::string::npos);
}

TEST(DeconvolveCommand, TakesManyChannelsAndKeepsTheirOrder) {
  const Scratch scratch;
  const auto path = [&](const std::string& name) { return (scratch / name).string(); };
  const Sweep sweep = write_short_sweep(scratch, 1);
  Audio recording{16000, {}};
  for (int c = 0; c < 12; ++c) {  // each hears the room 10 samples later
    SimulatedRecording room{room_of(0.2)};
    room.snr_db = 60;
    room.delay = 4000 + 10 * c;
    recording.channels.push_back(sound_of(room.of(sweep), 16000).channels[0]);
    recording.channels.back().resize(recording.channels[0].size());
  }
  write_channels(scratch / "rec.wav", recording, 12);
  ASSERT_EQ(run_command_line({"data", "deconvolve", path("rec.wav"), "--sweep", path("sweep.json"), "--out",
                              path("ir.wav"), "--no-report"}),
            0);
  const Audio found = SoundInput(scratch / "ir.wav", 12).all();
  ASSERT_EQ(found.channels.size(), 12u);
  const auto peak = [&](int c) {
    const auto& x = found.channels[static_cast<std::size_t>(c)];
    return std::max_element(x.begin(), x.end(), [](float p, float q) { return std::abs(p) < std::abs(q); }) - x.begin();
  };
  for (int c = 0; c < 12; ++c) EXPECT_NEAR(peak(c) - peak(0), 10 * c, 1) << c;
}

}  // namespace
}  // namespace diffverb
