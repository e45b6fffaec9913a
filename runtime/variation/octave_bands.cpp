#include "runtime/variation/octave_bands.h"

#include <algorithm>
#include <cmath>
#include <complex>
#include <numbers>
#include <utility>

#include "runtime/line_fit.h"
#include "runtime/transform.h"

namespace diffverb::runtime {
namespace {

// An edge between octaves, times the centre of the lower one: 2^0.25 and 2^0.75.
constexpr double kEdgeBegin = 1.189207115002721, kEdgeEnd = 1.681792830507429;
constexpr double kFrom_db = -5, kTo_db = -35, kLeast_db = -20, kAboveEnd_db = 10;

/// Bins of a transform, `first` on, and the share of them that a band has.
struct Share {
  Share(std::size_t first_bin, std::vector<double> shares) : first(first_bin), of_bins(std::move(shares)) {}
  std::size_t first;
  std::vector<double> of_bins;
};

/// What of a frequency lies above the edge between a band and the next one: a raised cosine of half an octave.
double share_above(double centre_hz, double hz) {
  const double octaves = std::log2(hz / centre_hz) - 0.5;
  return 0.5 + 0.5 * std::sin(std::numbers::pi * std::clamp(2 * octaves, -0.5, 0.5));
}

/// [K] of the bins up to the middle one; the others are their mirror image.
std::vector<Share> shares_of(const std::vector<double>& centres, double bin_hz, std::size_t bins) {
  const auto bin_above = [&](double hz) { return std::min(bins / 2 + 1, static_cast<std::size_t>(hz / bin_hz) + 1); };
  std::vector<Share> shares;
  for (std::size_t k = 0; k < centres.size(); ++k) {
    const bool first = k == 0, last = k + 1 == centres.size();
    const std::size_t begin = first ? 0 : bin_above(kEdgeBegin * centres[k - 1]),
                      full = first ? 0 : bin_above(kEdgeEnd * centres[k - 1]),
                      edge = last ? bins / 2 + 1 : bin_above(kEdgeBegin * centres[k]),
                      end = last ? edge : bin_above(kEdgeEnd * centres[k]);
    Share& share = shares.emplace_back(begin, std::vector<double>(end - begin, 1.0));
    for (std::size_t i = begin; i < full; ++i)
      share.of_bins[i - begin] = share_above(centres[k - 1], static_cast<double>(i) * bin_hz);
    for (std::size_t i = edge; i < end; ++i)
      share.of_bins[i - begin] -= share_above(centres[k], static_cast<double>(i) * bin_hz);
  }
  return shares;
}

/// Adds a band's part of the spectrum of a real sound times `factor`.
void add_share(const std::vector<std::complex<double>>& spectrum, const Share& share, std::complex<double> factor,
               std::vector<std::complex<double>>& to) {
  const std::size_t bins = spectrum.size();
  for (std::size_t i = 0; i < share.of_bins.size(); ++i) {
    const std::size_t bin = share.first + i, mirror = bins - bin;
    to[bin] += factor * (spectrum[bin] * share.of_bins[i]);
    if (bin > 0 && mirror > bin) to[mirror] += factor * (spectrum[mirror] * share.of_bins[i]);
  }
}

/// `bins`: of the transform; beyond the sounds there is silence.
SplitRows split(const std::vector<std::vector<float>>& rows, std::size_t bins, double rate_hz,
                const std::vector<double>& centres) {
  const std::vector<Share> shares = shares_of(centres, rate_hz / static_cast<double>(bins), bins);
  SplitRows out;
  std::vector<std::complex<double>> spectrum, both;
  for (const auto& sound : rows) {
    spectrum.assign(sound.begin(), sound.end());
    spectrum.resize(bins, 0.0);
    transform(spectrum, false);
    std::vector<std::vector<float>>& bands = out.emplace_back();
    for (std::size_t k = 0; k < centres.size(); k += 2) {  // two at once: real bands, the second as the imaginary part
      both.assign(bins, 0.0);
      add_share(spectrum, shares[k], 1.0 / static_cast<double>(bins), both);
      if (k + 1 < centres.size())
        add_share(spectrum, shares[k + 1], std::complex(0.0, 1 / static_cast<double>(bins)), both);
      transform(both, true);
      for (std::size_t part = 0; part < 2 && k + part < centres.size(); ++part) {
        std::vector<float>& band = bands.emplace_back(sound.size());
        for (std::size_t n = 0; n < band.size(); ++n)
          band[n] = static_cast<float>(part == 0 ? both[n].real() : both[n].imag());
      }
    }
  }
  return out;
}

/// The least number of bins, 2^m times 1, 3, 5 or 9, that is enough.
std::size_t bins_for(std::size_t samples) {
  std::size_t best = 0;
  for (std::size_t bins : {64, 64 * 3, 64 * 5, 64 * 9}) {
    while (bins < samples) bins *= 2;
    if (best == 0 || bins < best) best = bins;
  }
  return best;
}

}  // namespace

std::vector<double> octave_centres(double rate_hz) {
  std::vector<double> centres{62.5};
  while (centres.back() < 16000 && 2 * centres.back() < 0.45 * rate_hz) centres.push_back(2 * centres.back());
  return centres;
}

double value_at(std::span<const double> hz, std::span<const double> values, double at_hz) {
  const auto above = static_cast<std::size_t>(std::lower_bound(hz.begin(), hz.end(), at_hz) - hz.begin());
  if (above == 0) return values.front();
  if (above == hz.size()) return values.back();
  const double share = std::log(at_hz / hz[above - 1]) / std::log(hz[above] / hz[above - 1]);
  return values[above - 1] + share * (values[above] - values[above - 1]);
}

std::optional<double> decay_rate(std::span<const double> energies, double step_s) {
  std::vector<double> level(energies.size());
  double sum = 0;
  for (std::size_t i = energies.size(); i-- > 0;) level[i] = sum += energies[i];
  if (!(sum > 0)) return std::nullopt;
  for (double& value : level) value = value > 0 ? 10 * std::log10(value / sum) : -400;
  const double end_db = std::max(kTo_db, level[energies.size() - 1 - energies.size() / 20] + kAboveEnd_db);
  if (end_db > kLeast_db) return std::nullopt;
  LineFit fit;
  for (std::size_t i = 0; i < level.size(); ++i) {
    if (level[i] > kFrom_db || level[i] < end_db) continue;
    fit.add(static_cast<double>(i) * step_s, level[i]);
  }
  const double slope_db = fit.slope();
  return slope_db < 0 ? std::optional(-slope_db * std::numbers::ln10 / 20) : std::nullopt;
}

SplitRows split_octaves(const std::vector<std::vector<float>>& rows, double rate_hz,
                        const std::vector<double>& centres) {
  if (rows.empty()) return {};
  const std::size_t samples = rows[0].size();
  return split(rows, bins_for(samples + samples / 8 + 4096), rate_hz, centres);
}

SplitRows split_periods(const std::vector<std::vector<float>>& periods, double rate_hz,
                        const std::vector<double>& centres) {
  return periods.empty() ? SplitRows() : split(periods, periods[0].size(), rate_hz, centres);
}

}  // namespace diffverb::runtime
