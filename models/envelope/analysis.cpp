#include "models/envelope/analysis.h"

#include <ATen/ops/cat.h>
#include <ATen/ops/constant_pad_nd.h>
#include <ATen/ops/fft_ifft.h>
#include <ATen/ops/fft_irfft.h>
#include <ATen/ops/fft_rfft.h>
#include <ATen/ops/real.h>
#include <ATen/ops/stack.h>
#include <ATen/ops/tensor.h>

#include <algorithm>
#include <cmath>
#include <sstream>

#include "core/error.h"
#include "core/spectral/stft.h"
#include "models/envelope/layout.h"

namespace diffverb {
namespace {

constexpr double kBeforeSeconds = 0.05;  // kept before the onset, where filters ring
constexpr double kUnknown = 1e-9;        // share of the energy below which a high band was left out by the rate

/// The spectrum's length: whole cells of 4 ms, enough for the response and its ringing, of small factors.
std::int64_t spectrum_cells(std::int64_t samples) {
  const std::int64_t cell = std::llround(kUniformCellSeconds * kEnvelopeRateHz);
  std::int64_t cells = (samples + cell - 1) / cell + 50;
  const auto smooth = [](std::int64_t n) {
    for (const std::int64_t factor : {2, 3, 5}) {
      while (n % factor == 0) n /= factor;
    }
    return n == 1;
  };
  while (!smooth(cells)) ++cells;
  return cells;
}

struct BandBins {
  std::int64_t first = 0;
  std::vector<float> weights;
  std::int64_t per_cell = 1;  // samples of the band's envelope in 4 ms
};

std::vector<BandBins> band_bins(std::int64_t fft_size) {
  const EnvelopeLayout& layout = envelope_layout();
  const double bin_hz = kEnvelopeRateHz / static_cast<double>(fft_size);
  std::vector<BandBins> out(layout.centres_hz.size());
  for (std::size_t k = 0; k < out.size(); ++k) {
    const double low = k == 0 ? 0 : layout.centres_hz[k - 1];
    const double high = k + 1 == out.size() ? kEnvelopeRateHz / 2 : layout.centres_hz[k + 1];
    out[k].first = static_cast<std::int64_t>(std::ceil(low / bin_hz));
    const std::int64_t last = std::min(static_cast<std::int64_t>(std::floor(high / bin_hz)), fft_size / 2);
    for (std::int64_t i = out[k].first; i <= last; ++i)
      out[k].weights.push_back(static_cast<float>(layout.weights_at(static_cast<double>(i) * bin_hz)[k]));
    // The power of the envelope is twice as wide as the band; sums over cells need it unaliased.
    while (static_cast<double>(out[k].per_cell) / kUniformCellSeconds < 2 * (high - low)) out[k].per_cell *= 2;
  }
  return out;
}

/// Energy in cells of 4 ms from `kBeforeSeconds` before the onset on, [K, cells].
at::Tensor uniform_energy(const at::Tensor& response, std::int64_t cells) {
  const std::int64_t fft_size = cells * std::llround(kUniformCellSeconds * kEnvelopeRateHz);
  const auto spectrum = at::fft_rfft(response, fft_size);
  std::vector<at::Tensor> rows;
  for (const BandBins& band : band_bins(fft_size)) {
    const std::int64_t length = cells * band.per_cell, count = static_cast<std::int64_t>(band.weights.size());
    const auto weights = at::tensor(band.weights).to(response.device());
    const auto part = spectrum.slice(0, band.first, band.first + count) * weights;
    const auto envelope = at::fft_ifft(at::constant_pad_nd(part, {0, length - count}));
    const double scale = 2.0 * static_cast<double>(length) / static_cast<double>(fft_size);
    rows.push_back(at::real(envelope * envelope.conj()).reshape({cells, band.per_cell}).sum(1) * scale);
  }
  return at::stack(rows);
}

/// Cells of 4 ms to the layout's, the ringing before the onset to the first.
at::Tensor to_layout(const at::Tensor& uniform) {
  const EnvelopeLayout& layout = envelope_layout();
  const auto before = std::llround(kBeforeSeconds / kUniformCellSeconds);
  const auto sums = at::constant_pad_nd(uniform.to(at::kDouble).cumsum(1), {1, 0});
  std::vector<std::int64_t> edges;
  for (const double t : layout.times_s)
    edges.push_back(std::min<std::int64_t>(before + std::llround(t / kUniformCellSeconds), sums.size(1) - 1));
  edges[0] = 0;
  return sums.index_select(1, at::tensor(edges).to(uniform.device())).diff().to(at::kFloat);
}

/// Power of the distance's bands as at 16 kHz, [26, 128]. Measured at 48 kHz in bins and windows of the same widths: a
/// spectrum cut at 8 kHz would ring there for as long as the loudest sound is far above the end.
at::Tensor distance_power(const at::Tensor& from_onset) {
  constexpr std::int64_t kRatio = 3;
  const std::int64_t length = kRatio * kDistanceFrames * kDistanceHop;
  const auto samples = at::constant_pad_nd(from_onset, {0, std::max<std::int64_t>(0, length - from_onset.size(0))});
  const auto power = power_spectrogram(samples.slice(0, 0, length).contiguous(), kRatio * kDistanceFftSize,
                                       kRatio * kDistanceHop, Padding::kZero) /
                     (kRatio * kRatio);
  const std::vector<int> edges = distance_edges_bins();
  std::vector<at::Tensor> rows;
  for (std::size_t b = 0; b + 1 < edges.size(); ++b)
    rows.push_back(power.slice(0, edges[b], edges[b + 1]).slice(1, 0, kDistanceFrames).mean(0));
  return at::stack(rows);
}

}  // namespace

EnvelopeAnalysis analyze_envelope(const at::Tensor& ir, std::int64_t onset_samples) {
  if (ir.dim() != 2 || ir.scalar_type() != at::kFloat || onset_samples < 0 || onset_samples >= ir.size(1)) {
    std::ostringstream message;
    message << "analyze_envelope: expected float32 [B, T] with the onset inside, got " << ir.sizes() << ' '
            << ir.dtype();
    throw ContractError(message.str());
  }
  const auto before = std::llround(kBeforeSeconds * kEnvelopeRateHz);
  const EnvelopeLayout& layout = envelope_layout();
  std::vector<at::Tensor> energies, powers, bands;
  std::vector<std::int64_t> cells;
  std::vector<float> gains;
  for (std::int64_t b = 0; b < ir.size(0); ++b) {
    const auto nonzero = ir[b].nonzero();
    if (nonzero.size(0) == 0) throw ContractError("analyze_envelope: response " + std::to_string(b) + " is silent");
    const std::int64_t end = nonzero[-1].item<std::int64_t>() + 1;
    auto response = ir[b].slice(0, std::max<std::int64_t>(0, onset_samples - before), std::max(end, onset_samples + 1));
    const std::int64_t missing = std::max<std::int64_t>(0, before - onset_samples);
    response = at::constant_pad_nd(response, {missing, 0});
    const auto map = to_layout(uniform_energy(response, spectrum_cells(response.size(0))));
    const auto by_band = map.sum(1);
    // Low bands that hold nothing are silent, and known to be.
    const auto known = by_band.flip(0).cumsum(0).flip(0) > kUnknown * by_band.sum();
    const double total = (by_band * known).sum().item<double>();
    const double seconds = static_cast<double>(response.size(0) - before) / kEnvelopeRateHz;
    cells.push_back(std::clamp<std::int64_t>(
        std::lower_bound(layout.times_s.begin(), layout.times_s.end(), seconds) - layout.times_s.begin(), 1,
        layout.cells()));
    energies.push_back(map * known.unsqueeze(1) / total);
    // One millisecond before the onset, as two responses that are compared are aligned.
    const std::int64_t lead = std::llround(1e-3 * kEnvelopeRateHz);
    powers.push_back(distance_power(response.slice(0, before - lead)) / total);
    bands.push_back(known);
    gains.push_back(static_cast<float>(std::sqrt(total)));
  }
  return {at::stack(energies), at::stack(powers), at::stack(bands), at::tensor(cells).to(ir.device()),
          at::tensor(gains).to(ir.device())};
}

}  // namespace diffverb
