// What every registered model of signals keeps to. A new one is tested without a line here.
#include <ATen/ops/equal.h>
#include <ATen/ops/linspace.h>
#include <ATen/ops/tensor.h>
#include <gtest/gtest.h>

#include <cmath>
#include <ostream>

#include "core/tensor.h"
#include "models/signal_model.h"
#include "runtime/render.h"
#include "tests/core/solvers/network_fixture.h"
#include "tests/models/contract/minimal_config.h"
#include "train/export_terms.h"

namespace diffverb {
namespace {

/// A registered model, and what its config says beside what it must.
struct Form {
  std::string name, keys;

  friend void PrintTo(const Form& form, std::ostream* out) { *out << form.name << " {" << form.keys << "}"; }
};

std::unique_ptr<Model> make_model(const Form& form) {
  Fields fields = Fields::from_text(
      minimal_config(form.name, "sample_rate_hz: 8000" + (form.keys.empty() ? "" : ", " + form.keys)));
  return family<Model>().make(form.name, fields);
}

std::vector<Form> signal_models() {
  std::vector<Form> forms;
  for (const auto& name : family<Model>().names()) {
    Fields fields = Fields::from_text(minimal_config(name));
    if (dynamic_cast<SignalModel*>(family<Model>().make(name, fields).get())) forms.push_back({name, ""});
  }
  // One model in several forms.
  forms.push_back({"volterra", "inputs: 2, outputs: 2, after_ms: 2, oversampling: 2"});
  forms.push_back({"neural_volterra", "inputs: 2, outputs: 2, state_ms: [5, 50]"});
  forms.push_back({"nonlinear_fdn", "inputs: 2, lines: 5, nonlinear: {products: 0}"});
  return forms;
}

class ContractSignals : public testing::TestWithParam<Form> {
 protected:
  std::unique_ptr<Model> made = make_model(GetParam());
  SignalModel& model = dynamic_cast<SignalModel&>(*made);

