#include "core/spectral/filter_bank.h"

#include <ATen/ops/stack.h>
#include <ATen/ops/zeros.h>

#include <algorithm>
#include <cmath>
#include <string>

#include "core/acoustics/filters.h"
#include "core/error.h"

namespace diffverb {
namespace {

/// Integral from -infinity to x of the triangle with feet at a and c and its peak of 1 at b.
double triangle_integral(double x, double a, double b, double c) {
  if (x <= a) return 0;
  if (x <= b) return (x - a) * (x - a) / (2 * (b - a));
  if (x < c) return (b - a) / 2 + (c - b) / 2 - (c - x) * (c - x) / (2 * (c - b));
  return (c - a) / 2;
}

void check_bank(const std::string& bank, std::int64_t bands, std::int64_t least_bands, std::int64_t fft_size,
                double rate_hz, double from_hz, double to_hz) {
  if (bands < least_bands)
    throw ContractError(bank + ": at least " + std::to_string(least_bands) + " bands, got " + std::to_string(bands));
  if (fft_size < 2 || fft_size % 2 != 0)
    throw ContractError(bank + ": fft_size must be even, got " + std::to_string(fft_size));
  if (!(rate_hz > 0) || !(from_hz >= 0) || !(from_hz < to_hz) || !(to_hz <= rate_hz / 2))
    throw ContractError(bank + ": expected 0 <= from_hz < to_hz <= rate_hz / 2, got from_hz " +
                        std::to_string(from_hz) + ", to_hz " + std::to_string(to_hz) + ", rate_hz " +
                        std::to_string(rate_hz));
}

}  // namespace

double hz_to_scale(FrequencyScale scale, double hz) {
  return scale == FrequencyScale::kMel ? 2595 * std::log10(1 + hz / 700) : 21.4 * std::log10(1 + 0.00437 * hz);
}

double scale_to_hz(FrequencyScale scale, double value) {
  return scale == FrequencyScale::kMel ? 700 * (std::pow(10.0, value / 2595) - 1)
                                       : (std::pow(10.0, value / 21.4) - 1) / 0.00437;
}

FilterBank triangular_filter_bank(FrequencyScale scale, std::int64_t bands, std::int64_t fft_size, double rate_hz,
                                  double from_hz, double to_hz) {
  check_bank("triangular_filter_bank", bands, 1, fft_size, rate_hz, from_hz, to_hz);
  std::vector<double> edges(static_cast<std::size_t>(bands) + 2);
  const double low = hz_to_scale(scale, from_hz), high = hz_to_scale(scale, to_hz);
  for (std::size_t i = 0; i < edges.size(); ++i)
    edges[i] = scale_to_hz(scale, low + (high - low) * static_cast<double>(i) / static_cast<double>(bands + 1));

  FilterBank bank;
  const std::int64_t bins = fft_size / 2 + 1;
  const double bin_hz = rate_hz / static_cast<double>(fft_size);
  bank.weights = at::zeros({bands, bins}, at::kDouble);
  auto* weights = bank.weights.mutable_data_ptr<double>();
  for (std::int64_t k = 0; k < bands; ++k) {
    const double a = edges[k], b = edges[k + 1], c = edges[k + 2];
    bank.centre_hz.push_back(b);
    for (std::int64_t bin = 0; bin < bins; ++bin) {
      const double left = (static_cast<double>(bin) - 0.5) * bin_hz, right = left + bin_hz;
      weights[k * bins + bin] = (triangle_integral(right, a, b, c) - triangle_integral(left, a, b, c)) / bin_hz;
    }
  }
  return bank;
}

FilterBank gammatone_filter_bank(std::int64_t bands, std::int64_t fft_size, double rate_hz, double from_hz,
                                 double to_hz) {
  check_bank("gammatone_filter_bank", bands, 2, fft_size, rate_hz, from_hz, to_hz);
  constexpr int kPoints = 16;  // of a bin, over which its weight is the mean
  FilterBank bank;
  const std::int64_t bins = fft_size / 2 + 1;
  const double bin_hz = rate_hz / static_cast<double>(fft_size);
  const double low = hz_to_scale(FrequencyScale::kErb, from_hz), high = hz_to_scale(FrequencyScale::kErb, to_hz);
  bank.weights = at::zeros({bands, bins}, at::kDouble);
  auto* weight = bank.weights.mutable_data_ptr<double>();
  for (std::int64_t k = 0; k < bands; ++k) {
    const double share = static_cast<double>(k) / static_cast<double>(bands - 1);
    const double centre = scale_to_hz(FrequencyScale::kErb, low + (high - low) * share);
    const double width = 1.019 * 24.7 * (1 + 4.37e-3 * centre);
    bank.centre_hz.push_back(centre);
    for (std::int64_t bin = 0; bin < bins; ++bin, ++weight) {
      for (int i = 0; i < kPoints; ++i) {
        const double hz = (static_cast<double>(bin) - 0.5 + (i + 0.5) / kPoints) * bin_hz;
        *weight += std::pow(1 + (hz - centre) * (hz - centre) / (width * width), -4) / kPoints;
      }
    }
  }
  return bank;
}

ThirdOctaveBins::ThirdOctaveBins(std::int64_t fft_size, double rate_hz, double from_hz, double to_hz)
    : bins_(fft_size / 2 + 1) {
  const double bin_hz = rate_hz / static_cast<double>(fft_size);
  std::int64_t next = 0;
  for (const auto& band : acoustics::make_bands(acoustics::BandWidth::kThirdOctave, rate_hz, from_hz, to_hz)) {
    const auto first = std::max(next, static_cast<std::int64_t>(std::ceil(band.low_hz / bin_hz)));
    const auto last = std::min(bins_, static_cast<std::int64_t>(std::ceil(band.high_hz / bin_hz)));
    if (last <= first) continue;
    if (first > next) sizes_.push_back(first - next);
    used_.push_back(sizes_.size());
    sizes_.push_back(last - first);
    nominal_hz_.push_back(band.nominal_hz);
    next = last;
  }
  if (used_.empty())
    throw ContractError("third octaves from " + std::to_string(from_hz) + " to " + std::to_string(to_hz) +
                        " Hz: none holds a bin of a transform of " + std::to_string(fft_size) + " samples at " +
                        std::to_string(rate_hz) + " Hz");
  if (next < bins_) sizes_.push_back(bins_ - next);
}

std::vector<at::Tensor> ThirdOctaveBins::split(const at::Tensor& spectrum) const {
  if (spectrum.size(-1) != bins_)
    throw ContractError("third octaves: expected " + std::to_string(bins_) + " bins, got " +
                        std::to_string(spectrum.size(-1)));
  const auto runs = spectrum.split_with_sizes(sizes_, -1);
  std::vector<at::Tensor> bands;
  for (const std::size_t i : used_) bands.push_back(runs[i]);
  return bands;
}

at::Tensor ThirdOctaveBins::sum(const at::Tensor& power) const {
  std::vector<at::Tensor> sums = split(power);
  for (at::Tensor& band : sums) band = band.sum(-1);
  return at::stack(sums, -1);
}

}  // namespace diffverb
