#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <fstream>
#include <nlohmann/json.hpp>
#include <span>
#include <string>
#include <vector>

#include "runtime/pyfdn_network.h"
#include "runtime/render.h"

namespace diffverb::runtime {
namespace {

using Rows = std::vector<std::vector<float>>;

const std::string kFolder = std::string(DIFFVERB_SOURCE_DIR) + "/tests/oracle/pyfdn/";

const nlohmann::json& expected() {
  static const auto json = nlohmann::json::parse(std::ifstream(kFolder + "expected.json"));
  return json;
}

/// What pyFDN's process_fdn was given.
Rows input_of(const nlohmann::json& one) {
  auto input = one["input"].get<Rows>();
  for (auto& channel : input) channel.resize(expected()["frames"].get<std::size_t>(), 0.0f);
  return input;
}

/// The largest difference at the samples that were kept, relative to the peak.
double error_of(const std::shared_ptr<const Model>& model, const nlohmann::json& one) {
  const Rows ours = render(model, input_of(one), 0);
  const auto theirs = one["output"].get<std::vector<std::vector<double>>>();
  const std::size_t dense = expected()["dense"], stride = expected()["stride"];
  if (ours.size() != theirs.size()) return INFINITY;
  double error = 0;
  for (std::size_t o = 0; o < ours.size(); ++o) {
    for (std::size_t k = 0; k < theirs[o].size(); ++k) {
      const std::size_t n = k < dense ? k : dense + (k - dense) * stride;
      error = std::max(error, std::abs(static_cast<double>(ours[o].at(n)) - theirs[o][k]));
    }
  }
  return error / one["peak"].get<double>();
}

TEST(OraclePyfdn, TheEnginePlaysWhatProcessFdnPlays) {
  ASSERT_GE(expected()["cases"].size(), 5u);
  for (const auto& one : expected()["cases"]) {
    const auto name = one["build"].get<std::string>();
    SCOPED_TRACE(name);
    const LoadResult loaded = load_model(kFolder + "networks/" + name + ".json");
    ASSERT_EQ(loaded.error, "");
    EXPECT_EQ(loaded.model->network.lossless, name.rfind("colorless", 0) == 0);
    const double error = error_of(loaded.model, one);
    std::printf("%s: %.1e of the peak\n", name.c_str(), error);
    EXPECT_LT(error, 1e-5);
  }
}

TEST(OraclePyfdn, ItStillDoesAfterBothConversions) {
  for (const auto& one : expected()["cases"]) {
    const auto name = one["build"].get<std::string>();
    SCOPED_TRACE(name);
    const LoadResult read = load_model(kFolder + "networks/" + name + ".json");
    ASSERT_EQ(read.error, "");
    const SerializedWeights weights = serialize_weights(read.model->network);
    ASSERT_EQ(weights.error, "");
    const PyfdnText build = make_pyfdn(load_model(weights.bytes).model->network);
    ASSERT_EQ(build.error, "");
    EXPECT_EQ(build.left_out, "");
    const LoadResult again =
        load_model(std::span(reinterpret_cast<const std::uint8_t*>(build.text.data()), build.text.size()));
    ASSERT_EQ(again.error, "");
    EXPECT_LT(error_of(again.model, one), 1e-5);
  }
}

}  // namespace
}  // namespace diffverb::runtime