  at::Tensor noise(std::int64_t samples, double peak = 1, std::uint64_t seed = 3) const {
    return uniform({1, model.inputs(), samples}, -peak, peak, seed);
  }
  std::vector<at::Tensor> leaves() const {
    std::vector<at::Tensor> out;
    for (const auto& [name, leaf] : model.parameters()) out.push_back(leaf);
    return out;
  }
  /// Away from where the config begins, and not beyond the end of a range: no number is left that does nothing.
  void move_parameters() {
    const at::NoGradGuard no_grad;
    std::uint64_t seed = 20;
    for (const auto& leaf : leaves()) leaf.mul_(0.7).add_(uniform(leaf.sizes().vec(), -0.02, 0.02, ++seed));
  }
};

TEST_P(ContractSignals, TheEngineGivesWhatPlayGives) {
  const at::NoGradGuard no_grad;
  move_parameters();
  const auto loaded = runtime::make_model(to_weights(model));
  ASSERT_TRUE(loaded.model) << loaded.error;
  const std::int64_t samples = 6000;
  const auto input = noise(samples).to(at::kFloat);
  std::vector<std::vector<float>> channels;
  for (std::int64_t i = 0; i < input.size(1); ++i) {
    const auto row = input[0][i].contiguous();
    channels.emplace_back(row.const_data_ptr<float>(), row.const_data_ptr<float>() + samples);
  }
  const auto expected = model.play(input.to(at::kDouble))[0], in_single = model.play(input)[0];
  for (const int block : {300, 1}) {
    const auto played = runtime::render(loaded.model, channels, 0, block);
    ASSERT_EQ(static_cast<std::int64_t>(played.size()), expected.size(0));
    for (std::size_t o = 0; o < played.size(); ++o) {
      const auto engine = at::tensor(played[o]).to(at::kDouble);
      EXPECT_LT(largest(engine - expected[static_cast<std::int64_t>(o)]), 1e-4 * largest(expected)) << "output " << o;
    }
  }
  EXPECT_EQ(in_single.scalar_type(), at::kFloat);
  EXPECT_LT(relative_error(in_single, expected), 1e-4);
}

TEST_P(ContractSignals, AFileOfItPlaysTheSame) {
  const at::NoGradGuard no_grad;
  move_parameters();
  const auto weights = to_weights(model);
  const auto file = runtime::serialize_weights(weights);
  ASSERT_EQ(file.error, "");
  const auto loaded = runtime::load_model(file.bytes);
  ASSERT_TRUE(loaded.model) << loaded.error;
  EXPECT_EQ(runtime::render_impulse(loaded.model, 0.2),
            runtime::render_impulse(runtime::make_model(weights).model, 0.2));
}

TEST_P(ContractSignals, TheGradientOfItsNumbersAndOfItsInputIsThatOfFiniteDifferences) {
  move_parameters();
  auto input = noise(1200).set_requires_grad(true);
  const auto score = [&] {
    const auto y = model.play(input);
    return (y * at::linspace(-1, 1.3, y.numel(), at::kDouble).reshape(y.sizes())).sum() + 0.1 * y.square().sum();
  };
  auto all = leaves();
  all.push_back(input);
  const auto gradients = torch::autograd::grad({score()}, all);
  const at::NoGradGuard no_grad;
  for (std::size_t i = 0; i < all.size(); ++i) {
    ASSERT_TRUE(gradients[i].isfinite().all().item<bool>()) << i;
    EXPECT_GT(largest(gradients[i]), 0) << "number " << i << " changes nothing";
    const auto way = uniform(all[i].sizes().vec(), 0.5, 1, 7 + i);
    const auto start = all[i].clone();
    const auto at_step = [&](double step) {
      all[i].copy_(start + step * way);
      return score().item<double>();
    };
    const double h = 1e-6, rounding = 1e-15 * std::abs(score().item<double>()) / h;
    const double difference = (at_step(h) - at_step(-h)) / (2 * h);
    all[i].copy_(start);
    EXPECT_NEAR(difference, (gradients[i] * way).sum().item<double>(),
                1e-4 * (gradients[i] * way).abs().sum().item<double>() + 1e-8 + rounding)
        << i;
  }
}

TEST_P(ContractSignals, BoundedInputGivesBoundedOutputAndSilenceGivesSilence) {
  const at::NoGradGuard no_grad;
  EXPECT_EQ(largest(model.play(noise(2000, 0))), 0);
  for (const double peak : {1e-6, 1.0, 100.0}) {
    const auto once = model.play(noise(4000, peak).sign() * peak),
               louder = model.play(noise(4000, peak).sign() * 2 * peak);
    EXPECT_TRUE(once.isfinite().all().item<bool>()) << peak;
    // A series of the third order grows eightfold at most.
    EXPECT_LT(largest(louder), 8.1 * largest(once)) << peak;
  }
  // What follows the sound has an end: the engine cannot be left ringing louder than it was played.
  const auto loaded = runtime::make_model(to_weights(model));
  ASSERT_TRUE(loaded.model) << loaded.error;
  std::vector<std::vector<float>> loud(static_cast<std::size_t>(model.inputs()), std::vector<float>(500, 1e9f));
  for (const auto& channel : runtime::render(loaded.model, loud, 0.5)) {
    for (const float y : channel) ASSERT_TRUE(std::isfinite(y));
  }
}

TEST_P(ContractSignals, IsCausal) {
  const at::NoGradGuard no_grad;
  move_parameters();
  auto input = noise(600);
  const auto before = model.play(input);
  input.slice(2, 300) += 1;
  const auto after = model.play(input);
  EXPECT_LT(largest(after.slice(2, 0, 300) - before.slice(2, 0, 300)), 1e-9 * largest(before));
  EXPECT_GT(largest(after.slice(2, 300) - before.slice(2, 300)), 1e-3 * largest(before));
}

TEST_P(ContractSignals, ABatchIsPlayedOneByOne) {
  const at::NoGradGuard no_grad;
  const auto input = uniform({3, model.inputs(), 500}, -1, 1, 4), together = model.play(input);
  EXPECT_EQ(together.sizes().vec(), (std::vector<std::int64_t>{3, model.outputs(), 500}));
  for (std::int64_t b = 0; b < 3; ++b)
    EXPECT_LT(relative_error(together.slice(0, b, b + 1), model.play(input.slice(0, b, b + 1))), 1e-9);
}

TEST_P(ContractSignals, ForwardPlaysWhatIsDry) {
  Response target(noise(300), 8000);
  target.set("dry", noise(300, 1, 5));
  EXPECT_TRUE(at::equal(model.forward(target).ir(), model.play(target.get("dry"))));
  const auto alone = model.forward({});
  EXPECT_EQ(alone.ir().size(2), model.samples());
  EXPECT_EQ(alone.sample_rate_hz(), model.sample_rate_hz());
}

INSTANTIATE_TEST_SUITE_P(Contract, ContractSignals, testing::ValuesIn(signal_models()),
                         [](const auto& info) { return info.param.name + "_" + std::to_string(info.index); });

}  // namespace
}  // namespace diffverb
