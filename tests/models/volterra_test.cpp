// volterra: what it plays, how it is bounded, what it does not fold back, what it costs.
#include "models/volterra.h"

#include <ATen/ops/arange.h>
#include <ATen/ops/fft_rfft.h>
#include <ATen/ops/zeros.h>
#include <gtest/gtest.h>

#include <cmath>
#include <numbers>

#include "core/error.h"
#include "models/volterra_identification.h"
#include "tests/core/solvers/network_fixture.h"
#include "tests/peak_memory.h"

namespace diffverb {
namespace {

Volterra make(const std::string& keys) {
  Fields fields = Fields::from_text("{" + keys + "}");
  return Volterra(fields);
}

/// Lengths in samples: at 8 kHz a sample is 0.125 ms.
constexpr const char* kSmall =
    "sample_rate_hz: 8000, first_ms: 1, second_ms: 0.75, second_rank: 2, third_ms: 0.5, third_rank: 2, "
    "second_level_db: 0, third_level_db: 0";

/// Gives filters behind products values to hear.
void draw_after(Volterra& model) {
  for (const char* name : {"second_after", "third_after"})
    model.set_kernel(name, uniform(model.kernel(name).sizes().vec(), -1, 1, 9));
}

/// The series from its definition, sample by sample.
at::Tensor play_plainly(const Volterra& model, const at::Tensor& x) {
  const auto delayed = [&](std::int64_t i, std::int64_t n) { return n < 0 ? 0.0 : x[0][i][n].item<double>(); };
  const auto filtered = [&](const at::Tensor& taps, std::int64_t n) {  // [I, L]
    double sum = 0;
    for (std::int64_t i = 0; i < taps.size(0); ++i) {
      for (std::int64_t k = 0; k < taps.size(1); ++k) sum += taps[i][k].item<double>() * delayed(i, n - k);
    }
    return sum;
  };
  auto y = at::zeros({model.outputs(), x.size(2)}, at::kDouble);
  for (std::int64_t o = 0; o < model.outputs(); ++o) {
    for (std::int64_t n = 0; n < x.size(2); ++n) {
      double sum = filtered(model.kernel("first")[o], n);
      for (const std::string name : {"second", "third"}) {
        const auto factors = model.kernel(name)[o], after = model.kernel(name + "_after")[o];
        for (std::int64_t r = 0; r < factors.size(0); ++r) {
          for (std::int64_t k = 0; k < std::min(n + 1, after.size(1)); ++k) {
            double product = after[r][k].item<double>();
            for (std::int64_t j = 0; j < factors.size(1); ++j) product *= filtered(factors[r][j], n - k);
            sum += product;
          }
        }
      }
      y[o][n] = sum;
    }
  }
  return y;
}

TEST(Volterra, PlaysItsSeries) {
  const at::NoGradGuard no_grad;
  auto model = make(std::string(kSmall) + ", inputs: 2, outputs: 2, after_ms: 0.375");
  draw_after(model);
  const auto x = uniform({1, 2, 40}, -1, 1, 3);
  EXPECT_LT(relative_error(model.play(x)[0], play_plainly(model, x)), 1e-12);
}

TEST(Volterra, ItsFullKernelsAreThoseOfTheTripleSum) {
  const at::NoGradGuard no_grad;
  for (const char* after : {"", ", after_ms: 0.375"}) {
    auto model = make(std::string(kSmall) + after);
    if (*after) draw_after(model);
    const auto h2 = full_kernel(model, "second"), h3 = full_kernel(model, "third");
    const std::int64_t samples = 20;
    const auto x = uniform({1, 1, samples}, -1, 1, 3);
    auto y = at::zeros({samples}, at::kDouble);
    for (std::int64_t n = 0; n < samples; ++n) {
      const auto past = [&](std::int64_t length) {
        auto values = at::zeros({length}, at::kDouble);
        for (std::int64_t k = 0; k < std::min(length, n + 1); ++k) values[k] = x[0][0][n - k];
        return values;
      };
      const auto v1 = past(model.kernel("first").size(2)), v2 = past(h2.size(0)), v3 = past(h3.size(0));
      y[n] = model.kernel("first")[0][0].dot(v1) + h2.matmul(v2).dot(v2) + h3.matmul(v3).matmul(v3).dot(v3);
    }
    EXPECT_LT(relative_error(model.play(x)[0][0], y), 1e-12);
    EXPECT_LT(relative_error(h3.permute({2, 0, 1}), h3), 1e-12) << "a kernel is symmetric";
  }
}

TEST(Volterra, OfTheFirstOrderIsAConvolution) {
  const auto model = make("order: 1, first_ms: 5");
  EXPECT_EQ(model.parameters().size(), 1u);
  const auto response = model.kernel("first")[0][0].slice(0, 0, 100);
  auto impulse = at::zeros({1, 1, 100}, at::kDouble);
  impulse[0][0][0] = 1;
  EXPECT_LT(relative_error(model.play(impulse)[0][0], response), 1e-9);
}

/// Level in dB at a multiple of 1 / 480 of the rate, of 4800 samples from 480 on.
double level_at(const at::Tensor& signal, std::int64_t bin) {
  return 20 * std::log10(at::fft_rfft(signal.slice(0, 480, 5280)).abs()[10 * bin].item<double>() / 2400 + 1e-20);
}

TEST(Volterra, ProductsAtTwiceTheRateDoNotFoldBack) {
  const at::NoGradGuard no_grad;
  const auto model_at = [](int oversampling, int order) {
    auto model = make("first_ms: 0.1, second_ms: 0.1, second_rank: 1, third_ms: 0.1, third_rank: 1, oversampling: " +
                      std::to_string(oversampling));
    for (const char* name : {"first", "second", "third"})
      model.set_kernel(name, at::zeros(model.kernel(name).sizes(), at::kDouble));
    auto delta = at::zeros(model.kernel(order == 2 ? "second" : "third").sizes(), at::kDouble);
    delta.select(4, 0).fill_(1);
    model.set_kernel(order == 2 ? "second" : "third", delta);
    return model;
  };
  const auto sine = [](std::int64_t bin) {
    const auto n = at::arange(5280, at::kDouble);
    return (n * (2 * std::numbers::pi * static_cast<double>(bin) / 480)).sin().reshape({1, 1, 5280});
  };
  // 0.4 of the rate: its square has 0.8, which is heard as 0.2; its cube 1.2, which is heard as 0.2 too.
  for (const int order : {2, 3}) {
    const auto loud = sine(192);
    EXPECT_GT(level_at(model_at(1, order).play(loud)[0][0], 96), -13) << order;
    EXPECT_LT(level_at(model_at(2, order).play(loud)[0][0], 96), -75) << order;
    // What does not fold back is the same, later.
    const auto low = sine(40);
    const auto plain = model_at(1, order).play(low)[0][0], twice = model_at(2, order).play(low)[0][0];
    EXPECT_LT(largest(twice.slice(0, 480 + kHalfBandDelay) - plain.slice(0, 480, 5280 - kHalfBandDelay)), 1e-3);
  }
}

TEST(Volterra, StaysWithinTheBoundOfItsKernels) {
  const at::NoGradGuard no_grad;
  for (const char* more : {"", ", after_ms: 0.375", ", oversampling: 2"}) {
    const auto model = make(std::string(kSmall) + more);
    for (const double peak : {0.1, 1.0, 10.0}) {
      const auto x = peak * uniform({1, 1, 4000}, -1, 1, 5).sign();
      EXPECT_LE(largest(model.play(x)), model.bound(peak) * (1 + 1e-12)) << more;
    }
  }
  // The bound is reached: a square, of an input that has the signs of the kernel backwards.
  auto square = make("order: 2, second_ms: 0.5, second_rank: 1, sample_rate_hz: 8000, first_ms: 0.125");
  const auto b = uniform({1, 1, 1, 1, 4}, -1, 1, 6).expand({1, 1, 2, 1, 4});
  square.set_kernel("second", b);
  square.set_kernel("first", at::zeros({1, 1, 1}, at::kDouble));
  const auto worst = 3 * b[0][0][0].flip({1}).sign().unsqueeze(0);
  EXPECT_NEAR(largest(square.play(worst)), square.bound(3), 1e-9 * square.bound(3));
}

TEST(Volterra, AnOutputSampleDependsOnItsMemory) {
  const at::NoGradGuard no_grad;
  auto model = make("sample_rate_hz: 8000, first_ms: 0.125, second_ms: 2, third_ms: 1, after_ms: 1");
  draw_after(model);
  model.set_kernel("second", uniform(model.kernel("second").sizes().vec(), 0.5, 1, 8));
  const std::int64_t memory = model.memory_samples();
  EXPECT_EQ(memory, 16 + 8 - 1);
  auto impulse = at::zeros({1, 1, 100}, at::kDouble);
  impulse[0][0][0] = 1;
  const auto y = model.play(impulse)[0][0];
  EXPECT_GT(std::abs(y[memory - 1].item<double>()), 1e-6 * largest(y));
  EXPECT_LT(largest(y.slice(0, memory)), 1e-12 * largest(y));
}

TEST(Volterra, MemoryOfAPlayWithItsGradientIsWithinWhatItStates) {
  const auto measure = [](int rank) {
    const auto model = make("first_ms: 500, second_rank: " + std::to_string(rank) + ", third_rank: 1");
    const std::int64_t samples = 96000;
    const auto x = uniform({1, 1, samples}, -1, 1, 7).to(at::kFloat);
    std::vector<at::Tensor> leaves;
    for (const auto& [name, leaf] : model.parameters()) leaves.push_back(leaf);
    const double stated = static_cast<double>(model.most_bytes(1, samples, 4)) / 1e6;
    expect_peak("rank_" + std::to_string(rank), stated / 6, stated,
                [&] { torch::autograd::grad({model.play(x).square().sum()}, leaves); });
    return stated;
  };
  const double one = measure(1), five = measure(5), nine = measure(9);
  EXPECT_NEAR(nine - five, five - one, 1e-6 * nine) << "linear in the rank";
}

TEST(Volterra, HasAsManyNumbersAsItsFactors) {
  const auto model = make(std::string(kSmall) + ", inputs: 2, outputs: 2");
  std::int64_t numbers = 0;
  for (const auto& [name, leaf] : model.parameters()) numbers += leaf.numel();
  EXPECT_EQ(numbers, 2 * 2 * (8 + 2 * 2 * 6 + 3 * 2 * 4));
}

TEST(Volterra, RefusesKernelsAndInputsOfAnotherShape) {
  auto model = make(kSmall);
  EXPECT_THROW(model.set_kernel("second", at::zeros({1, 2, 2, 1, 7}, at::kDouble)), ContractError);
  EXPECT_THROW(model.play(at::zeros({1, 2, 10}, at::kDouble)), ContractError);
  EXPECT_THROW(make("order: 4"), ConfigError);
  EXPECT_THROW(make("oversampling: 3"), ConfigError);
}

}  // namespace
}  // namespace diffverb
