#include <ATen/ops/empty.h>
#include <ATen/ops/zeros.h>

#include <cmath>

#include "core/seed.h"
#include "core/spectral/griffin_lim.h"
#include "losses/loss.h"
#include "models/envelope_autoencoder.h"
#include "models/spectral_autoencoder.h"
#include "tests/cuda/cuda_fixture.h"

namespace diffverb {
namespace {

/// Noise that decays from `onset` on: [B, 1, T], each response by another time.
at::Tensor responses(std::int64_t count, std::int64_t samples, double rate_hz, std::int64_t onset) {
  auto out = at::zeros({count, 1, samples});
  for (std::int64_t b = 0; b < count; ++b) {
    Random random(static_cast<std::uint64_t>(b), "responses");
    auto* to = out.data_ptr<float>() + b * samples;
    const double t60_s = 0.3 + 0.4 * static_cast<double>(b);
    for (std::int64_t n = onset; n < samples; ++n)
      to[n] =
          static_cast<float>(random.normal() * std::pow(10.0, -3 * static_cast<double>(n - onset) / rate_hz / t60_s));
  }
  return out;
}

void move(const Model& model, at::Device device) {
  for (const auto& tensors : {model.parameters(), model.buffers()}) {
    for (auto [name, tensor] : tensors) tensor.set_data(tensor.detach().to(device));
  }
}

std::unique_ptr<Model> make(const std::string& type, const std::string& yaml) {
  Fields fields = Fields::from_text(yaml);
  return family<Model>().make(type, fields);
}

struct Pass {
  at::Tensor output, loss;
  std::map<std::string, at::Tensor> gradients, buffers;
};

/// A training step up to its gradients, on a device and in a precision, from the same start.
Pass pass(const std::string& type, const std::string& yaml, const std::string& read, const at::Tensor& ir,
          double rate_hz, at::Device device, Precision precision = Precision::kFp32) {
  tune_device(device, precision);
  const auto model = make(type, yaml);
  move(*model, device);
  model->set_training(true);
  model->set_seed(5);
  Response target(model->has_features_on_cpu() ? ir : ir.to(device), rate_hz);
  model->add_features(target);
  for (const auto& name : target.names()) target.set(name, target.get(name).to(device));
  Pass out;
  {
    const Autocast autocast(device, precision);
    out.output = model->forward(target).get(read).to(at::kFloat);
  }
  const auto scale = target.get(read).square().mean().clamp_min(1e-12);
  out.loss = (out.output - target.get(read)).square().mean() / scale;
  out.loss.backward();
  for (const auto& [name, parameter] : model->parameters()) {
    if (parameter.grad().defined()) out.gradients[name] = parameter.grad();
  }
  out.buffers = model->buffers();
  tune_device(device, Precision::kFp32);
  return out;
}

struct Case {
  std::string type, yaml, read;
  double rate_hz;
  std::int64_t samples, onset;
};

const Case kSpectral{"spectral_autoencoder",
                     "{latent: 3, encoder_filters: [8, 8, 8, 8, 8, 8, 16, 16, 16, 32], decoder_filters: [32, 16, 16, "
                     "16, 8, 8, 8, 8, 8, 8]}",
                     "spectrogram",
                     16000,
                     32512,
                     0};
const Case kEnvelope{"envelope_autoencoder", "{latent: 8, width: 64}", "octave_energy", 48000, 96000, 2400};

Pass pass(const Case& c, at::Device device, Precision precision = Precision::kFp32) {
  return pass(c.type, c.yaml, c.read, responses(4, c.samples, c.rate_hz, c.onset), c.rate_hz, device, precision);
}

class CUDAModels : public OnGpu<testing::TestWithParam<const Case*>> {};

TEST_P(CUDAModels, AreWhatTheyAreOnTheCpu) {
  const Pass host = pass(*GetParam(), at::kCPU), device = pass(*GetParam(), at::kCUDA);
  EXPECT_TRUE(device.output.is_cuda());
  EXPECT_LT(distance(device.output, host.output), 2e-3);
  EXPECT_LT(distance(device.loss, host.loss), 1e-3);
  ASSERT_EQ(device.gradients.size(), host.gradients.size());
  // What stands right before a norm has no effect, and its gradient is rounding: measured by the largest of all.
  double largest = 0;
  for (const auto& [name, gradient] : host.gradients) largest = std::max(largest, gradient.abs().max().item<double>());
  for (const auto& [name, gradient] : host.gradients) {
    const auto difference = (device.gradients.at(name).cpu() - gradient).abs().max().item<double>();
    EXPECT_LT(difference, 2e-2 * largest) << name;
  }
  for (const auto& [name, buffer] : host.buffers) EXPECT_LT(distance(device.buffers.at(name), buffer), 1e-3) << name;
}

TEST_P(CUDAModels, ComputeInBfloat16WithinItsRounding) {
  const Pass full = pass(*GetParam(), at::kCUDA), half = pass(*GetParam(), at::kCUDA, Precision::kBf16);
  const double loss = full.loss.item<double>();
  EXPECT_NEAR(half.loss.item<double>(), loss, 0.05 * loss);
  EXPECT_GT(distance(half.output, full.output), 0) << "nothing was computed in bfloat16";
  for (const auto& [name, gradient] : half.gradients) {
    EXPECT_EQ(gradient.scalar_type(), at::kFloat) << name;
    EXPECT_TRUE(gradient.isfinite().all().item<bool>()) << name;
  }
}

INSTANTIATE_TEST_SUITE_P(Each, CUDAModels, testing::Values(&kSpectral, &kEnvelope),
                         [](const auto& info) { return info.param->type; });

TEST_F(CUDA, GriffinLimIsWhatItIsOnTheCpu) {
  Random random(3);
  auto magnitude = at::empty({2, 513, 37});
  for (std::int64_t i = 0; i < magnitude.numel(); ++i) magnitude.data_ptr<float>()[i] = std::abs(random.normal());
  for (const auto method : {PhaseMethod::kGriffinLim, PhaseMethod::kAveragedReflections}) {
    GriffinLimOptions options;
    options.fft_size = 1024;
    options.hop_size = 256;
    options.iterations = 5;
    options.method = method;
    const auto there = griffin_lim(magnitude.to(at::kCUDA), options).signal;
    EXPECT_TRUE(there.is_cuda());
    EXPECT_LT(distance(there, griffin_lim(magnitude, options).signal), 1e-3);
  }
}

}  // namespace
}  // namespace diffverb
