#include "train/autoencoder/keras_import.h"

#include <ATen/ops/equal.h>
#include <ATen/ops/tensor.h>
#include <ATen/ops/zeros.h>
#include <gtest/gtest.h>

#include <functional>
#include <limits>
#include <map>

#include "core/error.h"
#include "core/hdf5_file.h"
#include "core/tensor.h"
#include "tests/scratch.h"
#include "train/model_file.h"
#include "train/training/checkpoint.h"

namespace diffverb {
namespace {

struct KerasTensor {
  std::vector<float> values;
  std::vector<std::size_t> shape;
};
using KerasTensors = std::map<std::string, KerasTensor>;

/// Numbers that say where they stand, all above 0.
KerasTensor filled(const std::vector<std::size_t>& shape, float from) {
  KerasTensor out{{}, shape};
  std::size_t count = 1;
  for (const std::size_t n : shape) count *= n;
  for (std::size_t i = 0; i < count; ++i) out.values.push_back(from + 0.001f * static_cast<float>(i));
  return out;
}

/// A small network as Keras would save it; layers numbered on from `first`, as in a session that made others before.
KerasTensors keras_network(bool decoder, std::size_t first) {
  const std::size_t encoder_f[] = {5, 4, 4, 4, 4, 4, 4, 4, 4, 1, 1}, decoder_f[] = {1, 2, 2, 2, 2, 2, 2, 2, 2, 3, 1};
  const std::size_t decoder_t[] = {1, 2, 2, 2, 2, 2, 2, 2, 2, 1, 1};
  KerasTensors out;
  std::size_t inputs = decoder ? 3 : 1;
  for (std::size_t i = 0; i < 11; ++i) {
    const std::size_t outputs = i == 10 ? (decoder ? 1 : 3) : i + 2;
    const std::string layer = (decoder ? "conv2d_transpose_" : "conv2d_") + std::to_string(first + i);
    const std::vector<std::size_t> shape = decoder
                                               ? std::vector<std::size_t>{decoder_f[i], decoder_t[i], outputs, inputs}
                                               : std::vector<std::size_t>{encoder_f[i], encoder_f[i], inputs, outputs};
    out[layer + "/" + layer + "/kernel:0"] = filled(shape, static_cast<float>(i));
    out[layer + "/" + layer + "/bias:0"] = filled({outputs}, static_cast<float>(100 + i));
    inputs = outputs;
    if (decoder && i == 10) continue;
    const std::string norm = "batch_normalization_" + std::to_string(first + i);
    float from = static_cast<float>(200 + i);
    for (const char* name : {"gamma:0", "beta:0", "moving_mean:0", "moving_variance:0"})
      out[norm + "/" + norm + "/" + name] = filled({outputs}, from += 100);
  }
  return out;
}

std::filesystem::path write(const std::filesystem::path& path, const KerasTensors& tensors,
                            const std::string& config = "", const std::string& root = "model_weights/") {
  Hdf5File file = Hdf5File::create(path);
  for (const auto& [name, tensor] : tensors) file.write<float>(root + name, tensor.values, tensor.shape);
  if (!config.empty()) file.set_attribute("/", "model_config", config);
  file.commit();
  return path;
}

class KerasImportOf : public testing::Test {
 protected:
  Scratch scratch;
  KerasTensors encoder = keras_network(false, 8),
               decoder = keras_network(true, 12);  // 8, 9, 10, ...: not in text order
  std::string encoder_config, decoder_config;

