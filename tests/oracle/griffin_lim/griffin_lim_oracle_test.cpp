#include <ATen/ops/empty.h>
#include <ATen/ops/ones.h>
#include <gtest/gtest.h>

#include <cmath>
#include <cstdint>
#include <fstream>
#include <nlohmann/json.hpp>

#include "core/spectral/griffin_lim.h"
#include "core/tensor.h"

namespace diffverb {
namespace {

constexpr std::int64_t kFft = 512, kHop = 128, kFrames = 40, kEvery = 37;

/// The magnitudes of make_griffin_lim.py.
at::Tensor magnitudes() {
  constexpr std::int64_t kBins = kFft / 2 + 1;
  auto m = at::empty({1, kBins, kFrames}, at::kDouble);
  std::uint32_t seed = 1;
  for (std::int64_t i = 0; i < kBins * kFrames; ++i) {
    seed = 1664525u * seed + 1013904223u;
    const double bin = static_cast<double>(i / kFrames), frame = static_cast<double>(i % kFrames);
    m.data_ptr<double>()[i] =
        (0.1 + seed / 4294967296.0) * std::pow(10.0, -(40 * frame / kFrames + 20 * bin / kBins) / 20);
  }
  return m;
}

class OracleGriffinLim : public testing::Test {
 protected:
  void SetUp() override {
    std::ifstream file(DIFFVERB_SOURCE_DIR "/tests/oracle/griffin_lim/griffin_lim.json");
    ASSERT_TRUE(file);
    cases_ = nlohmann::json::parse(file)["cases"];
    ASSERT_EQ(cases_.size(), 5u);
  }

  static GriffinLimResult ours(const nlohmann::json& one, const at::Tensor& m) {
    GriffinLimOptions options;
    options.fft_size = kFft, options.hop_size = kHop;
    options.iterations = one["iterations"];
    options.momentum = one["momentum"];
    options.start = at::ones(m.sizes(), at::kComplexDouble);
    return griffin_lim(m, options);
  }

  /// Largest difference, as a part of the largest sample of the reference.
  static double difference(const at::Tensor& signal, const nlohmann::json& every) {
    double largest = 0, difference = 0;
    for (std::size_t i = 0; i < every.size(); ++i) {
      const double expected = every[i];
      largest = std::max(largest, std::abs(expected));
      difference =
          std::max(difference, std::abs(signal[0][static_cast<std::int64_t>(i) * kEvery].item<double>() - expected));
    }
    return difference / largest;
  }

  nlohmann::json cases_;
};

TEST_F(OracleGriffinLim, InDoublePrecisionIsTorchaudiosNumberByNumber) {
  for (const auto& one : cases_) {
    const auto result = ours(one, magnitudes());
    ASSERT_EQ(result.signal.size(1), one["samples"].get<std::int64_t>());
    EXPECT_LT(difference(result.signal, one["every"]), 1e-8) << one["iterations"];
    EXPECT_NEAR(result.signal.norm().item<double>(), one["norm"].get<double>(), 1e-8);
    EXPECT_NEAR(result.convergence[0], one["convergence"].get<double>(), 1e-8);
  }
}

TEST_F(OracleGriffinLim, InTheKernelIsTorchaudiosToRounding) {
  for (const auto& one : cases_) {
    const auto result = ours(one, magnitudes().to(at::kFloat));
    // Rounding grows with the iterations where a bin is nearly 0: the end point is another of the same quality.
    if (one["iterations"] < 10) {
      EXPECT_LT(difference(result.signal, one["every"]), 1e-5) << one["iterations"];
    }
    EXPECT_NEAR(result.convergence[0], one["convergence"].get<double>(), 2e-3);
  }
}

}  // namespace
}  // namespace diffverb
