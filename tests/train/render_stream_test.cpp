// What diffverb-render plays, piece by piece: against the engine at once, in every format, presets and folders.
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cmath>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "core/audio_file.h"
#include "core/seed.h"
#include "runtime/live/preset.h"
#include "runtime/render.h"
#include "runtime/render_program/command.h"
#include "runtime/render_program/presets.h"
#include "runtime/render_program/sound_output.h"
#include "tests/runtime/networks.h"
#include "tests/scratch.h"

namespace diffverb {
namespace {

namespace fs = std::filesystem;

class RenderStream : public testing::Test {
 protected:
  void SetUp() override {
    model_ = runtime::make_model(runtime::testing::random_network({4, 1, 2, 2, 3, 100, 20, 90}, 4)).model;
    ASSERT_TRUE(model_);
    ASSERT_EQ(runtime::write_weights(path("room.safetensors"), model_->network), "");
  }
  std::string path(const std::string& name) const { return (scratch_ / name).string(); }
  Audio noise(std::size_t channels, std::size_t frames, double rate_hz, double gain = 0.1) const {
    Random random(7, "render stream");
    Audio audio{rate_hz, std::vector<std::vector<float>>(channels)};
    for (auto& channel : audio.channels) {
      for (std::size_t n = 0; n < frames; ++n) channel.push_back(static_cast<float>(gain * random.normal()));
    }
    return audio;
  }
  runtime::RenderOptions options(const std::string& in, const std::string& out) const {
    runtime::RenderOptions o;
    o.model = path("room.safetensors"), o.in = path(in), o.out = path(out);
    return o;
  }
  /// What the program says on stderr.
  std::string run(const runtime::RenderOptions& o) const {
    testing::internal::CaptureStderr();
    try {
      runtime::render_file(o);
    } catch (...) {
      said_ = testing::internal::GetCapturedStderr();
      throw;
    }
    return testing::internal::GetCapturedStderr();
  }

  /// 0, or the exit code of what it refuses.
  int code_of(const runtime::RenderOptions& o) const {
    try {
      run(o);
      return 0;
    } catch (const runtime::RenderFailure& failure) {
      return failure.code;
    }
  }