  KerasImport import(const std::string& root = "model_weights/") const {
    return import_keras(write(scratch / "e.hdf5", encoder, encoder_config, root),
                        write(scratch / "d.hdf5", decoder, decoder_config, root));
  }
  std::string refusal() const {
    const std::string message = message_of<DataError>([&] { import(); });
    const std::string folder = scratch.path().string() + "/";
    return message.rfind(folder, 0) == 0 ? message.substr(folder.size()) : message;
  }
};

TEST_F(KerasImportOf, ASmallNetworkBringsEachTensorToItsPlace) {
  for (const char* root : {"model_weights/", ""}) {  // model.save and save_weights
    const KerasImport imported = import(root);
    EXPECT_EQ(imported.model->latent(), 3);
    auto tensors = imported.model->parameters();
    tensors.merge(imported.model->buffers());
    const auto expect = [&](const std::string& name, const KerasTensor& keras) {
      const auto& tensor = tensors.at(name);
      EXPECT_EQ(tensor.sizes(), at::IntArrayRef(std::vector<std::int64_t>(keras.shape.begin(), keras.shape.end())));
      EXPECT_TRUE(at::equal(tensor.detach().flatten(), at::tensor(keras.values))) << name;
    };
    expect("encoder.1.kernel", encoder.at("conv2d_8/conv2d_8/kernel:0"));
    expect("encoder.3.bias", encoder.at("conv2d_10/conv2d_10/bias:0"));
    expect("encoder.11.variance", encoder.at("batch_normalization_18/batch_normalization_18/moving_variance:0"));
    expect("decoder.10.kernel", decoder.at("conv2d_transpose_21/conv2d_transpose_21/kernel:0"));
    expect("decoder.1.gamma", decoder.at("batch_normalization_12/batch_normalization_12/gamma:0"));
    expect("decoder.10.mean", decoder.at("batch_normalization_21/batch_normalization_21/moving_mean:0"));
  }
}

TEST_F(KerasImportOf, AMissingLayerIsRefused) {
  encoder.erase("conv2d_9/conv2d_9/kernel:0");
  encoder.erase("conv2d_9/conv2d_9/bias:0");
  EXPECT_EQ(refusal(), "e.hdf5: expected 11 layers conv2d of encoder, found 10");
}

TEST_F(KerasImportOf, AMissingTensorIsRefused) {
  decoder.erase("batch_normalization_13/batch_normalization_13/moving_mean:0");
  EXPECT_NE(refusal().find("batch_normalization_13/moving_mean:0"), std::string::npos) << refusal();
}

TEST_F(KerasImportOf, AForeignLayerIsRefused) {
  encoder["lstm_1/lstm_1/kernel:0"] = filled({2}, 0);
  EXPECT_EQ(refusal(),
            "e.hdf5: layer 'lstm_1' is none of conv2d, conv2d_transpose, batch_normalization, leaky_re_lu, input");
}

TEST_F(KerasImportOf, AWrongShapeIsRefused) {
  const std::string kernel = "conv2d_12/conv2d_12/kernel:0",
                    gamma = "batch_normalization_9/batch_normalization_9/gamma:0";
  auto kept = encoder;
  encoder[kernel].shape = {2, 8, 5, 6};
  encoder[kernel].values.resize(2 * 8 * 5 * 6);
  EXPECT_NE(refusal().find(kernel), std::string::npos) << refusal();
  encoder = kept;
  encoder[gamma] = filled({7}, 1);
  EXPECT_NE(refusal().find(gamma), std::string::npos) << refusal();
}

TEST_F(KerasImportOf, ValuesThatAreNoNumbersAreRefused) {
  const std::string bias = "conv2d_12/conv2d_12/bias:0",
                    spread = "batch_normalization_9/batch_normalization_9/moving_variance:0";
  auto kept = encoder;
  encoder[bias].values[1] = std::numeric_limits<float>::quiet_NaN();
  EXPECT_EQ(refusal(), "e.hdf5: data set 'model_weights/" + bias + "' has an entry that is not a number");
  encoder = kept;
  encoder[spread].values[0] = -1;
  EXPECT_EQ(refusal(), "e.hdf5: data set 'model_weights/" + spread + "' has a negative variance");
}

TEST_F(KerasImportOf, UnequalLatentsAreRefused) {
  decoder["conv2d_transpose_12/conv2d_transpose_12/kernel:0"] = filled({1, 1, 2, 4}, 0);
  EXPECT_EQ(refusal(), "d.hdf5: its latent has 4 numbers, that of " + (scratch / "e.hdf5").string() + " 3");
}

TEST_F(KerasImportOf, OtherStridesOrConstantsAreRefused) {
  const auto config = [](const std::string& layer) { return "{\"config\": {\"layers\": [" + layer + "]}}"; };
  encoder_config =
      config(R"({"class_name": "Conv2D", "config": {"name": "conv2d_8", "strides": [1, 1], "padding": "same"}})");
  EXPECT_EQ(refusal(), "e.hdf5: layer 'conv2d_8' has strides [1,1] and padding \"same\", expected [2,2] and \"same\"");
  encoder_config = config(R"({"class_name": "LeakyReLU", "config": {"name": "leaky_re_lu_1", "alpha": 0.3}})");
  EXPECT_EQ(refusal(), "e.hdf5: layer 'leaky_re_lu_1' has alpha 0.300000, expected 0.100000");
  encoder_config = "no json";
  EXPECT_EQ(refusal(), "e.hdf5: attribute 'model_config' is not JSON");
  encoder_config = "{\"config\": 3}";
  EXPECT_EQ(refusal().rfind("e.hdf5: attribute 'model_config' is not a Keras model", 0), 0u) << refusal();
}

TEST_F(KerasImportOf, WhatIsNoHdf5IsRefused) {
  write_text(scratch / "text", "no weights");
  EXPECT_THROW(import_keras(scratch / "text", scratch / "text"), DataError);
  EXPECT_THROW(import_keras(scratch / "nothing", scratch / "nothing"), DataError);
}

TEST_F(KerasImportOf, AModelFileHoldsItAndSaysWhatItIs) {
  const KerasImport imported = import();
  const auto path = scratch / "m.safetensors";
  save_model(path, *imported.model, imported.config, {{"licence", "MIT"}});
  const ModelFile back = load_model(path);
  EXPECT_EQ(back.type, "spectral_autoencoder");
  EXPECT_EQ(back.texts.at("licence"), "MIT");
  EXPECT_EQ(back.texts.at("kind"), "autoencoder");
  const auto parameters = imported.model->parameters();
  for (const auto& [name, tensor] : back.model->parameters())
    EXPECT_TRUE(at::equal(tensor, parameters.at(name))) << name;
  const auto buffers = imported.model->buffers();
  for (const auto& [name, tensor] : back.model->buffers()) EXPECT_TRUE(at::equal(tensor, buffers.at(name))) << name;
}

TEST_F(KerasImportOf, AModelFileOfAnotherShapeKindOrModelIsRefused) {
  const KerasImport imported = import();
  const auto path = scratch / "m.safetensors";
  const auto refused = [&](const std::function<void(Checkpoint&)>& spoil) {
    save_model(path, *imported.model, imported.config, {});
    Checkpoint file = load_checkpoint(path);
    spoil(file);
    save_checkpoint(path, file);
    const std::string message = message_of<DataError>([&] { load_model(path); });
    EXPECT_EQ(message.rfind(path.string() + ": ", 0), 0u) << message;
    return message.substr(std::min(message.size(), path.string().size() + 2));
  };
  EXPECT_EQ(refused([](Checkpoint& f) { f.texts["kind"] = "decoder"; }),
            "its kind is 'decoder', expected 'autoencoder'");
  EXPECT_EQ(refused([](Checkpoint& f) { f.tensors["parameter.more"] = at::zeros({2}); }),
            "tensor 'parameter.more' belongs to nothing in a spectral_autoencoder");
  EXPECT_NE(refused([](Checkpoint& f) { f.tensors.erase("buffer.encoder.1.mean"); }).find("buffer.encoder.1.mean"),
            std::string::npos);
  EXPECT_NE(refused([](Checkpoint& f) { f.tensors["parameter.decoder.2.bias"] = at::zeros({9}); }).find("expected"),
            std::string::npos);
  EXPECT_EQ(refused([](Checkpoint& f) { f.tensors["parameter.decoder.2.bias"].fill_(INFINITY); }),
            "tensor 'parameter.decoder.2.bias' has an entry that is not a number");
  EXPECT_NE(refused([](Checkpoint& f) { f.texts["config"] = "type: no_model"; }).find("its config makes no model"),
            std::string::npos);
}

}  // namespace
}  // namespace diffverb
