#include "models/envelope/even_noise.h"

#include <ATen/Parallel.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/equal.h>
#include <ATen/ops/fft_irfft.h>
#include <ATen/ops/fft_rfft.h>
#include <ATen/ops/hann_window.h>
#include <ATen/ops/log10.h>
#include <ATen/ops/roll.h>
#include <ATen/ops/zeros.h>
#include <gtest/gtest.h>

#include <cmath>

#include "core/error.h"
#include "core/seed.h"
#include "models/envelope/layout.h"

namespace diffverb {
namespace {

constexpr std::int64_t kSamples = 1 << 16, kFrame = 3072;

at::Tensor gaussian(std::uint64_t seed) {
  Random random(seed);
  auto out = at::empty({2, kSamples});
  for (std::int64_t i = 0; i < out.numel(); ++i) out.data_ptr<float>()[i] = static_cast<float>(random.normal());
  return out;
}

/// All bands together, as a decoder plays them at equal densities: [samples].
at::Tensor sum_of_bands(const at::Tensor& noise) {
  const EnvelopeLayout& layout = envelope_layout();
  const auto spectra = at::fft_rfft(noise.to(at::kDouble));
  auto weights = at::zeros(spectra.sizes(), at::kDouble);
  for (std::int64_t i = 0; i < weights.size(1); ++i) {
    const auto at = layout.weights_at(static_cast<double>(i) * kEnvelopeRateHz / kSamples);
    for (std::size_t k = 0; k < at.size(); ++k)
      weights.data_ptr<double>()[static_cast<std::int64_t>(k % 2) * weights.size(1) + i] += at[k];
  }
  return at::fft_irfft((weights * spectra).sum(0), kSamples);
}

double deviation_db(const at::Tensor& power) {
  return (10 * at::log10(power / power.mean())).square().mean().sqrt().item<double>();
}

/// How far each of the distance's bands strays over time, in dB: bins of a band and three frames 16 ms apart.
std::vector<double> deviations(const at::Tensor& noise) {
  const auto signal = sum_of_bands(noise);
  const auto frames = at::cat({signal, signal.slice(0, 0, kFrame)}).unfold(0, kFrame, 256).slice(0, 0, kSamples / 256);
  const auto power = at::fft_rfft(frames * at::hann_window(kFrame, true, at::kDouble)).abs().square();
  const std::vector<int> edges = distance_edges_bins();
  std::vector<double> out;
  for (std::size_t b = 0; b + 2 < edges.size(); ++b) {
    const auto band = power.slice(1, edges[b], edges[b + 1]).mean(1);
    out.push_back(deviation_db(band + at::roll(band, 3, 0) + at::roll(band, -3, 0)));
  }
  return out;
}

double mean_of(const std::vector<double>& values, std::size_t from, std::size_t to) {
  double sum = 0;
  for (std::size_t i = from; i < to; ++i) sum += values[i];
  return sum / static_cast<double>(to - from);
}

const at::Tensor& made_noise() {
  static const at::Tensor noise = even_noise(kSamples, 1);
  return noise;
}

TEST(EvenNoise, IsTheSameForASeedAndAnyNumberOfThreads) {
  const int threads = at::get_num_threads();
  const auto first = even_noise(1 << 14, 3);
  at::set_num_threads(threads > 1 ? 1 : 2);
  EXPECT_TRUE(at::equal(even_noise(1 << 14, 3), first));
  at::set_num_threads(threads);
  EXPECT_FALSE(at::equal(even_noise(1 << 14, 4), first));
}

TEST(EvenNoise, StraysFarLessThanGaussianNoiseInEveryBand) {
  const auto& noise = made_noise();
  ASSERT_EQ(noise.sizes(), at::IntArrayRef({2, kSamples}));
  const std::vector<double> even = deviations(noise), random = deviations(gaussian(1));
  ASSERT_EQ(even.size(), 25u);
  // One bin is some four dB of Gaussian noise, a third octave at 1 kHz one and a half.
  EXPECT_GT(mean_of(random, 1, 7), 2.5);
  EXPECT_LT(mean_of(even, 1, 7), 0.8);
  EXPECT_LT(mean_of(even, 7, 18), 0.3);
  EXPECT_LT(mean_of(even, 18, 25), 0.4);
  for (std::size_t b = 1; b < even.size(); ++b) EXPECT_LT(even[b], 0.75 * random[b]) << "band " << b;
}

TEST(EvenNoise, HasThePowerOfWhiteNoiseInEveryBand) {
  const EnvelopeLayout& layout = envelope_layout();
  const auto power = (at::fft_rfft(made_noise().to(at::kDouble)).abs().square() / kSamples).contiguous();
  std::vector<double> sum(static_cast<std::size_t>(layout.bands())), expected(sum.size());
  for (std::int64_t i = 0; i < power.size(1); ++i) {
    const auto weights = layout.weights_at(static_cast<double>(i) * kEnvelopeRateHz / kSamples);
    for (std::size_t k = 0; k < weights.size(); ++k) {
      const double share = weights[k] * weights[k];
      sum[k] += share * power.const_data_ptr<double>()[static_cast<std::int64_t>(k % 2) * power.size(1) + i];
      expected[k] += share;
    }
  }
  for (std::size_t k = 1; k + 1 < sum.size(); ++k)
    EXPECT_NEAR(10 * std::log10(sum[k] / expected[k]), 0, 0.5) << "band " << k;
}

TEST(EvenNoise, RefusesLengthsThatAreNoPowerOfTwo) {
  for (const std::int64_t samples : {0, 8192, 20000}) EXPECT_THROW(even_noise(samples, 1), ContractError) << samples;
}

}  // namespace
}  // namespace diffverb
