#include "runtime/envelope_features.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <complex>

#include "runtime/envelope_decoder.h"
#include "runtime/transform.h"

namespace diffverb::runtime {
namespace {

constexpr std::size_t kCell = 192;      // samples in 4 ms
constexpr std::size_t kBefore = 2400;   // samples kept before the onset, where filters ring
constexpr std::size_t kOnsetCell = 13;  // these, in cells, to the next whole one
constexpr std::size_t kRinging = 50;    // cells kept free behind the end
constexpr double kCellSeconds = kCell / kEnvelopeFeaturesHz;
constexpr double kUnknown = 1e-9;       // share of the energy below which a high band was left out by the rate
constexpr double kStretchShare = 0.12;  // of the time since the onset that a stretch covers
constexpr std::array<std::size_t, 3> kCells{125, 100, 97}, kCellLengths{1, 4, 16};  // how many, each how many of 4 ms

/// Edges of the cells in steps of 4 ms since the onset.
std::vector<std::size_t> cell_edges() {
  std::vector<std::size_t> edges{0};
  for (std::size_t part = 0; part < kCells.size(); ++part) {
    for (std::size_t i = 0; i < kCells[part]; ++i) edges.push_back(edges.back() + kCellLengths[part]);
  }
  return edges;
}

/// The first cell of each stretch, and one past the last: single cells first, then more and more together.
std::vector<std::size_t> stretches(const std::vector<std::size_t>& edges) {
  std::vector<std::size_t> begins{0};
  for (std::size_t cell = 1; cell + 1 < edges.size(); ++cell) {
    const double start = static_cast<double>(edges[begins.back()]) * kCellSeconds;
    const double length = static_cast<double>(edges[cell]) * kCellSeconds - start;
    if (length >= std::max(kCellSeconds, kStretchShare * start) - 1e-9) begins.push_back(cell);
  }
  begins.push_back(edges.size() - 1);
  return begins;
}

/// The spectrum's length in cells: enough for the response and its ringing, of factors 2, 3 and 5. The training has the same:
/// bands that are cut off at 0 Hz and at the half rate ring all the way round.
std::size_t spectrum_cells(std::size_t samples) {
  std::size_t cells = (samples + kCell - 1) / kCell + kRinging;
  const auto is_smooth = [](std::size_t n) {
    for (const std::size_t factor : {2, 3, 5}) {
      while (n % factor == 0) n /= factor;
    }
    return n == 1;
  };
  while (!is_smooth(cells)) ++cells;
  return cells;
}

/// Bins 0 .. N/2 of a transform of `size` samples.
std::vector<std::complex<double>> spectrum_of(const std::vector<float>& samples, std::size_t size) {
  std::vector<std::complex<double>> values(size);
  std::copy(samples.begin(), samples.end(), values.begin());
  transform(values, false);
  values.resize(size / 2 + 1);
  return values;
}

/// Energy of a band in every cell of 4 ms: its spectrum alone, brought down to 0 Hz, is the band's envelope.
std::vector<double> cell_energies(const std::vector<std::complex<double>>& spectrum, std::size_t cells, std::size_t k,
                                  const std::vector<double>& centres_hz) {
  const double size = static_cast<double>(cells * kCell), bin_hz = kEnvelopeFeaturesHz / size;
  const double low = k == 0 ? 0 : centres_hz[k - 1];
  const double high = k + 1 == centres_hz.size() ? kEnvelopeFeaturesHz / 2 : centres_hz[k + 1];
  const auto first = static_cast<std::size_t>(std::ceil(low / bin_hz));
  const auto last = std::min(static_cast<std::size_t>(std::floor(high / bin_hz)), spectrum.size() - 1);
  // The power of the envelope is twice as wide as the band; sums over cells need it unaliased.
  std::size_t per_cell = 1;
  while (static_cast<double>(per_cell) / kCellSeconds < 2 * (high - low)) per_cell *= 2;
  std::vector<std::complex<double>> envelope(cells * per_cell);
  for (std::size_t i = first; i <= last; ++i)
    envelope[i - first] = spectrum[i] * band_weight(centres_hz, static_cast<int>(k), static_cast<double>(i) * bin_hz);
  transform(envelope, true);
  std::vector<double> energies(cells);
  for (std::size_t i = 0; i < envelope.size(); ++i)
    energies[i / per_cell] += 2 * std::norm(envelope[i]) / (size * static_cast<double>(envelope.size()));
  return energies;
}

/// What is known of a response: energy by band and cell, and how many cells it reaches.
struct EnergyMap {
  std::vector<std::vector<double>> energy;  // [K][cells]
  std::size_t reached = 0;
};

/// Reads: the response from kBefore samples ahead of its onset on.
EnergyMap energy_map(const std::vector<float>& response, const std::vector<std::size_t>& edges,
                     const std::vector<double>& centres_hz) {
  const std::size_t cells = spectrum_cells(response.size());
  const auto spectrum = spectrum_of(response, cells * kCell);
  EnergyMap map;
  for (std::size_t k = 0; k < centres_hz.size(); ++k) {
    const std::vector<double> fine = cell_energies(spectrum, cells, k, centres_hz);
    auto& row = map.energy.emplace_back(edges.size() - 1, 0.0);
    for (std::size_t cell = 0; cell < row.size(); ++cell) {
      const std::size_t begin = cell == 0 ? 0 : kOnsetCell + edges[cell];  // what rings before the onset is its part
      for (std::size_t i = begin; i < std::min(kOnsetCell + edges[cell + 1], cells); ++i) row[cell] += fine[i];
    }
  }
  const std::size_t samples = response.size() - kBefore;
  while (map.reached + 1 < edges.size() && edges[map.reached] * kCell < samples) ++map.reached;
  return map;
}

/// Divides by the energy of all bands that are known; the others become silent. Returns which are; none without energy.
std::vector<bool> normalise(std::vector<std::vector<double>>& energy) {
  std::vector<double> of_band;
  double sum = 0;
  for (const auto& row : energy) {
    of_band.push_back(0);
    for (const double e : row) of_band.back() += e;
    sum += of_band.back();
  }
  if (!(sum > 0)) return {};
  // Low bands that hold nothing are silent, and known to be.
  std::vector<bool> known(energy.size());
  double from_here = 0, total = 0;
  for (std::size_t k = energy.size(); k-- > 0;) {
    from_here += of_band[k];
    known[k] = from_here > kUnknown * sum;
    if (known[k]) total += of_band[k];
  }
  for (std::size_t k = 0; k < energy.size(); ++k) {
    for (double& e : energy[k]) e = known[k] ? e / total : 0;
  }
  return known;
}

/// From kBefore samples ahead of the onset to the last sample that is not 0.
std::vector<float> cut_out(std::span<const float> samples, std::size_t onset, std::size_t before) {
  std::size_t end = samples.size();
  while (end > onset + 1 && samples[end - 1] == 0) --end;
  std::vector<float> response(kBefore + end - onset);
  const std::size_t kept = std::min({before, onset, kBefore});
  std::copy(samples.begin() + static_cast<std::ptrdiff_t>(onset - kept),
            samples.begin() + static_cast<std::ptrdiff_t>(end),
            response.begin() + static_cast<std::ptrdiff_t>(kBefore - kept));
  return response;
}

}  // namespace

std::size_t envelope_features_count(std::size_t bands) {
  const std::size_t times = stretches(cell_edges()).size() - 1;
  return bands * times + times + bands;
}

std::vector<float> envelope_features(std::span<const float> samples, std::size_t onset, std::size_t before,
                                     const std::vector<double>& centres_hz) {
  const std::vector<std::size_t> edges = cell_edges(), begins = stretches(edges);
  EnergyMap map = energy_map(cut_out(samples, onset, before), edges, centres_hz);
  const std::vector<bool> known = normalise(map.energy);
  if (known.empty()) return {};
  const auto is_known = [&](std::size_t g) {  // as far as time goes
    const std::size_t cells = begins[g + 1] - begins[g];
    const std::size_t reached = std::clamp(map.reached, begins[g], begins[g + 1]) - begins[g];
    return 2 * reached >= cells;
  };
  const std::size_t bands = centres_hz.size(), times = begins.size() - 1;
  std::vector<float> out(envelope_features_count(bands), 0.0f);
  const float share = static_cast<float>(std::count(known.begin(), known.end(), true)) / static_cast<float>(bands);
  for (std::size_t g = 0; g < times; ++g) {
    if (!is_known(g)) continue;
    out[bands * times + g] = share;
    const double seconds = static_cast<double>(edges[begins[g + 1]] - edges[begins[g]]) * kCellSeconds;
    for (std::size_t k = 0; k < bands; ++k) {
      if (!known[k]) continue;
      double energy = 0;
      for (std::size_t cell = begins[g]; cell < std::min(begins[g + 1], map.reached); ++cell)
        energy += map.energy[k][cell];
      out[k * times + g] = static_cast<float>(std::clamp(std::log10(energy / seconds + 1e-10) / 2 + 1, -4.0, 4.0));
    }
  }
  std::copy(known.begin(), known.end(), out.begin() + static_cast<std::ptrdiff_t>(bands * times + times));
  return out;
}

}  // namespace diffverb::runtime
