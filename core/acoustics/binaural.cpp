#include "core/acoustics/binaural.h"

#include <algorithm>
#include <cmath>
#include <complex>
#include <cstddef>
#include <string>

#include "core/acoustics/fft.h"
#include "core/acoustics/filters.h"
#include "core/error.h"

namespace diffverb::acoustics {
namespace {

constexpr double kLargestLagSeconds = 0.001;
constexpr double kEarlySeconds = 0.080;
constexpr double kLateSeconds = 1.000;

void require_equal_lengths(std::span<const double> left, std::span<const double> right, const char* where) {
  if (left.size() == right.size()) return;
  throw ContractError(std::string(where) + ": both channels must be equally long, got " + std::to_string(left.size()) +
                      " and " + std::to_string(right.size()) + " samples");
}

// Mean where every octave has a value; an average over fewer octaves would be another quantity.
std::optional<double> mean_of(const std::vector<std::optional<double>>& values) {
  double sum = 0;
  for (const auto& value : values) {
    if (!value) return std::nullopt;
    sum += *value;
  }
  if (values.empty()) return std::nullopt;
  return sum / static_cast<double>(values.size());
}

}  // namespace

std::optional<double> iacc(std::span<const double> left, std::span<const double> right, double rate_hz, double from_s,
                           double to_s) {
  const auto total = static_cast<std::ptrdiff_t>(std::min(left.size(), right.size()));
  const std::ptrdiff_t from = std::min(total, static_cast<std::ptrdiff_t>(std::lround(from_s * rate_hz)));
  const std::ptrdiff_t to = std::min(total, static_cast<std::ptrdiff_t>(std::lround(to_s * rate_hz)));
  double left_energy = 0, right_energy = 0;
  for (std::ptrdiff_t i = from; i < to; ++i) {
    left_energy += left[static_cast<std::size_t>(i)] * left[static_cast<std::size_t>(i)];
    right_energy += right[static_cast<std::size_t>(i)] * right[static_cast<std::size_t>(i)];
  }
  if (!(left_energy > 0) || !(right_energy > 0)) return std::nullopt;
  const auto longest = static_cast<std::ptrdiff_t>(std::floor(kLargestLagSeconds * rate_hz));
  double largest = 0;
  for (std::ptrdiff_t lag = -longest; lag <= longest; ++lag) {
    double sum = 0;
    const std::ptrdiff_t begin = std::max(from, from - lag), end = std::min(to, to - lag);
    for (std::ptrdiff_t i = begin; i < end; ++i)
      sum += left[static_cast<std::size_t>(i)] * right[static_cast<std::size_t>(i + lag)];
    largest = std::max(largest, std::abs(sum));
  }
  return std::min(1.0, largest / std::sqrt(left_energy * right_energy));
}

Iacc measure_iacc(std::span<const double> left, std::span<const double> right, double rate_hz) {
  require_equal_lengths(left, right, "measure_iacc");
  std::vector<std::optional<double>> early, late;
  for (const Band& band : make_bands(BandWidth::kOctave, rate_hz, 500, 2000)) {
    const Sections filter = band_filter(band, rate_hz);
    const std::vector<double> l = apply_filter(filter, left), r = apply_filter(filter, right);
    early.push_back(iacc(l, r, rate_hz, 0, kEarlySeconds));
    late.push_back(iacc(l, r, rate_hz, kEarlySeconds, kLateSeconds));
  }
  return {mean_of(early), mean_of(late)};
}

ChannelSpectrum channel_spectrum(std::span<const double> channel, double rate_hz) {
  if (channel.empty()) return {};
  const RealFft fft(fast_fft_length(channel.size()));
  return {fft(channel), rate_hz / static_cast<double>(fft.size())};
}

std::vector<Coherence> measure_coherence(std::span<const double> left, std::span<const double> right, double rate_hz,
                                         double from_hz, double to_hz) {
  require_equal_lengths(left, right, "measure_coherence");
  return measure_coherence(channel_spectrum(left, rate_hz), channel_spectrum(right, rate_hz), from_hz, to_hz);
}

std::vector<Coherence> measure_coherence(const ChannelSpectrum& left, const ChannelSpectrum& right, double from_hz,
                                         double to_hz) {
  if (left.bins.size() != right.bins.size() || left.bin_hz != right.bin_hz) {
    throw ContractError("measure_coherence: both channels must be equally long and of one rate");
  }
  std::vector<Coherence> result;
  if (left.bins.size() < 2) return result;
  const double rate_hz = 2 * left.bin_hz * static_cast<double>(left.bins.size() - 1);
  for (const Band& band : make_bands(BandWidth::kThirdOctave, rate_hz, from_hz, to_hz)) {
    const auto first = static_cast<std::size_t>(std::ceil(band.low_hz / left.bin_hz));
    const auto last = std::min(left.bins.size(), static_cast<std::size_t>(std::ceil(band.high_hz / left.bin_hz)));
    std::complex<double> cross = 0;
    double left_energy = 0, right_energy = 0;
    for (std::size_t k = first; k < last; ++k) {
      cross += left.bins[k] * std::conj(right.bins[k]);
      left_energy += std::norm(left.bins[k]);
      right_energy += std::norm(right.bins[k]);
    }
    if (!(left_energy > 0) || !(right_energy > 0)) continue;
    cross /= std::sqrt(left_energy * right_energy);
    result.push_back({band.nominal_hz, std::min(1.0, std::abs(cross)), cross.real()});
  }
  return result;
}

}  // namespace diffverb::acoustics
