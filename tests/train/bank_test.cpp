#include "train/autoencoder/bank.h"

#include <ATen/ops/arange.h>
#include <gtest/gtest.h>

#include <cmath>
#include <nlohmann/json.hpp>

#include "core/audio_file.h"
#include "core/error.h"
#include "tests/program.h"
#include "tests/scratch.h"

namespace diffverb {
namespace {

/// A decoder whose spectrograms fall faster the larger the first coordinate is.
at::Tensor decode(const at::Tensor& z) {
  const auto frame = at::arange(40), bin = at::arange(257).unsqueeze(1);
  const auto rate = (2 + z.select(1, 0)).reshape({-1, 1, 1}) * 0.01 + 0.005;
  return (1 - rate * frame - 0.001 * bin - 0.02 * (z.select(1, 1).reshape({-1, 1, 1}))).unsqueeze(1);
}

BankOptions small_options() {
  BankOptions o;
  o.sizes = {3, 2, 1};
  o.latent = 2;
  o.phases.fft_size = 512, o.phases.hop_size = 128, o.phases.iterations = 10;
  o.step = 0.05;
  o.seed = 4;
  return o;
}

TEST(MakeBank, HasAPairOfResponsesForEachPointOfTheGrid) {
  const Bank bank = make_bank(decode, small_options());
  EXPECT_EQ(bank.responses.size(0), 3);
  EXPECT_EQ(bank.responses.size(1), 2);
  EXPECT_EQ(bank.responses.size(2), 1);
  EXPECT_EQ(bank.responses.samples, 39 * 128);
  EXPECT_EQ(bank.responses.axes[0], (std::vector<double>{-2, 0, 2}));
  EXPECT_EQ(bank.responses.axes[2], (std::vector<double>{0}));
  EXPECT_GT(bank.mean_convergence, 0);
  EXPECT_LT(bank.mean_convergence, 0.5);
  EXPECT_GE(bank.worst_convergence, bank.mean_convergence);
  for (int x = 0; x < 3; ++x) {
    double energy = 0;
    for (int c = 0; c < 2; ++c) {
      for (const float v : bank.responses.response(x, 1, 0, c)) energy += 0.5 * static_cast<double>(v) * v;
    }
    EXPECT_NEAR(energy, 1, 1e-4);
  }
}

/// Seconds until half of a response's energy is over.
double centre_s(std::span<const float> h, double rate_hz) {
  double energy = 0, moment = 0;
  for (std::size_t n = 0; n < h.size(); ++n) {
    energy += static_cast<double>(h[n]) * h[n];
    moment += static_cast<double>(n) * h[n] * h[n];
  }
  return moment / energy / rate_hz;
}

TEST(MakeBank, SoundsAsTheDecoderSays) {
  const Bank bank = make_bank(decode, small_options());
  for (int c = 0; c < 2; ++c) {
    EXPECT_GT(centre_s(bank.responses.response(0, 0, 0, c), 16000),
              1.3 * centre_s(bank.responses.response(1, 0, 0, c), 16000));
    EXPECT_GT(centre_s(bank.responses.response(1, 0, 0, c), 16000),
              1.1 * centre_s(bank.responses.response(2, 0, 0, c), 16000));
  }
}

TEST(MakeBank, IsTheSameAgainAndAnotherBatchOnlyRoundsOtherwise) {
  BankOptions options = small_options();
  const Bank whole = make_bank(decode, options);
  EXPECT_TRUE(make_bank(decode, options).responses.responses == whole.responses.responses);
  options.batch = 1;
  const Bank single = make_bank(decode, options);
  double difference = 0, energy = 0;
  for (std::size_t i = 0; i < whole.responses.responses.size(); ++i) {
    const double a = whole.responses.responses[i], b = single.responses.responses[i];
    difference += (a - b) * (a - b);
    energy += a * a;
  }
  EXPECT_LT(std::sqrt(difference / energy), 1e-2);
  options.seed = 5;
  EXPECT_FALSE(make_bank(decode, options).responses.responses == whole.responses.responses);
}

TEST(MakeBank, AWidthIsAPairOfPointsWithPhasesAsCoherentAsADiffuseField) {
  BankOptions options = small_options();
  options.sizes = {2, 1, 1};
  options.width = runtime::StereoWidth{0, 0};
  const Bank mono = make_bank(decode, options);
  for (int x = 0; x < 2; ++x) {
    const auto left = mono.responses.response(x, 0, 0, 0), right = mono.responses.response(x, 0, 0, 1);
    EXPECT_TRUE(std::equal(left.begin(), left.end(), right.begin()));
  }
  EXPECT_NEAR(mono.coherence, 1, 1e-5);
  // Along the axis that sets the decay: the left one, further along, is shorter.
  options.width = runtime::StereoWidth{1, 0};
  const Bank wide = make_bank(decode, options);
  for (int x = 0; x < 2; ++x)
    EXPECT_GT(centre_s(wide.responses.response(x, 0, 0, 1), 16000),
              centre_s(wide.responses.response(x, 0, 0, 0), 16000));
  EXPECT_LT(wide.coherence_1k, 0.4);
  EXPECT_EQ(nlohmann::json::parse(wide.responses.provenance)["bank"]["width"], 1);
  options.width = runtime::StereoWidth{4.5, 0};
  EXPECT_THROW(make_bank(decode, options), ContractError);
}

TEST(MakeBank, RefusesWhatItCannotUse) {
  BankOptions options = small_options();
  options.sizes = {3, 2, 2};
  EXPECT_THROW(make_bank(decode, options), ContractError);
  options = small_options();
  options.phases.fft_size = 1024;
  EXPECT_THROW(make_bank(decode, options), ContractError);
  options = small_options();
  options.batch = 2;
  const Decoder broken = [](const at::Tensor& z) {
    auto s = decode(z);
    s.masked_fill_((z.select(1, 0) > 1).reshape({-1, 1, 1, 1}), std::nan(""));
    return s;
  };
  try {
    make_bank(broken, options);
    FAIL() << "a spectrogram of NaN was taken";
  } catch (const NumericError& error) {
    EXPECT_NE(std::string(error.what()).find("point 4"), std::string::npos) << error.what();
  }
}

TEST(MakeBank, RendersWhatWasWritten) {
  const Scratch scratch;
  BankOptions options = small_options();
  options.provenance = R"({"licence": "none"})";
  const Bank bank = make_bank(decode, options);
  const auto file = scratch / "bank.safetensors";
  ASSERT_EQ(runtime::write_bank(file, bank.responses), "");
  const auto provenance = nlohmann::json::parse(runtime::load_bank(file).bank->provenance);
  EXPECT_EQ(provenance["licence"], "none");
  EXPECT_EQ(provenance["bank"]["iterations"], 10);
  const auto run = [&](const std::vector<std::string>& arguments) {
    return Program(DIFFVERB_RENDER_PROGRAM, arguments, scratch.path()).wait();
  };
  const std::string out = (scratch / "out.wav").string();
  ASSERT_EQ(run({file.string(), "--bank", "2,1,0", "--impulse", "0.312", "--out", out}), 0);
  const Audio audio = read_audio(out);
  ASSERT_EQ(audio.channels.size(), 2u);
  ASSERT_EQ(audio.frames(), 4992u);
  for (std::size_t c = 0; c < 2; ++c) {
    const auto expected = bank.responses.response(2, 1, 0, static_cast<int>(c));
    for (std::size_t n = 0; n < expected.size(); ++n) ASSERT_NEAR(audio.channels[c][n], expected[n], 1e-6) << n;
  }
  EXPECT_EQ(run({file.string(), "--impulse", "0.3", "--out", out}), 1);
  EXPECT_EQ(run({file.string(), "--bank", "2,2,0", "--impulse", "0.3", "--out", out}), 1);
  write_bank_wavs(bank.responses, scratch / "wav");
  const Audio one = read_audio(scratch / "wav/2_1_0.wav");
  EXPECT_EQ(one.rate_hz, 16000);
  const auto right = bank.responses.response(2, 1, 0, 1);
  EXPECT_TRUE(std::equal(right.begin(), right.end(), one.channels[1].begin()));
  // Stereo in: each channel through its own response; the tail is the response's.
  Audio dry{16000, {{0, 1}, {0, 0, 0, 0.5f}}};
  dry.channels[0].resize(4);
  write_audio(scratch / "dry.wav", dry);
  ASSERT_EQ(run({file.string(), "--bank", "2,1,0", "--in", (scratch / "dry.wav").string(), "--out", out}), 0);
  const Audio wet = read_audio(out);
  ASSERT_EQ(wet.frames(), 4u + 4991);
  const auto left = bank.responses.response(2, 1, 0, 0);
  for (std::size_t n = 0; n < 1000; ++n) {
    ASSERT_NEAR(wet.channels[0][n + 1], left[n], 1e-6);
    ASSERT_NEAR(wet.channels[1][n + 3], 0.5f * right[n], 1e-6);
  }
}

}  // namespace
}  // namespace diffverb
