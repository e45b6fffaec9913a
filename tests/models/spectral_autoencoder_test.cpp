#include "models/spectral_autoencoder.h"

#include <ATen/Context.h>
#include <ATen/ops/equal.h>
#include <ATen/ops/exp.h>
#include <ATen/ops/linspace.h>
#include <ATen/ops/pow.h>
#include <ATen/ops/rand.h>
#include <ATen/ops/randn.h>
#include <ATen/ops/randn_like.h>
#include <ATen/ops/stack.h>
#include <ATen/ops/tensor.h>
#include <ATen/ops/zeros.h>
#include <gtest/gtest.h>
#include <torch/csrc/autograd/autograd.h>

#include <array>
#include <cmath>
#include <condition_variable>
#include <mutex>
#include <thread>

#include "core/collective.h"
#include "core/error.h"
#include "core/tensor.h"
#include "tests/scratch.h"

namespace diffverb {
namespace {

std::unique_ptr<SpectralAutoencoder> make(const std::string& yaml = "{}") {
  Fields fields = Fields::from_text(yaml);
  auto model = std::make_unique<SpectralAutoencoder>(fields);
  fields.finish();
  return model;
}

/// Few filters, so that double precision and finite differences cost nothing.
std::unique_ptr<SpectralAutoencoder> make_tiny() {
  auto model = make(
      "{latent: 2, encoder_filters: [2, 3, 2, 3, 2, 3, 2, 3, 2, 4], decoder_filters: [4, 3, 2, 3, 2, 3, 2, 3, 2, 3]}");
  for (const auto& tensors : {model->parameters(), model->buffers()}) {
    for (auto [name, tensor] : tensors) tensor.set_data(tensor.to(at::kDouble));
  }
  return model;
}

Response target_of(const at::Tensor& spectrogram) {
  Response target(16000);
  target.set("spectrogram", spectrogram);
  return target;
}

std::int64_t count(const std::map<std::string, at::Tensor>& tensors, const std::string& prefix) {
  std::int64_t sum = 0;
  for (const auto& [name, tensor] : tensors) sum += name.rfind(prefix, 0) == 0 ? tensor.numel() : 0;
  return sum;
}

TEST(SpectralAutoencoder, HasThePublishedNumberOfParameters) {
  const auto model = make();
  const auto parameters = model->parameters(), buffers = model->buffers();
  // Keras counts the moving statistics among the parameters.
  EXPECT_EQ(count(parameters, "encoder.") + count(buffers, "encoder."), 995407);
  EXPECT_EQ(count(parameters, "decoder.") + count(buffers, "decoder."), 747841);
  EXPECT_EQ(count(parameters, ""), 992009 + 744449);
}

TEST(SpectralAutoencoder, LayersHaveTheSizesOfTheTable) {
  const std::int64_t encoder[][2] = {{257, 64}, {129, 32}, {65, 16}, {33, 8}, {17, 4}, {9, 2},
                                     {5, 1},    {3, 1},    {2, 1},   {1, 1},  {1, 1}};
  const std::int64_t kernels[][2] = {{5, 5}, {4, 4}, {4, 4}, {4, 4}, {4, 4}, {4, 4}, {4, 4}, {4, 4}, {4, 4}, {1, 1}};
  std::int64_t f = 513, t = 128;
  for (int i = 0; i < 10; ++i) {
    const ConvShape shape{false, 1, 1, kernels[i][0], kernels[i][1], 2, i < 8 ? 2 : 1};
    f = shape.output_f(f);
    t = shape.output_t(t);
    EXPECT_EQ(f, encoder[i][0]) << i;
    EXPECT_EQ(t, encoder[i][1]) << i;
  }
  const auto parameters = make()->parameters();
  EXPECT_EQ(parameters.at("encoder.1.kernel").sizes(), at::IntArrayRef({5, 5, 1, 32}));
  EXPECT_EQ(parameters.at("encoder.10.kernel").sizes(), at::IntArrayRef({1, 1, 128, 1024}));
  EXPECT_EQ(parameters.at("decoder.2.kernel").sizes(), at::IntArrayRef({2, 2, 128, 1024}));
  EXPECT_EQ(parameters.at("decoder.10.kernel").sizes(), at::IntArrayRef({3, 1, 32, 32}));
  EXPECT_EQ(parameters.count("decoder.11.gamma"), 0u) << "the last layer is linear, without batch norm";
  EXPECT_EQ(parameters.count("encoder.11.gamma"), 1u) << "the latent has a batch norm";
}

TEST(SpectralAutoencoder, GivesALatentAndASpectrogramOfTheTargetsSize) {
  const auto model = make("{latent: 5}");
  const Response out = model->forward(target_of(at::rand({2, 1, 513, 128})));
  EXPECT_EQ(out.get("spectrogram").sizes(), at::IntArrayRef({2, 1, 513, 128}));
  EXPECT_EQ(out.get("latent").sizes(), at::IntArrayRef({2, 5}));
  EXPECT_EQ(out.sample_rate_hz(), 16000);
}

TEST(SpectralAutoencoder, GradientIsTheSlopeInFiniteDifferencesThroughAllLayers) {
  const auto model = make_tiny();
  model->set_training(true);
  at::manual_seed(2);
  const auto x = at::rand({3, 1, 513, 128}, at::kDouble);
  const auto loss = [&] { return (model->forward(target_of(x)).get("spectrogram") - x).square().mean(); };
  std::vector<at::Tensor> leaves;
  std::vector<std::string> names;
  for (const auto& [name, tensor] : model->parameters()) {
    names.push_back(name);
    leaves.push_back(tensor);
  }
  const auto gradients = torch::autograd::grad({loss()}, leaves);
  const at::NoGradGuard no_grad;
  double sum = 0;
  for (std::size_t i = 0; i < leaves.size(); ++i) {
    const auto kept = leaves[i].clone(), way = at::randn_like(kept);
    const double step = 1e-8 / way.norm().item<double>();
    leaves[i].copy_(kept + step * way);
    const double ahead = loss().item<double>();
    leaves[i].copy_(kept - step * way);
    const double behind = loss().item<double>();
    leaves[i].copy_(kept);
    const double stated = (gradients[i] * way).sum().item<double>(),
                 scale = (gradients[i].norm() * way.norm()).item<double>();
    EXPECT_NEAR((ahead - behind) / (2 * step), stated, 1e-4 * scale + 1e-7) << names[i];
    sum += scale;
  }
  EXPECT_GT(sum, 0);
}

/// Ranks that are threads of this process.
class ThreadRanks : public Collective {
 public:
  explicit ThreadRanks(int size) : size_(size) {}
  int size() const override { return size_; }
  void sum_in_place(at::Tensor& tensor) override {
    std::unique_lock lock(mutex_);
    const auto round = round_;
    sum_ = arrived_ == 0 ? tensor.clone() : sum_ + tensor;
    if (++arrived_ == size_) {
      arrived_ = 0;
      ++round_;
      result_ = sum_;
      all_here_.notify_all();
    } else {
      all_here_.wait(lock, [&] { return round_ != round; });
    }
    tensor.copy_(result_);
  }

