// What every registered reverberator that plays responses keeps to. A new one is tested without a line here.
#include <ATen/ops/equal.h>
#include <ATen/ops/linspace.h>
#include <ATen/ops/tensor.h>
#include <gtest/gtest.h>

#include "core/error.h"
#include "core/seed.h"
#include "core/tensor.h"
#include "models/response_model.h"
#include "runtime/render.h"
#include "tests/core/solvers/network_fixture.h"
#include "tests/models/contract/minimal_config.h"
#include "train/export.h"

namespace diffverb {
namespace {

std::unique_ptr<Model> make_model(const std::string& name, const std::string& more = "") {
  Fields fields = Fields::from_text(minimal_config(name, more));
  return family<Model>().make(name, fields);
}

std::vector<std::string> response_models() {
  std::vector<std::string> names;
  for (const auto& name : family<Model>().names()) {
    if (dynamic_cast<ResponseModel*>(make_model(name).get())) names.push_back(name);
  }
  return names;
}

class ContractResponses : public testing::TestWithParam<std::string> {
 protected:
  std::unique_ptr<Model> made = make_model(GetParam());
  ResponseModel& model = dynamic_cast<ResponseModel&>(*made);

  std::vector<at::Tensor> leaves() const {
    std::vector<at::Tensor> out;
    for (const auto& [name, leaf] : model.parameters()) out.push_back(leaf);
    return out;
  }
};

TEST_P(ContractResponses, TheEngineGivesWhatPlayGives) {
  const at::NoGradGuard no_grad;
  for (const auto& leaf : leaves()) leaf.add_(uniform(leaf.sizes().vec(), -0.3, 0.3, 5));
  const auto loaded = runtime::make_model(to_weights(model));
  ASSERT_TRUE(loaded.model) << loaded.error;
  const std::int64_t samples = 6000;
  const auto input = uniform({loaded.model->inputs(), samples}, -1, 1, 3).to(at::kFloat);
  std::vector<std::vector<float>> channels;
  for (std::int64_t i = 0; i < input.size(0); ++i)
    channels.emplace_back(input[i].const_data_ptr<float>(), input[i].const_data_ptr<float>() + samples);
  const auto expected = model.play(input.to(at::kDouble));
  const auto played = runtime::render(loaded.model, channels, 0, 300);
  ASSERT_EQ(static_cast<std::int64_t>(played.size()), expected.size(0));
  for (std::size_t o = 0; o < played.size(); ++o) {
    const auto engine = at::tensor(played[o]).to(at::kDouble);
    EXPECT_LT(largest(engine - expected[static_cast<std::int64_t>(o)]), 1e-4 * largest(expected)) << "output " << o;
  }
}

TEST_P(ContractResponses, TheGradientOfItsNumbersIsThatOfFiniteDifferences) {
  const auto input = uniform({model.responses().size(1), 3000}, -1, 1, 4);
  const auto score = [&] {
    const auto y = model.play(input);
    return (y * at::linspace(-1, 1.3, y.numel(), at::kDouble).reshape(y.sizes())).sum() + 0.1 * y.square().sum();
  };
  const auto parameters = model.parameters();
  ASSERT_FALSE(parameters.empty());
  {
    const at::NoGradGuard no_grad;
    for (const auto& leaf : leaves()) leaf.mul_(0.7).add_(0.1);
  }
  const auto gradients = torch::autograd::grad({score()}, leaves());
  const at::NoGradGuard no_grad;
  for (std::size_t i = 0; i < gradients.size(); ++i) {
    const auto& [name, leaf] = *std::next(parameters.begin(), static_cast<std::ptrdiff_t>(i));
    ASSERT_TRUE(gradients[i].isfinite().all().item<bool>()) << name;
    EXPECT_GT(largest(gradients[i]), 0) << name << " changes nothing";
    const auto way = uniform(leaf.sizes().vec(), 0.5, 1, 7 + i);
    const auto start = leaf.clone();
    const auto at_step = [&](double step) {
      leaf.copy_(start + step * way);
      return score().item<double>();
    };
    const double difference = central_difference(at_step, 1e-5);
    leaf.copy_(start);
    EXPECT_NEAR(difference, (gradients[i] * way).sum().item<double>(),
                1e-4 * (gradients[i] * way).abs().sum().item<double>() + 1e-9)
        << name;
  }
}

TEST_P(ContractResponses, TheRuntimeTakesItAtEveryEndOfItsRanges) {
  const at::NoGradGuard no_grad;
  Random random(5, "corners");
  for (int corner = 0; corner < 5; ++corner) {
    for (const auto& leaf : leaves()) {
      for (auto value : leaf.reshape({-1}).unbind())
        value.fill_((corner < 2 ? corner == 1 : random.uniform(0, 1) < 0.5) ? 20 : -20);
    }
    const auto loaded = runtime::make_model(to_weights(model));
    EXPECT_TRUE(loaded.model) << "corner " << corner << ": " << loaded.error;
  }
}

TEST_P(ContractResponses, ForwardIsItsResponseAndReachesItsParameters) {
  const auto response = model.forward({});
  const auto expected = model.responses().sum(1).to(at::kFloat);
  EXPECT_TRUE(at::equal(response.ir()[0], expected));
  response.ir().square().sum().backward();
  for (const auto& [name, leaf] : model.parameters())
    EXPECT_TRUE(!leaf.grad().defined() || leaf.grad().isfinite().all().item<bool>()) << name;
}

TEST_P(ContractResponses, TakesAnotherSampleRate) {
  const auto other = make_model(GetParam(), "sample_rate_hz: 16000");
  const auto& fast = dynamic_cast<const ResponseModel&>(*other);
  const at::NoGradGuard no_grad;
  EXPECT_EQ(fast.sample_rate_hz(), 16000);
  EXPECT_NEAR(static_cast<double>(fast.responses().size(2)), 2.0 * static_cast<double>(model.responses().size(2)), 2);
}

INSTANTIATE_TEST_SUITE_P(Contract, ContractResponses, testing::ValuesIn(response_models()),
                         [](const auto& info) { return info.param; });

}  // namespace
}  // namespace diffverb
