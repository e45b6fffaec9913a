// The published network against an implementation of its own in NumPy (generate.py).
#include <ATen/ops/cat.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/tensor.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <nlohmann/json.hpp>

#include "core/error.h"
#include "core/tensor.h"
#include "tests/scratch.h"
#include "tests/shared_data.h"
#include "train/autoencoder/keras_import.h"
#include "train/model_file.h"

namespace diffverb {
namespace {

/// spectrogram() of generate.py.
at::Tensor spectrogram(std::uint32_t number) {
  auto out = at::empty({1, 1, 513, 128});
  auto* to = out.mutable_data_ptr<float>();
  std::uint32_t state = number;
  for (int f = 0; f < 513; ++f) {
    for (int t = 0; t < 128; ++t) {
      state = 1664525u * state + 1013904223u;
      const double value =
          1 - (0.3 + 0.2 * number) * t / 40 - 0.4 * f / 512 * (1 + t / 64.0) + 0.1 * (state / 2147483648.0 - 1);
      to[f * 128 + t] = static_cast<float>(std::clamp(value, 0.0, 1.0));
    }
  }
  return out;
}

class OracleNeuralReverberator : public testing::Test {
 protected:
  void SetUp() override {
    const auto folder = shared_data() / "neuralreverberator";
    if (!std::filesystem::exists(folder)) GTEST_SKIP() << "no published weights: set DIFFVERB_DATA";
    std::ifstream file(DIFFVERB_SOURCE_DIR "/tests/oracle/neuralreverberator/expected.json");
    ASSERT_TRUE(file);
    expected = nlohmann::json::parse(file);
    imported = import_keras(folder / "encoder.hdf5", folder / "decoder.hdf5");
  }
  nlohmann::json expected;
  KerasImport imported;
};

void expect_encodes(SpectralAutoencoder& model, const nlohmann::json& expected) {
  const at::NoGradGuard no_grad;
  std::vector<at::Tensor> inputs;
  for (std::uint32_t number = 1; number <= 3; ++number) inputs.push_back(spectrogram(number));
  const auto z = model.encode(at::cat(inputs));
  for (int i = 0; i < 3; ++i) {
    for (int k = 0; k < 3; ++k) EXPECT_NEAR(z[i][k].item<float>(), expected["encoded"][i][k].get<double>(), 1e-4);
  }
}

TEST_F(OracleNeuralReverberator, EncodesAsTheDefinitionDoes) { expect_encodes(*imported.model, expected); }

TEST_F(OracleNeuralReverberator, DecodesAsTheDefinitionDoes) {
  const at::NoGradGuard no_grad;
  for (const auto& entry : expected["decoded"]) {
    const auto z = at::tensor(entry["z"].get<std::vector<double>>()).to(at::kFloat).unsqueeze(0);
    const auto y = imported.model->decode(z)[0][0].to(at::kDouble).contiguous();
    EXPECT_NEAR(y.mean().item<double>(), entry["mean"].get<double>(), 1e-5);
    EXPECT_NEAR(y.square().mean().item<double>(), entry["mean_square"].get<double>(), 1e-5);
    for (std::size_t r = 0; r < entry["rows"].size(); ++r) {
      for (std::size_t c = 0; c < entry["columns"].size(); ++c)
        EXPECT_NEAR(y[entry["rows"][r].get<int>()][entry["columns"][c].get<int>()].item<double>(),
                    entry["values"][r][c].get<double>(), 1e-4);
    }
  }
}

TEST_F(OracleNeuralReverberator, HasTheirNumberOfParameters) {
  std::int64_t encoder = 0, decoder = 0;
  for (const auto& tensors : {imported.model->parameters(), imported.model->buffers()}) {
    for (const auto& [name, tensor] : tensors) (name.rfind("encoder.", 0) == 0 ? encoder : decoder) += tensor.numel();
  }
  EXPECT_EQ(encoder, expected["encoder_parameters"].get<std::int64_t>());
  EXPECT_EQ(decoder, expected["decoder_parameters"].get<std::int64_t>());
}

TEST_F(OracleNeuralReverberator, GoesThroughAModelFile) {
  const Scratch scratch;
  save_model(scratch / "m.safetensors", *imported.model, imported.config, {});
  const ModelFile back = load_model(scratch / "m.safetensors");
  EXPECT_EQ(back.type, "spectral_autoencoder");
  expect_encodes(dynamic_cast<SpectralAutoencoder&>(*back.model), expected);
}

TEST_F(OracleNeuralReverberator, RefusesTheFilesTheOtherWayRound) {
  const auto folder = shared_data() / "neuralreverberator";
  EXPECT_EQ(message_of<DataError>([&] { import_keras(folder / "decoder.hdf5", folder / "encoder.hdf5"); }),
            (folder / "decoder.hdf5").string() +
                ": expected 11 layers conv2d of encoder, found 0; there is 'conv2d_transpose_1': is this the decoder?");
}

}  // namespace
}  // namespace diffverb
