// A waveform autoencoder from training to what is played.
#include <ATen/ops/constant_pad_nd.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/equal.h>
#include <ATen/ops/tensor.h>
#include <gtest/gtest.h>

#include <atomic>
#include <cmath>
#include <csignal>
#include <nlohmann/json.hpp>

#include "core/audio_file.h"
#include "core/error.h"
#include "core/log.h"
#include "core/tensor.h"
#include "tests/program.h"
#include "tests/rooms.h"
#include "tests/scratch.h"
#include "train/autoencoder/room_coder.h"
#include "train/autoencoder/waveform_export.h"
#include "train/cli.h"
#include "train/model_file.h"
#include "train/training/checkpoint.h"
#include "train/training/training_run.h"

namespace diffverb {
namespace {

namespace fs = std::filesystem;

constexpr const char* kModel = "{type: waveform_autoencoder, latent: 4, channels: 6, bands: 8}";

/// Rooms of noise, two seconds at 16 kHz; with `signal_after` a signal arrives while such an example is read.
class Rooms final : public Dataset {
 public:
  Rooms(Fields& f, int signal_after) : left_(signal_after) {
    std::string type = "rooms";
    f.optional("type", type);
  }
  void open() override {}
  double sample_rate_hz() const override { return kWaveRateHz; }
  std::int64_t samples() const override { return kWaveSamples; }
  std::int64_t size(Split split) const override { return split == Split::kTrain ? 8 : split == Split::kTest ? 0 : 2; }
  at::Tensor example(Split split, std::int64_t index, std::uint64_t) const override {
    if (split == Split::kTrain && left_ > 0 && --left_ == 0) ::kill(::getpid(), SIGUSR1);
    NoiseRoom room{.seconds = 2, .t60_s = 0.2 + 0.2 * static_cast<double>(index)};
    room.seed = static_cast<std::uint64_t>(1 + index);
    const auto sound = room.tensor().to(at::kFloat);
    return at::constant_pad_nd(sound, {64, kWaveSamples - 64 - sound.size(1)});
  }
  std::string describe(Split, std::int64_t index) const override { return "room " + std::to_string(index); }
  std::map<std::string, std::int64_t> licences(Split split) const override { return {{"CC0-1.0", size(split)}}; }

 private:
  mutable std::atomic<int> left_;
};

TrainOutcome train(const Scratch& scratch, const std::string& name, int signal_after, bool resume) {
  write_text(scratch / "waveform.yaml", std::string("threads: 1\nloader: {workers: 1, batches_ahead: 1}\nmodel: ") +
                                            kModel +
                                            "\nlosses: [{type: mr_stft}, {type: octave_decay, weight: 0.1}]\n"
                                            "train: {batch_size: 2, steps: 5, rate: 0.01, warmup_steps: 1}\n");
  TrainOptions options;
  if (!resume) options.config = scratch / "waveform.yaml";
  options.out = scratch / name;
  options.resume = resume;
  options.make_data = [signal_after](Fields& f) { return std::make_unique<Rooms>(f, signal_after); };
  log().set_level(LogLevel::kError);
  const TrainOutcome outcome = train_model(options);
  log().close_file();
  log().set_level(LogLevel::kInfo);
  return outcome;
}

std::unique_ptr<WaveformAutoencoder> tiny_model() {
  Fields fields = Fields::from_text(kModel);
  std::string type;
  fields.required("type", type);
  auto model = std::make_unique<WaveformAutoencoder>(fields);
  // Nothing at its first value: what is exported wrongly is to show.
  const at::NoGradGuard guard;
  std::uint64_t seed = 1;
  for (auto [name, tensor] : model->parameters()) {
    Random random(seed++);
    auto moved = at::empty(tensor.sizes());
    auto* to = moved.data_ptr<float>();
    for (std::int64_t i = 0; i < moved.numel(); ++i) to[i] = static_cast<float>(0.03 * random.normal());
    tensor.add_(moved);
  }
  return model;
}

class WaveformFiles : public testing::Test {
 protected:
  void SetUp() override {
    model_ = tiny_model();
    save_model(scratch_ / "model.safetensors", *model_, kModel, {{"licence", "CC0-1.0"}});
    ASSERT_EQ(run_command_line({"export", path("model.safetensors"), "--out", path("waveform.safetensors")}), 0);
  }
  std::string path(const std::string& name) const { return (scratch_ / name).string(); }

