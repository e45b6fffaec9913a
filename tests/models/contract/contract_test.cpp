// What every registered model that trains on a data set keeps to. A new one is tested without a line here.
#include <ATen/ops/equal.h>
#include <gtest/gtest.h>

#include <set>

#include "core/error.h"
#include "core/tensor.h"
#include "models/model.h"
#include "tests/losses/loss_fixture.h"
#include "tests/models/contract/minimal_config.h"

namespace diffverb {
namespace {

std::unique_ptr<Model> make_model(const std::string& name, const std::string& more = "") {
  Fields fields = Fields::from_text(minimal_config(name, more));
  return family<Model>().make(name, fields);
}

class ContractModels : public testing::TestWithParam<std::string> {
 protected:
  void SetUp() override {
    model = make_model(GetParam());
    if (model->parameters().empty()) GTEST_SKIP() << GetParam() << " is fitted to one response, not trained on many";
  }
  std::unique_ptr<Model> model;
};

TEST_P(ContractModels, ParametersAreFiniteLeavesThatNeedAGradient) {
  for (const auto& [name, tensor] : model->parameters()) {
    EXPECT_TRUE(tensor.is_leaf() && tensor.requires_grad()) << name;
    EXPECT_TRUE(tensor.isfinite().all().item<bool>()) << name;
  }
}

TEST_P(ContractModels, BuffersNeedNoGradientAndHaveNamesOfTheirOwn) {
  const auto parameters = model->parameters();
  for (const auto& [name, tensor] : model->buffers()) {
    EXPECT_FALSE(tensor.requires_grad()) << name;
    EXPECT_EQ(parameters.count(name), 0u) << name;
  }
}

TEST_P(ContractModels, HandsOutTheTensorsThatItComputesWith) {
  const auto first = model->parameters(), again = model->parameters();
  for (const auto& [name, tensor] : first) EXPECT_TRUE(tensor.is_same(again.at(name))) << name;
}

TEST_P(ContractModels, StartsTheSameFromTheSameConfig) {
  const auto again = make_model(GetParam())->parameters();
  for (const auto& [name, tensor] : model->parameters()) EXPECT_TRUE(at::equal(tensor, again.at(name))) << name;
}

TEST_P(ContractModels, ComesBackFromItsResolvedYaml) {
  Fields fields = Fields::from_text(minimal_config(GetParam()));
  family<Model>().make(GetParam(), fields);
  const std::string resolved = fields.resolved_yaml();
  Fields again = Fields::from_text(resolved);
  family<Model>().make(GetParam(), again);
  EXPECT_EQ(again.resolved_yaml(), resolved);
}

TEST_P(ContractModels, RefusesAKeyThatItDoesNotKnow) {
  EXPECT_THROW(make_model(GetParam(), "no_such_key: 1"), ConfigError);
}

INSTANTIATE_TEST_SUITE_P(Contract, ContractModels, testing::ValuesIn(family<Model>().names()),
                         [](const auto& info) { return info.param; });

}  // namespace
}  // namespace diffverb
