#include "datasets/measure/excitation.h"

#include <ATen/ops/arange.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/fft_irfft.h>
#include <ATen/ops/linspace.h>
#include <ATen/ops/polar.h>

#include <array>
#include <cmath>
#include <numbers>
#include <string>

#include "core/error.h"
#include "datasets/measure/inverse.h"

namespace diffverb {
namespace {

constexpr double kPi = std::numbers::pi;
constexpr double kStretch = 0.45;  // m / N: nine tenths of the pulse's length is sweep, the rest is room for its edges

at::Tensor faded(at::Tensor sound, std::int64_t fade) {
  fade = std::min(fade, sound.size(0) / 4);
  const auto rise = 0.5 - 0.5 * at::linspace(0, kPi, fade + 2, at::kDouble).slice(0, 1, fade + 1).cos();
  sound.slice(0, 0, fade).mul_(rise);
  sound.slice(0, sound.size(0) - fade).mul_(rise.flip(0));
  return sound;
}

/// The register's taps of each order from 2 on, a bit each: primitive polynomials.
constexpr std::array<std::array<int, 4>, 23> kTaps = {{
    {2, 1},   {3, 2},           {4, 3},          {5, 3},          {6, 5},          {7, 6},   {8, 6, 5, 4},     {9, 5},
    {10, 7},  {11, 9},          {12, 11, 10, 4}, {13, 12, 11, 8}, {14, 13, 12, 2}, {15, 14}, {16, 15, 13, 4},  {17, 14},
    {18, 11}, {19, 18, 17, 14}, {20, 17},        {21, 19},        {22, 21},        {23, 18}, {24, 23, 22, 17},
}};

}  // namespace

double sweep_constant_s(double seconds, double low_hz, double high_hz) {
  return std::max(1.0, std::round(low_hz * seconds / std::log(high_hz / low_hz))) / low_hz;
}

at::Tensor exponential_sweep(double rate_hz, double seconds, double low_hz, double high_hz, double fade_s) {
  const double constant = sweep_constant_s(seconds, low_hz, high_hz);
  const auto samples = std::llround(constant * std::log(high_hz / low_hz) * rate_hz);
  const auto t = at::arange(samples, at::kDouble) / rate_hz;
  return faded((2 * kPi * low_hz * constant * (t / constant).exp()).sin(), std::llround(fade_s * rate_hz));
}

at::Tensor time_stretched_pulse(double rate_hz, double seconds, double low_hz, double high_hz, double fade_s) {
  const auto samples = 2 * std::llround(seconds * rate_hz / 2);
  const double n = static_cast<double>(samples), stretch = std::round(kStretch * n);
  const auto k = at::arange(samples / 2 + 1, at::kDouble);
  const auto spectrum =
      at::polar(band_window(samples, rate_hz, low_hz, high_hz), k.square() * (-4 * kPi * stretch / (n * n)));
  auto pulse = at::fft_irfft(spectrum, samples).roll({(samples - 2 * static_cast<std::int64_t>(stretch)) / 2}, {0});
  return faded(pulse / pulse.abs().max(), std::llround(fade_s * rate_hz));
}

at::Tensor maximum_length_sequence(int order) {
  if (order < 2 || order > 24)
    throw ContractError("maximum_length_sequence: order is " + std::to_string(order) + ", expected 2 to 24");
  const std::int64_t samples = (std::int64_t{1} << order) - 1;
  auto out = at::empty({samples}, at::kDouble);
  auto* values = out.mutable_data_ptr<double>();
  std::uint32_t state = 1;
  for (std::int64_t i = 0; i < samples; ++i) {
    values[i] = state & 1 ? 1 : -1;
    std::uint32_t bit = 0;
    for (const int tap : kTaps[static_cast<std::size_t>(order - 2)]) {
      if (tap > 0) bit ^= state >> (order - tap);
    }
    state = state >> 1 | (bit & 1) << (order - 1);
  }
  return out;
}

int sequence_order(double rate_hz, double seconds) {
  return static_cast<int>(std::ceil(std::log2(seconds * rate_hz + 1)));
}

at::Tensor pilot_chirp(double rate_hz, double seconds, double low_hz, double high_hz) {
  const auto t = at::arange(std::llround(seconds * rate_hz), at::kDouble) / rate_hz;
  const auto phase = 2 * kPi * (low_hz * t + (high_hz - low_hz) / (2 * seconds) * t.square());
  return phase.sin() * (kPi * t / seconds).sin().square();
}

}  // namespace diffverb
