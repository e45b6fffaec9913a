#include "datasets/measure/harmonics.h"

#include <ATen/ops/arange.h>
#include <ATen/ops/complex.h>
#include <ATen/ops/fft_irfft.h>
#include <ATen/ops/fft_rfft.h>
#include <ATen/ops/imag.h>
#include <ATen/ops/linspace.h>
#include <ATen/ops/ones_like.h>
#include <ATen/ops/polar.h>
#include <ATen/ops/real.h>
#include <ATen/ops/stack.h>

#include <algorithm>
#include <cmath>
#include <numbers>

#include "core/acoustics/fft.h"
#include "core/acoustics/filters.h"
#include "datasets/measure/excitation.h"
#include "datasets/measure/inverse.h"

namespace diffverb {
namespace {

constexpr double kWindowBefore_s = 0.005;  // what a window keeps before a response's onset, and leaves to the next one

/// Without edges: the linear response's band limit rings into the windows before it, and a cut would spread that over all
/// frequencies.
at::Tensor risen(const at::Tensor& response, std::int64_t rise) {
  auto out = response.clone();
  const std::int64_t fall = out.size(0) / 4;
  const auto half = [](std::int64_t count) {
    return 0.5 - 0.5 * at::linspace(0, std::numbers::pi, count, at::kDouble).cos();
  };
  out.slice(0, 0, rise).mul_(half(rise));
  out.slice(0, out.size(0) - fall).mul_(half(fall).flip(0));
  return out;
}

}  // namespace

Harmonics separate_harmonics(const Sweep& sweep, const at::Tensor& whole, std::int64_t onset, std::int64_t samples) {
  const double constant = sweep_constant_s(sweep.seconds, sweep.low_hz, sweep.high_hz) * sweep.rate_hz;
  const auto before = std::llround(kWindowBefore_s * sweep.rate_hz);
  const auto start = [&](std::int64_t order) -> std::int64_t {
    return onset - std::llround(constant * std::log(static_cast<double>(order))) - before;
  };
  Harmonics out;
  for (std::int64_t n = 2; n <= kHighestHarmonic; ++n) {
    const std::int64_t length = std::min<std::int64_t>(samples, start(n - 1) - start(n) - before);
    out.responses.push_back(risen(whole.roll({-start(n)}, {0}).slice(0, 0, length), before));
  }
  const auto fft_size = static_cast<std::int64_t>(acoustics::fast_fft_length(static_cast<std::size_t>(samples)));
  const auto power = [&](const at::Tensor& h) {
    return smoothed_by_thirds(at::fft_rfft(h, fft_size).abs().square()).contiguous();
  };
  const auto linear = power(whole.slice(0, 0, samples));
  std::vector<at::Tensor> powers;
  for (const auto& response : out.responses) powers.push_back(power(response));
  for (const auto& band : acoustics::make_bands(acoustics::BandWidth::kThirdOctave, sweep.rate_hz,
                                                std::max(25.0, sweep.low_hz), sweep.high_hz / 2)) {
    const auto bin = [&](double hz) { return std::llround(hz * static_cast<double>(fft_size) / sweep.rate_hz); };
    double sum = 0;
    for (std::int64_t n = 2; n <= kHighestHarmonic && static_cast<double>(n) * band.hz <= sweep.high_hz; ++n)
      sum += powers[static_cast<std::size_t>(n - 2)][bin(static_cast<double>(n) * band.hz)].item<double>();
    out.thd.push_back({band.nominal_hz, 100 * std::sqrt(sum / std::max(1e-300, linear[bin(band.hz)].item<double>()))});
  }
  return out;
}

at::Tensor power_kernels(const Sweep& sweep, const at::Tensor& whole, const at::Tensor& linear, std::int64_t onset,
                         double amplitude) {
  const std::int64_t samples = linear.size(0);
  const double constant = sweep_constant_s(sweep.seconds, sweep.low_hz, sweep.high_hz) * sweep.rate_hz;
  const auto before = std::llround(kWindowBefore_s * sweep.rate_hz);
  const auto size =
      static_cast<std::int64_t>(acoustics::fast_fft_length(static_cast<std::size_t>(samples + onset + 2 * before)));
  const auto hz = at::arange(size / 2 + 1, at::kDouble) * (2 * std::numbers::pi / static_cast<double>(size));
  // From a window before the onset that the next harmonic does not reach, to time 0, by a delay in the spectrum.
  const auto response = [&](std::int64_t n) {
    const double earlier = constant * std::log(static_cast<double>(n));
    const double next = constant * std::log(static_cast<double>(n) / static_cast<double>(n - 1));
    const auto from = onset - before - static_cast<std::int64_t>(std::llround(earlier));
    const std::int64_t length = std::min<std::int64_t>(samples, std::llround(next) - before);
    const auto window = risen(whole.roll({-from}, {0}).slice(0, 0, length), before);
    const double late = static_cast<double>(from) + earlier;
    return at::fft_rfft(window, size) * at::polar(at::ones_like(hz), hz * -late);
  };
  const auto turned = [](const at::Tensor& spectrum) { return at::complex(-at::imag(spectrum), at::real(spectrum)); };
  const auto third = response(3);
  const auto second = turned(response(2)) * (2 / amplitude);
  auto kernels = at::fft_irfft(at::stack({3 * third, second, third * (-4 / (amplitude * amplitude))}), size);
  kernels = kernels.slice(1, 0, samples).clone();
  kernels[0].add_(linear);
  return kernels;
}

}  // namespace diffverb
