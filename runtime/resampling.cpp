#include "runtime/resampling.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <complex>
#include <numbers>

#include "runtime/transform.h"

namespace diffverb::runtime {
namespace {

constexpr int kPoints = 128;        // of the kernel's table a sample; cubic between them is good to 1e-8
constexpr double kStopBand = 1e-6;  // what counts as the floor of the kernel's spectrum

/// I0(x), the modified Bessel function of the first kind.
double bessel(double x) {
  double sum = 1, term = 1;
  for (int k = 1; term > 1e-17 * sum; ++k) {
    term *= x * x / (4.0 * k * k);
    sum += term;
  }
  return sum;
}

/// Band-limited interpolation from one rate to another, both ways from a place.
class Interpolation {
 public:
  Interpolation(double from_hz, double to_hz, const RateSlope& slope = {}) : step_(from_hz / to_hz) {
    const double low = std::min(1.0, 1 / step_);  // the lower rate in samples of the old one
    reach_ = slope.half_width / low;
    const auto points = static_cast<std::size_t>(std::ceil(reach_ * kPoints)) + 4;
    table_.resize(points);
    const double scale = 1 / bessel(slope.beta);
    for (std::size_t i = 0; i < points; ++i) {
      const double x = static_cast<double>(i) / kPoints, share = x / reach_;
      if (share > 1) break;
      const double phase = std::numbers::pi * slope.cutoff * low * x;
      table_[i] = slope.cutoff * low * (i == 0 ? 1 : std::sin(phase) / phase) *
                  bessel(slope.beta * std::sqrt(1 - share * share)) * scale;
    }
  }

  double reach_samples() const { return reach_; }  // of the old rate, on each side
  /// In samples of the new rate, on each side.
  std::ptrdiff_t reach() const { return static_cast<std::ptrdiff_t>(std::ceil(reach_ / step_)); }

  /// The kernel at a distance in samples of the old rate.
  double kernel(double distance) const {
    const double place = std::abs(distance) * kPoints;
    const auto at = static_cast<std::ptrdiff_t>(place);
    const auto weights = cubic(place - static_cast<double>(at));
    double sum = 0;
    for (std::ptrdiff_t k = 0; k < 4; ++k) sum += weights[static_cast<std::size_t>(k)] * entry(at + k - 1);
    return sum;
  }

  /// The sound at the new rate's sample n, which may lie before its first.
  double at(std::span<const float> sound, std::ptrdiff_t n) const {
    const double place = static_cast<double>(n) * step_;
    const auto size = static_cast<std::ptrdiff_t>(sound.size());
    const auto middle = static_cast<std::ptrdiff_t>(std::floor(place));
    return one_side(sound, place - static_cast<double>(middle), middle, -1,
                    std::max<std::ptrdiff_t>(0, static_cast<std::ptrdiff_t>(std::ceil(place - reach_)))) +
           one_side(sound, static_cast<double>(middle + 1) - place, middle + 1, 1,
                    std::min(size - 1, static_cast<std::ptrdiff_t>(std::floor(place + reach_))));
  }

 private:
  /// Lagrange's weights of the points -1, 0, 1, 2.
  static std::array<double, 4> cubic(double x) {
    return {-x * (x - 1) * (x - 2) / 6, (x * x - 1) * (x - 2) / 2, -x * (x + 1) * (x - 2) / 2, x * (x * x - 1) / 6};
  }
  double entry(std::ptrdiff_t i) const {
    const auto index = static_cast<std::size_t>(std::abs(i));
    return index < table_.size() ? table_[index] : 0;
  }
  /// From sample `from`, `distance` away, to sample `to`: all lie equally between the points of the table.
  double one_side(std::span<const float> sound, double distance, std::ptrdiff_t from, int direction,
                  std::ptrdiff_t to) const {
    const double place = distance * kPoints;
    auto point = static_cast<std::ptrdiff_t>(place);
    const auto weights = cubic(place - static_cast<double>(point));
    const auto size = static_cast<std::ptrdiff_t>(sound.size());
    double sum = 0;
    for (std::ptrdiff_t k = from; direction * (to - k) >= 0; k += direction, point += kPoints) {
      if (k < 0 || k >= size) continue;
      sum += static_cast<double>(sound[static_cast<std::size_t>(k)]) *
             (weights[0] * entry(point - 1) + weights[1] * entry(point) + weights[2] * entry(point + 1) +
              weights[3] * entry(point + 2));
    }
    return sum;
  }

