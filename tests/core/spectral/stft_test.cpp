#include "core/spectral/stft.h"

#include <ATen/CPUGeneratorImpl.h>
#include <ATen/ops/arange.h>
#include <ATen/ops/ones.h>
#include <ATen/ops/randn.h>
#include <ATen/ops/zeros.h>
#include <gtest/gtest.h>
#include <torch/csrc/autograd/autograd.h>

#include <cmath>
#include <numbers>

#include "core/error.h"
#include "core/tensor.h"

namespace diffverb {
namespace {

TEST(Stft, OfAnImpulseIsTheWindowInEveryFrameAroundIt) {
  auto impulse = at::zeros({2, 100}, at::kDouble);
  impulse[0][40] = 3;
  const auto spectrum = stft(impulse, 32, 8, Padding::kZero);
  ASSERT_EQ(spectrum.sizes(), (at::IntArrayRef{2, 17, 13}));
  for (int frame = 0; frame < 13; ++frame) {
    const int place = 40 - frame * 8 + 16;  // the impulse's place in the frame
    const double window = place >= 0 && place < 32 ? 0.5 - 0.5 * std::cos(2 * std::numbers::pi * place / 32) : 0;
    for (int bin : {0, 5, 16}) EXPECT_NEAR(spectrum[0][bin][frame].abs().item<double>(), 3 * window, 1e-12);
    EXPECT_EQ(spectrum[1][5][frame].abs().item<double>(), 0);
  }
}

TEST(Stft, OfAToneHasItsPeakInItsBin) {
  const auto tone = (at::arange(1000, at::kDouble) * (2 * std::numbers::pi * 10 / 64)).cos();
  const auto magnitude = power_spectrogram(tone, 64, 16, Padding::kZero).sqrt().select(1, 20);
  EXPECT_EQ(magnitude.argmax().item<int>(), 10);
  EXPECT_NEAR(magnitude[10].item<double>(), 64 / 4.0, 1e-9);  // half the amplitude times the sum of the window
}

TEST(Stft, WithZeroPaddingIsSilentBeforeAnOnsetAndWithReflectionIsNot) {
  auto onset = at::zeros({64}, at::kDouble);
  onset[3] = 1;
  EXPECT_NEAR(stft(onset, 32, 8, Padding::kZero)[0][0].abs().item<double>(),
              0.5 - 0.5 * std::cos(2 * std::numbers::pi * 19 / 32), 1e-12);
  EXPECT_NEAR(stft(onset, 32, 8, Padding::kReflect)[0][0].abs().item<double>(),
              1 - std::cos(2 * std::numbers::pi * 19 / 32), 1e-12);
}

TEST(PowerSpectrogram, IsTheSquaredTransformAndHasItsGradient) {
  auto generator = at::make_generator<at::CPUGeneratorImpl>(5);
  for (const auto padding : {Padding::kZero, Padding::kReflect}) {
    for (const std::int64_t hop : {8, 11, 32}) {  // 11 does not divide the transform
      for (const std::int64_t length : {97, 128}) {
        const auto x = at::randn({2, 3, length}, generator, at::kDouble).set_requires_grad(true);
        const auto power = power_spectrogram(x, 32, hop, padding), square = stft(x, 32, hop, padding).abs().square();
        EXPECT_LT((power - square).abs().max().item<double>(), 1e-11);
        const auto weight = at::randn(power.sizes(), generator, at::kDouble);
        const auto ours = torch::autograd::grad({(power * weight).sum()}, {x})[0];
        const auto autograd = torch::autograd::grad({(square * weight).sum()}, {x})[0];
        EXPECT_LT((ours - autograd).abs().max().item<double>(), 1e-11) << "hop " << hop << ", length " << length;
      }
    }
  }
}

TEST(PowerGradient, OfSomeFramesIsWhatTheirPowersHave) {
  auto generator = at::make_generator<at::CPUGeneratorImpl>(5);
  const auto signal = at::randn({2, 3, 150}, generator, at::kDouble).set_requires_grad(true);
  const std::int64_t hop = 8, fft = 32, frames = 1 + 150 / hop;
  const auto weights = at::randn({6 * frames, fft / 2 + 1}, generator, at::kDouble);
  const auto chosen = at::arange(3, 6 * frames, 5, at::kLong);
  const auto power = power_spectrogram(signal, fft, hop, Padding::kZero).transpose(2, 3).flatten(0, 2);
  const auto value = (power.index_select(0, chosen) * weights.index_select(0, chosen)).sum();
  const auto expected = torch::autograd::grad({value}, {signal})[0];
  const auto slopes = stft(signal.detach(), fft, hop, Padding::kZero).transpose(2, 3).flatten(0, 2) * weights;
  const auto some = power_gradient(slopes.index_select(0, chosen), chosen, signal.sizes(), hop);
  EXPECT_LT((some - expected).abs().max().item<double>(), 1e-12);
  const auto all = torch::autograd::grad(
      {(power_spectrogram(signal, fft, hop, Padding::kZero).transpose(2, 3).flatten(0, 2) * weights).sum()},
      {signal})[0];
  EXPECT_LT((power_gradient(slopes, at::Tensor(), signal.sizes(), hop) - all).abs().max().item<double>(), 1e-12);
  const auto none = power_gradient(slopes.slice(0, 0, 0), chosen.slice(0, 0, 0), signal.sizes(), hop);
  EXPECT_EQ(none.sizes(), signal.sizes());
  EXPECT_EQ(none.abs().max().item<double>(), 0);
}

TEST(Stft, OfAShorterWindowHasItInTheMiddleOfTheTransform) {
  auto impulse = at::zeros({100}, at::kDouble);
  impulse[40] = 1;
  const auto magnitude = stft(impulse, 32, 8, Padding::kZero, 21)[3].abs();
  for (int frame = 0; frame < 13; ++frame) {
    const int place = 40 - frame * 8 + 16 - 5;  // (32 - 21) / 2 = 5 zeros before the window
    const double window = place >= 0 && place < 21 ? 0.5 - 0.5 * std::cos(2 * std::numbers::pi * place / 21) : 0;
    EXPECT_NEAR(magnitude[frame].item<double>(), window, 1e-12);
  }
  EXPECT_THROW(stft(impulse, 32, 8, Padding::kZero, 33), ContractError);
}

TEST(Stft, TakesASignalShorterThanItsWindow) {
  EXPECT_EQ(stft(at::ones({1, 1, 1}, at::kFloat), 64, 16, Padding::kZero).sizes(), (at::IntArrayRef{1, 1, 33, 1}));
}

TEST(Stft, RefusesWhatItCannotDo) {
  const auto signal = at::zeros({1, 100});
  EXPECT_THROW(stft(signal, 33, 8, Padding::kZero), ContractError);
  EXPECT_THROW(stft(signal, 32, 0, Padding::kZero), ContractError);
  EXPECT_THROW(stft(signal, 32, 33, Padding::kZero), ContractError);
  EXPECT_THROW(stft(signal, 256, 8, Padding::kReflect), ContractError);
  EXPECT_THROW(stft(at::zeros({1, 0}), 32, 8, Padding::kZero), ContractError);
  EXPECT_THROW(padding_of("constant"), ContractError);
}

}  // namespace
}  // namespace diffverb
