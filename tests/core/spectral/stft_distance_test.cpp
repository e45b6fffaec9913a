#include "core/spectral/stft_distance.h"

#include <ATen/CPUGeneratorImpl.h>
#include <ATen/Parallel.h>
#include <ATen/ops/arange.h>
#include <ATen/ops/equal.h>
#include <ATen/ops/linalg_vector_norm.h>
#include <ATen/ops/ones.h>
#include <ATen/ops/pow.h>
#include <ATen/ops/randn.h>
#include <ATen/ops/zeros.h>
#include <gtest/gtest.h>
#include <torch/csrc/autograd/autograd.h>

#include "core/error.h"
#include "core/tensor.h"

namespace diffverb {
namespace {

/// What the fused pass is to compute, in float64 of LibTorch's operators.
at::Tensor composed(const at::Tensor& signal, const at::Tensor& target, const StftDistance::Frames& f,
                    double floor_power, double convergence_weight, double log_weight) {
  const auto magnitude = [&](const at::Tensor& x) {
    return power_spectrogram(x.to(at::kDouble), f.fft_size, f.hop_size, f.padding, f.win_length)
        .clamp_min(floor_power)
        .sqrt();
  };
  const auto m = magnitude(signal), t = magnitude(target);
  const auto distance = at::linalg_vector_norm(m - t, 2, at::IntArrayRef{-2, -1});
  return convergence_weight * (distance / at::linalg_vector_norm(t, 2, at::IntArrayRef{-2, -1})).mean() +
         log_weight * (m.log() - t.log()).abs().mean();
}

at::Tensor noise(std::uint64_t seed, std::int64_t rows, std::int64_t samples) {
  auto generator = at::make_generator<at::CPUGeneratorImpl>(seed);
  const auto decay = at::pow(10.0, at::arange(samples, at::kDouble) * (-4.0 / static_cast<double>(samples)));
  return (at::randn({rows, samples}, generator, at::kDouble) * decay).to(at::kFloat);
}

class StftDistances : public testing::Test {
 protected:
  static constexpr double kFloor = 1e-4;

  void compare(const StftDistance::Frames& f, std::int64_t rows, std::int64_t samples) {
    SCOPED_TRACE("fft " + std::to_string(f.fft_size) + " hop " + std::to_string(f.hop_size) + " window " +
                 std::to_string(f.win_length) + " rows " + std::to_string(rows) + " samples " +
                 std::to_string(samples));
    const auto target = noise(1, rows, samples);
    const auto norm = at::linalg_vector_norm(
        power_spectrogram(target.to(at::kDouble), f.fft_size, f.hop_size, f.padding, f.win_length)
            .clamp_min(kFloor)
            .sqrt(),
        2, at::IntArrayRef{-2, -1});
    const StftDistance distance(target, f, kFloor, norm);
    const auto x = (0.7 * noise(2, rows, samples)).set_requires_grad(true);
    for (const auto& [convergence, logarithm] : {std::pair{1.0, 1.0}, {1.0, 0.0}, {0.0, 1.0}}) {
      const auto value = distance(x, convergence, logarithm);
      const auto expected = composed(x, target, f, kFloor, convergence, logarithm);
      EXPECT_NEAR(value.item<double>(), expected.item<double>(), 2e-6 * expected.item<double>());
      const auto gradient = torch::autograd::grad({3 * value}, {x})[0].to(at::kDouble);
      const auto slope = torch::autograd::grad({3 * expected}, {x})[0].to(at::kDouble);
      EXPECT_LT((gradient - slope).abs().max().item<double>(), 2e-5 * slope.abs().max().item<double>());
      EXPECT_EQ(distance(x.detach(), convergence, logarithm).item<double>(), value.item<double>());
    }
  }
};

TEST_F(StftDistances, AreThoseOfTheOperatorsForEverySizeAndHop) {
  compare({512, 50, 240, Padding::kReflect}, 1, 6000);
  compare({1024, 120, 600, Padding::kReflect}, 1, 9001);
  compare({2048, 240, 1200, Padding::kReflect}, 1, 20000);
  compare({512, 128, 512, Padding::kZero}, 3, 2000);
  compare({1024, 256, 1024, Padding::kZero}, 2, 30001);
  compare({2048, 2048, 2048, Padding::kZero}, 1, 9000);
  compare({1024, 1, 1024, Padding::kZero}, 1, 300);
  compare({512, 100, 511, Padding::kZero}, 1, 7);
}

TEST_F(StftDistances, HaveNoGradientBelowTheFloorAndNoneAtTheTarget) {
  const StftDistance::Frames f{512, 128, 512, Padding::kZero};
  const auto target = noise(3, 1, 3000);
  const StftDistance distance(target, f, kFloor, at::ones({1}));
  const auto silence = at::zeros({1, 3000}).set_requires_grad(true);
  EXPECT_EQ(torch::autograd::grad({distance(silence, 1, 1)}, {silence})[0].abs().max().item<double>(), 0);
  const auto same = target.clone().set_requires_grad(true);
  const auto value = distance(same, 1, 1);
  EXPECT_EQ(value.item<double>(), 0);
  EXPECT_EQ(torch::autograd::grad({value}, {same})[0].abs().max().item<double>(), 0);
}

TEST_F(StftDistances, AreTheSameForAnyNumberOfThreads) {
  const StftDistance::Frames f{1024, 120, 600, Padding::kReflect};
  const StftDistance distance(noise(1, 2, 20000), f, kFloor, at::ones({2}));
  const auto x = noise(2, 2, 20000).set_requires_grad(true);
  const int threads = at::get_num_threads();
  std::vector<at::Tensor> values, gradients;
  for (const int count : {1, 3}) {
    at::set_num_threads(count);
    values.push_back(distance(x, 1, 1));
    gradients.push_back(torch::autograd::grad({values.back()}, {x})[0]);
  }
  at::set_num_threads(threads);
  EXPECT_TRUE(at::equal(values[0], values[1]));
  EXPECT_TRUE(at::equal(gradients[0], gradients[1]));
}

TEST_F(StftDistances, RefuseWhatTheyCannotDo) {
  const auto norm = at::ones({1});
  EXPECT_THROW(StftDistance(at::ones({1, 3000}, at::kDouble), {512, 128, 512, Padding::kZero}, 1e-8, norm),
               ContractError);
  EXPECT_THROW(StftDistance(at::ones({1, 3000}), {256, 64, 256, Padding::kZero}, 1e-8, norm), ContractError);
  const StftDistance distance(at::ones({1, 3000}), {512, 128, 512, Padding::kZero}, 1e-8, norm);
  EXPECT_THROW(distance(at::ones({1, 2999}), 1, 1), ContractError);
  EXPECT_THROW(distance(at::ones({1, 3000}, at::kDouble), 1, 1), ContractError);
}

}  // namespace
}  // namespace diffverb
