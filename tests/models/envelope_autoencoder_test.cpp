#include "models/envelope_autoencoder.h"

#include <ATen/ops/allclose.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/equal.h>
#include <ATen/ops/full_like.h>
#include <ATen/ops/log10.h>
#include <ATen/ops/ones.h>
#include <ATen/ops/stack.h>
#include <ATen/ops/tensor.h>
#include <ATen/ops/zeros.h>
#include <gtest/gtest.h>

#include <cmath>

#include "core/error.h"
#include "core/fields.h"
#include "core/resample.h"
#include "losses/loss.h"
#include "models/envelope/layout.h"
#include "tests/rooms.h"

namespace diffverb {
namespace {

constexpr std::int64_t kOnset = 2400;

/// White noise that decays by 60 dB in t60_s from sample kOnset on, without a direct sound: [1, T].
at::Tensor decaying_white(std::uint64_t seed, double t60_s, double seconds) {
  Random random(seed, "white");
  const auto samples = static_cast<std::int64_t>(seconds * kEnvelopeRateHz);
  auto out = at::zeros({1, samples});
  for (std::int64_t n = kOnset; n < samples; ++n) {
    const double t = static_cast<double>(n - kOnset) / kEnvelopeRateHz;
    out[0][n] = random.normal() * std::pow(10.0, -3 * t / t60_s);
  }
  return out;
}

std::unique_ptr<EnvelopeAutoencoder> make_model(const std::string& yaml) {
  Fields fields = Fields::from_text(yaml);
  auto model = std::make_unique<EnvelopeAutoencoder>(fields);
  fields.finish();
  return model;
}

Response target_of(const at::Tensor& ir) { return {ir.unsqueeze(1), kEnvelopeRateHz}; }

/// The parameters of the noise above: every band holds energy by its width.
EnvelopeParameters white_parameters(double t60_s) {
  const EnvelopeLayout& layout = envelope_layout();
  std::vector<float> level;
  const double step_hz = 0.25;
  std::vector<double> width(layout.centres_hz.size(), 0.0);
  for (double hz = 0; hz < kEnvelopeRateHz / 2; hz += step_hz) {
    const auto weights = layout.weights_at(hz);
    for (std::size_t k = 0; k < width.size(); ++k) width[k] += weights[k] * weights[k] * step_hz;
  }
  for (const double w : width) level.push_back(static_cast<float>(10 * std::log10(w / (kEnvelopeRateHz / 2))));
  const auto row = at::tensor(level).unsqueeze(0), t = at::full_like(row, t60_s);
  return {row,
          at::full_like(row, -200),
          t,
          t,
          at::full_like(row, 1e-5),
          at::full_like(row, -200),
          at::zeros({1, layout.knots(), row.size(1)})};
}

at::Tensor db(const at::Tensor& x) { return 10 * at::log10(x + 1e-30); }

TEST(EnvelopeLayout, SquaresOfTheWeightsAddUpToOne) {
  const EnvelopeLayout& layout = envelope_layout();
  EXPECT_EQ(layout.bands(), 31);
  EXPECT_EQ(layout.cells(), 322);
  for (const double hz : {20.0, 55.0, 100.0, 440.0, 3333.0, 9000.0, 23000.0}) {
    double sum = 0;
    for (const double weight : layout.weights_at(hz)) sum += weight * weight;
    EXPECT_NEAR(sum, 1, 1e-9) << hz;
  }
  const auto weights = layout.knot_weights({0.001, 0.01, 0.0137, 0.12, 0.14, 0.2});
  const auto sum_at = [&](std::size_t t) {
    double sum = 0;
    for (const auto& row : weights) sum += row[t];
    return sum;
  };
  for (std::size_t t = 0; t < 4; ++t) EXPECT_NEAR(sum_at(t), 1, 1e-9);
  EXPECT_GT(sum_at(4), 0.1);
  EXPECT_LT(sum_at(4), 0.9);
  EXPECT_EQ(sum_at(5), 0);
}

TEST(EnvelopeAnalysis, EnergyIsThatOfTheSoundAndUnknownBandsAreFound) {
  const auto ir = decaying_white(1, 0.4, 1.0);
  const EnvelopeAnalysis result = analyze_envelope(ir, kOnset);
  EXPECT_NEAR(result.energy.sum().item<double>(), 1, 1e-4);
  EXPECT_NEAR(result.gain[0].item<double>(), std::sqrt(ir.square().sum().item<double>()),
              2e-3 * result.gain[0].item<double>());
  EXPECT_TRUE(result.known_bands.all().item<bool>());
  EXPECT_NEAR(envelope_layout().times_s[static_cast<std::size_t>(result.known_cells[0].item<std::int64_t>())], 0.95,
              0.017);

  // From 16 kHz: nothing above 8 kHz.
  Audio low;
  low.rate_hz = 16000;
  const auto every = ir[0].contiguous();
  low.channels.emplace_back(every.const_data_ptr<float>(), every.const_data_ptr<float>() + 16000);
  const Audio high = resample(low, kEnvelopeRateHz);
  const auto resampled = at::tensor(high.channels[0]).unsqueeze(0);
  const auto known = analyze_envelope(resampled, kOnset).known_bands[0];
  EXPECT_TRUE(known.slice(0, 0, 25).all().item<bool>());
  EXPECT_FALSE(known.slice(0, 28).any().item<bool>());
}

TEST(EnvelopeOperators, WhatIsPredictedIsWhatNoiseShows) {
  constexpr double kT60 = 0.6;
  constexpr int kRuns = 24;
  const EnvelopeOperators& maps = envelope_operators();
  const EnvelopeParameters parameters = white_parameters(kT60);
  const auto direct = direct_energy(parameters), energy = cell_energy(maps, parameters);
  const auto expected_power = db(predict_power(maps, direct, energy))[0];
  const auto expected_octaves = db(maps.octaves.matmul(predict_energy(maps, direct, energy)))[0];
  at::Tensor power, octaves;
  for (int run = 0; run < kRuns; ++run) {
    const EnvelopeAnalysis result = analyze_envelope(decaying_white(100 + run, kT60, 1.2), kOnset);
    const auto in_octaves = maps.octaves.matmul(result.energy);
    power = power.defined() ? power + result.power : result.power;
    octaves = octaves.defined() ? octaves + in_octaves : in_octaves;
  }
  // From the second frame on (the first straddles the onset, one millisecond early) to 40 dB below; from 125 Hz on.
  const auto difference = (db(power / kRuns)[0] - expected_power).slice(0, 8, 25).slice(1, 2, 20);
  EXPECT_LT(difference.abs().max().item<double>(), 1.5) << difference.abs().max();
  EXPECT_LT(std::abs(difference.mean().item<double>()), 0.15);
  const auto by_octave = (db(octaves / kRuns)[0] - expected_octaves).slice(1, 0, 60);
  EXPECT_LT(std::abs(by_octave.mean().item<double>()), 0.15);
  EXPECT_LT(by_octave.slice(0, 3, 7).abs().max().item<double>(), 2.5);  // 68 degrees of freedom in a cell at 1 kHz
}

TEST(EnvelopeParameters, EveryBandDecaysWhateverTheNetworkSays) {
  Random random(3);
  const std::int64_t count = EnvelopeParameters::count() * envelope_layout().bands();
  for (const double scale : {0.1, 1.0, 10.0, 1000.0}) {
    auto outputs = at::zeros({4, count});
    for (std::int64_t i = 0; i < outputs.numel(); ++i)
      outputs.data_ptr<float>()[i] = static_cast<float>(scale * random.normal());
    const auto energy = cell_energy(envelope_operators(), EnvelopeParameters::from_outputs(outputs), false);
    EXPECT_TRUE(energy.isfinite().all().item<bool>());
    const auto density = energy / envelope_operators().cell_s;
    const auto later = density.slice(2, 45);  // from 180 ms on
    EXPECT_FALSE((later.slice(2, 1) > later.slice(2, 0, -1) * (1 + 1e-5)).any().item<bool>()) << scale;
  }
}

TEST(EnvelopeParameters, StayWithinWhatARoomHas) {
  Random random(4);
  auto outputs = at::zeros({8, EnvelopeParameters::count() * envelope_layout().bands()});
  for (std::int64_t i = 0; i < outputs.numel(); ++i)
    outputs.data_ptr<float>()[i] = static_cast<float>(6 * random.normal());
  const EnvelopeParameters p = EnvelopeParameters::from_outputs(outputs);
  const auto loudest_db = p.level_db.amax(1, true);
  EXPECT_LE((loudest_db - p.level_db).max().item<double>(), 60 + 1e-3);
  EXPECT_GE((loudest_db - p.level_db).max().item<double>(), 59);  // outputs that wild reach the bound
  EXPECT_LE((p.direct_db - loudest_db).max().item<double>(), 35 + 1e-3);
  EXPECT_LE(p.t2_s.max().item<double>(), 12 + 1e-3);
  EXPECT_TRUE((p.t2_s >= p.t1_s * (1 - 1e-5)).all().item<bool>());
}

TEST(EnvelopeAutoencoder, TheSameSeedVariesAlikeAndPlayingDoesNotVary) {
  const auto model = make_model("{latent: 4, width: 16, blocks: 1}");
  const auto ir = at::cat({decaying_white(1, 0.4, 0.8), decaying_white(2, 0.9, 0.8)});
  const auto features = [&](bool training, std::uint64_t seed) {
    model->set_training(training);
    model->set_seed(seed);
    Response target = target_of(ir);
    model->add_features(target);
    return target.get("band_energy");
  };
  EXPECT_TRUE(at::equal(features(true, 5), features(true, 5)));
  EXPECT_FALSE(at::equal(features(true, 5), features(true, 6)));
  EXPECT_TRUE(at::equal(features(false, 5), features(false, 6)));
}

TEST(EnvelopeAutoencoder, LearnsARoom) {
  const auto model = make_model("{latent: 8, width: 64, blocks: 1, latent_noise: 0}");
  Response target = target_of(decaying_white(1, 0.5, 1.0));
  model->add_features(target);
  Fields decay = Fields::from_text("{type: octave_decay}"), lsd = Fields::from_text("{type: smoothed_lsd}");
  const auto first_loss = family<Loss>().make(decay), second_loss = family<Loss>().make(lsd);
  first_loss->prepare(target);
  second_loss->prepare(target);
  auto parameters = model->parameters();
  double first = 0, last = 0;
  std::map<std::string, at::Tensor> squares;
  for (int step = 0; step < 150; ++step) {
    for (auto& [name, parameter] : parameters) parameter.mutable_grad() = at::Tensor();
    const Response out = model->forward(target);
    auto loss = first_loss->evaluate(out) + second_loss->evaluate(out);
    last = loss.item<double>();
    if (step == 0) first = last;
    loss.backward();
    const at::NoGradGuard guard;
    for (auto& [name, parameter] : parameters) {
      auto& square = squares[name];
      const auto now = parameter.grad().square();
      square = square.defined() ? 0.98 * square + 0.02 * now : now;
      parameter.sub_(3e-3 * parameter.grad() / (square.sqrt() + 1e-8));
    }
  }
  EXPECT_GT(first, 8);
  EXPECT_LT(last, 4);
}

TEST(EnvelopeAutoencoder, RefusesAnotherRateAndSeveralChannels) {
  const auto model = make_model("{latent: 4, width: 16, blocks: 1}");
  Response stereo(at::ones({1, 2, 4800}), kEnvelopeRateHz), slow(at::ones({1, 1, 4800}), 16000);
  EXPECT_THROW(model->add_features(stereo), ContractError);
  EXPECT_THROW(model->add_features(slow), ContractError);
  Response silent(at::zeros({1, 1, 4800}), kEnvelopeRateHz);
  EXPECT_THROW(model->add_features(silent), ContractError);
}

}  // namespace
}  // namespace diffverb
