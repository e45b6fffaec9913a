#include "models/envelope/operators.h"

#include <ATen/ops/cat.h>
#include <ATen/ops/einsum.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/zeros.h>

#include <algorithm>
#include <cmath>
#include <complex>
#include <numbers>
#include <vector>

#include "core/acoustics/fft.h"
#include "core/acoustics/filters.h"
#include "models/envelope/layout.h"

namespace diffverb {
namespace {

constexpr double kStepHz = 0.25;  // of the grid on which spectra are integrated
constexpr double kLobeHz = 62.5;  // beyond it a Hann window of 64 ms has nothing left
constexpr double kWindowSeconds = kDistanceFftSize / kDistanceRateHz;

double hann(double share) { return 0.5 - 0.5 * std::cos(2 * std::numbers::pi * share); }

at::Tensor tensor_of(const std::vector<std::vector<double>>& rows) {
  const auto columns = static_cast<std::int64_t>(rows[0].size());
  auto out = at::empty({static_cast<std::int64_t>(rows.size()), columns}, at::kFloat);
  float* to = out.data_ptr<float>();
  for (const auto& row : rows) to = std::copy(row.begin(), row.end(), to);
  return out;
}

/// Energy density of each band's noise, one-sided, integrates to 1: [K][steps].
std::vector<std::vector<double>> densities() {
  const EnvelopeLayout& layout = envelope_layout();
  const auto steps = static_cast<std::size_t>(kEnvelopeRateHz / 2 / kStepHz) + 1;
  std::vector<std::vector<double>> out(layout.centres_hz.size(), std::vector<double>(steps));
  for (std::size_t i = 0; i < steps; ++i) {
    const std::vector<double> weights = layout.weights_at(static_cast<double>(i) * kStepHz);
    for (std::size_t k = 0; k < weights.size(); ++k) out[k][i] = weights[k] * weights[k];
  }
  for (auto& band : out) {
    double sum = 0;
    for (const double value : band) sum += value;
    for (double& value : band) value /= sum * kStepHz;
  }
  return out;
}

/// |W(f)|^2 of the distance's window on the grid, integrates to 1.
std::vector<double> window_lobe() {
  const auto half = static_cast<int>(kLobeHz / kStepHz);
  std::vector<double> lobe;
  double sum = 0;
  for (int i = -half; i <= half; ++i) {
    std::complex<double> value = 0;
    for (int n = 0; n < kDistanceFftSize; ++n) {
      value += hann(static_cast<double>(n) / kDistanceFftSize) *
               std::polar(1.0, -2 * std::numbers::pi * i * kStepHz * n / kDistanceRateHz);
    }
    lobe.push_back(std::norm(value));
    sum += lobe.back() * kStepHz;
  }
  for (double& value : lobe) value /= sum;
  return lobe;
}

at::Tensor make_leak(const std::vector<std::vector<double>>& density) {
  const std::vector<double> lobe = window_lobe();
  const auto half = static_cast<std::ptrdiff_t>(lobe.size() / 2);
  const std::vector<int> edges = distance_edges_bins();
  const auto steps = static_cast<std::ptrdiff_t>(density[0].size());
  // White noise of unit energy at 48 kHz has the sum of the window's squares / (3 * 16000) in each bin of a second.
  constexpr double kScale = kDistanceRateHz / 2 / (kEnvelopeRateHz / kDistanceRateHz);
  std::vector<std::vector<double>> out(edges.size() - 1, std::vector<double>(density.size()));
  for (std::size_t b = 0; b + 1 < edges.size(); ++b) {
    for (std::size_t k = 0; k < density.size(); ++k) {
      if (envelope_layout().edges_hz[k] > kDistanceRateHz / 2 + 200) continue;
      double sum = 0;
      for (int bin = edges[b]; bin < edges[b + 1]; ++bin) {
        const auto middle =
            static_cast<std::ptrdiff_t>(std::lround(bin * kDistanceRateHz / kDistanceFftSize / kStepHz));
        for (std::ptrdiff_t i = -half; i <= half; ++i) {
          const std::ptrdiff_t at = std::abs(middle + i);  // negative frequencies mirror the positive ones
          if (at < steps) sum += density[k][at] * lobe[i + half] * kStepHz;
        }
      }
      out[b][k] = kScale * sum / (edges[b + 1] - edges[b]);
    }
  }
  return tensor_of(out);
}

at::Tensor make_window() {
  const EnvelopeLayout& layout = envelope_layout();
  constexpr int kPoints = 9;
  std::vector<std::vector<double>> out(layout.cells(), std::vector<double>(kDistanceFrames, 0.0));
  for (int cell = 0; cell < layout.cells(); ++cell) {
    const double from = layout.times_s[cell], to = layout.times_s[cell + 1];
    for (int frame = 0; frame < kDistanceFrames; ++frame) {
      const double start = frame * kDistanceHop / kDistanceRateHz - kWindowSeconds / 2;
      if (to < start || from > start + kWindowSeconds) continue;
      for (int i = 0; i < kPoints; ++i) {
        const double share = (from + (to - from) * i / (kPoints - 1) - start) / kWindowSeconds;
        if (share >= 0 && share < 1) out[cell][frame] += hann(share) * hann(share) / kPoints;
      }
    }
  }
  return tensor_of(out);
}

/// How a band's filter spreads an instant, as running sums of energy from long before it to long after.
struct Spread {
  std::vector<double> point, cell;  // of an instant at the middle; of a cell of 4 ms that begins there
  std::ptrdiff_t middle = 0;

