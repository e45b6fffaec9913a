#include "live.h"
#include "runtime/diffverb_runtime.h"
#include "runtime/envelope_encoder.h"
#include "tests/runtime/encoder_weights.h"
#include "tests/scratch.h"

namespace diffverb::runtime {
namespace {

using testing::Sound;

void write_wav(const std::filesystem::path& path, const Sound& sound, int rate_hz) {
  const auto bytes = testing::wav_bytes(sound, rate_hz);
  write_text(path, std::string(bytes.begin(), bytes.end()));
}

std::shared_ptr<const Source> encoder_source() {
  return make_envelope_source(std::make_shared<EnvelopeDecoderWeights>(made_encoder_weights()), "room").source;
}

std::array<double, 3> point_of(const LiveReverb& reverb) {
  return {reverb.get(Control::kX), reverb.get(Control::kY), reverb.get(Control::kZ)};
}

TEST(LiveMatch, MovesThePointToWhereTheEncoderPutsTheResponse) {
  const Scratch scratch;
  const Sound response{made_room(44100, 0.6, 0.4, 1), made_room(44100, 0.6, 0.4, 2)};
  write_wav(scratch / "room.wav", response, 44100);
  const auto reverb = testing::ready(encoder_source());
  const auto before = point_of(*reverb);
  const double mix = reverb->get(Control::kMix);
  ASSERT_EQ(reverb->match(scratch / "room.wav"), "");
  const EnvelopeEncoder encoder(std::make_shared<EnvelopeDecoderWeights>(made_encoder_weights()));
  const EncodedPoint point = encoder.encode(response, 44100);
  ASSERT_EQ(point.error, "");
  for (std::size_t i = 0; i < 3; ++i)  // -2 .. 2 on 0 .. 9
    EXPECT_NEAR(point_of(*reverb)[i], (point.latent[i] + 2) * 9 / 4, 1e-9) << i;
  EXPECT_NE(point_of(*reverb), before);
  EXPECT_EQ(reverb->get(Control::kMix), mix);
}

TEST(LiveMatch, SaysWhatHindersAndMovesNothing) {
  const Scratch scratch;
  write_wav(scratch / "room.wav", {made_room(48000, 0.5, 0.4, 1)}, 48000);
  write_wav(scratch / "silent.wav", {std::vector<float>(4800)}, 48000);
  write_wav(scratch / "four.wav", Sound(4, made_room(48000, 0.5, 0.4, 1)), 48000);
  write_text(scratch / "text.wav", "no sound");
  const auto reverb = testing::ready(encoder_source());
  reverb->set(Control::kX, 1.25);
  const auto before = point_of(*reverb);
  const auto reason = [&](const std::string& name) {
    const std::string path = (scratch / name).string(), refused = reverb->match(path);
    EXPECT_EQ(refused.substr(0, path.size() + 2), path + ": ");
    EXPECT_EQ(point_of(*reverb), before) << name;
    return refused.substr(std::min(refused.size(), path.size() + 2));
  };
  EXPECT_EQ(reason("silent.wav"), "channel 1 is silent, expected an impulse response");
  EXPECT_EQ(reason("four.wav"), "4 channels, expected a response of 1 or 2");
  EXPECT_EQ(reason("text.wav"), "not a WAV file");
  EXPECT_EQ(reason("absent.wav"), "no such file");
  for (const auto& [name, source] : testing::sources_of_every_kind()) {
    if (std::string(name) == "envelope") continue;
    ASSERT_EQ(reverb->load(source), "");
    EXPECT_NE(reason("room.wav").find("expected an autoencoder"), std::string::npos) << name;
  }
}

TEST(LiveMatch, IsThereInC) {
  const Scratch scratch;
  write_wav(scratch / "room.wav", {made_room(48000, 0.5, 0.4, 1)}, 48000);
  const SerializedWeights file = serialize_envelope_decoder(made_encoder_weights());
  ASSERT_EQ(file.error, "");
  write_text(scratch / "model.safetensors", std::string(file.bytes.begin(), file.bytes.end()));
  diffverb_reverb* reverb = diffverb_reverb_new();
  char error[300] = "";
  const std::string model = (scratch / "model.safetensors").string(), response = (scratch / "room.wav").string();
  EXPECT_EQ(diffverb_reverb_match(reverb, response.c_str(), error, sizeof error), 1);
  EXPECT_NE(std::string(error).find("expected an autoencoder"), std::string::npos);
  ASSERT_EQ(diffverb_reverb_load(reverb, model.c_str(), error, sizeof error), 0) << error;
  double before = 0, after = 0;
  EXPECT_EQ(diffverb_reverb_get(reverb, "x", &before), 0);
  EXPECT_EQ(diffverb_reverb_match(reverb, response.c_str(), error, sizeof error), 0) << error;
  EXPECT_EQ(diffverb_reverb_get(reverb, "x", &after), 0);
  EXPECT_NE(before, after);
  EXPECT_EQ(diffverb_reverb_match(nullptr, response.c_str(), nullptr, 0), 1);
  EXPECT_EQ(diffverb_reverb_match(reverb, nullptr, nullptr, 0), 1);
  diffverb_reverb_free(reverb);
}

}  // namespace
}  // namespace diffverb::runtime