 private:
  int size_, arrived_ = 0;
  std::int64_t round_ = 0;
  at::Tensor sum_, result_;
  std::mutex mutex_;
  std::condition_variable all_here_;
};

/// One step's gradients and statistics on part of a batch, of which `share` is this rank's.
std::map<std::string, at::Tensor> gradients_on(const at::Tensor& spectrogram, double share) {
  const auto model = make_tiny();
  model->set_training(true);
  const at::Tensor out = model->forward(target_of(spectrogram)).get("spectrogram");
  ((out - spectrogram).square().mean() * share).backward();
  auto tensors = model->buffers();
  for (const auto& [name, parameter] : model->parameters()) tensors["gradient." + name] = parameter.grad();
  return tensors;
}

TEST(SpectralAutoencoder, TwoRanksOfFourGiveTheGradientsAndStatisticsOfOneOfEight) {
  at::manual_seed(5);
  const auto x = at::rand({8, 1, 513, 128}, at::kDouble);
  const auto whole = gradients_on(x, 1);
  set_collective(std::make_shared<ThreadRanks>(2));
  std::array<std::map<std::string, at::Tensor>, 2> parts;
  std::vector<std::thread> ranks;
  for (int rank = 0; rank < 2; ++rank)
    ranks.emplace_back([&, rank] { parts[rank] = gradients_on(x.narrow(0, 4 * rank, 4), 0.5); });
  for (std::thread& rank : ranks) rank.join();
  set_collective(nullptr);
  for (const auto& [name, tensor] : whole) {
    const bool gradient = name.rfind("gradient.", 0) == 0;
    const at::Tensor together = gradient ? parts[0].at(name) + parts[1].at(name) : parts[0].at(name);
    // What stands right before a norm is without effect on it: rounding alone is left.
    const double scale = std::max(1e-6, tensor.abs().max().item<double>());
    EXPECT_LT((together - tensor).abs().max().item<double>(), 1e-9 * scale) << name;
  }
}

TEST(SpectralAutoencoder, LearnsASpectrogramInAFewSteps) {
  const auto model = make_tiny();
  model->set_training(true);
  at::manual_seed(4);
  const auto f = at::linspace(0, 1, 513, at::kDouble).view({513, 1}), t = at::linspace(0, 1, 128, at::kDouble);
  const auto x = at::stack({at::exp(-3 * t - f), at::exp(-t - 2 * f)}).unsqueeze(1);
  double first = 0, last = 0;
  for (int step = 0; step < 40; ++step) {
    for (auto [name, p] : model->parameters()) p.mutable_grad() = at::Tensor();
    const auto loss = (model->forward(target_of(x)).get("spectrogram") - x).square().mean();
    loss.backward();
    last = loss.item<double>();
    if (step == 0) first = last;
    const at::NoGradGuard no_grad;
    for (auto [name, p] : model->parameters()) p.sub_(0.02 * p.grad() / (p.grad().norm() + 1e-6));
  }
  EXPECT_LT(last, 0.2 * first);
}

TEST(SpectralAutoencoder, RemembersStatisticsInTrainingOnly) {
  const auto model = make_tiny();
  const auto x = at::rand({2, 1, 513, 128}, at::kDouble);
  const auto mean = model->buffers().at("encoder.1.mean");
  model->forward(target_of(x));
  EXPECT_EQ(mean.abs().max().item<double>(), 0);
  const auto alone = model->encode(x.narrow(0, 0, 1));
  EXPECT_TRUE(at::equal(alone, model->encode(x).narrow(0, 0, 1))) << "played, an example does not depend on its batch";
  model->set_training(true);
  model->forward(target_of(x));
  EXPECT_GT(mean.abs().max().item<double>(), 0);
}

TEST(SpectralAutoencoder, StartsFromItsSeed) {
  const auto a = make("{seed: 4}")->parameters(), b = make("{seed: 4}")->parameters(),
             c = make("{seed: 5}")->parameters();
  EXPECT_TRUE(at::equal(a.at("encoder.3.kernel"), b.at("encoder.3.kernel")));
  EXPECT_FALSE(at::equal(a.at("encoder.3.kernel"), c.at("encoder.3.kernel")));
  const double limit = std::sqrt(6.0 / (16 * 64));  // Glorot
  EXPECT_NEAR(a.at("encoder.3.kernel").abs().max().item<double>(), limit, 0.01 * limit);
}

TEST(SpectralAutoencoder, AddsTheFeaturesOfAResponse) {
  const auto model = make("{keep_level: true}");
  const auto ir = at::randn({2, 1, 16000}) * at::pow(10.0, at::linspace(0, -3, 16000));
  Response target(ir, 16000);
  model->add_features(target);
  EXPECT_EQ(target.get("spectrogram").sizes(), at::IntArrayRef({2, 1, 513, 128}));
  const Response out = model->forward(target);
  EXPECT_TRUE(at::equal(out.get("level_db"), target.get("spectrogram_high_db")));
  EXPECT_FALSE(make("{keep_level: false}")->forward(target).has("level_db"));
  Response other(ir, 48000);
  EXPECT_THROW(model->add_features(other), ContractError);
  Response stereo(ir.transpose(0, 1), 16000);
  EXPECT_THROW(model->add_features(stereo), ContractError);
}

TEST(SpectralAutoencoder, RefusesWhatIsNoSpectrogramAndNoLatent) {
  const auto model = make();
  EXPECT_EQ(message_of<ContractError>([&] {
              model->encode(at::zeros({1, 1, 512, 128}));
            }),
            "spectral_autoencoder: the spectrogram must be [B, 1, 513, 128], B at least 1, got [1, 1, 512, 128]");
  EXPECT_THROW(model->encode(at::zeros({0, 1, 513, 128})), ContractError);
  EXPECT_THROW(model->decode(at::zeros({1, 4})), ContractError);
  EXPECT_THROW(model->forward(Response(16000)), ContractError);
  EXPECT_NE(message_of<ConfigError>([] { make("{encoder_filters: [1, 2]}"); }).find("encoder_filters: ten numbers"),
            std::string::npos);
}

/// The definition, number by number.
TEST(LogSpectrogram, IsItsDefinition) {
  at::manual_seed(5);
  constexpr std::int64_t kLength = 3000;
  const auto ir = at::randn({1, kLength}, at::kDouble) * at::pow(10.0, at::linspace(0, -6, kLength, at::kDouble));
  for (const bool fixed : {false, true}) {
    LogSpectrogramOptions options;
    options.fixed_span = fixed;
    options.span_db = 60;
    const LogSpectrogram s = log_spectrogram(ir, options);
    ASSERT_EQ(s.values.sizes(), at::IntArrayRef({1, 513, 128}));
    const auto* x = ir.const_data_ptr<double>();
    const auto at = [&](std::int64_t n) { return x[n < 0 ? -n : n >= kLength ? 2 * (kLength - 1) - n : n]; };
    const auto level = [&](std::int64_t f, std::int64_t k) {
      double re = 0, im = 0;
      for (std::int64_t n = 0; n < 1024; ++n) {
        const double w = 0.5 - 0.5 * std::cos(2 * M_PI * static_cast<double>(n) / 1024);
        const double phase = -2 * M_PI * static_cast<double>(f * n) / 1024, v = w * at(n + 256 * k - 512);
        re += v * std::cos(phase);
        im += v * std::sin(phase);
      }
      return 10 * std::log10(re * re + im * im);
    };
    const double high = s.high_db.item<double>(), low = s.low_db.item<double>();
    EXPECT_NEAR(high - low, 60, 1e-9) << "the response falls further than the span";
    double highest = -1e9;
    for (std::int64_t f = 0; f < 513; f += 37) {
      for (std::int64_t k = 0; k < 12; ++k) {
        const double expected = (std::max(level(f, k), low) - low) / (high - low);
        EXPECT_NEAR(s.values[0][f][k].item<double>(), expected, 1e-9) << f << ' ' << k;
        highest = std::max(highest, expected);
      }
    }
    EXPECT_LE(highest, 1 + 1e-12);
    EXPECT_NEAR(s.values.max().item<double>(), 1, 1e-12);
    EXPECT_EQ(s.values.narrow(2, 12, 116).abs().max().item<double>(), 0) << "frames after the end are 0";
  }
}

TEST(LogSpectrogram, ScalesFromTheWholeResponseBeforeItCuts) {
  at::manual_seed(7);
  const auto ir = at::randn({1, 60000}, at::kDouble) * at::pow(10.0, at::linspace(0, -3, 60000, at::kDouble));
  LogSpectrogramOptions all;
  all.frames = 60000 / 256 + 1;
  const LogSpectrogram cut = log_spectrogram(ir, {}), whole = log_spectrogram(ir, all);
  EXPECT_TRUE(at::equal(cut.values, whole.values.narrow(2, 0, 128)));
  EXPECT_EQ(whole.values.min().item<double>(), 0);
  EXPECT_GT(cut.values.mean(1).min().item<double>(), 0.3) << "the lowest level lies behind the cut";
}

TEST(LogSpectrogram, ComesBackAsPower) {
  at::manual_seed(6);
  const auto ir = at::randn({2, 32512}, at::kDouble) * at::tensor({1., 1e-3}, at::kDouble).view({2, 1});
  const LogSpectrogram s = log_spectrogram(ir, {});
  const auto power = power_spectrogram(ir, 1024, 256, Padding::kReflect).narrow(2, 0, 128);
  const auto back = power_of(s);
  const auto audible = power > power.amax({1, 2}, true) * 1.001e-8;
  EXPECT_LT(((back - power) * audible).abs().max().item<double>(), 1e-9 * power.max().item<double>());
}

TEST(LogSpectrogram, OfSilenceIsZero) {
  for (const bool fixed : {false, true}) {
    LogSpectrogramOptions options;
    options.fixed_span = fixed;
    const LogSpectrogram s = log_spectrogram(at::zeros({1, 4000}), options);
    EXPECT_EQ(s.values.abs().max().item<float>(), 0);
    EXPECT_TRUE(s.high_db.isfinite().all().item<bool>());
  }
}

TEST(LogSpectrogram, RefusesWhatItCannotTransform) {
  EXPECT_THROW(log_spectrogram(at::zeros({1, 1, 4000}), {}), ContractError);
  EXPECT_THROW(log_spectrogram(at::zeros({1, 400}), {}), ContractError) << "too short to reflect";
  LogSpectrogramOptions options;
  options.span_db = 0;
  EXPECT_THROW(log_spectrogram(at::zeros({1, 4000}), options), ContractError);
}

}  // namespace
}  // namespace diffverb
