#include "models/envelope/even_noise.h"

#include <ATen/Parallel.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/fft_fft.h>
#include <ATen/ops/fft_ifft.h>
#include <ATen/ops/fft_irfft.h>
#include <ATen/ops/fft_rfft.h>
#include <ATen/ops/full_like.h>
#include <ATen/ops/hann_window.h>
#include <ATen/ops/imag.h>
#include <ATen/ops/maximum.h>
#include <ATen/ops/ones.h>
#include <ATen/ops/real.h>
#include <ATen/ops/roll.h>
#include <ATen/ops/zeros.h>
#include <ATen/ops/zeros_like.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <numbers>
#include <string>
#include <vector>

#include "core/error.h"
#include "core/seed.h"
#include "models/envelope/layout.h"

namespace diffverb {
namespace {

constexpr double kShortestSmoothingSeconds = 0.004;  // over which an envelope is smoothed
constexpr double kLeastEnvelope = 0.02;              // of the mean power: a null is not divided by
constexpr double kLeastFrame = 1e-3;
constexpr std::int64_t kFrame = 3072, kHop = 256;  // a window of the distance, at 48 kHz; three hops are one of its own
constexpr std::int64_t kHopsOfDistance = 3;
constexpr double kDeepestBin = 2;  // below it the bands fade in: no level is due

/// Iterations of the bands up to a frequency: the narrow ones take many, and cost little.
struct Stage {
  double bands_hz, frames_hz;  // bands that begin below bands_hz; frames are evened below frames_hz
  std::int64_t decimation;     // of the signal whose frames are evened
  int iterations;
};
constexpr Stage kStages[] = {{180, 180, 32, 400}, {2000, 2000, 8, 60}, {kEnvelopeRateHz, 2000, 8, 15}};

/// Bands that are as wide: rows of one transform. A band's bins alone, moved to 0 Hz, are its analytic signal at a rate
/// that its power envelope just needs.
struct BandGroup {
  at::Tensor index;    // [R M] where the bins stand in both spectra, one after the other
  at::Tensor weights;  // [R, M]; 0 beyond the band
  at::Tensor blurs;    // [R, M / 2 + 1]: transforms of the smoothing windows
  at::Tensor powers;   // [R, 1] of unit white noise in the band
};

struct Bands {
  std::vector<BandGroup> groups;
  at::Tensor uncovered;  // [2, F] 1 - sum of squared weights: what these bands leave as it is
  at::Tensor weights;    // [2, F] sums of all bands' weights
};

struct Band {
  std::int64_t first = 0;
  std::vector<double> weights;
};

std::vector<Band> bands_of(std::int64_t samples) {
  const EnvelopeLayout& layout = envelope_layout();
  std::vector<Band> out(static_cast<std::size_t>(layout.bands()));
  for (std::int64_t i = 0; i <= samples / 2; ++i) {
    const auto weights = layout.weights_at(static_cast<double>(i) * kEnvelopeRateHz / static_cast<double>(samples));
    for (std::size_t k = 0; k < weights.size(); ++k) {
      if (weights[k] == 0) continue;
      if (out[k].weights.empty()) out[k].first = i;
      out[k].weights.resize(static_cast<std::size_t>(i - out[k].first), 0.0);
      out[k].weights.push_back(weights[k]);
    }
  }
  return out;
}

BandGroup make_group(const std::vector<Band>& bands, const std::vector<std::size_t>& rows, std::int64_t size,
                     std::int64_t samples) {
  const EnvelopeLayout& layout = envelope_layout();
  const double bin_hz = kEnvelopeRateHz / static_cast<double>(samples);
  const auto count = static_cast<std::int64_t>(rows.size());
  BandGroup group;
  group.index = at::zeros({count * size}, at::kLong);
  group.weights = at::zeros({count, size}, at::kDouble);
  group.blurs = at::zeros({count, size / 2 + 1}, at::kDouble);
  group.powers = at::zeros({count, 1}, at::kDouble);
  auto* index = group.index.data_ptr<std::int64_t>();
  auto* weights = group.weights.data_ptr<double>();
  auto* blurs = group.blurs.data_ptr<double>();
  for (std::int64_t r = 0; r < count; ++r) {
    const std::size_t k = rows[static_cast<std::size_t>(r)];
    const Band& band = bands[k];
    const std::int64_t offset = static_cast<std::int64_t>(k % 2) * (samples / 2 + 1) + band.first;
    double power = 0;
    for (std::size_t i = 0; i < band.weights.size(); ++i) {
      index[r * size + static_cast<std::int64_t>(i)] = offset + static_cast<std::int64_t>(i);
      weights[r * size + static_cast<std::int64_t>(i)] = band.weights[i];
      power += band.weights[i] * band.weights[i];
    }
    group.powers.data_ptr<double>()[r] = power * static_cast<double>(samples);
    const double seconds = std::max(kShortestSmoothingSeconds, 1 / (layout.edges_hz[k + 1] - layout.edges_hz[k]));
    for (std::int64_t i = 0; i <= size / 2; ++i)
      blurs[r * (size / 2 + 1) + i] =
          std::exp(-0.5 * std::pow(std::numbers::pi * seconds * static_cast<double>(i) * bin_hz, 2));
  }
  return group;
}

/// The bands that begin below a frequency.
Bands make_bands(std::int64_t samples, double below_hz) {
  const std::vector<Band> all = bands_of(samples);
  const double bin_hz = kEnvelopeRateHz / static_cast<double>(samples);
  Bands out;
  out.uncovered = at::ones({2, samples / 2 + 1}, at::kDouble);
  out.weights = at::zeros({2, samples / 2 + 1}, at::kDouble);
  auto uncovered = out.uncovered.accessor<double, 2>(), sums = out.weights.accessor<double, 2>();
  std::map<std::int64_t, std::vector<std::size_t>> by_size;
  for (std::size_t k = 0; k < all.size(); ++k) {
    const auto parity = static_cast<std::int64_t>(k % 2);
    const bool takes_part = static_cast<double>(all[k].first) * bin_hz < below_hz && !all[k].weights.empty();
    std::int64_t size = 2;
    while (size < 2 * static_cast<std::int64_t>(all[k].weights.size())) size *= 2;
    if (takes_part) by_size[size].push_back(k);
    for (std::size_t i = 0; i < all[k].weights.size(); ++i) {
      const std::int64_t bin = all[k].first + static_cast<std::int64_t>(i);
      sums[parity][bin] += all[k].weights[i];
      if (takes_part) uncovered[parity][bin] -= all[k].weights[i] * all[k].weights[i];
    }
  }
  for (const auto& [size, rows] : by_size) out.groups.push_back(make_group(all, rows, size, samples));
  return out;
}

/// Divides each band by its own smoothed envelope: [2, F] -> [2, F].
at::Tensor even_envelopes(const at::Tensor& spectra, const Bands& bands) {
  const auto from = spectra.reshape({-1});
  auto to = at::zeros_like(from);
  for (const BandGroup& group : bands.groups) {
    const std::int64_t size = group.weights.size(1);
    auto band = at::fft_ifft(from.index_select(0, group.index).reshape({-1, size}) * group.weights, {}, 1, "forward");
    const auto power = at::real(band).square() + at::imag(band).square();
    const auto envelope = at::fft_irfft(group.blurs * at::fft_rfft(power), size);
    band = band * (group.powers / at::maximum(envelope, kLeastEnvelope * group.powers)).sqrt();
    to.index_add_(0, group.index, (group.weights * at::fft_fft(band, {}, 1, "forward")).reshape({-1}));
  }
  return to.reshape(spectra.sizes()) + bands.uncovered * spectra;
}

/// Moves the short-time power of all bands together towards a constant one, as the distance sees it: of the bins of its
/// bands and three of its frames.
at::Tensor even_frames(const at::Tensor& spectra, const Bands& bands, const Stage& stage, std::int64_t samples) {
  const std::int64_t length = samples / stage.decimation, frame = kFrame / stage.decimation,
                     hop = kHop / stage.decimation, bins = length / 2 + 1, parts = frame / hop;
  const auto weights = bands.weights.slice(1, 0, bins);
  const auto signal = at::fft_irfft((weights * spectra.slice(1, 0, bins)).sum(0), length);
  const auto window = at::hann_window(frame, true, at::kDouble);
  const auto frames = at::fft_rfft(
      at::cat({signal, signal.slice(0, 0, frame)}).unfold(0, frame, hop).slice(0, 0, length / hop) * window);
  auto power = (at::real(frames).square() + at::imag(frames).square()).contiguous();
  const std::vector<int> edges = distance_edges_bins();
  for (std::size_t b = 0; b + 1 < edges.size() && edges[b] < power.size(1); ++b) {
    auto band = power.slice(1, edges[b], std::min<std::int64_t>(edges[b + 1], power.size(1)));
    if (band.size(1) > 1) band.copy_(band.mean(1, true).expand_as(band));
  }
  power = (power + at::roll(power, kHopsOfDistance, 0) + at::roll(power, -kHopsOfDistance, 0)) / 3;
  // White noise of unit power at 48 kHz, of which a part of the rate is left.
  auto wanted = at::full_like(power[0], window.square().sum().item<double>() * stage.decimation);
  wanted.slice(0, 0, kDeepestBin).copy_(power.slice(1, 0, kDeepestBin).mean(0));
  const auto gain = (wanted / at::maximum(power, kLeastFrame * wanted)).sqrt();
  const auto change = (at::fft_irfft(frames * (gain - 1), frame, 1) * window).reshape({length / hop, parts, hop});
  auto difference = at::zeros({length / hop, hop}, at::kDouble);
  for (std::int64_t part = 0; part < parts; ++part) difference += at::roll(change.select(1, part), part, 0);
  difference *= static_cast<double>(hop) / window.square().sum().item<double>();
  auto step = at::fft_rfft(difference.reshape({-1}));
  step.slice(0, static_cast<std::int64_t>(stage.frames_hz * static_cast<double>(samples) / kEnvelopeRateHz)).zero_();
  auto out = spectra.clone();
  out.slice(1, 0, bins) += weights * step;
  return out;
}

/// One thread while it lives: some transforms round otherwise on several.
class OneThread {
 public:
  OneThread() : threads_(at::get_num_threads()) { at::set_num_threads(1); }
  ~OneThread() { at::set_num_threads(threads_); }
  OneThread(const OneThread&) = delete;
  OneThread& operator=(const OneThread&) = delete;

 private:
  int threads_;
};

}  // namespace

at::Tensor even_noise(std::int64_t samples, std::uint64_t seed) {
  if (samples < (1 << 14) || (samples & (samples - 1)) != 0)
    throw ContractError("even_noise: expected a power of two from 16384 on, got " + std::to_string(samples));
  const at::NoGradGuard guard;
  const OneThread one;
  auto noise = at::empty({2, samples}, at::kDouble);
  Random random(seed, "even_noise");
  for (std::int64_t i = 0; i < noise.numel(); ++i) noise.data_ptr<double>()[i] = random.normal();
  auto spectra = at::fft_rfft(noise);
  for (const Stage& stage : kStages) {
    const Bands bands = make_bands(samples, stage.bands_hz);
    for (int i = 0; i < stage.iterations; ++i)
      spectra = even_frames(even_envelopes(spectra, bands), bands, stage, samples);
  }
  return at::fft_irfft(spectra, samples).to(at::kFloat);
}

}  // namespace diffverb
