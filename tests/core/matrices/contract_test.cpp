// What every registered feedback matrix keeps to. A new one is tested without a line here.
#include <ATen/ops/equal.h>
#include <ATen/ops/rand.h>
#include <ATen/ops/zeros_like.h>
#include <gtest/gtest.h>

#include "core/error.h"
#include "tests/core/matrices/matrix_fixture.h"

namespace diffverb {
namespace {

class ContractMatrices : public testing::TestWithParam<std::string> {
 protected:
  std::unique_ptr<FeedbackMatrix> matrix = make_matrix(GetParam());
  std::int64_t few = valid_lines(*matrix, 4);
};

TEST_P(ContractMatrices, KeepsItsPropertyForEveryNForWhichItExists) {
  int sizes = 0;
  for (std::int64_t lines = 1; lines <= 64; ++lines) {
    if (!matrix->exists_for(lines)) continue;
    ++sizes;
    for (const std::uint64_t seed : {1, 2}) {
      matrix->reset(lines, seed, at::kFloat);
      const auto a = matrix->matrix();
      EXPECT_EQ(a.sizes(), (std::vector<std::int64_t>{lines, lines}));
      EXPECT_EQ(a.scalar_type(), at::kFloat);
      EXPECT_LT(distance_from_property(*matrix), 1e-5) << lines << " lines, seed " << seed;
    }
    matrix->reset(lines, 1, at::kDouble);
    EXPECT_LT(distance_from_property(*matrix), 1e-11) << lines << " lines";
  }
  EXPECT_GE(sizes, 7);
}

TEST_P(ContractMatrices, RefusesEveryOtherNAndNamesTheNearestThatExist) {
  for (std::int64_t lines = 0; lines <= 66; ++lines) {
    if (matrix->exists_for(lines) || lines == 0) {
      EXPECT_EQ(matrix->exists_for(lines), lines > 0) << lines;
      continue;
    }
    try {
      matrix->reset(lines, 1, at::kFloat);
      ADD_FAILURE() << lines << " lines";
    } catch (const ConfigError& error) {
      const std::string message = error.what();
      EXPECT_EQ(message.find("feedback matrix " + GetParam() + ": " + std::to_string(lines) + " lines, expected "), 0u)
          << message;
      const std::int64_t larger = valid_lines(*matrix, lines);
      EXPECT_EQ(message.substr(message.rfind(' ') + 1), std::to_string(larger)) << message;
    }
  }
}

TEST_P(ContractMatrices, KeepsItsPropertyWhereverAnOptimiserTakesIt) {
  for (const std::int64_t lines : {few, valid_lines(*matrix, 16)}) {
    matrix->reset(lines, 1, at::kFloat);
    EXPECT_EQ(matrix->matrix().requires_grad(), !matrix->parameters().empty());
    for (const double size : {0.0, 1e-6, 1e-2, 1.0, 10.0, 100.0}) {
      move_parameters(*matrix, size, 5);
      EXPECT_LT(distance_from_property(*matrix), 2e-5) << "parameters of size " << size;
    }
  }
}

/// The property in words, against the poles of a loop of random delays.
TEST_P(ContractMatrices, HasItsPolesWhereItSays) {
  for (const double size : {0.0, 0.5, 3.0}) {
    for (const std::uint64_t seed : {1, 2, 3}) {
      matrix->reset(few, seed, at::kDouble);
      if (size > 0) move_parameters(*matrix, size, seed);
      const auto delays = random_delays(few, seed);
      const auto a = matrix->matrix().detach(), moduli = pole_moduli(a, delays);
      const double least = moduli.min().item<double>(), greatest = moduli.max().item<double>();
      if (matrix->property() == LoopProperty::kDecaying) {
        EXPECT_LT(greatest, 1);
      } else {
        // k poles in one place are found about 1e-16 to the power of 1 / k away from it.
        const double near = matrix->property() == LoopProperty::kUnitPoles ? 2e-2 : 1e-9;
        EXPECT_LT(greatest, 1 + near);
        EXPECT_GT(least, 1 - near);
      }
      // What all of them promise: it decays once every line loses something, whatever the delays.
      EXPECT_LT(pole_moduli(a * 0.9, delays).max().item<double>(), 1) << "seed " << seed << ", size " << size;
    }
  }
}

TEST_P(ContractMatrices, GivesTheGradientOfItsParameters) {
  matrix->reset(few, 7, at::kDouble);
  const auto weight = uniform({few, few}, -1, 1, 8);
  for (auto& [name, parameter] : matrix->parameters()) {
    auto leaf = parameter;
    EXPECT_TRUE(leaf.is_leaf() && leaf.requires_grad()) << name;
    const auto gradient = torch::autograd::grad({(matrix->matrix() * weight).sum()}, {leaf})[0];
    at::NoGradGuard no_grad;
    auto differences = at::zeros_like(leaf);
    for (std::int64_t i = 0; i < leaf.numel(); ++i) {
      auto& entry = leaf.mutable_data_ptr<double>()[i];
      const double kept = entry, h = 1e-5;
      const auto value = [&](double at) {
        entry = at;
        return (matrix->matrix() * weight).sum().item<double>();
      };
      differences.mutable_data_ptr<double>()[i] = (value(kept + h) - value(kept - h)) / (2 * h);
      entry = kept;
    }
    EXPECT_LT(relative_error(gradient, differences), 1e-6) << name;
    EXPECT_GT(largest(differences), 0) << name;
  }
}

TEST_P(ContractMatrices, DependsOnItsSeedAlone) {
  const auto again = make_matrix(GetParam());
  const std::int64_t lines = valid_lines(*matrix, 16);
  matrix->reset(lines, 3, at::kFloat);
  at::rand({100});  // the global generator moves on
  again->reset(lines, 3, at::kFloat);
  EXPECT_TRUE(at::equal(matrix->matrix(), again->matrix()));
}

TEST_P(ContractMatrices, ComesBackFromItsResolvedYaml) {
  Fields fields = Fields::from_text("{}");
  const auto first = family<FeedbackMatrix>().make(GetParam(), fields);
  const std::string resolved = fields.resolved_yaml();
  Fields again = Fields::from_text(resolved);
  const auto second = family<FeedbackMatrix>().make(GetParam(), again);
  EXPECT_EQ(again.resolved_yaml(), resolved);
  first->reset(few, 4, at::kFloat);
  second->reset(few, 4, at::kFloat);
  EXPECT_TRUE(at::equal(first->matrix(), second->matrix()));
}

TEST_P(ContractMatrices, RefusesUnknownKeysAndUseBeforeReset) {
  EXPECT_THROW(make_matrix(GetParam(), "{no_such_key: 1}"), ConfigError);
  EXPECT_THROW(matrix->matrix(), ContractError);
}

INSTANTIATE_TEST_SUITE_P(All, ContractMatrices, testing::ValuesIn(family<FeedbackMatrix>().names()),
                         [](const auto& info) { return info.param; });

}  // namespace
}  // namespace diffverb
