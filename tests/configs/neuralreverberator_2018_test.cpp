#include <ATen/ops/full.h>
#include <ATen/ops/zeros.h>
#include <gtest/gtest.h>

#include "core/error.h"
#include "core/tensor.h"
#include "losses/loss.h"
#include "models/spectral_autoencoder.h"
#include "tests/losses/loss_fixture.h"
#include "tests/scratch.h"

namespace diffverb {
namespace {

TEST(NeuralReverberator2018Config, MakesThePublishedNetworkAndItsLoss) {
  Fields fields = Fields::from_file(DIFFVERB_SOURCE_DIR "/configs/neuralreverberator_2018.yaml");
  Fields model_fields = fields.map("model");
  const auto made = family<Model>().make(model_fields);
  auto& model = dynamic_cast<SpectralAutoencoder&>(*made);
  std::int64_t count = 0;
  for (const auto& tensors : {model.parameters(), model.buffers()}) {
    for (const auto& [name, tensor] : tensors) count += tensor.numel();
  }
  EXPECT_EQ(count, 995407 + 747841);
  EXPECT_EQ(model.features().span_db, 80);
  EXPECT_EQ(model.inversion_span_db(), 120);
  EXPECT_EQ(model.features().smallest_power, 1e-10);
  EXPECT_FALSE(model.features().fixed_span);

  // A whole step as the trainer makes it: target, features, loss, gradients.
  const auto losses = fields.list("losses");
  ASSERT_EQ(losses.size(), 1u);
  Fields loss_fields = losses[0];
  const auto loss = family<Loss>().make(loss_fields);
  Response target(decaying_noise(1, 2, 32512, 16000, 0.8).transpose(0, 1).to(at::kFloat), 16000);
  model.set_training(true);
  model.add_features(target);
  loss->prepare(target);
  const auto value = loss->evaluate(model.forward(target));
  value.backward();
  for (const auto& [name, parameter] : model.parameters()) {
    ASSERT_TRUE(parameter.grad().defined()) << name;
    EXPECT_TRUE(parameter.grad().isfinite().all().item<bool>()) << name;
  }
}

TEST(MseLoss, ComparesTheTensorThatOfNames) {
  const auto loss = make_loss("mse", "of: spectrogram");
  Response target(16000), response(16000);
  target.set("spectrogram", at::zeros({2, 1, 3, 4}));
  response.set("spectrogram", at::full({2, 1, 3, 4}, 0.5));
  EXPECT_EQ((*loss)(response, target).item<float>(), 0.25);
  Response other(16000);
  other.set("spectrogram", at::zeros({2, 1, 3, 5}));
  EXPECT_EQ(message_of<ContractError>([&] { loss->evaluate(other); }),
            "mse: the response's spectrogram must be as the target's, [2, 1, 3, 4] float on cpu, got [2, 1, 3, 5] "
            "float on cpu");
  EXPECT_NE(message_of<ContractError>([&] {
              loss->evaluate(Response(at::zeros({1, 1, 4}), 16000));
            }).find("no tensor 'spectrogram'; there are: ir"),
            std::string::npos);
}

}  // namespace
}  // namespace diffverb
