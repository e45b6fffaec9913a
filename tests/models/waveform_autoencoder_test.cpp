#include "models/waveform_autoencoder.h"

#include <ATen/ops/allclose.h>
#include <ATen/ops/arange.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/equal.h>
#include <ATen/ops/fft_rfft.h>
#include <ATen/ops/ones.h>
#include <ATen/ops/zeros.h>
#include <ATen/ops/zeros_like.h>
#include <gtest/gtest.h>
#include <torch/csrc/autograd/autograd.h>

#include <cmath>

#include "core/error.h"
#include "core/fields.h"
#include "core/tensor.h"
#include "losses/loss.h"

namespace diffverb {
namespace {

constexpr WaveSizes kTiny{.latent = 3, .channels = 4, .bands = 6, .onset_samples = 64};

std::unique_ptr<WaveformAutoencoder> make_model(const std::string& yaml) {
  Fields fields = Fields::from_text(yaml);
  auto model = std::make_unique<WaveformAutoencoder>(fields);
  fields.finish();
  return model;
}

std::unique_ptr<WaveformAutoencoder> tiny_model() { return make_model("{latent: 4, channels: 6, bands: 8}"); }

at::Tensor normals(at::IntArrayRef sizes, std::uint64_t seed, at::ScalarType type = at::kDouble) {
  Random random(seed);
  auto out = at::empty(sizes, at::kDouble);
  auto* to = out.data_ptr<double>();
  for (std::int64_t i = 0; i < out.numel(); ++i) to[i] = random.normal();
  return out.to(type);
}

/// Noise that decays by 60 dB in t60_s, from sample 64 on, of unit energy: [1, 1, 32768] at 16 kHz.
at::Tensor decaying(double t60_s, std::uint64_t seed) {
  auto out = normals({1, 1, kWaveSamples}, seed, at::kFloat);
  const auto t = (at::arange(kWaveSamples, at::kFloat) - 64) / kWaveRateHz;
  out = out * (-6.9078 / t60_s * t).exp() * (t >= 0);
  return out / out.square().sum().sqrt();
}

Response target_of(const WaveformAutoencoder& model, const at::Tensor& ir) {
  Response target(ir, kWaveRateHz);
  model.add_features(target);
  return target;
}

/// Compares the gradient of sum(f() w) with a central difference along one random direction for each leaf.
template <class Function>
void expect_gradients(const Function& f, const std::map<std::string, at::Tensor>& leaves, double step,
                      double tolerance) {
  const auto weight = normals(f().sizes(), 99);
  std::vector<at::Tensor> inputs;
  for (const auto& [name, leaf] : leaves) inputs.push_back(leaf);
  const auto gradients = torch::autograd::grad({(f() * weight).sum()}, inputs);
  std::size_t i = 0;
  for (const auto& [name, leaf] : leaves) {
    const at::NoGradGuard guard;
    auto values = leaf;
    const auto direction = normals(leaf.sizes(), 200 + i), before = leaf.clone();
    values.copy_(before + step * direction);
    const double above = (f() * weight).sum().template item<double>();
    values.copy_(before - step * direction);
    const double below = (f() * weight).sum().template item<double>();
    values.copy_(before);
    const double expected = (above - below) / (2 * step),
                 given = (gradients[i] * direction).sum().template item<double>();
    EXPECT_NEAR(given, expected, tolerance * (std::abs(expected) + 1e-3)) << name;
    ++i;
  }
}

TEST(WaveformLayers, TheGateIsTanhTimesSigmoidWithItsGradient) {
  auto x = (2 * normals({2, 6, 9}, 1)).set_requires_grad(true);
  const auto expected = x.narrow(1, 0, 3).tanh() * x.narrow(1, 3, 3).sigmoid();
  EXPECT_TRUE(at::allclose(gated_unit(x), expected, 1e-12, 1e-12));
  expect_gradients([&] { return gated_unit(x); }, {{"x", x}}, 1e-5, 1e-7);
  EXPECT_THROW(gated_unit(at::zeros({1, 5, 4})), ContractError);
}

TEST(WaveformLayers, ABlockHasTheGradientsOfItsFormulaAndSeesItsDilation) {
  WaveBlock block = WaveBlock::make({.channels = 4, .latent = 3, .condition = 2}, 4, at::kDouble);
  Random random(3);
  block.reset(random);
  {
    const at::NoGradGuard guard;
    block.film.weight.copy_(0.3 * normals(block.film.weight.sizes(), 4));
  }
  auto x = normals({2, 4, 21}, 5).set_requires_grad(true), z = normals({2, 3}, 6).set_requires_grad(true),
       c = normals({2, 2, 21}, 7).set_requires_grad(true);
  std::map<std::string, at::Tensor> leaves{{"x", x}, {"z", z}, {"c", c}};
  block.add_parameters("block", leaves);
  EXPECT_EQ(leaves.size(), 11u);
  expect_gradients([&] { return block.forward(x, z, c); }, leaves, 1e-5, 1e-6);

  const at::NoGradGuard guard;
  auto other = x.clone();
  other.narrow(2, 10, 1).add_(1);
  const auto moved = (block.forward(other, z, c) - block.forward(x, z, c)).abs().sum(at::IntArrayRef({0, 1})) > 0;
  for (std::int64_t f = 0; f < 21; ++f) EXPECT_EQ(moved[f].item().toBool(), f == 6 || f == 10 || f == 14) << f;
}

TEST(WaveformLayers, FiltersBeginAsPairsOfUnitEnergyThatRise) {
  const auto filters = mel_wavelets(16, 256, kWaveRateHz);
  EXPECT_TRUE(at::allclose(filters.square().sum(1), at::ones({32}, at::kDouble)));
  double before = -1;  // the lowest is broader than its frequency
  for (std::int64_t k = 0; k < 16; ++k) {
    const auto spectrum = at::fft_rfft(filters[k], 16000).abs();
    const double hz = static_cast<double>(spectrum.argmax().item<std::int64_t>());
    EXPECT_GT(hz, before);
    before = hz;
    EXPECT_NEAR((filters[k] * filters[16 + k]).sum().item<double>(), 0, 1e-9);
  }
  EXPECT_GT(before, 7000);
}

TEST(WaveformNetworks, EncoderAndDecoderHaveTheGradientsOfTheirFormulas) {
  Random random(11);
  WaveEncoder encoder(kTiny, at::kDouble);
  encoder.reset(random);
  WaveDecoder decoder(kTiny, at::kDouble);
  decoder.reset(random);
  const auto ir = decaying(0.5, 1).squeeze(1).to(at::kDouble), noise = normals({1, kTiny.bands, kWaveFrames}, 2);
  auto z = normals({1, kTiny.latent}, 3).set_requires_grad(true);
  std::map<std::string, at::Tensor> of_encoder, of_decoder{{"z", z}};
  encoder.add_parameters("", of_encoder);
  decoder.add_parameters("", of_decoder);
  expect_gradients([&] { return encoder.forward(ir); }, of_encoder, 1e-6, 1e-4);
  expect_gradients([&] { return decoder.forward(z, noise); }, of_decoder, 1e-6, 1e-4);
}

TEST(WaveformNetworks, ASampleDependsOnTheNoiseAsFarAsStated) {
  WaveDecoder decoder(kTiny, at::kDouble);
  Random random(1);
  decoder.reset(random);
  const at::NoGradGuard guard;
  const auto z = normals({1, kTiny.latent}, 2), noise = normals({1, kTiny.bands, kWaveFrames}, 3);
  auto other = noise.clone();
  other.narrow(2, 500, 1).add_(1);
  const auto moved = (decoder.forward(z, noise) - decoder.forward(z, other)).abs()[0] > 0;
  const auto places = moved.nonzero().squeeze(1);
  constexpr std::int64_t kFrames = 127, kPadding = (kWaveTaps - kWaveHop) / 2;
  EXPECT_GE(places.min().item<std::int64_t>(), (500 - kFrames) * kWaveHop - kPadding);
  EXPECT_LT(places.max().item<std::int64_t>(), (500 + kFrames + 1) * kWaveHop + kPadding);
  EXPECT_LT(places.min().item<std::int64_t>(), (500 - kFrames + 2) * kWaveHop);
}

TEST(WaveformAutoencoder, TheLevelIsANumberOfItsOwn) {
  auto model = tiny_model();
  const at::NoGradGuard guard;
  const auto ir = decaying(0.4, 1);
  const Response soft = model->forward(target_of(*model, ir)), loud = model->forward(target_of(*model, 10 * ir));
  EXPECT_TRUE(at::allclose(soft.get("latent"), loud.get("latent"), 1e-4, 1e-5));
  EXPECT_NEAR(loud.get("level_db").item<double>() - soft.get("level_db").item<double>(), 20, 1e-3);
  EXPECT_TRUE(at::allclose(loud.ir(), 10 * soft.ir(), 1e-3, 1e-4));
  EXPECT_NEAR(soft.ir().square().sum().item<double>(), 1, 1e-3);
  EXPECT_EQ(soft.ir().narrow(2, 0, 64).abs().max().item<double>(), 0);
  EXPECT_LT(soft.get("latent").abs().max().item<double>(), WaveformAutoencoder::kLatentBound);
}

TEST(WaveformAutoencoder, DrawsFromItsSeedInTrainingAndNothingElse) {
  auto model = tiny_model();
  const at::NoGradGuard guard;
  const auto ir = decaying(0.4, 1);
  const auto run = [&](std::uint64_t seed, bool training) {
    model->set_training(training);
    model->set_seed(seed);
    return model->forward(target_of(*model, ir)).ir();
  };
  EXPECT_TRUE(at::equal(run(1, true), run(1, true)));
  EXPECT_FALSE(at::equal(run(1, true), run(2, true)));
  EXPECT_TRUE(at::equal(run(1, false), run(2, false)));
  EXPECT_FALSE(at::equal(model->played_noise(0), model->played_noise(1)));
}

TEST(WaveformAutoencoder, FloorsAreAddedInTrainingAlone) {
  auto model = make_model("{latent: 4, channels: 6, bands: 8, floor_share: 1}");
  const auto ir = decaying(0.1, 1);
  const auto tail = [&](bool training) {
    model->set_training(training);
    model->set_seed(3);
    return target_of(*model, ir).ir().narrow(2, 16000, 16000).square().sum().item<double>();
  };
  EXPECT_LT(tail(false), 1e-12);
  EXPECT_GT(tail(true), 1e-9);
  EXPECT_LT(tail(true), 1e-3);
}

TEST(WaveformAutoencoder, RefusesWhatItCannotTake) {
  auto model = tiny_model();
  Response wrong_rate(at::zeros({1, 1, kWaveSamples}), 48000), wrong_length(at::zeros({1, 1, 1000}), kWaveRateHz);
  EXPECT_THROW(model->add_features(wrong_rate), ContractError);
  EXPECT_THROW(model->add_features(wrong_length), ContractError);
  EXPECT_THROW(make_model("{bands: 7}"), ConfigError);
}

TEST(TrainingWaveformAutoencoder, LearnsInFortySteps) {
  auto model = make_model("{latent: 4, channels: 8, bands: 16, floor_share: 0}");
  const auto ir = at::cat({decaying(0.2, 1), decaying(0.4, 2), decaying(0.8, 3), decaying(1.6, 4)});
  Fields spectra = Fields::from_text("{type: smoothed_lsd}"), decays = Fields::from_text("{type: octave_decay}");
  const auto lsd = family<Loss>().make(spectra), decay = family<Loss>().make(decays);
  std::map<std::string, std::pair<at::Tensor, at::Tensor>> moments;
  for (const auto& [name, tensor] : model->parameters())
    moments[name] = {at::zeros_like(tensor), at::zeros_like(tensor)};
  double first = 0, last = 0;
  constexpr int kSteps = 40;
  for (int step = 0; step < kSteps; ++step) {
    model->set_training(true);
    model->set_seed(static_cast<std::uint64_t>(step));
    const Response target = target_of(*model, ir);
    lsd->prepare(target);
    decay->prepare(target);
    const Response out = model->forward(target);
    const auto total = lsd->evaluate(out) + decay->evaluate(out);
    (step == 0 ? first : last) = total.item<double>();
    total.backward();
    const at::NoGradGuard guard;
    for (auto [name, tensor] : model->parameters()) {  // Adam
      auto& [mean, square] = moments[name];
      mean.mul_(0.9).add_(tensor.grad(), 0.1);
      square.mul_(0.98).addcmul_(tensor.grad(), tensor.grad(), 0.02);
      const double correction = std::sqrt(1 - std::pow(0.98, step + 1)) / (1 - std::pow(0.9, step + 1));
      tensor.addcdiv_(mean, square.sqrt() + 1e-8, -0.01 * correction);
      tensor.mutable_grad().zero_();
    }
  }
  EXPECT_LT(last, 0.6 * first);
}

}  // namespace
}  // namespace diffverb