  Scratch scratch_;
  std::unique_ptr<WaveformAutoencoder> model_;
};

TEST(TrainingWaveform, AStoppedRunResumesToTheSameWeights) {
  const Scratch scratch;
  EXPECT_FALSE(train(scratch, "whole", 0, false).training.stopped);
  const TrainOutcome broken = train(scratch, "broken", 4, false);
  ASSERT_TRUE(broken.training.stopped);
  ASSERT_LT(broken.training.steps, 5);
  EXPECT_FALSE(train(scratch, "broken", 0, true).training.stopped);
  const Checkpoint a = load_checkpoint(scratch / "whole/model.safetensors"),
                   b = load_checkpoint(scratch / "broken/model.safetensors");
  for (const auto& [name, tensor] : a.tensors) EXPECT_TRUE(at::equal(tensor, b.tensor(name))) << name;
  EXPECT_EQ(read_text(scratch / "whole/losses.jsonl"), read_text(scratch / "broken/losses.jsonl"));
}

TEST_F(WaveformFiles, TheRuntimePlaysWhatTheModelMakes) {
  const auto loaded = runtime::load_waveform_decoder(path("waveform.safetensors"));
  ASSERT_TRUE(loaded) << loaded.error;
  const std::vector<double> z{0.5, -1.5, 0.1, 1.2};
  for (const std::size_t voice : {std::size_t{0}, std::size_t{1}}) {
    const std::vector<float> played =
        runtime::WaveformDecoder(loaded.weights).decode(z, {.with_floor = true, .voice = voice});
    const at::NoGradGuard guard;
    const auto made = model_
                          ->decode(at::tensor(std::vector<float>(z.begin(), z.end())).unsqueeze(0),
                                   model_->played_noise(static_cast<std::int64_t>(voice)))[0]
                          .narrow(0, 64, kWaveSamples - 64)
                          .contiguous();
    ASSERT_EQ(static_cast<std::int64_t>(played.size()), made.numel());
    const auto difference = (at::tensor(played) - made).abs().max().item<double>();
    EXPECT_LT(difference, 1e-4 * made.abs().max().item<double>());
  }
}

TEST_F(WaveformFiles, AModelComesBackFromWhatWasExported) {
  const auto loaded = runtime::load_waveform_decoder(path("waveform.safetensors"));
  ASSERT_TRUE(loaded) << loaded.error;
  const auto again = model_of(*loaded.weights, "waveform.safetensors");
  const auto parameters = again->parameters();
  for (const auto& [name, tensor] : model_->parameters()) EXPECT_TRUE(at::equal(tensor, parameters.at(name))) << name;
  EXPECT_NE(loaded.weights->provenance.find("CC0-1.0"), std::string::npos);
}

TEST_F(WaveformFiles, EncodingFindsANearerPointThanTheEncoderAndKeepsLevelAndOnset) {
  Audio room = NoiseRoom{.seconds = 1, .t60_s = 0.5}.audio();
  room.channels[0].insert(room.channels[0].begin(), 800, 0.0f);
  const auto plain = open_waveform_coder(path("waveform.safetensors"), 0)->encode(room),
             refined = open_waveform_coder(path("waveform.safetensors"), 5)->encode(room);
  EXPECT_NE(plain.channels[0].latent, refined.channels[0].latent);
  EXPECT_NEAR(refined.onset_s, 0.05, 1e-3);
  double energy = 0;
  for (const float value : room.channels[0]) energy += static_cast<double>(value) * value;
  EXPECT_NEAR(refined.channels[0].level_db, 10 * std::log10(energy), 0.01);
  const Audio decoded = open_waveform_coder(path("waveform.safetensors"), 0)->decode(refined);
  EXPECT_EQ(decoded.frames(), room.frames());
  EXPECT_EQ(decoded.rate_hz, room.rate_hz);
}

TEST_F(WaveformFiles, RenderTakesALatentPointOfTheRightSizeInTheBox) {
  const auto render = [&](const std::string& z) {
    return run_command_line(
        {"render", path("waveform.safetensors"), "--z", z, "--impulse", "0.5", "--out", path("ir.wav")});
  };
  EXPECT_EQ(render("0,0,0,0"), 0);
  const Audio ir = read_audio(scratch_ / "ir.wav");
  EXPECT_EQ(ir.channels.size(), 2u);
  EXPECT_EQ(ir.frames(), 8000u);
  EXPECT_NE(ir.channels[0], ir.channels[1]);
  EXPECT_THROW(render("0,0,0"), ConfigError);
  EXPECT_THROW(render("0,0,0,2.5"), ConfigError);
}

}  // namespace
}  // namespace diffverb
