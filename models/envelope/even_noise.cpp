#include "models/envelope/even_noise.h"

#include <ATen/ops/arange.h>
#include <ATen/ops/fft_irfft.h>
#include <ATen/ops/fft_rfft.h>
#include <ATen/ops/hann_window.h>
#include <ATen/ops/stack.h>

#include <array>
#include <cmath>
#include <numbers>
#include <vector>

#include "core/seed.h"
#include "models/envelope/layout.h"

namespace diffverb {
namespace {

constexpr double kShortestSeconds = 0.004;  // over which an envelope is smoothed
constexpr double kHighestHz = 2000;         // up to which the spectra of frames are made even
constexpr std::int64_t kFrame = 3072, kHop = 384;
constexpr double kLeast = 0.02;  // of the mean power: a null is not divided by

struct Bands {
  torch::Tensor hz;                    // [F]
  std::vector<torch::Tensor> weights;  // K of [F]
  std::vector<torch::Tensor> blurs;    // K of [F]: transforms of the smoothing windows
  std::vector<double> powers;          // of unit white noise in the band
};

Bands make_bands(std::int64_t samples) {
  const EnvelopeLayout& layout = envelope_layout();
  const std::int64_t bins = samples / 2 + 1;
  Bands out;
  out.hz = at::arange(bins, torch::kFloat64) * (kEnvelopeRateHz / static_cast<double>(samples));
  auto weights = torch::empty({layout.bands(), bins}, torch::kFloat64);
  auto to = weights.accessor<double, 2>();
  for (std::int64_t i = 0; i < bins; ++i) {
    const auto at = layout.weights_at(static_cast<double>(i) * kEnvelopeRateHz / static_cast<double>(samples));
    for (int k = 0; k < layout.bands(); ++k) to[k][i] = at[static_cast<std::size_t>(k)];
  }
  for (int k = 0; k < layout.bands(); ++k) {
    const auto b = static_cast<std::size_t>(k);
    const double seconds = std::max(kShortestSeconds, 1 / (layout.edges_hz[b + 1] - layout.edges_hz[b]));
    out.weights.push_back(weights[k]);
    out.blurs.push_back((-0.5 * (std::numbers::pi * seconds * out.hz).square()).exp());
    out.powers.push_back(weights[k].square().mean().item<double>());
  }
  return out;
}

using Spectra = std::array<torch::Tensor, 2>;

/// Divides each band by its own smoothed envelope.
Spectra even_envelopes(const Spectra& spectra, const Bands& bands, std::int64_t samples) {
  Spectra out{torch::zeros_like(spectra[0]), torch::zeros_like(spectra[1])};
  Spectra covered{torch::zeros_like(bands.hz), torch::zeros_like(bands.hz)};
  for (std::size_t k = 0; k < bands.weights.size(); ++k) {
    auto band = at::fft_irfft(bands.weights[k] * spectra[k % 2], samples);
    const auto envelope = at::fft_irfft(bands.blurs[k] * at::fft_rfft(band.square()), samples);
    band = band * (bands.powers[k] / envelope.clamp_min(kLeast * bands.powers[k])).sqrt();
    out[k % 2] += bands.weights[k] * at::fft_rfft(band);
    covered[k % 2] += bands.weights[k].square();
  }
  // Where a sequence's own bands leave a gap, nothing is heard of it: it stays.
  for (std::size_t p = 0; p < 2; ++p) out[p] += (1 - covered[p]) * spectra[p];
  return out;
}

/// Moves the sum of all bands towards a short-time spectrum of constant magnitude.
Spectra even_frames(const Spectra& spectra, const Bands& bands, std::int64_t samples) {
  torch::Tensor sum = torch::zeros_like(spectra[0]);
  Spectra shares{torch::zeros_like(bands.hz), torch::zeros_like(bands.hz)};
  for (std::size_t k = 0; k < bands.weights.size(); ++k) {
    sum += bands.weights[k] * spectra[k % 2];
    shares[k % 2] += bands.weights[k];
  }
  const auto signal = at::fft_irfft(sum, samples);
  const auto index = (at::arange(samples / kHop).unsqueeze(1) * kHop + at::arange(kFrame)).remainder(samples);
  const auto window = at::hann_window(kFrame, true, torch::kFloat64);
  const auto frames = at::fft_rfft(signal.index_select(0, index.reshape({-1})).reshape(index.sizes()) * window);
  const double magnitude = std::sqrt(window.square().sum().item<double>());
  const auto wanted = frames * (magnitude / (frames.abs() + 1e-9));
  const auto change = at::fft_irfft(wanted - frames, kFrame, 1) * window;
  auto difference = torch::zeros_like(signal).index_add_(0, index.reshape({-1}), change.reshape({-1}));
  difference /= window.square().sum() / static_cast<double>(kHop);
  const auto step = at::fft_rfft(difference) * (bands.hz < kHighestHz);
  return {spectra[0] + shares[0] * step, spectra[1] + shares[1] * step};
}

}  // namespace

torch::Tensor even_noise(std::int64_t samples, int iterations, std::uint64_t seed) {
  const torch::NoGradGuard guard;
  const Bands bands = make_bands(samples);
  Spectra spectra;
  Random random(seed, "even_noise");
  for (auto& spectrum : spectra) {
    auto noise = torch::empty({samples}, torch::kFloat64);
    for (std::int64_t i = 0; i < samples; ++i) noise.data_ptr<double>()[i] = random.normal();
    spectrum = at::fft_rfft(noise);
  }
  for (int i = 0; i < iterations; ++i) {
    spectra = even_envelopes(spectra, bands, samples);
    spectra = even_frames(spectra, bands, samples);
  }
  return at::stack({at::fft_irfft(spectra[0], samples), at::fft_irfft(spectra[1], samples)}).to(torch::kFloat32);
}

}  // namespace diffverb
