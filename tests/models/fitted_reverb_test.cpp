#include "models/fitted_reverb.h"

#include <ATen/ops/constant_pad_nd.h>
#include <ATen/ops/tensor.h>
#include <gtest/gtest.h>

#include <cmath>

#include "core/audio_tensor.h"
#include "core/seed.h"
#include "models/decay_change.h"
#include "runtime/render.h"
#include "tests/core/solvers/network_fixture.h"
#include "tests/scratch.h"
#include "train/export.h"

namespace diffverb {
namespace {

/// Noise that decays behind a silence.
Audio room(double t60_s, double rate_hz, std::uint64_t seed, double silence_s = 0) {
  Audio audio;
  audio.rate_hz = rate_hz;
  Random random(seed, "room");
  auto& channel = audio.channels.emplace_back(static_cast<std::size_t>(silence_s * rate_hz), 0.0f);
  for (int n = 0; n < static_cast<int>(1.5 * rate_hz); ++n)
    channel.push_back(static_cast<float>(
        0.3 * (random.normal() * std::pow(10.0, -3 * n / (t60_s * rate_hz)) + 1e-4 * random.normal())));
  return audio;
}

std::unique_ptr<RoomModel> fitted(const std::string& file, const std::string& more = "") {
  Fields fields = Fields::from_text("{type: convolution, response: " + file + more + "}");
  return make_room_model(fields);
}

double middle_t60(const at::Tensor& response, double rate_hz) {
  const auto times = DecayChange::octave_times(response.to(at::kDouble), rate_hz);
  return (times[3] + times[4]) / 2;
}

TEST(FittedResponse, BeginsWithTheRoomsDecayAtTheRoomsRate) {
  const Scratch scratch;
  write_audio(scratch / "own.wav", room(0.4, 32000, 1, 0.05));
  const auto target = channels_of(room(0.8, 24000, 2));
  const auto model = fitted((scratch / "own.wav").string());
  model->design(target, 24000, 1);
  const auto h = model->forward().ir()[0];
  EXPECT_EQ(model->sample_rate_hz(), 24000);
  EXPECT_NEAR(middle_t60(h, 24000), 0.8, 0.05);
  const auto late = h.slice(1, 4800, 12000).square().sum(), wanted = target.slice(1, 4800, 12000).square().sum();
  EXPECT_NEAR(10 * std::log10((late / wanted).item<double>()), 0, 1);
  // The early part is the room's own.
  EXPECT_LT(relative_error(h.slice(1, 0, 1500).to(at::kDouble), target.slice(1, 0, 1500)), 1e-6);
}

TEST(FittedResponse, LearnsItsDecayAndItsTone) {
  const Scratch scratch;
  write_audio(scratch / "own.wav", room(0.4, 16000, 1));
  const auto model = fitted((scratch / "own.wav").string());
  model->design(channels_of(room(0.7, 16000, 2)), 16000, 1);
  const auto parameters = model->parameters();
  for (const char* name : {"decay_change", "level_db", "eq_db", "output.mix", "output.eq_db"})
    ASSERT_TRUE(parameters.contains(name)) << name;
  model->forward().ir().square().sum().backward();
  for (const auto& [name, tensor] : parameters) {
    ASSERT_TRUE(tensor.grad().defined()) << name;
    EXPECT_TRUE(tensor.grad().isfinite().all().item<bool>() && largest(tensor.grad()) > 0) << name;
  }
}

TEST(FittedResponse, IsExportedAsOneResponse) {
  const Scratch scratch;
  write_audio(scratch / "own.wav", room(0.4, 16000, 1));
  const auto model = fitted((scratch / "own.wav").string(), ", early_ms: 20");
  model->design(channels_of(room(0.7, 16000, 2)), 16000, 1);
  const at::NoGradGuard no_grad;
  export_room(*model, scratch / "weights.safetensors", {2.0, "", "room.wav"});
  const auto loaded = runtime::load_model(scratch / "weights.safetensors");
  ASSERT_TRUE(loaded.model) << loaded.error;
  EXPECT_EQ(loaded.model->network.lines, 0);
  const auto h = 2.0 * model->forward().ir()[0][0].to(at::kDouble);
  const auto played = at::tensor(runtime::render_impulse(loaded.model, 1.0)[0]).to(at::kDouble);
  const std::int64_t samples = std::min(h.size(0), played.size(0));
  EXPECT_GT(samples, 8000);
  EXPECT_LT(relative_error(played.slice(0, 0, samples), h.slice(0, 0, samples)), 1e-5);
}

TEST(FittedResponse, WhatMovesIsNotFitted) {
  const Scratch scratch;
  write_audio(scratch / "own.wav", room(0.4, 16000, 1));
  Fields fields = Fields::from_text("{type: fusion_ir, responses: [" + (scratch / "own.wav").string() + "]}");
  EXPECT_NE(message_of<ConfigError>([&] { make_room_model(fields); }).find("is not fitted to one response"),
            std::string::npos);
}

TEST(FittedNetwork, IsExportedWithItsDirectSoundAsLoudAsTheRest) {
  const Scratch scratch;
  for (const std::string config : {"{type: nested_allpass, early_ms: 0}", "{type: jot_fdn, dry: 0.5, early_ms: 20}"}) {
    Fields fields = Fields::from_text(config);
    const auto model = make_room_model(fields);
    model->design(channels_of(room(0.9, 16000, 2)), 16000, 1);
    const at::NoGradGuard no_grad;
    ASSERT_GT(largest(model->network().d), 0.01) << config;
    export_room(*model, scratch / "weights.safetensors", {3.0, "", "room.wav"});
    const auto loaded = runtime::load_model(scratch / "weights.safetensors");
    ASSERT_TRUE(loaded.model) << loaded.error;
    const auto h = 3.0 * model->forward().ir()[0][0].to(at::kDouble);
    const auto played = at::tensor(runtime::render_impulse(loaded.model, 0.5)[0]).to(at::kDouble);
    EXPECT_LT(relative_error(played.slice(0, 0, 6000), h.slice(0, 0, 6000)), 1e-2) << config;  // equalisers on a grid
  }
}

TEST(FittedNetwork, WhatMovesStillMovesAfterTheFitWhereThatIsAsked) {
  const Scratch scratch;
  for (const std::string more : {"modulation_ms: 0.2", "turning: {type: rotating}", "turning: {type: eigenvalues}"}) {
    Fields fields = Fields::from_text("{type: jot_fdn, keep_motion: true, " + more + "}");
    const auto model = make_room_model(fields);
    model->design(channels_of(room(0.9, 16000, 2)), 16000, 1);
    export_room(*model, scratch / "weights.safetensors", {1e3, "", "room.wav"});
    const auto loaded = runtime::load_model(scratch / "weights.safetensors");
    ASSERT_TRUE(loaded.model) << loaded.error;
    EXPECT_TRUE(loaded.model->network.moves()) << more;
    const auto& reverb = dynamic_cast<const NetworkModel&>(dynamic_cast<const FittedReverb&>(*model).reverb());
    EXPECT_EQ(loaded.model->network.delay_motions.size(), reverb.motion(16000).size());
    const auto turning = reverb.turning(16000);
    EXPECT_EQ(loaded.model->network.turning.size(), turning ? turning->pairs() : 0) << more;
    // Two bursts of one sound are not heard as one response any more.
    std::vector<std::vector<float>> dry(1, std::vector<float>(32000, 0.0f));
    dry[0][0] = dry[0][16000] = 1e-3f;
    const auto heard = runtime::render(loaded.model, dry, 0.5)[0];
    double difference = 0, whole = 0;
    for (std::size_t n = 2000; n < 8000; ++n) {
      difference += std::pow(heard[n + 16000] - heard[n], 2);
      whole += std::pow(heard[n], 2);
    }
    EXPECT_GT(difference, 0.02 * whole) << more;
  }
}

}  // namespace
}  // namespace diffverb