  static double between(const std::vector<double>& sums, std::ptrdiff_t from, std::ptrdiff_t to) {
    const auto last = static_cast<std::ptrdiff_t>(sums.size()) - 1;
    return sums[std::clamp<std::ptrdiff_t>(to, 0, last)] - sums[std::clamp<std::ptrdiff_t>(from, 0, last)];
  }
};

Spread spread_of(int band, std::ptrdiff_t cell_samples) {
  constexpr std::size_t kSize = 1 << 16;
  const acoustics::RealFft fft(kSize);
  // The spectrum is real and even, and so is the response: one transform is as good as its inverse.
  std::vector<double> spectrum(kSize);
  for (std::size_t i = 0; i < kSize; ++i) {
    const auto bin = static_cast<double>(std::min(i, kSize - i));
    spectrum[i] = envelope_layout().weights_at(bin * kEnvelopeRateHz / kSize)[band];
  }
  const std::vector<std::complex<double>> transformed = fft(spectrum);
  std::vector<double> response(kSize);
  for (std::size_t i = 0; i < kSize; ++i) response[i] = transformed[std::min(i, kSize - i)].real();
  Spread spread;
  spread.middle = kSize / 2;
  double sum = 0;
  for (double& value : response) sum += (value *= value);
  spread.point.assign(1, 0.0);
  for (std::size_t i = 0; i < kSize; ++i)
    spread.point.push_back(spread.point.back() + response[(i + kSize / 2) % kSize] / sum);
  // A running mean over the cell of the running sum.
  spread.cell.assign(1, 0.0);
  double window = 0;
  const auto last = static_cast<std::ptrdiff_t>(spread.point.size()) - 1;
  for (std::ptrdiff_t i = 0; i < last + cell_samples; ++i) {
    window +=
        Spread::between(spread.point, i, i + 1) - Spread::between(spread.point, i - cell_samples, i - cell_samples + 1);
    spread.cell.push_back(spread.cell.back() + window / static_cast<double>(cell_samples));
  }
  return spread;
}

void make_smear(EnvelopeOperators& maps) {
  const auto bands = envelope_layout().bands();
  const auto cell = static_cast<std::ptrdiff_t>(std::lround(kUniformCellSeconds * kEnvelopeRateHz));
  maps.smear = at::zeros({bands, kUniformCells, kUniformCells}, at::kFloat);
  maps.direct_smear = at::zeros({bands, kUniformCells}, at::kFloat);
  auto smear = maps.smear.accessor<float, 3>();
  auto direct = maps.direct_smear.accessor<float, 2>();
  for (int k = 0; k < bands; ++k) {
    const Spread spread = spread_of(k, cell);
    constexpr std::ptrdiff_t kBefore = -(std::ptrdiff_t{1} << 40);
    for (int t = 0; t < kUniformCells; ++t) {
      // All that rings before the onset counts to the first cell, as in the analysis.
      const std::ptrdiff_t from = t == 0 ? kBefore : spread.middle + t * cell, to = spread.middle + (t + 1) * cell;
      direct[k][t] = static_cast<float>(Spread::between(spread.point, from, to));
      for (int s = 0; s < kUniformCells; ++s) {
        const std::ptrdiff_t shift = s * cell;
        smear[k][t][s] = static_cast<float>(Spread::between(spread.cell, t == 0 ? kBefore : from - shift, to - shift));
      }
    }
  }
}

at::Tensor make_octaves(const std::vector<std::vector<double>>& density) {
  std::vector<std::vector<double>> out;
  for (const acoustics::Band& band : acoustics::make_bands(acoustics::BandWidth::kOctave, kEnvelopeRateHz, 125, 8000)) {
    const acoustics::Sections filter = acoustics::band_filter(band, kEnvelopeRateHz);
    std::vector<double> row(density.size(), 0.0);
    for (std::size_t i = 0; i < density[0].size(); ++i) {
      const double gain = std::norm(acoustics::response_at(filter, static_cast<double>(i) * kStepHz, kEnvelopeRateHz));
      for (std::size_t k = 0; k < row.size(); ++k) row[k] += gain * density[k][i] * kStepHz;
    }
    out.push_back(row);
  }
  return tensor_of(out);
}

EnvelopeOperators make_operators() {
  const EnvelopeLayout& layout = envelope_layout();
  const std::vector<std::vector<double>> density = densities();
  EnvelopeOperators maps;
  maps.leak = make_leak(density);
  maps.window = make_window();
  make_smear(maps);
  maps.octaves = make_octaves(density);
  std::vector<double> lengths, middles;
  for (int i = 0; i < layout.cells(); ++i) {
    lengths.push_back(layout.times_s[i + 1] - layout.times_s[i]);
    middles.push_back(0.5 * (layout.times_s[i + 1] + layout.times_s[i]));
  }
  maps.cell_s = tensor_of({lengths})[0];
  maps.time_s = tensor_of({middles})[0];
  maps.knots = tensor_of(layout.knot_weights(middles));
  return maps;
}

}  // namespace

EnvelopeOperators EnvelopeOperators::to(at::Device device) const {
  EnvelopeOperators out = *this;
  for (at::Tensor* tensor :
       {&out.leak, &out.window, &out.smear, &out.direct_smear, &out.octaves, &out.knots, &out.cell_s, &out.time_s})
    *tensor = tensor->to(device);
  return out;
}

const EnvelopeOperators& envelope_operators() {
  static const EnvelopeOperators kMaps = make_operators();
  return kMaps;
}

at::Tensor predict_power(const EnvelopeOperators& maps, const at::Tensor& direct, const at::Tensor& energy) {
  const auto later = at::einsum("ck,bkt->bct", {maps.leak, energy}).matmul(maps.window);
  return later + direct.matmul(maps.leak.t()).unsqueeze(-1) * maps.window[0];
}

at::Tensor predict_energy(const EnvelopeOperators& maps, const at::Tensor& direct, const at::Tensor& energy) {
  const auto first = energy.slice(2, 0, kUniformCells);                                 // [B, K, 125]
  const auto smeared = maps.smear.matmul(first.permute({1, 2, 0})).permute({2, 0, 1});  // [K, 125, B] -> [B, K, 125]
  return at::cat({smeared + maps.direct_smear * direct.unsqueeze(-1), energy.slice(2, kUniformCells)}, 2);
}

}  // namespace diffverb