  Scratch scratch_;
  std::shared_ptr<const runtime::Model> model_;
  mutable std::string said_;
};

TEST_F(RenderStream, SaysWhichChannelsOfASoundAreNotHeard) {
  ASSERT_EQ(runtime::write_weights(path("room.safetensors"), runtime::testing::random_network({.inputs = 2}, 4)), "");
  write_audio(path("dry.wav"), noise(4, 100, model_->sample_rate_hz()));
  const std::string four = run(options("dry.wav", "wet.wav"));
  EXPECT_EQ(four.find(path("dry.wav") + ": has 4 channels, the reverb 2 inputs: channels 3 to 4 are not sent to it\n"),
            0U)
      << four;
  write_audio(path("dry.wav"), noise(2, 100, model_->sample_rate_hz()));
  const std::string two = run(options("dry.wav", "wet.wav"));
  EXPECT_EQ(two.find("not sent"), std::string::npos) << two;
}

TEST_F(RenderStream, PiecesAreTheWholeWhateverTheBlock) {
  const Audio dry = noise(3, 50000, 48000);
  write_audio(path("dry.wav"), dry);
  const auto whole = runtime::render(model_, dry.channels, 0.25);
  for (const int block : {1, 77, 512, 100000}) {
    auto o = options("dry.wav", "wet.wav");
    o.tail_s = 0.25, o.block = block;
    run(o);
    EXPECT_EQ(read_audio(path("wet.wav")).channels, whole) << block;
  }
}

TEST_F(RenderStream, WetComesLaterAndTheDryStays) {
  const Audio dry = noise(2, 9000, 48000);
  write_audio(path("dry.wav"), dry);
  const auto wet = runtime::render(model_, dry.channels, 0.5);
  auto o = options("dry.wav", "mixed.wav");
  o.tail_s = 0.5, o.mix = 0.25, o.predelay_ms = 1000.0 / 48, o.block = 300, o.gain_db = -20 * std::log10(2.0);
  run(o);
  const Audio mixed = read_audio(path("mixed.wav"));
  ASSERT_EQ(mixed.frames(), 9000u + 24000 + 1000);
  for (std::size_t c = 0; c < 2; ++c) {
    for (std::size_t n = 0; n < mixed.frames(); n += 13) {
      const double late = n >= 1000 ? wet[c][n - 1000] : 0, at_once = n < 9000 ? dry.channels[c][n] : 0;
      ASSERT_NEAR(mixed.channels[c][n], 0.5 * (0.25 * late + 0.75 * at_once), 1e-6) << n;
    }
  }
}

TEST_F(RenderStream, WholeNumbersAreDitheredAndHeldAtFullScale) {
  write_audio(path("dry.wav"), noise(1, 40000, 48000, 0.02));
  auto o = options("dry.wav", "float.wav");
  o.tail_s = 0;
  EXPECT_EQ(run(o).find("full scale"), std::string::npos);
  const Audio exact = read_audio(path("float.wav"));
  for (const auto& [format, step] : {std::pair{"pcm16", std::pow(2.0, -15)}, {"pcm24", std::pow(2.0, -23)}}) {
    o.format = format, o.out = path(format) + ".wav";
    run(o);
    const Audio rounded = read_audio(o.out);
    double mean = 0, power = 0, followed = 0, signal = 0;
    for (std::size_t n = 0; n < exact.frames(); ++n) {
      const double x = exact.channels[0][n], error = (static_cast<double>(rounded.channels[0][n]) - x) / step;
      mean += error, power += error * error, followed += error * x / step, signal += x * x / step / step;
    }
    const auto frames = static_cast<double>(exact.frames());
    EXPECT_NEAR(mean / frames, 0, 0.02) << format;
    // 1/12 of rounding and 2/12 of the triangle; no part of it follows the sound. A float holds 24 bits itself.
    EXPECT_NEAR(power / frames, 0.25, 0.01) << format;
    EXPECT_NEAR(followed / signal, 0, 1e-4) << format;
    const std::string again = path("again.wav");
    const std::string first = o.out;
    o.out = again;
    run(o);
    EXPECT_EQ(read_audio(again).channels, read_audio(first).channels) << "the same dither every time";
  }
  o.format = "pcm16", o.gain_db = 60;
  const std::string said = run(o);
  EXPECT_NE(said.find("samples were beyond full scale and are held there: --gain-db"), std::string::npos) << said;
  const auto loudest = read_audio(o.out).channels[0];
  EXPECT_EQ(*std::max_element(loudest.begin(), loudest.end()), 32767.0f / 32768);
  o.format = "float";
  EXPECT_NE(run(o).find("beyond full scale: kept"), std::string::npos);
}

TEST_F(RenderStream, AFolderIsPlayedFileByFilePastBadOnes) {
  fs::create_directory(scratch_ / "dry");
  write_audio(path("dry/a.wav"), noise(1, 3000, 48000));
  write_audio(path("dry/b.wav"), noise(2, 5000, 48000));
  std::ofstream(path("dry/notes.txt")) << "not a sound";
  auto o = options("dry", "wet");
  o.tail_s = 0;
  EXPECT_THROW(run(o), runtime::RenderFailure);
  EXPECT_NE(said_.find("notes.txt: is not an audio file"), std::string::npos) << said_;
  EXPECT_EQ(read_audio(path("wet/a.wav")).channels, runtime::render(model_, read_audio(path("dry/a.wav")).channels, 0));
  EXPECT_EQ(read_audio(path("wet/b.wav")).channels, runtime::render(model_, read_audio(path("dry/b.wav")).channels, 0))
      << "nothing of the sound before is left";
  EXPECT_FALSE(fs::exists(path("wet/notes.wav")));
  o.out = o.in;
  EXPECT_THROW(run(o), runtime::RenderFailure) << "the sounds would be overwritten";
}

TEST_F(RenderStream, APresetPlaysAsThePlugInDoes) {
  runtime::Preset preset;
  preset.name = "Test room";
  preset.model = path("room.safetensors");
  preset.values[static_cast<std::size_t>(runtime::Control::kMix)] = 40;
  preset.values[static_cast<std::size_t>(runtime::Control::kDecay)] = 0.5;
  ASSERT_EQ(runtime::write_preset(path("test.json"), preset), "");
  const Audio dry = noise(2, 20000, 44100);
  write_audio(path("dry.wav"), dry);
  auto o = options("dry.wav", "wet.wav");
  o.model.clear(), o.preset = path("test.json"), o.tail_s = 0.1;
  run(o);
  runtime::LiveReverb reverb;
  ASSERT_EQ(runtime::apply(preset, reverb), "");
  ASSERT_EQ(reverb.prepare(44100, 2, 2), "");
  std::vector<std::vector<float>> expected = dry.channels;
  for (auto& channel : expected) channel.resize(24410, 0.0f);
  float* rows[] = {expected[0].data(), expected[1].data()};
  reverb.process(rows, rows, 24410);
  const Audio wet = read_audio(path("wet.wav"));
  EXPECT_EQ(wet.rate_hz, 44100);
  ASSERT_EQ(wet.frames(), 24410u);
  for (std::size_t n = 0; n < wet.frames(); n += 11) ASSERT_NEAR(wet.channels[1][n], expected[1][n], 1e-6) << n;
  o.mix = 0.0;
  run(o);
  const Audio unchanged = read_audio(path("wet.wav"));
  for (std::size_t n = 0; n < 20000; n += 11) ASSERT_NEAR(unchanged.channels[0][n], dry.channels[0][n], 1e-6) << n;
}

TEST_F(RenderStream, PresetsAreFoundByNameAndUnknownOnesRefused) {
  runtime::Preset preset;
  preset.name = "Test room";
  ASSERT_EQ(runtime::write_preset(path("07-small.json"), preset), "");
  setenv("DIFFVERB_PRESETS", scratch_.path().c_str(), 1);
  for (const char* name : {"small", "07-small", "Test room"})
    EXPECT_EQ(runtime::find_preset(name).name, "Test room") << name;
  try {
    runtime::find_preset("smal");
    ADD_FAILURE();
  } catch (const runtime::RenderFailure& failure) {
    EXPECT_EQ(failure.code, 1);
    EXPECT_NE(failure.message.find("small"), std::string::npos) << failure.message;
  }
  unsetenv("DIFFVERB_PRESETS");
}

TEST_F(RenderStream, WhatCannotBePlayedIsSaidAndNothingIsWritten) {
  write_audio(path("bad.wav"), noise(2, 60000, 48000));
  {  // write_audio refuses it: into the file, counted from its end
    const float not_a_number = std::nanf("");
    std::fstream file(path("bad.wav"), std::ios::in | std::ios::out | std::ios::binary);
    file.seekp(-static_cast<std::streamoff>(sizeof(float)) * (2 * 20000 - 1), std::ios::end);
    file.write(reinterpret_cast<const char*>(&not_a_number), sizeof not_a_number);
  }
  auto o = options("bad.wav", "wet.wav");
  o.tail_s = 0;
  try {
    run(o);
    ADD_FAILURE();
  } catch (const runtime::RenderFailure& failure) {
    EXPECT_EQ(failure.code, 2);
    EXPECT_NE(failure.message.find("sample 40000 of channel 2 is not a number"), std::string::npos) << failure.message;
  }
  for (const auto& entry : fs::directory_iterator(scratch_.path()))
    EXPECT_EQ(entry.path().filename().string().find("wet"), std::string::npos) << entry.path();
  o.model.clear();
  EXPECT_THROW(run(o), runtime::RenderFailure) << "neither a model nor a preset";
}

TEST_F(RenderStream, ItsOwnSoundIsNotWrittenOverNorADevice) {
  write_audio(path("dry.wav"), noise(1, 4800, 48000));
  const auto before = fs::file_size(path("dry.wav"));
  EXPECT_EQ(code_of(options("dry.wav", "dry.wav")), 1);
  EXPECT_EQ(fs::file_size(path("dry.wav")), before);
  ASSERT_EQ(::mkfifo(path("pipe").c_str(), 0600), 0);
  EXPECT_EQ(code_of(options("dry.wav", "pipe")), 2);
  EXPECT_TRUE(fs::is_fifo(path("pipe"))) << "it was renamed over";
  EXPECT_NE(runtime::write_weights(path("pipe"), model_->network), "");
  EXPECT_TRUE(fs::is_fifo(path("pipe"))) << "it was renamed over";
  fs::create_directory(path("folder"));
  EXPECT_EQ(code_of(options("dry.wav", "folder")), 2);
}

TEST_F(RenderStream, NothingIsLeftWhereASignalEndsIt) {
  const auto stopped = [&] {
    runtime::SoundOutput out(path("wet.wav"), 1, 48000, runtime::SampleFormat::kFloat, 1e6);
    if (scratch_.file_count() != 2) std::_Exit(1);
    std::raise(SIGTERM);
  };
  EXPECT_EXIT(stopped(), testing::KilledBySignal(SIGTERM), "");
  EXPECT_EQ(scratch_.file_count(), 1u) << "the model alone";
}

TEST_F(RenderStream, SaysThatASoundWasCutOff) {
  write_audio(path("dry.wav"), noise(1, 4800, 48000));
  EXPECT_EQ(run(options("dry.wav", "wet.wav")).find("cut off"), std::string::npos);
  fs::resize_file(path("dry.wav"), fs::file_size(path("dry.wav")) - 4000);
  EXPECT_NE(run(options("dry.wav", "wet.wav"))
                .find("dry.wav: cut off: its header promises 19200 bytes of samples, 15200 "
                      "are there and are played"),
            std::string::npos);
}

TEST(RenderOptions, NanIsNoNumberWithinARange) {
  for (const char* option :
       {"--mix=nan", "--predelay-ms=nan", "--impulse=nan", "--tail=nan", "--gain-db=nan", "--mix=2", "--mix=x"}) {
    runtime::RenderOptions options;
    CLI::App app;
    runtime::add_render_options(app, options);
    try {
      app.parse(std::vector<std::string>{"--out=wet.wav", option});
      ADD_FAILURE() << option;
    } catch (const CLI::ParseError& error) {
      EXPECT_NE(std::string(error.what()).find("expected a number from "), std::string::npos) << error.what();
    }
  }
}

}  // namespace
}  // namespace diffverb