  double step_, reach_ = 0;
  std::vector<double> table_;
};

std::size_t length_at(std::size_t size, double from_hz, double to_hz) {
  return static_cast<std::size_t>(std::ceil(static_cast<double>(size) * to_hz / from_hz - 1e-9));
}

/// The spectrum of the filter that has the kernel's magnitude and the least phase, at all bins of a transform at the higher
/// of the two rates; `step`: one of its samples in samples of the old rate.
/// Source: Oppenheim & Schafer, Discrete-Time Signal Processing, chapter 13 (the real cepstrum).
std::vector<std::complex<double>> least_phase(const Interpolation& interpolation, double step, std::size_t bins) {
  std::vector<std::complex<double>> values(bins, 0.0);
  const auto reach = static_cast<std::ptrdiff_t>(std::ceil(interpolation.reach_samples() / step));
  double gain = 0;
  for (std::ptrdiff_t n = -reach; n <= reach; ++n) {
    const double tap = interpolation.kernel(static_cast<double>(n) * step);
    values[static_cast<std::size_t>(n + static_cast<std::ptrdiff_t>(bins)) % bins] += tap;
    gain += tap;
  }
  transform(values, false);
  for (auto& value : values) value = std::log(std::max(std::abs(value.real()) / gain, kStopBand));
  transform(values, true);
  for (std::size_t i = 0; i < bins; ++i) {
    const double fold = i == 0 || i == bins / 2 ? 1 : i < bins / 2 ? 2 : 0;
    values[i] = values[i].real() * fold / static_cast<double>(bins);
  }
  transform(values, false);
  for (auto& value : values) value = std::exp(value);
  return values;
}

std::size_t bins_for(std::ptrdiff_t samples) {
  std::size_t bins = 1;
  while (static_cast<std::ptrdiff_t>(bins) < samples) bins *= 2;
  return bins;
}

/// Responses at a lower rate: band-limited with the least phase at the old rate, then read at the new one's places.
class Lowering {
 public:
  Lowering(const Interpolation& interpolation, std::size_t length)
      : interpolation_(interpolation),
        length_(length + static_cast<std::size_t>(2 * interpolation.reach_samples())),
        filter_(least_phase(interpolation, 1, bins_for(static_cast<std::ptrdiff_t>(2 * length_)))) {}

  void lower(std::span<const float> response, std::size_t samples, double scale, std::vector<float>& out) const {
    std::vector<std::complex<double>> values(filter_.size(), 0.0);
    std::copy(response.begin(), response.end(), values.begin());
    transform(values, false);
    for (std::size_t i = 0; i < values.size(); ++i) values[i] *= filter_[i];
    transform(values, true);
    std::vector<float> limited(length_);
    for (std::size_t n = 0; n < length_; ++n)
      limited[n] = static_cast<float>(values[n].real() / static_cast<double>(values.size()));
    for (std::size_t n = 0; n < samples; ++n)
      out.push_back(static_cast<float>(interpolation_.at(limited, static_cast<std::ptrdiff_t>(n)) * scale));
  }

 private:
  const Interpolation& interpolation_;
  std::size_t length_;
  std::vector<std::complex<double>> filter_;
};

/// At a higher rate: read at the new places, from before the first sample on, then given the least phase.
class Raising {
 public:
  Raising(const Interpolation& interpolation, double step, std::size_t samples)
      : interpolation_(interpolation),
        end_(static_cast<std::ptrdiff_t>(samples) + interpolation.reach()),
        // What rings on does not come round.
        phase_(least_phase(interpolation, step, bins_for(end_ + 3 * interpolation.reach()))) {
    for (auto& value : phase_) value /= std::abs(value);
  }

  void raise(std::span<const float> response, std::size_t samples, double scale, std::vector<float>& out) const {
    const std::size_t bins = phase_.size();
    std::vector<std::complex<double>> values(bins, 0.0);
    for (std::ptrdiff_t n = -interpolation_.reach(); n < end_; ++n)
      values[static_cast<std::size_t>(n + static_cast<std::ptrdiff_t>(bins)) % bins] = interpolation_.at(response, n);
    transform(values, false);
    for (std::size_t i = 0; i < bins; ++i) values[i] *= phase_[i];
    transform(values, true);
    for (std::size_t n = 0; n < samples; ++n)
      out.push_back(static_cast<float>(values[n].real() * scale / static_cast<double>(bins)));
  }

 private:
  const Interpolation& interpolation_;
  std::ptrdiff_t end_;
  std::vector<std::complex<double>> phase_;
};

}  // namespace

std::vector<float> resample(std::span<const float> sound, double from_hz, double to_hz, const RateSlope& slope) {
  if (from_hz == to_hz) return {sound.begin(), sound.end()};
  const Interpolation interpolation(from_hz, to_hz, slope);
  std::vector<float> out(length_at(sound.size(), from_hz, to_hz));
  for (std::size_t n = 0; n < out.size(); ++n)
    out[n] = static_cast<float>(interpolation.at(sound, static_cast<std::ptrdiff_t>(n)));
  return out;
}

std::vector<float> resample_responses(std::span<const float> rows, std::size_t length, double from_hz, double to_hz,
                                      std::size_t more) {
  if (from_hz == to_hz || length == 0) return {rows.begin(), rows.end()};
  const Interpolation interpolation(from_hz, to_hz);
  const auto ringing = static_cast<std::size_t>(static_cast<double>(more) * std::max(1.0, to_hz / from_hz));
  const std::size_t samples = length_at(length, from_hz, to_hz) + ringing, count = rows.size() / length;
  const double scale = from_hz / to_hz;
  std::vector<float> out;
  out.reserve(count * samples);
  if (to_hz < from_hz) {
    const Lowering lowering(interpolation, length);
    for (std::size_t row = 0; row < count; ++row)
      lowering.lower(rows.subspan(row * length, length), samples, scale, out);
  } else {
    const Raising raising(interpolation, scale, samples);
    for (std::size_t row = 0; row < count; ++row)
      raising.raise(rows.subspan(row * length, length), samples, scale, out);
  }
  return out;
}

}  // namespace diffverb::runtime
