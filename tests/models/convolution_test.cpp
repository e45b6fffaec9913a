#include <ATen/ops/equal.h>
#include <ATen/ops/fft_rfft.h>
#include <ATen/ops/stack.h>
#include <ATen/ops/tensor.h>
#include <gtest/gtest.h>

#include <cmath>
#include <iostream>

#include "core/audio_tensor.h"
#include "core/error.h"
#include "core/seed.h"
#include "core/tensor.h"
#include "models/decay_change.h"
#include "models/response_model.h"
#include "runtime/render.h"
#include "tests/core/solvers/network_fixture.h"
#include "tests/models/contract/minimal_config.h"
#include "tests/scratch.h"
#include "tests/shared_data.h"
#include "train/network_config.h"

namespace diffverb {
namespace {

std::unique_ptr<Model> convolution(const std::string& file, const std::string& more = "") {
  Fields fields = Fields::from_text("{response: " + file + (more.empty() ? "" : ", ") + more + "}");
  return family<Model>().make("convolution", fields);
}

at::Tensor responses(const Model& model) {
  const at::NoGradGuard no_grad;
  return dynamic_cast<const ResponseModel&>(model).responses();
}

/// Noise that decays, as many channels as wanted, with a noise floor.
Audio room(int channels, double t60_s = 0.5, double seconds = 1, double floor_db = -70, double rate_hz = 32000) {
  Audio audio;
  audio.rate_hz = rate_hz;
  for (int c = 0; c < channels; ++c) {
    Random random(11 + c, "room");
    auto& channel = audio.channels.emplace_back();
    for (int n = 0; n < static_cast<int>(seconds * rate_hz); ++n) {
      const double decay = random.normal() * std::pow(10.0, -3 * n / (t60_s * rate_hz));
      channel.push_back(static_cast<float>(0.3 * (decay + std::pow(10.0, floor_db / 20) * random.normal())));
    }
  }
  return audio;
}

TEST(Convolution, WithNothingChangedItIsTheFileSampleBySample) {
  const Scratch scratch;
  const Audio audio = room(1);
  write_audio(scratch / "room.wav", audio);
  const auto model = convolution((scratch / "room.wav").string());
  EXPECT_TRUE(at::equal(responses(*model)[0][0], channels_of(audio)[0]));
  // As it is while it learns, too: the same up to what rings on.
  const auto& plays = dynamic_cast<const ResponseModel&>(*model);
  const auto learned = plays.responses().detach()[0][0], file = channels_of(audio)[0];
  EXPECT_LT(largest(learned.slice(0, 0, file.size(0)) - file), 1e-12);
  EXPECT_LT(largest(learned.slice(0, file.size(0))), 1e-12);
}

TEST(Convolution, LayoutsPutChannelsWhereTheyBelong) {
  const Scratch scratch;
  for (const int channels : {1, 2, 3, 4})
    write_audio(scratch / (std::to_string(channels) + ".wav"), room(channels, 0.3, 0.4));
  const auto file = [&](int channels) { return (scratch / (std::to_string(channels) + ".wav")).string(); };
  const auto stereo = responses(*convolution(file(2)));
  ASSERT_EQ(stereo.size(0), 2);
  const auto two = channels_of(room(2, 0.3, 0.4)), four = channels_of(room(4, 0.3, 0.4));
  EXPECT_TRUE(at::equal(stereo[0][0], two[0]) && at::equal(stereo[1][1], two[1]));
  EXPECT_EQ(largest(stereo[0][1]) + largest(stereo[1][0]), 0);
  const auto by_source = responses(*convolution(file(4)));
  const auto by_ear = responses(*convolution(file(4), "order: ll_rl_lr_rr"));
  EXPECT_TRUE(at::equal(by_source[1][0], four[1]) && at::equal(by_source[0][1], four[2]));  // from left to right: 2nd
  EXPECT_TRUE(at::equal(by_ear[0][1], four[1]) && at::equal(by_ear[1][0], four[2]));
  EXPECT_EQ(responses(*convolution(file(3), "layout: one_input")).sizes().slice(0, 2),
            (std::vector<std::int64_t>{3, 1}));
  EXPECT_NE(message_of<DataError>([&] { convolution(file(3)); }).find("has 3 channel(s), expected 1 (mono)"),
            std::string::npos);
  EXPECT_NE(message_of<DataError>([&] { convolution(file(2), "layout: true_stereo"); }).find("expected 4"),
            std::string::npos);
}

TEST(Convolution, FilesThatAreNoResponseAreRefusedWithTheirName) {
  const Scratch scratch;
  Audio silent = room(1);
  silent.channels[0].assign(3000, 0.0f);
  write_audio(scratch / "silent.wav", silent);
  write_text(scratch / "text.wav", "no sound");
  const auto reason = [&](const std::string& name, const std::string& more = "") {
    return message_of<DataError>([&] { convolution((scratch / name).string(), more); });
  };
  EXPECT_NE(reason("silent.wav").find("silent.wav: is silent"), std::string::npos);
  EXPECT_NE(reason("text.wav").find("text.wav"), std::string::npos);
  EXPECT_NE(reason("missing.wav").find("missing.wav"), std::string::npos);
  // A response that has no decay plays, but has none to change.
  Audio click = room(1, 0.5, 0.3);
  std::fill(click.channels[0].begin() + 3, click.channels[0].end(), 0.0f);
  write_audio(scratch / "click.wav", click);
  EXPECT_EQ(reason("click.wav"), "no error");
  EXPECT_NE(reason("click.wav", "stretch: 2").find("decay"), std::string::npos);
}

TEST(Convolution, OnsetAndLengthCutTheFile) {
  const Scratch scratch;
  Audio audio = room(2, 0.3, 0.5);
  for (int n = 0; n < 1000; ++n) audio.channels[0][n] = audio.channels[1][n] = 0;
  for (int n = 1000; n < 1200; ++n) audio.channels[1][n] = 0;
  audio.channels[0][1000] = 1, audio.channels[1][1200] = 1;
  write_audio(scratch / "late.wav", audio);
  const auto cut = responses(*convolution((scratch / "late.wav").string(), "onset: trim, length_s: 0.2"));
  EXPECT_EQ(cut.size(2), 6400);
  EXPECT_EQ(cut[0][0][0].item<double>(), 1);
  EXPECT_EQ(cut[1][1][200].item<double>(), 1);  // later than the other, as it was
  EXPECT_LT(std::abs(cut[0][0][6399].item<double>()), 1e-6);
}

TEST(Convolution, ItsOctavesDecayInTheTimesThatAreAskedFor) {
  const Scratch scratch;
  write_audio(scratch / "room.wav", room(2, 0.6, 1.2));
  const std::string change = "[1.5, 1.4, 1.3, 1.2, 1, 0.8, 0.7, 0.6]";
  const auto before = DecayChange::octave_times(channels_of(room(2, 0.6, 1.2)), 32000);
  const auto model = convolution((scratch / "room.wav").string(), "decay_change: " + change);
  const auto h = responses(*model);
  const auto after = DecayChange::octave_times(h.reshape({4, -1}), 32000);
  const std::vector<double> asked{1.5, 1.4, 1.3, 1.2, 1, 0.8, 0.7, 0.6};
  for (std::size_t k = 1; k < asked.size(); ++k) EXPECT_NEAR(after[k] / before[k] / asked[k], 1, 0.05) << k;
  EXPECT_EQ(largest(h[0][1]), 0);  // what was silent stays so
}

TEST(Convolution, TheNoiseBelowTheDecayIsNotLifted) {
  const Scratch scratch;
  write_audio(scratch / "room.wav", room(1, 0.3, 1.5, -60));
  const auto h = responses(*convolution((scratch / "room.wav").string(), "stretch: 2.5"))[0][0];
  const auto power = [](const at::Tensor& x) { return x.square().mean().item<double>(); };
  const auto file = channels_of(room(1, 0.3, 1.5, -60))[0];
  // Stretched to 0.75 s it is 120 dB down at 1.4 s: what is left is the file's own noise.
  EXPECT_NEAR(10 * std::log10(power(h.slice(0, 44800, 48000)) / power(file.slice(0, 44800, 48000))), 0, 0.5);
  const auto clean = responses(*convolution((scratch / "room.wav").string(), "stretch: 2.5, noise: remove"))[0][0];
  EXPECT_LT(10 * std::log10(power(clean.slice(0, 44800, 48000)) / power(file.slice(0, 0, 3200))), -90);
  // The decay goes on below the noise where that is removed: a straight line.
  const double early = power(clean.slice(0, 16000, 17600)), late = power(clean.slice(0, 32000, 33600));
  EXPECT_NEAR(10 * std::log10(early / late), 60 * 0.5 / 0.75, 4);
}

TEST(Convolution, ADecayTimeIsAskedForByOneNumber) {
  const Scratch scratch;
  write_audio(scratch / "room.wav", room(1, 0.5, 1));
  for (const double t60_s : {0.3, 0.9, 1.6}) {
    const auto h = responses(*convolution((scratch / "room.wav").string(), "t60_s: " + std::to_string(t60_s)));
    const auto times = DecayChange::octave_times(h.reshape({1, -1}), 32000);
    EXPECT_NEAR((times[3] + times[4]) / 2, t60_s, 0.03 * t60_s);
  }
  EXPECT_NE(
      message_of<ConfigError>([&] { convolution((scratch / "room.wav").string(), "t60_s: 20"); }).find("cannot be"),
      std::string::npos);
}

TEST(Convolution, TheEqualiserLiftsItsBands) {
  const Scratch scratch;
  write_audio(scratch / "room.wav", room(1, 0.5, 1));
  const auto plain = responses(*convolution((scratch / "room.wav").string()))[0][0];
  const auto lifted = responses(
      *convolution((scratch / "room.wav").string(), "level_db: -3, eq_db: [0, 0, 0, 0, 0, 12, 0, 0, 0, 0]"))[0][0];
  const auto level_at = [&](const at::Tensor& h, double hz) {
    const auto spectrum = at::fft_rfft(h, 65536).abs().square();
    const auto bin = static_cast<std::int64_t>(hz / 32000 * 65536);
    return 10 * std::log10(spectrum.slice(0, bin * 98 / 100, bin * 102 / 100).sum().item<double>());
  };
  EXPECT_NEAR(level_at(lifted, 1000) - level_at(plain, 1000), 9, 0.3);
  EXPECT_NEAR(level_at(lifted, 60) - level_at(plain, 60), -3, 0.3);
  EXPECT_NEAR(level_at(lifted, 12000) - level_at(plain, 12000), -3, 0.3);
}

TEST(Convolution, RendersFromItsConfigAtAnyRate) {
  const auto model = playable_model(DIFFVERB_SOURCE_DIR "/configs/reverbs/convolution.yaml", {});
  const Audio file = read_audio(DIFFVERB_SOURCE_DIR "/experiments/demo/arni_35_3541_4_2.wav");
  EXPECT_EQ(model->network.lines, 0);
  EXPECT_EQ(model->sample_rate_hz(), file.rate_hz);
  EXPECT_EQ(model->network.early, file.channels[0]);
  const auto played = runtime::render_impulse(model, 0.5);
  for (std::size_t n = 0; n < played[0].size(); ++n) ASSERT_NEAR(played[0][n], file.channels[0][n], 1e-6);
}

/// Of our own analysis, on measured rooms. Octaves whose noise lies too high to be measured, before or after, are left
/// out.
TEST(Convolution, MeasuredRoomsDecayInTheTimesThatAreAskedFor) {
  if (!std::filesystem::exists(shared_responses())) GTEST_SKIP() << "no measured responses at " << shared_responses();
  const std::vector<std::string> rooms{"arni/arni_35_3541_4_2.wav", "bbc_listening_room/BBCRD_LR_M+030.wav",
                                       "emt140_plate/emt_140_medium_1.wav", "otala_listening_room/mic1_speaker1.wav"};
  const std::vector<std::vector<double>> changes{{0.6, 0.6, 0.6, 0.6, 0.6, 0.6, 0.6, 0.6},
                                                 {1.5, 1.5, 1.5, 1.5, 1.5, 1.5, 1.5, 1.5},
                                                 {2, 2, 2, 2, 2, 2, 2, 2},
                                                 {1.6, 1.5, 1.4, 1.2, 1.1, 0.9, 0.8, 0.7}};
  int measured = 0, within = 0;
  for (const std::string& name : rooms) {
    const std::string file = (shared_responses() / name).string();
    const Audio audio = read_audio(file);
    const auto before = DecayChange::octave_times(channels_of(audio), audio.rate_hz);
    for (const auto& asked : changes) {
      std::string list;
      for (const double ratio : asked) list += (list.empty() ? "[" : ", ") + std::to_string(ratio);
      const auto h = responses(*convolution(file, "layout: one_input, decay_change: " + list + "]"));
      EXPECT_TRUE(h.isfinite().all().item<bool>());
      EXPECT_LT(largest(h), 1.5 * largest(channels_of(audio))) << name;
      const auto after = DecayChange::octave_times(h.squeeze(1), audio.rate_hz);
      std::cout << name << " x " << asked[0] << " .. " << asked[7] << ": error %";
      for (std::size_t k = 2; k < asked.size(); ++k) {  // from 250 Hz on
        if (!(before[k] > 0 && after[k] > 0)) continue;
        const double error = after[k] / before[k] / asked[k] - 1;
        std::cout << " " << std::round(1000 * error) / 10;
        ++measured;
        within += std::abs(error) < 0.05;
      }
      std::cout << "\n";
    }
  }
  EXPECT_GE(measured, 80);
  EXPECT_GE(within, measured - measured / 12);
}

}  // namespace
}  // namespace diffverb
