#include "train/autoencoder/envelope_bank.h"

#include <gtest/gtest.h>

#include <cmath>
#include <nlohmann/json.hpp>

#include "core/audio_file.h"
#include "core/error.h"
#include "core/files.h"
#include "tests/program.h"
#include "tests/runtime/envelope_weights.h"
#include "tests/scratch.h"

namespace diffverb {
namespace {

runtime::EnvelopeDecoder decoder() {
  return runtime::EnvelopeDecoder(std::make_shared<runtime::EnvelopeDecoderWeights>(runtime::made_envelope_weights()));
}

EnvelopeBankOptions small_options() {
  EnvelopeBankOptions o;
  o.sizes = {3, 2, 2};
  o.seconds = 0.25;
  o.width = {0.5, 1};
  return o;
}

TEST(EnvelopeBank, HoldsWhatTheDecoderPlaysAtEachPoint) {
  EnvelopeBankOptions options = small_options();
  options.same_level = false;
  const Bank bank = make_envelope_bank(decoder(), options);
  EXPECT_EQ(bank.responses.axes[0], (std::vector<double>{-2, 0, 2}));
  EXPECT_EQ(bank.responses.axes[2], (std::vector<double>{-2, 2}));
  ASSERT_EQ(bank.responses.samples, 4000);
  const auto pair = decoder().decode_pair(std::vector<double>{2, -2, 2}, options.width, {.seconds = 0.25});
  for (int c = 0; c < 2; ++c) {
    const auto stored = bank.responses.response(2, 0, 1, c);
    for (std::size_t n = 0; n < 3600; ++n) ASSERT_EQ(stored[n], pair[static_cast<std::size_t>(c)][n]) << n;
    EXPECT_EQ(stored[3999], 0);  // faded out
  }
  EXPECT_EQ(nlohmann::json::parse(bank.responses.provenance)["bank"]["axis"], 2);
}

TEST(EnvelopeBank, PairsHaveOneLevelAndTheRateAskedFor) {
  EnvelopeBankOptions options = small_options();
  options.rate_hz = 8000;
  const Bank bank = make_envelope_bank(decoder(), options);
  EXPECT_EQ(bank.responses.sample_rate_hz, 8000);
  ASSERT_EQ(bank.responses.samples, 2000);
  for (int x = 0; x < 3; ++x) {
    double energy = 0;
    for (int c = 0; c < 2; ++c) {
      for (const float v : bank.responses.response(x, 1, 0, c)) energy += 0.5 * static_cast<double>(v) * v;
    }
    EXPECT_NEAR(energy, 1, 1e-4);
  }
}

TEST(EnvelopeBank, RefusesWhatItCannotUse) {
  const auto refuses = [](auto&& change) {
    EnvelopeBankOptions options = small_options();
    change(options);
    EXPECT_THROW(make_envelope_bank(decoder(), options), ContractError);
  };
  refuses([](auto& o) { o.sizes[1] = 0; });
  refuses([](auto& o) { o.width.width = 5; });
  refuses([](auto& o) { o.width.axis = 3; });
  refuses([](auto& o) { o.seconds = 0; });
  refuses([](auto& o) { o.provenance = "[]"; });
}

TEST(EnvelopeBank, IsExportedAndPlayedFromTheCommandLine) {
  const Scratch scratch;
  const auto path = [&](const char* name) { return (scratch / name).string(); };
  const auto file = runtime::serialize_envelope_decoder(runtime::made_envelope_weights());
  ASSERT_EQ(file.error, "");
  write_file_atomically(path("decoder.safetensors"), std::string(file.bytes.begin(), file.bytes.end()));
  const auto run = [&](const char* program, std::vector<std::string> arguments) {
    return Program(program, arguments, scratch.path()).wait();
  };
  const auto bank_with = [&](std::vector<std::string> more) {
    std::vector<std::string> arguments{"export", path("decoder.safetensors"), "--bank", "--out",
                                       path("bank.safetensors")};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return run(DIFFVERB_PROGRAM, arguments);
  };
  EXPECT_EQ(bank_with({"--iterations", "10"}), 1);
  EXPECT_EQ(bank_with({"--width", "9"}), 1);
  EXPECT_EQ(bank_with({"--width", "1", "--axis", "4"}), 1);
  EXPECT_FALSE(std::filesystem::exists(path("bank.safetensors")));
  ASSERT_EQ(bank_with({"--grid", "2,2,1", "--seconds", "0.2", "--half", "--wav", path("wav")}), 0);
  EXPECT_EQ(read_audio(path("wav") + "/1_1_0.wav").channels.size(), 2u);
  ASSERT_EQ(run(DIFFVERB_RENDER_PROGRAM,
                {path("bank.safetensors"), "--bank", "1,0.5,0", "--impulse", "0.1", "--out", path("out.wav")}),
            0);
  EXPECT_EQ(read_audio(path("out.wav")).frames(), 1600u);

  EXPECT_EQ(run(DIFFVERB_RENDER_PROGRAM, {path("decoder.safetensors"), "--z", "0,0,0", "--width", "0", "--impulse",
                                          "0.1", "--out", path("mono.wav")}),
            0);
  const Audio mono = read_audio(path("mono.wav"));
  EXPECT_EQ(mono.channels[0], mono.channels[1]);
  EXPECT_EQ(run(DIFFVERB_RENDER_PROGRAM, {path("decoder.safetensors"), "--z", "0,0,0", "--width", "4.1", "--impulse",
                                          "0.1", "--out", path("mono.wav")}),
            1);
}

}  // namespace
}  // namespace diffverb
